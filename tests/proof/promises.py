"""What an answer promised, and whether the books keep it."""

from collections import Counter
from collections.abc import Callable

from tests.proof.books import Books
from tests.proof.customers import Told

Kept = Callable[[Books, Told], bool]


def payment_stays(books: Books, answer: Told) -> bool:
    """Succeeded means charged, declined and canceled mean never charged; anything else promises nothing."""
    if answer.record_id is None or answer.what not in ("succeeded", "declined", "canceled"):
        return True
    payment = books.payment(answer.record_id)
    charged = answer.record_id in books.approved
    return payment is not None and payment.status == answer.what and charged is (answer.what == "succeeded")


def attempted_once(books: Books, answer: Told) -> bool:
    """Autopay gets one answer of the bank at most, for a day and a card. And a customer's own payment stays."""
    attempts = Counter(
        (payment.reserved_at.date(), payment.method.payment_method_id)
        for payment in books.payments
        if payment.trigger == "autopay" and payment.status in ("succeeded", "declined")
    )
    return max(attempts.values(), default=0) <= 1 and payment_stays(books, answer)


def method_stays(books: Books, answer: Told) -> bool:
    """Added means there, removed means gone, default means that it is."""
    active = {method.payment_method_id for method in books.methods if method.status == "active"}
    default = books.account.default_method
    match answer.what:
        case "added":
            return answer.record_id in active
        case "removed":
            return answer.record_id not in active
        case "default":
            return default is not None and default.payment_method_id == answer.record_id
    return True


def invoice_stays(books: Books, answer: Told) -> bool:
    """Issued means there, void means void."""
    invoice = books.invoice(answer.record_id) if answer.record_id else None
    if answer.what == "issued":
        return invoice is not None
    return answer.what != "void" or (invoice is not None and invoice.status == "void")
