"""A run of Paydesk that something befalls: it dies, is not heard, or freezes, at the effects that were chosen.

An effect is whatever reaches beyond the process: a call of the store, a call of the gateway. watched.py tells the
process of each; on DynamoDB the requests themselves are watched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from chalicelib.ledger.models import Stale
from tests.support.faults import Crash, Trip


@dataclass(frozen=True)
class Effect:
    """`do` has the effect. `no_answer` is what the process gets when nobody answers it. `touch` changes the account as
    somebody else would."""

    name: str
    do: Callable[[], Any]
    no_answer: Callable[[], Any]
    touch: Callable[[], object]


@dataclass(frozen=True)
class Fault:
    """What happens at an effect. `for_good`: no call of that kind is answered from then on."""

    name: str
    strike: Callable[[Effect, Callable[[], object]], Any]
    for_good: bool = False
    freezes: bool = False


def _die_before(_: Effect, __: Callable[[], object]) -> Any:
    raise Crash


def _die_after(effect: Effect, _: Callable[[], object]) -> Any:
    effect.do()
    raise Crash


def _lose_the_request(effect: Effect, _: Callable[[], object]) -> Any:
    return effect.no_answer()


def _lose_the_answer(effect: Effect, _: Callable[[], object]) -> Any:
    effect.do()
    return effect.no_answer()


def _be_overtaken(effect: Effect, _: Callable[[], object]) -> Any:
    effect.touch()
    return effect.do()


def _win_unheard_and_be_overtaken(effect: Effect, _: Callable[[], object]) -> Any:
    """The ledger's next try finds somebody else's change on top of its own and cannot know that its own is below."""
    effect.do()
    effect.touch()
    raise Stale


def _freeze_before(effect: Effect, meanwhile: Callable[[], object]) -> Any:
    meanwhile()
    return effect.do()


def _freeze_after(effect: Effect, meanwhile: Callable[[], object]) -> Any:
    answer = effect.do()
    meanwhile()
    return answer


DIES_BEFORE = Fault("the process dies before it", _die_before)
DIES_AFTER = Fault("the process dies after it", _die_after)
REQUEST_LOST = Fault("the request is lost", _lose_the_request)
ANSWER_LOST = Fault("it is done and the answer is lost", _lose_the_answer)
ANSWER_LOST_FOR_GOOD = Fault("it is done and nothing is answered any more", _lose_the_answer, for_good=True)
OVERTAKEN = Fault("somebody else is first", _be_overtaken)
OVERTAKEN_UNHEARD = Fault("it is done unheard and overtaken", _win_unheard_and_be_overtaken)
FREEZES_BEFORE = Fault("the process freezes before it", _freeze_before, freezes=True)
FREEZES_AFTER = Fault("the process freezes after it", _freeze_after, freezes=True)

_EVERYWHERE = (DIES_BEFORE, DIES_AFTER, REQUEST_LOST)
_FREEZES = (FREEZES_BEFORE, FREEZES_AFTER)
_WRITES = ("PutItem", "UpdateItem", "TransactWriteItems")


def faults_of(effect_name: str) -> tuple[Fault, ...]:
    """Everything that can befall an effect. A read done unheard is a read lost."""
    match effect_name.split():
        case "store", "commit":
            return (*_EVERYWHERE, *_FREEZES, ANSWER_LOST, OVERTAKEN, OVERTAKEN_UNHEARD)
        case "store", "read":
            return (*_EVERYWHERE, *_FREEZES)
        case "store", operation if operation in _WRITES:
            return (*_EVERYWHERE, ANSWER_LOST, ANSWER_LOST_FOR_GOOD)
        case "gateway", operation if operation in _WRITES:
            return (*_EVERYWHERE, *_FREEZES, ANSWER_LOST, ANSWER_LOST_FOR_GOOD)
        case "gateway", "charge" | "close" | "attach" | "detach":
            return (*_EVERYWHERE, *_FREEZES, ANSWER_LOST)
    return _EVERYWHERE


class Process:
    """Counts its effects. `strikes` says which fault befalls it at which effect (the first is 0); `meanwhile` is what
    others do while it is frozen."""

    def __init__(
        self, strikes: Mapping[int, Fault] | None = None, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        self.effects: list[str] = []
        self.dead = False
        self._strikes = dict(strikes or {})
        self._meanwhile = meanwhile
        self._silent: str | None = None

    @property
    def struck(self) -> bool:
        """Whether every chosen effect was reached."""
        return len(self.effects) > max(self._strikes, default=-1)

    def has(self, effect: Effect) -> Any:
        assert not self.dead, f"{effect.name} after death"
        number = len(self.effects)
        self.effects.append(effect.name)
        if self._silent is not None and effect.name.startswith(self._silent):
            return effect.no_answer()
        fault = self._strikes.get(number)
        if fault is None:
            return effect.do()
        if fault.for_good:
            self._silent = effect.name.split()[0]
        try:
            return fault.strike(effect, self._meanwhile)
        except Crash:
            self.dead = True
            raise

    def on_the_road(self, to: str) -> Callable[[Trip], AWSResponse | None]:
        """For Road.always_meets: every request to a store called `to` is an effect."""

        def meet(trip: Trip) -> AWSResponse | None:
            def unanswered() -> None:
                raise ReadTimeoutError(endpoint_url=trip.request.url)

            if len(self.effects) not in self._strikes and self._silent is None:
                self.effects.append(f"{to} {trip.operation}")
                return None  # botocore sends it, over the connection that it keeps
            answer: AWSResponse = self.has(
                Effect(f"{to} {trip.operation}", trip.arrive, unanswered, touch=lambda: None)
            )
            return answer

        return meet
