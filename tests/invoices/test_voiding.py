"""Voiding an unpaid invoice."""

import pytest

from chalicelib.activity.models import PAYDESK
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.invoices.models import Invoice
from tests.support.builders import BEN, NOW, OPERATIONS
from tests.support.memory_desk import MemoryDesk


def void(desk: MemoryDesk, invoice_id: str) -> Invoice:
    return desk.desk.invoices.void(desk.account_id, invoice_id, BEN).invoice


def test_a_void_invoice_is_owed_no_more(desk: MemoryDesk) -> None:
    kept, gone = desk.issue(700), desk.issue(300)
    voided = void(desk, gone)
    assert (voided.status, voided.total_minor, voided.remaining_minor) == ("void", 300, 0)
    assert voided.voided_at == NOW
    assert desk.invoice(gone) == voided
    assert list(desk.account().open_invoices) == [kept]


def test_the_log_says_who_voided_what(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(300)
    void(desk, invoice_id)
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("invoice.voided", "user-ben")
    assert entry.facts["invoice_id"] == invoice_id
    assert (entry.facts["total_minor"], entry.facts["credit_returned_minor"]) == (300, 0)


def test_voiding_again_changes_nothing(desk: MemoryDesk) -> None:
    invoice_id = desk.issue()
    first = void(desk, invoice_id)
    before = desk.account()
    again = desk.desk.invoices.void(desk.account_id, invoice_id, OPERATIONS)
    assert (again.replayed, again.invoice, again.account) == (True, first, before)


def test_the_same_void_twice_at_once_voids_once(desk: MemoryDesk) -> None:
    invoice_id = desk.issue()
    desk.ledger.before_commit.plan(lambda: void(desk, invoice_id))
    assert desk.desk.invoices.void(desk.account_id, invoice_id, BEN).replayed
    assert desk.actions().count("invoice.voided") == 1


def test_an_invoice_paid_while_it_is_looked_for_is_not_voided_unseen(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(300)
    desk.add_card()
    desk.ledger.before_get.plan(None, desk.pay)
    assert void(desk, invoice_id).status == "void"
    desk.ledger.before_get.clear()
    assert desk.charges.rows == {}, "void as it was read: nobody had paid it"


def test_a_paid_invoice_is_not_voided(desk: MemoryDesk) -> None:
    invoice_id = desk.issue()
    desk.add_card()
    desk.pay()
    with pytest.raises(Conflict) as refused:
        void(desk, invoice_id)
    assert refused.value.code == "invoice_not_voidable"
    assert refused.value.facts["invoice_status"] == "paid"


def test_an_invoice_paid_in_part_is_not_voided(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(300)
    desk.add_card()
    desk.pay(amount_minor=1)
    with pytest.raises(Conflict) as refused:
        void(desk, invoice_id)
    assert refused.value.facts["reason"] == "partly_paid"
    assert desk.account().open_invoices[invoice_id].remaining_minor == 299


def test_a_payment_settled_at_the_same_moment_wins_over_the_void(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(300)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.pay(amount_minor=1))
    with pytest.raises(Conflict, match="invoice_not_voidable"):
        void(desk, invoice_id)


def test_credit_that_paid_for_a_void_invoice_goes_back(desk: MemoryDesk) -> None:
    first = desk.issue(50)
    payment = desk.pay_with("tok_requires_action")
    void(desk, first)
    desk.gateway.complete_action(payment.payment_id, approve=True)
    desk.desk.payments.check(desk.account_id, payment.payment_id)
    second = desk.issue(80)
    assert desk.account().credit_minor == 0
    voided = void(desk, second)
    assert (voided.payments, desk.account().credit_minor) == ({}, 50)
    assert desk.log()[-1].facts["credit_returned_minor"] == 50


def test_voiding_the_last_overdue_invoice_brings_suspended_services_back(desk: MemoryDesk) -> None:
    overdue, _ = desk.issue(due_in_days=-1), desk.issue(due_in_days=1)
    desk.suspend()
    void(desk, overdue)
    assert desk.account().services.status == "active"
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("services.reactivated", PAYDESK.subject)


def test_voiding_another_invoice_leaves_services_suspended(desk: MemoryDesk) -> None:
    desk.issue(due_in_days=-1)
    other = desk.issue(due_in_days=-1)
    desk.suspend()
    void(desk, other)
    assert desk.account().services.status == "suspended"
    assert desk.actions()[-1] == "invoice.voided"


@pytest.mark.parametrize("token", ["tok_timeout_then_approved", "tok_requires_action"])
def test_money_on_its_way_for_a_void_invoice_becomes_credit(desk: MemoryDesk, token: str) -> None:
    kept, gone = desk.issue(100, due_in_days=1), desk.issue(300, due_in_days=2)
    payment = desk.pay_with(token)
    void(desk, gone)
    desk.gateway.complete_action(payment.payment_id, approve=True)
    paid = desk.desk.payments.check(desk.account_id, payment.payment_id)
    assert (paid.status, paid.credited_minor) == ("succeeded", 300)
    assert [part.invoice_id for part in paid.allocations] == [kept]
    assert desk.account().credit_minor == 300
    assert desk.invoice(gone).status == "void"


def test_what_a_pending_payment_covered_of_a_void_invoice_covers_nothing_else(desk: MemoryDesk) -> None:
    gone = desk.issue(300)
    desk.pay_with("tok_requires_action")
    void(desk, gone)
    kept = desk.issue(500)
    assert desk.pay_with("tok_visa").amount_minor == 500
    assert desk.invoice(kept).status == "paid"


@pytest.mark.parametrize("invoice_id", ["inv_20260302_NONE", "request_NONE", "pay_1", ""])
def test_what_is_no_invoice_is_not_found(desk: MemoryDesk, invoice_id: str) -> None:
    with pytest.raises(NotFound):
        void(desk, invoice_id)


def test_an_invoice_of_another_account_is_not_found(desk: MemoryDesk) -> None:
    invoice_id = desk.issue()
    with pytest.raises(NotFound):
        desk.desk.invoices.void("acc_NOBODY", invoice_id, BEN)
