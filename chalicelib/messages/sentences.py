"""Every sentence a refusal is told in, in English: code -> (title, detail). Other languages translate these in
`locales`.

A detail says what happened and what to do next, for somebody who keeps the books. Placeholders are the error's facts;
`{payable}` is the fact payable_minor written as money. `code.variant` is preferred where one of VARIANT_FACTS has
that value.
"""

from chalicelib.messages.marking import N_

VARIANT_FACTS = ("reason", "what", "missing_role", "decline_class", "next_best_action")

SENTENCES: dict[str, tuple[str, str]] = {
    # The request cannot be read.
    "malformed_request": (
        N_("The request cannot be read"),
        N_("Check its address, headers and body against the documentation at /docs, then send it again."),
    ),
    "malformed_json": (
        N_("The body is not valid JSON"),
        N_("Send one JSON object in UTF-8, with every name once and without NaN or Infinity."),
    ),
    "empty_body": (
        N_("The body is empty"),
        N_("This request needs a JSON object as its body. Send {{}} if you want to state nothing."),
    ),
    "key_missing": (
        N_("The Idempotency-Key is missing"),
        N_(
            "Nothing was done. Send a header Idempotency-Key with a text of your own for this one request, and the "
            "same text again whenever you repeat it."
        ),
    ),
    "key_too_long": (
        N_("The Idempotency-Key is too long"),
        N_("Nothing was done. Use at most {limit_characters} characters."),
    ),
    "key_unreadable": (
        N_("The Idempotency-Key cannot be read"),
        N_("Nothing was done. Use only the printable characters of ASCII: letters, digits and punctuation."),
    ),
    "bad_cursor": (
        N_("The cursor is not one of ours"),
        N_("Start again without a cursor, and pass on next_cursor exactly as you received it."),
    ),
    # Who calls, and what for.
    "unauthorized": (
        N_("You are not signed in"),
        N_(
            "The token is missing, expired or not one of ours. Sign in and send it as: Authorization: Bearer <ID "
            "token>."
        ),
    ),
    "missing_role": (
        N_("You lack the role for this"),
        N_(
            "This needs the role {missing_role}. Ask whoever manages the users of your company to give it to you, "
            "then sign in again."
        ),
    ),
    "missing_role.operator": (
        N_("This is for the operators"),
        N_(
            "This needs the role {missing_role}, which only the finance and support team holds. Ask that team to do "
            "it, or to give you the role."
        ),
    ),
    "not_found": (
        N_("There is no such record"),
        N_(
            "It does not exist, or it belongs to an account you do not see. Check the id, and that you signed in as "
            "the right person."
        ),
    ),
    "no_such_route": (
        N_("There is no such address"),
        N_("Nothing answers here. The documentation at /docs lists every address."),
    ),
    "method_not_allowed": (
        N_("This address does not take that method"),
        N_("The header Allow names the methods it takes; the documentation at /docs says what they do."),
    ),
    # The request is readable but not acceptable.
    "body_too_large": (
        N_("The body is too large"),
        N_("Nothing was done. Send at most {limit_bytes} bytes in one request."),
    ),
    "invalid_request": (
        N_("Some fields are not acceptable"),
        N_("Nothing was done. Correct the fields that errors lists, then send the request again."),
    ),
    "card_number_refused": (
        N_("A card number does not belong here"),
        N_(
            "The request carries what looks like a card number; it was refused and not stored. Give the card to the "
            "payment gateway's form and send the token you get there."
        ),
    ),
    "key_reused": (
        N_("This Idempotency-Key was used for another request"),
        N_(
            "Nothing was done. Use a new key for a new request; to repeat the earlier one, send exactly what you "
            "sent then."
        ),
    ),
    "already_exists": (
        N_("This exists already"),
        N_("Nothing was done. Look up the existing record and use that one."),
    ),
    "limit_reached": (
        N_("A limit is reached"),
        N_("Nothing was done: there may be at most {limit}. Remove what is no longer needed, then try again."),
    ),
    "limit_reached.payment_methods": (
        N_("There are too many payment methods"),
        N_(
            "An account holds at most {limit} payment methods. Remove one that is no longer used, then add the new one."
        ),
    ),
    "limit_reached.open_invoices": (
        N_("There are too many open invoices"),
        N_("An account holds at most {limit} unpaid invoices. Have some paid or void some, then issue the new one."),
    ),
    "limit_reached.pending_payments": (
        N_("Too many payments are under way"),
        N_(
            "At most {limit} payments of an account may be under way at once. Wait until one of them has ended, then "
            "pay again."
        ),
    ),
    # Paying.
    "nothing_to_pay": (
        N_("There is nothing to pay"),
        N_(
            "Nothing was charged. {open} is open, and {covered} of it is covered by payments that are under way; "
            "pending lists them. If the balance is not 0, wait for those or cancel the one that waits for you."
        ),
    ),
    "balance_changed": (
        N_("The balance has changed"),
        N_("Nothing was charged. {payable} is payable now. Look at the balance again, then pay what you see there."),
    ),
    "amount_too_high": (
        N_("The amount is too high"),
        N_("Nothing was charged. At most {payable} can be paid now; pay that or less."),
    ),
    "wrong_currency": (
        N_("This account pays in another currency"),
        N_("Nothing was done. Amounts of this account are in {currency}."),
    ),
    "no_payment_method": (
        N_("No payment method was chosen"),
        N_("Nothing was charged: the account has no default payment method. Name one, or add one first."),
    ),
    "too_many_invoices": (
        N_("This would pay too many invoices at once"),
        N_(
            "Nothing was charged. One payment settles at most {limit} invoices: pay a smaller amount, or leave the "
            "amount out to pay the {limit} oldest."
        ),
    ),
    "invoice_not_payable": (
        N_("An invoice cannot be paid"),
        N_("Nothing was charged. {invoice_id} is paid, void or not of this account. Leave it out, then pay again."),
    ),
    "payment_not_cancelable": (
        N_("This payment cannot be canceled"),
        N_("Its status is {status}. Only a payment that waits for the customer (requires_action) can be canceled."),
    ),
    "payment_declined": (
        N_("The payment was declined"),
        N_("No money was taken. Try again with another payment method, or ask the bank that issued this one."),
    ),
    "payment_declined.retry_later": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank declines it for now. Use another payment method, or try again later with "
            "this one; retry_at says when."
        ),
    ),
    "payment_declined.fix_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: something about the payment method is wrong or outdated. Update it or add another "
            "one, then pay again."
        ),
    ),
    "payment_declined.needs_customer": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank wants its customer to confirm the payment. Pay again and confirm it when "
            "your bank asks."
        ),
    ),
    "payment_declined.never_again": (
        N_("The payment was declined"),
        N_("No money was taken: the bank refuses this payment method for good. Add another one and pay with that."),
    ),
    "payment_declined.technical": (
        N_("The payment was declined"),
        N_("No money was taken: a technical fault on the way to the bank. Try again soon, with a new Idempotency-Key."),
    ),
    "payment_canceled": (
        N_("The payment did not take place"),
        N_("No money was taken, and none will be under this Idempotency-Key. Pay again with a new key."),
    ),
    "cooling_down": (
        N_("It is too early to try again"),
        N_("The last payment was declined. Nothing was charged now; try again at {retry_at} or later."),
    ),
    # Payment methods.
    "too_many_attempts": (
        N_("Too many payment methods were tried"),
        N_("To keep stolen cards out, only so many may be added in one day. Try again at {retry_at} or later."),
    ),
    "method_not_usable": (
        N_("This payment method cannot be used"),
        N_("Nothing was charged. Choose another payment method or add one."),
    ),
    "method_not_usable.not_found": (
        N_("There is no such payment method"),
        N_(
            "Nothing was charged. The account has no such payment method, or it was removed. Choose another one or "
            "add it again."
        ),
    ),
    "method_not_usable.expired": (
        N_("This payment method has expired"),
        N_("Nothing was charged. Update its expiry date if the bank sent a new one, or choose another payment method."),
    ),
    "method_not_usable.check": (
        N_("A check is never charged"),
        N_("Nothing was charged. Send the check to us and it will be recorded, or choose another payment method."),
    ),
    "method_not_usable.not_yet_usable": (
        N_("This payment method cannot be used yet"),
        N_(
            "Nothing was charged. The bank has not confirmed it so far. Choose another one, or wait until it is "
            "confirmed."
        ),
    ),
    "method_not_usable.other_gateway": (
        N_("This payment method belongs to another payment gateway"),
        N_("Nothing was charged. Add the payment method again, then pay with the new one."),
    ),
    "brand_not_supported": (
        N_("Cards of this brand are not accepted"),
        N_("The card was not stored. Accepted are: {supported_brands}. Add a card of one of these."),
    ),
    "kind_not_supported": (
        N_("This kind of payment method is not offered"),
        N_("Nothing was stored. Choose another kind of payment method, for example a card."),
    ),
    "token_refused": (
        N_("The payment gateway does not accept this token"),
        N_(
            "Nothing was stored. A token can be used once and not for long: enter the card again and send the new "
            "token."
        ),
    ),
    "method_in_use": (
        N_("A payment with this method is under way"),
        N_(
            "The payment method was not removed. Wait until the payments in payment_ids have ended or cancel them, "
            "then remove it."
        ),
    ),
    "default_method": (
        N_("This is the default payment method"),
        N_(
            "It was not removed. Say what shall happen: on_default=promote with another payment method that becomes "
            "the default, or on_default=disable_autopay."
        ),
    ),
    # Invoices.
    "invoice_not_voidable": (
        N_("This invoice cannot be voided"),
        N_("Its status is {status}. Only an unpaid invoice that no payment covers or has paid in part can be voided."),
    ),
    # It is us.
    "unavailable": (
        N_("Paydesk is busy"),
        N_("Nothing was charged. Send the same request with the same key again in a moment."),
    ),
    "gateway_unavailable": (
        N_("The payment gateway does not answer"),
        N_("Nothing was stored or charged by this request. Send the same request with the same key again in a moment."),
    ),
    "internal_error": (
        N_("Something went wrong at our end"),
        N_(
            "It was recorded. If you were paying, look at the payments before you try again, and tell support the "
            "request_id."
        ),
    ),
    "unreadable_record": (
        N_("A record cannot be read"),
        N_("Something stored for this account is damaged; nothing was changed. Tell support the request_id."),
    ),
}
