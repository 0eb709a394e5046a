"""The overdue sweep and the exemption from it."""

import pytest

from chalicelib.accounts.models import Account
from chalicelib.core.errors import NotFound
from chalicelib.ledger.models import Key
from tests.support.builders import OPERATIONS
from tests.support.memory_desk import MemoryDesk


def chased(desk: MemoryDesk, days: int) -> list[str]:
    """What a run each day does, and which day of them."""
    done = []
    for day in range(1, days + 1):
        desk.advance(days=1)
        done += [f"{day} {what}" for what in desk.run("overdue") if what != "handled"]
    return done


def test_notices_and_suspension_are_in_the_log_with_what_was_owed(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=0)
    assert chased(desk, 20) == ["1 noticed", "7 noticed", "15 suspended"]
    entries = [entry for entry in desk.log() if entry.action in ("overdue.notice", "services.suspended")]
    assert [(entry.action, entry.facts.get("notice"), entry.facts["overdue_minor"]) for entry in entries] == [
        ("overdue.notice", 1, 100),
        ("overdue.notice", 2, 100),
        ("services.suspended", None, 100),
    ]


def test_a_run_twice_a_day_takes_one_step(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=-30)
    assert desk.run("overdue") == {"handled": 1, "noticed": 1}
    before = desk.account()
    assert desk.run("overdue") == {}
    assert desk.account() == before


def test_an_account_that_the_index_names_too_early_is_left_alone_and_its_index_put_right(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=3)
    desk.ledger._items[Key(Account, desk.account_id).place] |= {"overdue_due": f"2000-01-01#{desk.account_id}"}
    assert desk.run("overdue") == {"handled": 1}
    assert (desk.account().overdue.noticed_on, desk.actions()[-1]) == ((), "invoice.issued")
    assert desk.run("overdue") == {}


def test_money_that_comes_while_it_decides_keeps_services_running(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=0)
    chased(desk, 14)
    desk.advance(days=1)
    desk.ledger.before_commit.plan(lambda: desk.pay_with("tok_visa"))
    assert desk.run("overdue") == {"handled": 1}
    assert desk.account().services.status == "active"


def test_an_exempt_account_is_left_alone_until_it_is_exempt_no_more(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=0)
    desk.desk.exemptions.put(desk.account_id, exempt=True, actor=OPERATIONS)
    assert chased(desk, 40) == []
    desk.desk.exemptions.put(desk.account_id, exempt=False, actor=OPERATIONS)
    assert chased(desk, 5) == ["1 noticed", "2 noticed", "3 suspended"]


def test_saying_it_again_changes_nothing_and_the_log_names_who_said_it(desk: MemoryDesk) -> None:
    desk.desk.exemptions.put(desk.account_id, exempt=True, actor=OPERATIONS)
    before = desk.account()
    assert desk.desk.exemptions.put(desk.account_id, exempt=True, actor=OPERATIONS) == before
    entry = desk.log()[-1]
    assert (entry.action, entry.actor, entry.facts) == (
        "suspension_exemption.changed",
        OPERATIONS.subject,
        {"exempt": True},
    )


def test_an_unknown_account_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.exemptions.put("acc_NONE", exempt=True, actor=OPERATIONS)
