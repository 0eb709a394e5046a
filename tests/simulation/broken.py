"""What is broken on purpose: a simulation that cannot fail proves nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.gateways.port import GatewayPort
from chalicelib.gateways.sandbox import ChargeTable
from chalicelib.ledger.memory import MemoryLedger
from tests.proof.gateways import LooksFirst
from tests.simulation import broken_desks as desks
from tests.simulation import broken_gateways as gateways
from tests.simulation import broken_ledgers as ledgers
from tests.simulation.history import Setting
from tests.simulation.stages import STAGES, stage
from tests.simulation.stores import MemoryStore

LOOKS_FIRST = gateways.sandbox_with(LooksFirst)
"""For `--gateway tests.simulation.broken:LOOKS_FIRST`: see for yourself how it is found."""


def on(new_ledger: type[MemoryLedger]) -> Setting:
    return Setting(new_store=lambda settings: MemoryStore(settings, new_ledger))


def writing(alter: ledgers.Alter) -> Setting:
    return on(ledgers.altering(alter))


def through(wrap: Callable[[GatewayPort, ChargeTable], GatewayPort]) -> Setting:
    return Setting(new_provider=gateways.sandbox_with(wrap))


def paying_with(service: type[desks.InFrontOf]) -> Setting:
    return Setting(around=desks.paying_with(service))


def in_a_stage(**variables: str) -> Setting:
    """Worked by other rules than it is judged by."""
    return Setting(stages=(stage(**variables),) * len(STAGES))


def judged_in_a_stage(**variables: str) -> Setting:
    """Judged by other rules than it is worked by."""
    return Setting(judged_by=(stage(**variables),) * len(STAGES))


@dataclass(frozen=True)
class Broken:
    """`shows_as`: what the simulation says of it, as it stands in its source, in one of so many `seeds`. The rare ones
    are looked for where they are known to be: `first` spares the histories before."""

    setting: Setting
    shows_as: str
    seeds: int = 60
    first: int = 1

    @property
    def where(self) -> range:
        return range(self.first, self.first + self.seeds)


BROKEN: dict[str, Broken] = {
    "a ledger that lets everybody write": Broken(on(ledgers.Unguarded), "{} was {} and is gone"),
    "a ledger that writes half of a change": Broken(
        on(ledgers.HalfWritten), "the account says {} is open, its invoices {}"
    ),
    "a ledger whose defect is reported and gone over": Broken(on(ledgers.LosesItsTemper), "Paydesk reports {}: {}"),
    "a ledger without an index for autopay": Broken(on(ledgers.forgetting("autopay")), "forgotten: {}"),
    "a ledger without an index for checks": Broken(
        on(ledgers.forgetting("reconcile")), "no check will find the pending payment"
    ),
    "a ledger without an index for what is overdue": Broken(
        on(ledgers.forgetting("overdue")), "index attribute {} says {}, the account {}"
    ),
    "a ledger that forgets why autopay stopped": Broken(
        writing(ledgers.forgetting_of_autopay(stopped_reason=None)), "{} is automatic with a card known to be bad", 300
    ),
    "a ledger that forgets the retry day": Broken(
        writing(ledgers.forgetting_of_autopay(next_attempt_at=None)), "{} is automatic on the day of a decline", 300
    ),
    "a ledger that counts attempts backwards": Broken(
        writing(ledgers.counting_backwards), "autopay counts its attempts backwards"
    ),
    "a ledger that turns back what waits": Broken(writing(ledgers.turning_back), "{} went from {} to {}"),
    "a ledger that ends payments as they cannot end": Broken(
        writing(ledgers.ending_otherwise), "{} went from {} to {}"
    ),
    "a ledger that loses payments": Broken(writing(ledgers.losing_payments), "{} was {} and is gone"),
    "a ledger that credits what was paid": Broken(
        writing(ledgers.crediting), "{} brought {} for {}, which was paid otherwise"
    ),
    "a ledger that calls a payment automatic while autopay is off": Broken(
        writing(ledgers.calling_automatic(lambda _, account: not account.autopay.enabled)),
        "{} is automatic and autopay was off",
    ),
    "a ledger that calls a payment with any card automatic": Broken(
        writing(ledgers.calling_automatic(lambda payment, account: payment.method != account.default_method)),
        "{} is automatic and not with the default method",
    ),
    "a ledger that calls a payment with a stolen card automatic": Broken(
        writing(
            ledgers.calling_automatic(
                lambda payment, account: payment.method.fingerprint in account.autopay.refused_fingerprints
            )
        ),
        "{} is automatic with a card whose issuer said never again",
        300,
    ),
    "a ledger that calls a payment beside an attempt automatic": Broken(
        writing(
            ledgers.calling_automatic(lambda _, account: any(p.trigger == "autopay" for p in account.pending.values()))
        ),
        "{} is automatic beside another automatic one whose outcome is unknown",
        300,
    ),
    "a ledger that calls a payment of everything automatic": Broken(
        writing(ledgers.calling_automatic(lambda *_: True)), "{} is automatic and pays what is not due yet"
    ),
    "a ledger that hides what is pending on a card": Broken(
        on(ledgers.HidesPending), "{} is pending with a card that was removed", 300
    ),
    "a ledger that counts a notice twice": Broken(writing(ledgers.noticing_twice), "two notices on one day"),
    "a ledger that counts an invoice as a notice": Broken(
        writing(ledgers.noticing_what_is_new), "a notice about nothing"
    ),
    "a ledger that tells nobody of exemptions": Broken(
        on(ledgers.ForgetsExemptions), "services were suspended though the account is exempt", 300
    ),
    "a ledger that brings no services back": Broken(
        writing(ledgers.leaving_suspended), "suspended with nothing overdue", 200
    ),
    "a ledger that brings no services back at the end": Broken(
        writing(ledgers.leaving_suspended), "all is paid and services are suspended", 300
    ),
    "a ledger that puts every retry off": Broken(
        writing(ledgers.forgetting_of_autopay(next_attempt_at=datetime(2099, 1, 1, tzinfo=UTC))),
        "{} was due on {}, autopay is on, and nothing excuses it",
        200,
    ),
    "a ledger that sells dearer": Broken(
        writing(ledgers.selling_dearer), "periods billed that were not agreed: {}; agreed and not billed: {}", 200
    ),
    "a gateway that looks where it should fence": Broken(through(LooksFirst), "charged and not booked: {}", 400),
    "a gateway that lets the customer go on after a close": Broken(
        through(gateways.KeepsWaiting), "charged and not booked: {}", seeds=100, first=100
    ),
    "a gateway that takes more": Broken(
        through(lambda gateway, _: gateways.TakesMore(gateway)), "booked {} of {} charged: {}"
    ),
    "a gateway that forgets what it took": Broken(
        through(lambda gateway, _: gateways.SaysNothingHappened(gateway)), "charged and not booked: {}"
    ),
    "a gateway that takes and declines": Broken(
        through(lambda gateway, _: gateways.TakesAndDeclines(gateway)), "charged and not booked: {}"
    ),
    "a gateway that swears nothing was sent": Broken(
        through(lambda gateway, _: gateways.NotSentAfterAll(gateway)), "charged and not booked: {}", 400
    ),
    "a gateway that approves what is closed": Broken(
        through(lambda gateway, _: gateways.ApprovesWhatIsClosed(gateway)), "Paydesk reports {}", first=460
    ),
    "a gateway that charges at a close": Broken(
        through(lambda gateway, _: gateways.ChargesAtAClose(gateway)),
        "{}: charged under a key that had expired",
    ),
    "a gateway that never answers": Broken(
        through(lambda gateway, _: gateways.NeverAnswers(gateway)), "a payment with a sound card is {}"
    ),
    "a gateway that refuses good cards": Broken(
        through(lambda gateway, _: gateways.RefusesGoodCards(gateway)), "a sound card is refused: {}"
    ),
    "a gateway that raises": Broken(through(lambda gateway, _: gateways.Raises(gateway)), "{} ended with {}: {}"),
    "a provider that breaks": Broken(Setting(new_provider=gateways.NoBank), "the history broke off: {}", 200),
    "a provider whose books cannot be read": Broken(
        Setting(new_provider=gateways.NoAmounts), "{} cannot be looked at: {}"
    ),
    "a desk that answers any body under a key": Broken(
        paying_with(desks.AnswersEveryBody), "{} was answered to a request with another body", 200
    ),
    "a desk that refuses what it charged": Broken(
        paying_with(desks.RefusesWhatItCharged), "{} was refused, or answered 503, and charged"
    ),
    "a desk that tells of a payment that is not": Broken(
        paying_with(desks.TellsOfAnother), "{} was told to be {} and is nowhere", 200
    ),
    "a desk that calls a payment under way declined": Broken(
        paying_with(desks.DeclinesWhatIsOpen), "{} was told to be {} and is {}", 200
    ),
    "a desk that calls a payment declined which brings money": Broken(
        paying_with(desks.DeclinesWhatIsOpen), "{} was told to be {}, and the gateway says otherwise", 200
    ),
    "a desk that removes no cards": Broken(Setting(around=desks.removing_nothing), "{} was told to be {} and is {}"),
    "a desk that finds nothing to pay": Broken(
        paying_with(desks.FindsNothingToPay), "these cannot be paid any more: {}"
    ),
    "a stage that checks after ten days": Broken(
        in_a_stage(PAYDESK_CHECK_SCHEDULE_SECONDS="864000"), "lost: {} is still {}"
    ),
    "a stage that suspends too early": Broken(
        in_a_stage(PAYDESK_COLLECTION_GRACE_DAYS="8"), "services were suspended within grace", 200
    ),
    "a stage that suspends too late": Broken(
        in_a_stage(PAYDESK_COLLECTION_GRACE_DAYS="60"), "{} is unpaid, its grace from {} is over, services go on"
    ),
    "a stage that tells customers once": Broken(
        in_a_stage(PAYDESK_COLLECTION_NOTICE_DAYS="1"), "nobody was told of what is overdue since {}, after {} notices"
    ),
    "a stage that parks after one check": Broken(
        in_a_stage(PAYDESK_CHECK_SCHEDULE_SECONDS="300"), "{} was parked before its last check"
    ),
    "a stage that sends a notice too early": Broken(
        in_a_stage(PAYDESK_COLLECTION_NOTICE_DAYS="1,2"), "a notice before its day"
    ),
    "a stage that leaves a notice out": Broken(
        in_a_stage(PAYDESK_COLLECTION_NOTICE_DAYS="1"), "services were suspended without all notices", 200
    ),
    "a stage that tries more often": Broken(
        judged_in_a_stage(PAYDESK_COLLECTION_RETRY_DAYS_CARD="1", PAYDESK_COLLECTION_TECHNICAL_RETRIES="0"),
        "{} is automatic for what was tried {} times",
        300,
    ),
    "a stage without a cooldown": Broken(
        in_a_stage(PAYDESK_COOLDOWN_SECONDS="0"), "{} was begun while the account was cooling down", 300
    ),
}
