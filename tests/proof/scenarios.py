"""Everything that is asked of Paydesk while something goes wrong, with the effects it has when nothing does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.proof.customers import (
    Act,
    Customer,
    adding,
    canceling,
    checking,
    defaulting_to,
    issuing,
    paying,
    removing,
    suspend,
    sweeping,
    voiding,
)
from tests.proof.promises import Kept, attempted_once, invoice_stays, method_stays, payment_stays
from tests.proof.world import MemoryWorld

Step = Literal["retry", "reconcile", "new key", "the customer approves", "the customer pays"]
FollowUps = tuple[tuple[Step, ...], ...]

FOLLOW_UPS: FollowUps = (
    ("retry",),
    ("reconcile",),
    ("retry", "reconcile"),
    ("reconcile", "retry"),
    ("new key",),
    ("reconcile", "new key"),
)
"""What happens next. A retry is the same request with the same key; a new key is somebody trying once more."""

APPROVALS: FollowUps = (
    ("the customer approves", "retry"),
    ("the customer approves", "reconcile"),
    ("retry", "the customer approves", "new key"),
)

DELIVERIES: FollowUps = (
    *FOLLOW_UPS,
    ("retry", "retry", "new key"),
    ("new key", "reconcile", "new key"),
    ("the customer pays",),
    ("reconcile", "the customer pays"),
    ("the customer pays", "retry", "reconcile"),
)
"""What happens next to scheduled work. A retry is the message delivered again, a new key the schedule fired again."""

IN_PAIRS: FollowUps = (("retry", "reconcile"), ("reconcile", "new key"), ("new key", "retry"))
"""What happens next where two faults are played: the second befalls the first of these, or what came before them."""

DELIVERIES_IN_PAIRS: FollowUps = (
    ("retry", "new key"),
    ("reconcile", "retry"),
    ("new key", "reconcile"),
    ("the customer pays", "retry"),
)


ByItself = Literal["charged", "tried again", "left to the customer"]
"""What the runs of the next days do with what is due."""


@dataclass(frozen=True)
class Scenario:
    """`act` makes the request under a key. `effects` are those of an undisturbed run. `kept` says whether the books
    keep what an answer promised. `credits_minor` are the credits it may end with: money that no invoice needs.
    `by_itself`: it is autopay's, and nobody has to ask twice: runs do what is left, on that day or the days after.
    """

    act: Act
    effects: tuple[str, ...]
    kept: Kept = payment_stays
    cards: tuple[str, ...] = ("tok_visa",)
    before: Callable[[MemoryWorld, Customer], object] = lambda _, __: None
    credits_minor: frozenset[int] = frozenset({0})
    follow_ups: FollowUps = FOLLOW_UPS
    pair_follow_ups: FollowUps = IN_PAIRS
    by_itself: ByItself | None = None


_READ, _COMMIT = "store read", "store commit"
_CHARGE, _CLOSE, _ATTACH = "gateway charge", "gateway close", "gateway attach"
_PAID = (_READ, _COMMIT, _CHARGE, _COMMIT)
_UNANSWERED = (_READ, _COMMIT, _CHARGE)
_CLOSED = (_READ, _CLOSE, _READ, _COMMIT)


def _suspended(world: MemoryWorld, customer: Customer) -> None:
    suspend(world.desk, customer)


def _has_asked(act: Act, key: str = "earlier") -> Callable[[MemoryWorld, Customer], object]:
    return lambda world, customer: act(world.desk, customer, key)


def _has_credit(world: MemoryWorld, customer: Customer) -> None:
    """A payment that came for an invoice voided meanwhile."""
    paying("tok_timeout_then_approved", invoice_ids=(customer.invoice_ids[0],))(world.desk, customer, "earlier")
    voiding(0)(world.desk, customer, "")
    checking("earlier")(world.desk, customer, "")


def _by_autopay(
    token: str,
    effects: tuple[str, ...],
    before: Callable[[MemoryWorld, Customer], object] = lambda _, __: None,
    follow_ups: FollowUps = DELIVERIES,
    by_itself: ByItself = "charged",
) -> Scenario:
    """Autopay charges what is overdue to the card `token`."""

    def has_autopay(world: MemoryWorld, customer: Customer) -> None:
        defaulting_to(token)(world.desk, customer, "")
        before(world, customer)

    cards = tuple(dict.fromkeys(("tok_visa", token)))
    return Scenario(
        sweeping,
        effects,
        attempted_once,
        cards,
        has_autopay,
        follow_ups=follow_ups,
        pair_follow_ups=DELIVERIES_IN_PAIRS,
        by_itself=by_itself,
    )


AUTOPAY: dict[str, Scenario] = {
    "autopay charges": _by_autopay("tok_visa", _PAID),
    "autopay charges a suspended account": _by_autopay("tok_visa", _PAID, before=_suspended),
    "autopay's card is declined": _by_autopay("tok_insufficient_funds", _PAID, by_itself="tried again"),
    "autopay's card is never to be charged again": _by_autopay(
        "tok_stolen_card", _PAID, by_itself="left to the customer"
    ),
    "the processor fails autopay": _by_autopay("tok_processor_error", _PAID, by_itself="tried again"),
    "the gateway charges and does not answer autopay": _by_autopay("tok_timeout_then_approved", _UNANSWERED),
    "the gateway declines and does not answer autopay": _by_autopay(
        "tok_timeout_then_declined", _UNANSWERED, by_itself="tried again"
    ),
    "the gateway neither charges nor answers autopay": _by_autopay(
        "tok_timeout_not_charged", _UNANSWERED, by_itself="tried again"
    ),
    "autopay cannot reach the gateway": _by_autopay("tok_not_sent", _PAID, by_itself="tried again"),
    "autopay needs authentication": _by_autopay("tok_requires_action", _PAID, by_itself="left to the customer"),
}
"""One attempt of autopay, with the schedule fired twice, the message delivered twice, and the customer's own payment in
between."""

PAYMENTS: dict[str, Scenario] = {
    "the whole balance is paid": Scenario(paying(), _PAID),
    "a part of the balance is paid": Scenario(paying(amount_minor=15_000), _PAID),
    "a suspended account pays everything": Scenario(paying(), _PAID, before=_suspended),
    "a suspended account pays what is overdue": Scenario(paying(amount_minor=10_000), _PAID, before=_suspended),
    "a payment is made while another waits for authentication": Scenario(
        paying(),
        (_READ, *_CLOSED, *_PAID),
        cards=("tok_visa", "tok_requires_action"),
        before=_has_asked(paying("tok_requires_action", amount_minor=25_000)),
        follow_ups=(*FOLLOW_UPS, *APPROVALS),
    ),
    "a payment needs authentication": Scenario(
        paying("tok_requires_action"),
        _PAID,
        cards=("tok_visa", "tok_requires_action"),
        follow_ups=(*FOLLOW_UPS, *APPROVALS),
    ),
    "a card is declined": Scenario(
        paying("tok_insufficient_funds"), _PAID, cards=("tok_visa", "tok_insufficient_funds")
    ),
    "the processor fails": Scenario(paying("tok_processor_error"), _PAID, cards=("tok_visa", "tok_processor_error")),
    "the gateway charges and does not answer": Scenario(
        paying("tok_timeout_then_approved"), _UNANSWERED, cards=("tok_visa", "tok_timeout_then_approved")
    ),
    "the gateway declines and does not answer": Scenario(
        paying("tok_timeout_then_declined"), _UNANSWERED, cards=("tok_visa", "tok_timeout_then_declined")
    ),
    "the gateway neither charges nor answers": Scenario(
        paying("tok_timeout_not_charged"), _UNANSWERED, cards=("tok_visa", "tok_timeout_not_charged")
    ),
    "the gateway cannot be reached": Scenario(paying("tok_not_sent"), _PAID, cards=("tok_visa", "tok_not_sent")),
    "a charged payment is checked": Scenario(
        checking("earlier"),
        _CLOSED,
        cards=("tok_visa", "tok_timeout_then_approved"),
        before=_has_asked(paying("tok_timeout_then_approved")),
    ),
    "a payment never charged is checked": Scenario(
        checking("earlier"),
        _CLOSED,
        cards=("tok_visa", "tok_timeout_not_charged"),
        before=_has_asked(paying("tok_timeout_not_charged")),
    ),
    "a payment that waits for authentication is given up": Scenario(
        canceling("earlier"),
        (_READ, *_CLOSED),
        cards=("tok_visa", "tok_requires_action"),
        before=_has_asked(paying("tok_requires_action")),
        follow_ups=(*FOLLOW_UPS, *APPROVALS),
    ),
}

ON_THE_ROAD = (
    "the whole balance is paid",
    "a part of the balance is paid",
    "a suspended account pays everything",
    "a payment is made while another waits for authentication",
    "a card is declined",
    "the processor fails",
    "the gateway charges and does not answer",
    "the gateway neither charges nor answers",
    "a charged payment is checked",
)
"""What is played on DynamoDB too, where a case takes 40 times as long."""

AUTOPAY_ON_THE_ROAD = (
    "autopay charges",
    "autopay's card is declined",
    "the gateway charges and does not answer autopay",
    "the gateway neither charges nor answers autopay",
)
"""The same for autopay, where a case takes even longer."""

PAYMENTS_IN_PAIRS = (
    "the whole balance is paid",
    "a card is declined",
    "the gateway charges and does not answer",
)
AUTOPAY_IN_PAIRS = ("autopay charges",)
"""What is played with every pair of faults: some thousand cases each."""

OTHERS: dict[str, Scenario] = {
    "the first card is added": Scenario(adding("tok_visa"), (_READ, _ATTACH, _COMMIT), method_stays, cards=()),
    "a card is added as the new default": Scenario(
        adding("tok_mastercard", make_default=True), (_READ, _ATTACH, _COMMIT), method_stays
    ),
    "a card is refused": Scenario(adding("tok_refused_at_attach"), (_READ, _ATTACH, _COMMIT), method_stays),
    "a card of a brand that is not taken is added": Scenario(
        adding("tok_diners"), (_READ, _ATTACH, _COMMIT, "gateway detach"), method_stays
    ),
    "the default is changed": Scenario(
        defaulting_to("tok_mastercard"), (_READ, _COMMIT), method_stays, cards=("tok_visa", "tok_mastercard")
    ),
    "the default is removed and another promoted": Scenario(
        removing("tok_visa", promote="tok_mastercard"),
        (_READ, _COMMIT, "gateway detach"),
        method_stays,
        cards=("tok_visa", "tok_mastercard"),
    ),
    "an invoice is issued": Scenario(issuing(5_000), (_READ, _COMMIT), invoice_stays),
    "an invoice is issued to a customer with credit": Scenario(
        issuing(4_000),
        (_READ, _COMMIT),
        invoice_stays,
        cards=("tok_visa", "tok_timeout_then_approved"),
        before=_has_credit,
        credits_minor=frozenset({10_000, 6_000, 2_000}),
    ),
    "an invoice is voided": Scenario(voiding(0), (_READ, _COMMIT), invoice_stays, before=_suspended),
    "an invoice is voided while its payment is on the way": Scenario(
        voiding(0),
        (_READ, _COMMIT),
        invoice_stays,
        cards=("tok_visa", "tok_timeout_then_approved"),
        before=_has_asked(paying("tok_timeout_then_approved", amount_minor=10_000)),
        credits_minor=frozenset({0, 10_000}),
    ),
}
