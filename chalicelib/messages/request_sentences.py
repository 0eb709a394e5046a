"""What is said about a request as such, in English: code -> (title, detail)."""

from chalicelib.messages.marking import N_

REQUEST_SENTENCES: dict[str, tuple[str, str]] = {
    # The request cannot be read.
    "malformed_request": (
        N_("The request cannot be read"),
        N_("Check its address, headers and body against the documentation at /docs, then send it again."),
    ),
    "malformed_json": (
        N_("The body is not a JSON object"),
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
    "missing_role.for_the_customer": (
        N_("This is for the customer"),
        N_(
            "Only a billing administrator of this customer does this (role {missing_role} in a token for the account): "
            "operators neither pay nor change payment methods or subscriptions for a customer. Ask the customer to do "
            "it."
        ),
    ),
    "search_needs_operator": (
        N_("Searching is for the operators"),
        N_(
            "This needs the role {missing_role}. Without it, ask for your own accounts: the same address, nothing to "
            "search for."
        ),
    ),
    "one_search_at_a_time": (
        N_("Search for one thing at a time"),
        N_("State only one of name, payment_id and gateway_reference."),
    ),
    "not_found": (
        N_("There is no such record"),
        N_(
            "It does not exist, or it belongs to an account you do not see. Check the id, and that you signed in as "
            "the right person."
        ),
    ),
    "no_such_run": (
        N_("There is no such run"),
        N_(
            "The address of a run ends in a sweep and a date in UTC, such as /v1/runs/autopay/2026-11-23. Sweeps are: "
            "{sweeps}."
        ),
    ),
    "no_such_route": (
        N_("There is no such address"),
        N_("Nothing answers here, or not to this method. The documentation at /docs lists every address."),
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
    "limit_reached": (
        N_("A limit is reached"),
        N_("Nothing was done: there may be at most {limit}. Remove what is no longer needed, then try again."),
    ),
    "limit_reached.recipients": (
        N_("There are too many recipients"),
        N_("At most {limit} people can receive an account's invoices. Name fewer, or use a distribution list."),
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
    "limit_reached.subscriptions": (
        N_("There are too many subscriptions"),
        N_(
            "Nothing was created: an account holds at most {limit} subscriptions that run. Cancel one that is no "
            "longer needed, or open another account for this one."
        ),
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
