"""What no change of an account may do, and what no answer may turn out to be. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import covered_by_invoice, today_of
from chalicelib.autopay.rules import AutopayPolicy
from chalicelib.core.clock import days_after
from chalicelib.ledger.models import DueWork
from chalicelib.overdue.rules import OverduePolicy
from chalicelib.payment_methods.models import MethodSnapshot
from chalicelib.payments.models import Payment
from chalicelib.payments.moves import MOVES
from chalicelib.settings import Settings
from tests.proof.books import Books


@dataclass(frozen=True)
class Rules:
    """The stage's choices that a history is judged by."""

    overdue: OverduePolicy
    autopay: AutopayPolicy
    cooldown: timedelta
    cooldown_scope: str
    due_work: DueWork
    settings: Settings


def broken_by(before: Books, after: Books, rules: Rules) -> Iterator[str]:
    """What is wrong with one change of an account, whatever the account looks like by itself."""
    yield from _wrong_payments(before, after, rules)
    yield from _wrong_ends(before.account, after)
    yield from _wrong_methods(after)
    if after.account.overdue.noticed_on != before.account.overdue.noticed_on:
        yield from _wrong_to_notice(before.account, after, rules.overdue)
    if after.account.autopay.sequence < before.account.autopay.sequence:
        yield "autopay counts its attempts backwards"
    if before.account.services.status == "active" and after.account.services.status == "suspended":
        yield from _wrong_to_suspend(before.account, after.now, rules.overdue)


def _wrong_payments(before: Books, after: Books, rules: Rules) -> Iterator[str]:
    declined = [p for p in before.payments if p.status == "declined" and p.trigger == "manual"]
    for payment in after.account.pending.values():
        standing = before.account.pending.get(payment.payment_id)
        if standing is not None:
            if payment.status != standing.status and payment.status not in MOVES[standing.status]:
                yield f"{payment.payment_id} went from {standing.status} to {payment.status}"
        elif payment.trigger == "manual":
            if any(_cools(payment, earlier, rules) for earlier in declined):
                yield f"{payment.payment_id} was begun while the account was cooling down"
        else:
            yield from _wrong_by_itself(before.account, payment)
            yield from _tried_enough(before, payment, rules.autopay)


def _cools(payment: Payment, declined: Payment, rules: Rules) -> bool:
    """Whether a declined payment forbids this one, begun so soon."""
    same = rules.cooldown_scope == "account" or payment.method.fingerprint == declined.method.fingerprint
    return same and declined.settled_at is not None and payment.reserved_at < declined.settled_at + rules.cooldown


def _wrong_ends(before: Account, after: Books) -> Iterator[str]:
    """A payment that ended: from a status that may end so, and its money where it was meant to go. Only a voided
    invoice takes none: anything else that was paid meanwhile was paid twice."""
    for payment_id in before.pending.keys() - after.account.pending.keys():
        was, ended = before.pending[payment_id], after.payment(payment_id)
        if ended is None:
            yield f"{payment_id} was {was.status} and is gone"
            continue
        if ended.status not in MOVES[was.status]:
            yield f"{payment_id} went from {was.status} to {ended.status}"
        booked = {part.invoice_id: part.amount_minor for part in ended.allocations}
        for part in was.allocations if ended.status == "succeeded" else ():
            invoice = after.invoice(part.invoice_id)
            if booked.get(part.invoice_id) != part.amount_minor and (invoice is None or invoice.status != "void"):
                yield f"{payment_id} brought {part.amount_minor} for {part.invoice_id}, which was paid otherwise"


def _wrong_methods(books: Books) -> Iterator[str]:
    gone = {method.payment_method_id for method in books.methods if method.status == "removed"}
    for payment in books.account.pending.values():
        if payment.method.payment_method_id in gone:
            yield f"{payment.payment_id} is pending with a card that was removed"


def _wrong_by_itself(account: Account, payment: Payment) -> Iterator[str]:
    """An automatic payment; `account` as it was when the payment was reserved."""
    default = account.default_method
    if not account.autopay.enabled:
        yield f"{payment.payment_id} is automatic and autopay was off"
    if default is None or default.payment_method_id != payment.method.payment_method_id:
        yield f"{payment.payment_id} is automatic and not with the default method"
    if payment.method.fingerprint in account.autopay.refused_fingerprints:
        yield f"{payment.payment_id} is automatic with a card whose issuer said never again"
    unknown = ("in_flight", "requires_action")
    if any(other.trigger == "autopay" and other.status in unknown for other in account.pending.values()):
        yield f"{payment.payment_id} is automatic beside another automatic one whose outcome is unknown"
    today = today_of(account, payment.reserved_at)
    if any(account.open_invoices[part.invoice_id].due_on > today for part in payment.allocations):
        yield f"{payment.payment_id} is automatic and pays what is not due yet"


