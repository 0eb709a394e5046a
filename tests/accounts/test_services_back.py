"""When suspended services come back: as soon as nothing is overdue any more."""

from datetime import timedelta

import pytest

from chalicelib.accounts.models import OpenInvoice
from chalicelib.accounts.rules import suspended, with_services_back
from tests.support.builders import NOW, a_payment, an_account, owed, suspended_account


def test_services_come_back_when_nothing_is_overdue() -> None:
    account, back = with_services_back(suspended_account({}), NOW)
    assert back
    assert (account.services.status, account.services.since) == ("active", NOW)


@pytest.mark.parametrize("due_in_days", [0, 1, 400])
def test_services_come_back_though_an_invoice_is_open_that_is_not_overdue(due_in_days: int) -> None:
    account, back = with_services_back(suspended_account({"inv_1": owed(1, due_in_days=due_in_days)}), NOW)
    assert (account.services.status, back) == ("active", True)


@pytest.mark.parametrize("pending_minor", [0, 1])
def test_services_stay_suspended_while_anything_is_overdue_covered_or_not(pending_minor: int) -> None:
    invoices: dict[str, OpenInvoice | int] = {"inv_1": owed(1, due_in_days=-1), "inv_2": 5_000}
    pending = [a_payment(covers={"inv_1": 1})] if pending_minor else []
    before = suspended_account(invoices, pending=pending)
    assert with_services_back(before, NOW) == (before, False)


def test_active_services_keep_the_day_since_when_they_are_active() -> None:
    account = an_account({})
    assert with_services_back(account, NOW + timedelta(days=1)) == (account, False)


def test_midnight_of_the_customer_decides() -> None:
    account = suspended_account({"inv_1": owed(100, due_in_days=0)}, time_zone="Pacific/Kiritimati")
    before_midnight = NOW.replace(hour=9, minute=59)
    assert with_services_back(account, before_midnight)[1]
    assert not with_services_back(account, before_midnight + timedelta(minutes=1))[1]


def test_suspended_services_say_since_when() -> None:
    account = suspended(an_account({}), NOW)
    assert (account.services.status, account.services.since) == ("suspended", NOW)
