"""Whatever goes wrong at whatever moment: nobody is charged twice, and no payment is forgotten.

Each scenario is run once undisturbed, to list its effects. Then once for every effect, every fault that can befall it
and everything that may happen next. After every step the books are compared with the gateway's. The main ones are also
run with every pair of faults.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.proof.cases import Rehearsal
from tests.proof.performance import Case
from tests.proof.process import faults_of
from tests.proof.scenarios import (
    AUTOPAY,
    AUTOPAY_IN_PAIRS,
    AUTOPAY_ON_THE_ROAD,
    ON_THE_ROAD,
    OTHERS,
    PAYMENTS,
    PAYMENTS_IN_PAIRS,
    Scenario,
)
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


@pytest.mark.parametrize("scenario", [PAYMENTS[name] for name in PAYMENTS_IN_PAIRS], ids=PAYMENTS_IN_PAIRS)
def test_nobody_is_charged_twice_or_forgotten_when_two_things_go_wrong_and(
    scenario: Scenario, tally: Counter[str]
) -> None:
    tally["pairs of faults in one payment and what comes next (in memory)"] += _play_pairs(scenario)


@pytest.mark.parametrize("scenario", [AUTOPAY[name] for name in AUTOPAY_IN_PAIRS], ids=AUTOPAY_IN_PAIRS)
def test_nobody_is_charged_twice_or_forgotten_by_autopay_when_two_things_go_wrong_and(
    scenario: Scenario, tally: Counter[str]
) -> None:
    tally["pairs of faults in one attempt of autopay and what comes next (in memory)"] += _play_pairs(scenario)


def _play_pairs(scenario: Scenario) -> int:
    rehearsal = Rehearsal(scenario, MemoryWorld)
    effects = rehearsal.effects()
    cases = list(rehearsal.pairs(effects))
    first_struck = {case.strikes[0] for case in cases}
    assert {(strike.at, strike.fault) for strike in first_struck} == {
        (at, fault) for at, effect in enumerate(effects) for fault in faults_of(effect)
    }, "every fault is the first of a pair"
    assert {case.follow_up for case in cases} == set(scenario.pair_follow_ups)
    assert not _wrong(rehearsal, cases)
    return len(cases)


@pytest.mark.parametrize("scenario", [PAYMENTS[name] for name in ON_THE_ROAD], ids=ON_THE_ROAD)
def test_nobody_is_charged_twice_or_forgotten_on_dynamodb_when(
    scenario: Scenario, ministack: Engine, tally: Counter[str]
) -> None:
    tally["crashes and other faults on the road to DynamoDB (MiniStack)"] += _play_on(ministack, scenario)


@pytest.mark.parametrize("scenario", [AUTOPAY[name] for name in AUTOPAY_ON_THE_ROAD], ids=AUTOPAY_ON_THE_ROAD)
def test_nobody_is_charged_twice_or_forgotten_by_autopay_on_dynamodb_when(
    scenario: Scenario, ministack: Engine, tally: Counter[str]
) -> None:
    """Among what happens next: the message comes again, the schedule fires again."""
    tally["crashes and other faults in one attempt of autopay on the road to DynamoDB (MiniStack)"] += _play_on(
        ministack, scenario
    )


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
        assert {case.follow_up for case in cases} >= set(scenario.follow_ups[: len(cases)]), "each has its turn"
        assert len(cases) == sum(len(faults_of(effect)) for effect in effects)
        assert not _wrong(rehearsal, cases)
        return len(cases)


WRITTEN_AS = {
    "store GetItem": "store read",
    "store TransactGetItems": "store read",
    "store PutItem": "store commit",
    "store TransactWriteItems": "store commit",
}
"""What a call of the ledger's port is on the road."""


def _wrong(rehearsal: Rehearsal, cases: Sequence[Case]) -> dict[str, list[str]]:
    return {str(case): flaws for case in cases if (flaws := rehearsal.play(case))}
