"""Every sentence that is told for a code, in English: code -> (title, detail). `locales` holds the other languages.

A detail says what happened and what to do next, for somebody who keeps the books. Placeholders are the error's facts;
`{payable}` is the fact payable_minor written as money. `code.variant` is preferred where one of VARIANT_FACTS has that
value, and before it the variant named by all of them, such as `payment_declined.retry_later.payment_method`.
"""

from chalicelib.messages.billing_sentences import BILLING_SENTENCES
from chalicelib.messages.payment_sentences import PAYMENT_SENTENCES
from chalicelib.messages.request_sentences import REQUEST_SENTENCES

VARIANT_FACTS = ("reason", "what", "missing_role", "decline_class", "scope", "gateway_code")

SENTENCES: dict[str, tuple[str, str]] = REQUEST_SENTENCES | PAYMENT_SENTENCES | BILLING_SENTENCES