def _tried_enough(before: Books, payment: Payment, policy: AutopayPolicy) -> Iterator[str]:
    """An automatic payment for nothing but what was tried since the customer did something last, with a method that
    was declined for a reason only the customer mends, or today, or as often as one is tried.
    """
    declines = _declines_since_the_customer_acted(before, payment.method)
    classes = [declined.decline.decline_class for declined in declines if declined.decline]
    if set(classes) - {"retry_later", "technical"}:
        yield f"{payment.payment_id} is automatic with a card known to be bad"
    tried = Counter(part.invoice_id for declined in declines for part in declined.allocations)
    times = [tried[part.invoice_id] for part in payment.allocations]
    if min(times) == 0:
        return
    today, last = today_of(before.account, payment.reserved_at), declines[0]
    if classes[0] == "retry_later" and today_of(before.account, last.reserved_at) == today:
        yield f"{payment.payment_id} is automatic on the day of a decline"
    if max(times) >= 1 + len(policy.retry_days[payment.method.kind]) + policy.technical_retries_max:
        yield f"{payment.payment_id} is automatic for what was tried {max(times)} times"


def _declines_since_the_customer_acted(books: Books, method: MethodSnapshot) -> list[Payment]:
    """Automatic attempts with the method as it is, the latest first; money that came from that card is a new beginning
    too, under whichever id it was added."""
    declines = []
    for entry in reversed(books.entries):
        if entry.action in ("payment_settings.changed", "payment_method.updated", "payment_method.removed"):
            break
        ended = books.payment(str(entry.facts.get("payment_id")))
        if ended is None or ended.method.fingerprint != method.fingerprint:
            continue
        if entry.action.startswith("payment.succeeded"):
            break
        if entry.action == "payment.declined" and ended.trigger == "autopay" and ended.method == method:
            declines.append(ended)
    return declines


def _wrong_to_notice(account: Account, after: Books, policy: OverduePolicy) -> Iterator[str]:
    """One notice a day, and none before its day."""
    covered = covered_by_invoice(account)
    open_since = [
        invoice.grace_from
        for invoice_id, invoice in account.open_invoices.items()
        if invoice.remaining_minor > covered.get(invoice_id, 0)
    ]
    today, sent = today_of(account, after.now), len(after.account.overdue.noticed_on)
    if today in account.overdue.noticed_on:
        yield "two notices on one day"
    if not open_since or sent > len(policy.notice_days):
        yield "a notice about nothing"
    elif today < days_after(min(open_since), policy.notice_days[sent - 1]):
        yield "a notice before its day"


def _wrong_to_suspend(account: Account, now: datetime, policy: OverduePolicy) -> Iterator[str]:
    covered = covered_by_invoice(account)
    last_of_grace = [
        days_after(invoice.grace_from, policy.grace_days)
        for invoice_id, invoice in account.open_invoices.items()
        if invoice.remaining_minor > covered.get(invoice_id, 0)
    ]
    if account.overdue.exempt:
        yield "services were suspended though the account is exempt"
    if not last_of_grace or min(last_of_grace) >= today_of(account, now):
        yield "services were suspended within grace"
    if len(account.overdue.noticed_on) < len(policy.notice_days):
        yield "services were suspended without all notices"


@dataclass
class Told:
    """What people were told of one account. `asked` counts the requests by payment; `refused` are payments whose
    request was refused, or answered 503. `wrong`: answers that were wrong when they were given."""

    asked: Counter[str] = field(default_factory=Counter)
    payments: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    records: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def paid(self, payment: Payment, request_fingerprint: str) -> None:
        """The answer to a request with this body."""
        payment_id = payment.payment_id
        if payment.request_fingerprint != request_fingerprint:
            self.wrong.append(f"{payment_id} was answered to a request with another body")
        self.payments[payment_id] = payment.status
        self.refused.discard(payment_id)

    def no(self, payment_id: str) -> None:
        """Nothing was charged, says the answer: meant for this request, not for another one under the same key."""
        if self.asked[payment_id] == 1:
            self.refused.add(payment_id)


def not_kept(told: Told, books: Books) -> Iterator[str]:
    """Answers that turned out not to be so. An ended payment stays as it ended: the sandbox returns no money."""
    yield from told.wrong
    approved = books.approved
    for payment_id in told.refused:
        if payment_id in approved and told.asked[payment_id] == 1:
            yield f"{payment_id} was refused, or answered 503, and charged"
    for payment_id, status in told.payments.items():
        payment = books.payment(payment_id)
        if payment is None:
            yield f"{payment_id} was told to be {status} and is nowhere"
        elif status in ("succeeded", "declined", "canceled"):
            if payment.status != status:
                yield f"{payment_id} was told to be {status} and is {payment.status}"
            if (payment_id in approved) is not (status == "succeeded"):
                yield f"{payment_id} was told to be {status}, and the gateway says otherwise"
    there: dict[str, str] = {method.payment_method_id: method.status for method in books.methods}
    there |= {invoice.invoice_id: "void" if invoice.status == "void" else "issued" for invoice in books.invoices}
    for record_id, what in told.records.items():
        stands = there.get(record_id)
        if stands is None or (what in ("removed", "void") and stands != what):
            yield f"{record_id} was told to be {what} and is {stands or 'nowhere'}"
