"""Whatever goes wrong at whatever moment: nobody is charged twice, and no payment is forgotten.

Each scenario is run once undisturbed, to list its effects. Then once for every effect, every fault that can befall it
and everything that may happen next. After every step the books are compared with the gateway's.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.proof.cases import Case, Rehearsal
from tests.proof.process import faults_of
from tests.proof.scenarios import AUTOPAY, ON_THE_ROAD, OTHERS, PAYMENTS, Scenario
from tests.proof.world import DynamoDBWorld, MemoryWorld, Tables
from tests.support.engines import Engine

EVERYTHING = PAYMENTS | OTHERS


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.mark.parametrize("scenario", EVERYTHING.values(), ids=list(EVERYTHING))
def test_nobody_is_charged_twice_or_forgotten_when(scenario: Scenario, tally: Counter[str]) -> None:
    rehearsal = Rehearsal(scenario, MemoryWorld)
    effects = rehearsal.effects()
    assert tuple(effects) == scenario.effects
    cases = list(rehearsal.cases(effects))
    assert len(cases) == sum(len(faults_of(effect)) for effect in effects) * len(scenario.follow_ups)
    assert not _wrong(rehearsal, cases)
    tally["crashes and other faults between the services and their ports (in memory)"] += len(cases)


@pytest.mark.parametrize("scenario", AUTOPAY.values(), ids=list(AUTOPAY))
def test_nobody_is_charged_twice_or_forgotten_by_autopay_when(scenario: Scenario, tally: Counter[str]) -> None:
    rehearsal = Rehearsal(scenario, MemoryWorld)
    effects = rehearsal.effects()
    assert tuple(effects) == scenario.effects
    cases = list(rehearsal.cases(effects))
    assert len(cases) == sum(len(faults_of(effect)) for effect in effects) * len(scenario.follow_ups)
    assert not _wrong(rehearsal, cases)
    tally["crashes and other faults in one attempt of autopay (in memory)"] += len(cases)


@pytest.mark.parametrize("scenario", [PAYMENTS[name] for name in ON_THE_ROAD], ids=ON_THE_ROAD)
def test_nobody_is_charged_twice_or_forgotten_on_dynamodb_when(
    scenario: Scenario, ministack: Engine, tally: Counter[str]
) -> None:
    tally["crashes and other faults on the road to DynamoDB (MiniStack)"] += _play_on(ministack, scenario)


def test_nobody_is_charged_twice_or_forgotten_where_tokens_of_transactions_mean_nothing(
    moto: Engine, tally: Counter[str]
) -> None:
    """moto knows no ClientRequestToken: there the conditions stand alone."""
    played = _play_on(moto, PAYMENTS["the whole balance is paid"])
    tally["crashes and other faults on the road to DynamoDB (moto)"] += played


def _play_on(engine: Engine, scenario: Scenario) -> int:
    with engine.tables() as prefix:
        tables = Tables(engine, prefix)
        rehearsal = Rehearsal(scenario, lambda before: DynamoDBWorld(before, tables))
        effects = rehearsal.effects()
        on_the_road = [WRITTEN_AS[effect] for effect in effects if effect in WRITTEN_AS]
        assert on_the_road == [effect for effect in scenario.effects if effect in WRITTEN_AS.values()]
        cases = list(rehearsal.cases(effects, one_follow_up_each=True))
        assert len(cases) == sum(len(faults_of(effect)) for effect in effects)
        assert not _wrong(rehearsal, cases)
        return len(cases)


WRITTEN_AS = {
    "store TransactGetItems": "store read",
    "store PutItem": "store commit",
    "store TransactWriteItems": "store commit",
}
"""What a call of the ledger's port is on the road."""


def _wrong(rehearsal: Rehearsal, cases: Sequence[Case]) -> dict[str, list[str]]:
    return {str(case): flaws for case in cases if (flaws := rehearsal.play(case))}
