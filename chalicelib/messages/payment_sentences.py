"""What is said about a payment, in English: code -> (title, detail). Refusals and declines, then receipts."""

from chalicelib.messages.marking import N_

PAYMENT_SENTENCES: dict[str, tuple[str, str]] = {
    # Refused, declined or given up.
    "nothing_to_pay": (
        N_("There is nothing to pay"),
        N_(
            "Nothing was charged. {open} is open, and {covered} of it is covered by payments that are under way; "
            "pending lists them. Wait until they have ended; a payment that waits for you (requires_action) can also "
            "be canceled."
        ),
    ),
    "nothing_to_pay.parked": (
        N_("There is nothing to pay"),
        N_(
            "Nothing was charged. {open} is open, and {covered} of it is covered by payments that pending lists. What "
            "became of the parked one could not be found out: our finance team looks into it, and until then it can "
            "neither be canceled nor paid again."
        ),
    ),
    "nothing_to_pay.nothing_open": (
        N_("Everything is paid"),
        N_("No invoice is open, so nothing was charged."),
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
        N_("Nothing was done: the account has no default payment method. Name one, or add one first."),
    ),
    "no_payment_method.autopay": (
        N_("Autopay needs a default payment method"),
        N_(
            "Nothing was changed: autopay charges the default payment method. Name one as default_payment_method_id, "
            "or leave autopay off."
        ),
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
        N_(
            "Nothing was changed: its status is {payment_status}. Only a payment that waits for the customer "
            "(requires_action) can be canceled. To get back money that was taken, ask our finance team."
        ),
    ),
    "payment_not_resolvable": (
        N_("This payment cannot be resolved"),
        N_(
            "Nothing was changed: its status is {payment_status}. Only a parked payment, of which no check could find "
            "out what happened, is resolved by a person."
        ),
    ),
    "payment_not_resolvable.already_resolved": (
        N_("This payment is resolved already"),
        N_(
            "Nothing was changed: it was resolved as {resolution} before, and its status is {payment_status}. What was "
            "said then stands; gateway_reference is how it is found at the gateway."
        ),
    ),
    "payment_not_resolvable.not_closed": (
        N_("The gateway does not confirm that nothing was charged"),
        N_(
            "Nothing was changed. It is asked every day, and what it says then ends the payment by itself. Sooner, a "
            "charge or a decline in the gateway's own records does: resolve it as that, with the gateway_reference."
        ),
    ),
    "reference_missing": (
        N_("The gateway's reference is missing"),
        N_(
            "Nothing was changed. State the gateway's name for the charge or its decline in gateway_reference: by that "
            "the payment is found later. Where the gateway shows neither, resolve the payment as canceled."
        ),
    ),
    "payment_not_resolvable.under_way": (
        N_("The gateway still works on this payment"),
        N_(
            "Nothing was changed: the gateway says that the payment is under way and may still succeed. It is asked "
            "every day, and what it says then is booked by itself."
        ),
    ),
    "payment_declined": (
        N_("The payment was declined"),
        N_("No money was taken. Ask the bank why, or choose another payment method; pay again at {retry_at} or later."),
    ),
    "payment_declined.retry_later": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank declines it for now. Try again at {retry_at} or later, with this payment "
            "method or another one."
        ),
    ),
    "payment_declined.fix_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: something about the payment method is wrong or outdated. Update its expiry date if "
            "the bank sent a new one; otherwise add it again, or another one. Pay again at {retry_at} or later."
        ),
    ),
    "payment_declined.needs_customer": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank wants its customer to confirm. Pay again at {retry_at} or later, and "
            "confirm the payment when the bank asks."
        ),
    ),
    "payment_declined.never_again": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank refuses this payment method for good. Add another one, and pay with that "
            "at {retry_at} or later."
        ),
    ),
    "payment_declined.technical": (
        N_("The payment was declined"),
        N_("No money was taken: there was a technical fault on the way to the bank. Try again at {retry_at} or later."),
    ),
    "payment_declined.retry_later.payment_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank declines it for now. Pay with another payment method, or try this one again "
            "at {retry_at} or later."
        ),
    ),
    "payment_declined.fix_method.payment_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: something about the payment method is wrong or outdated. Pay with another one. Or "
            "update its expiry date if the bank sent a new one, otherwise add it again, and try again at {retry_at} or "
            "later."
        ),
    ),
    "payment_declined.needs_customer.payment_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: the bank wants its customer to confirm. Try again at {retry_at} or later and confirm "
            "the payment when the bank asks, or pay with another payment method."
        ),
    ),
    "payment_declined.never_again.payment_method": (
        N_("The payment was declined"),
        N_("No money was taken: the bank refuses this payment method for good. Pay with another one."),
    ),
    "payment_declined.technical.payment_method": (
        N_("The payment was declined"),
        N_(
            "No money was taken: there was a technical fault on the way to the bank. Pay with another payment method, "
            "or try this one again at {retry_at} or later."
        ),
    ),
    "payment_canceled": (
        N_("The payment did not take place"),
        N_("No money was taken, and none will be under this Idempotency-Key. Pay again with a new key."),
    ),
    "cooling_down": (
        N_("It is too early to try again"),
        N_("The last payment was declined. Nothing was charged now; try again at {retry_at} or later."),
    ),
    "cooling_down.payment_method": (
        N_("It is too early to try again"),
        N_(
            "The last payment with this payment method was declined. Nothing was charged now; pay with another one, or "
            "try again at {retry_at} or later."
        ),
    ),
    # What a receipt says, by the payment's status. Of a manual one that was declined: what its request was told.
    "payment_status_in_flight": (
        N_("The payment is under way"),
        N_(
            "The payment of {amount} is under way and its outcome is not known yet. Do not pay again. Mostly it is "
            "known within minutes; otherwise it is asked for again and again, and at last our finance team looks into "
            "it."
        ),
    ),
    "payment_status_requires_action": (
        N_("The payment waits for you"),
        N_(
            "The payment of {amount} waits for you: confirm it with your bank at the address in next_action by "
            "{confirm_by}. Otherwise it is canceled, nothing is taken, and you can pay again."
        ),
    ),
    "payment_status_processing": (
        N_("The bank is working on the payment"),
        N_(
            "The bank is working on the payment of {amount}, which takes some days. The invoices it is for count as "
            "covered until then."
        ),
    ),
    "payment_status_parked": (
        N_("The payment is being looked into"),
        N_(
            "The outcome of the payment of {amount} could not be found out. It will not be charged again; our "
            "finance team looks into it."
        ),
    ),
    "payment_status_succeeded": (
        N_("The payment succeeded"),
        N_("Thank you: {amount} was paid."),
    ),
    "payment_status_succeeded.credited": (
        N_("The payment succeeded"),
        N_(
            "Thank you: {amount} was paid. {credited} of it fits no open invoice any more; it is kept as credit and "
            "pays the next invoices first."
        ),
    ),
    "payment_status_succeeded.left_out": (
        N_("The payment succeeded"),
        N_(
            "Thank you: {amount} was paid. More invoices are open than one payment can settle, {left_out_invoices} of "
            "them were left out: pay again to settle those."
        ),
    ),
    "payment_status_declined": (
        N_("The payment was declined"),
        N_(
            "Autopay's payment of {amount} was declined; no money was taken. The forecast says whether and when "
            "autopay tries again. Nothing keeps you from paying sooner with another payment method."
        ),
    ),
    "payment_status_declined.fix_method": (
        N_("The payment was declined"),
        N_(
            "Autopay's payment of {amount} was declined; no money was taken. Something about the payment method is "
            "wrong or outdated: update its expiry date if the bank sent a new one; otherwise add it again, or pay with "
            "another one."
        ),
    ),
    "payment_status_declined.needs_customer": (
        N_("The payment was declined"),
        N_(
            "Autopay's payment of {amount} was declined; no money was taken. The bank wants its customer to confirm: "
            "pay yourself and confirm when it asks."
        ),
    ),
    "payment_status_declined.never_again": (
        N_("The payment was declined"),
        N_(
            "Autopay's payment of {amount} was declined; no money was taken. The bank refuses this payment method for "
            "good: pay with another one."
        ),
    ),
    "payment_status_canceled": (
        N_("The payment did not take place"),
        N_("The payment of {amount} did not take place; no money was taken. Pay again if you still want to."),
    ),
    "payment_status_canceled.replaced": (
        N_("The payment did not take place"),
        N_(
            "The payment of {amount} still waited to be confirmed when another one was begun in its place, so it was "
            "canceled; no money was taken. See payment {replaced_by_payment_id}."
        ),
    ),
    "payment_status_canceled.autopay": (
        N_("The payment did not take place"),
        N_(
            "Autopay's payment of {amount} did not take place; no money was taken. The forecast says whether and when "
            "autopay tries again."
        ),
    ),
    "payment_status_returned": (
        N_("The payment was returned"),
        N_(
            "The bank took back the payment of {amount}. The invoices it had paid are open again; please pay them in "
            "another way."
        ),
    ),
}
