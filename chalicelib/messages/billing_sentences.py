"""What is said about payment methods, invoices and subscriptions, in English: code -> (title, detail)."""

from chalicelib.messages.marking import N_

BILLING_SENTENCES: dict[str, tuple[str, str]] = {
    # Payment methods.
    "too_many_attempts": (
        N_("Too many payment methods were tried"),
        N_("To keep stolen cards out, only so many may be added in one day. Try again at {retry_at} or later."),
    ),
    "method_not_usable": (
        N_("This payment method cannot be used"),
        N_("Nothing was done. Choose another payment method or add one."),
    ),
    "method_not_usable.not_found": (
        N_("There is no such payment method"),
        N_(
            "Nothing was done. The account has no such payment method, or it was removed. Choose another one or "
            "add it again."
        ),
    ),
    "method_not_usable.expired": (
        N_("This payment method has expired"),
        N_("Nothing was done. Update its expiry date if the bank sent a new one, or choose another payment method."),
    ),
    "method_not_usable.check": (
        N_("A check is never charged"),
        N_("Nothing was done. Send the check to us and it will be recorded, or choose another payment method."),
    ),
    "method_not_usable.not_yet_usable": (
        N_("This payment method cannot be used yet"),
        N_(
            "Nothing was done. The bank has not confirmed it so far. Choose another one, or wait until it is confirmed."
        ),
    ),
    "method_not_usable.refused_for_good": (
        N_("The bank refuses this payment method for good"),
        N_("Nothing was done: autopay must not try it again. Choose another payment method or add one."),
    ),
    "method_not_usable.being_removed": (
        N_("This is the payment method to be removed"),
        N_("Nothing was done. Name another payment method to become the default."),
    ),
    "method_not_usable.other_gateway": (
        N_("This payment method belongs to another payment gateway"),
        N_("Nothing was done. Add the payment method again, then pay with the new one."),
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
        N_("The payment gateway does not keep this payment method"),
        N_("Nothing was stored; gateway_code is the gateway's reason. Enter the card again, or another one."),
    ),
    "token_refused.incorrect_cvc": (
        N_("The security code of the card is wrong"),
        N_("Nothing was stored. Enter the card again with the security code printed on it, and send the new token."),
    ),
    "token_refused.token_unknown": (
        N_("The payment gateway does not accept this token"),
        N_(
            "Nothing was stored. A token can be used once and not for long: enter the card again and send the new "
            "token."
        ),
    ),
    "method_in_use": (
        N_("A payment with this method is under way"),
        N_(
            "The payment method was not removed. Wait until the payments in payment_ids have ended, then remove it; a "
            "payment that waits for you (requires_action) can also be canceled."
        ),
    ),
    "default_method": (
        N_("This is the default payment method"),
        N_(
            "It was not removed. Say what shall happen: on_default=promote with another payment method that becomes "
            "the default, or on_default=disable_autopay."
        ),
    ),
    "expiry_not_applicable": (
        N_("Only cards expire"),
        N_("Nothing was changed: this payment method has no expiry date. Leave expires_month and expires_year out."),
    ),
    # Invoices.
    "invoice_dates": (
        N_("The invoice would be due before it is issued"),
        N_("Nothing was issued. It would be issued on {issued_on} and due on {due_on}; correct one of the two."),
    ),
    "invoice_total": (
        N_("The total of the invoice is not acceptable"),
        N_("Nothing was issued. The lines add up to {total}; the total has to be more than 0 and at most {max}."),
    ),
    "invoice_not_voidable": (
        N_("This invoice cannot be voided"),
        N_("Its status is {invoice_status}. Only an unpaid invoice can be voided."),
    ),
    "invoice_not_voidable.partly_paid": (
        N_("This invoice has been paid in part"),
        N_("It was not voided: a payment has been booked on it. Let the rest be paid."),
    ),
    # Subscriptions.
    "starts_in_the_past": (
        N_("The subscription would begin in the past"),
        N_(
            "Nothing was created: {starts_on} is over for this customer. Name today or a later day, or leave starts_on "
            "out to begin today."
        ),
    ),
    "subscription_canceled": (
        N_("This subscription has ended"),
        N_(
            "Nothing was changed: what has ended cannot be changed any more. To go on, have our finance team create "
            "a new subscription."
        ),
    ),
}
