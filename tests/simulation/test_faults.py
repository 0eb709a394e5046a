"""A fault counts where it took effect: what nobody could have noticed proves nothing."""

from collections.abc import Callable

import pytest

from chalicelib.accounts.models import BY_OVERDUE, Account
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.models import Change, Key
from tests.simulation.dice import COMMIT, FIND, KINDS
from tests.simulation.history import History
from tests.simulation.machine import Machine
from tests.simulation.struck_ledger import StruckLedger

Act = Callable[[Machine, StruckLedger], object]


@pytest.fixture
def history() -> History:
    """In which nothing goes wrong by itself, and two machines are at work."""
    return next(h for seed in range(1, 50) if (h := History(seed, without=frozenset(KINDS)))._dice.at_once > 1)


def account_of(history: History) -> Account:
    return history.world.account(history._customers[0].account_id)


def struck(history: History, fault: str, effect: str, act: Act) -> None:
    """A process that the fault befalls at the first such effect."""
    history._dice._at[effect] = [(1.0, fault)]
    history._dice._restless = 0.0

    def do(machine: Machine) -> None:
        act(machine, machine.ledger)

    history._dispatch.run("struck", do)
    history.world.interleaving.let_others()
    history._dice.nothing_goes_wrong_any_more()


def test_a_stale_index_counts_when_it_answers_something_else(history: History) -> None:
    account = account_of(history)
    shard = shard_of(account.account_id)

    def look(_: Machine, ledger: StruckLedger) -> None:
        ledger.find(BY_OVERDUE, shard, limit=5)

    struck(history, "stale index", FIND, look)
    assert history._dice.fired["stale index"] == 0, "there is nothing to be found"
    history._operations.ask(history._customers[0], "issue an invoice")
    history.world.interleaving.let_all_finish()
    struck(history, "stale index", FIND, look)
    assert history._dice.fired["stale index"] == 1


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_freeze_counts_when_something_else_befell_the_account_meanwhile(history: History, overtaken: bool) -> None:
    account = account_of(history)

    def commit(_: Machine, ledger: StruckLedger) -> None:
        ledger.commit(Change(account))

    struck(history, "frozen before a commit", COMMIT, commit)
    if overtaken:
        history.world.somebody_else_commits(account.account_id)
    history.world.interleaving.let_all_finish()
    assert history._dice.fired["frozen before a commit"] == overtaken


@pytest.mark.parametrize("fault", ["crash after a commit", "acknowledgement lost", "conflict: somebody else is first"])
@pytest.mark.parametrize("too_late", [False, True])
def test_what_befalls_a_commit_counts_once_it_was_one(history: History, fault: str, too_late: bool) -> None:
    account = account_of(history)
    if too_late:
        history.world.somebody_else_commits(account.account_id)

    def commit(_: Machine, ledger: StruckLedger) -> None:
        ledger.commit(Change(account))

    struck(history, fault, COMMIT, commit)
    history.world.interleaving.let_all_finish()
    assert history._dice.fired[fault] == (not too_late)


def test_damage_counts_when_somebody_meets_it(history: History) -> None:
    account = account_of(history)
    history.world.tear(account.account_id)
    assert history._dice.fired["account unreadable for a while"] == 0
    for _ in range(2):
        struck(history, "", FIND, lambda _, ledger: ledger.get(Key(Account, account.account_id)))
        history.world.interleaving.let_all_finish()
    assert history._dice.fired["account unreadable for a while"] == 1
