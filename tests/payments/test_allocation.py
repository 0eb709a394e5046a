"""What a payment is for: oldest due first, part of it, the invoices named; and what it may not be for."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account, OpenInvoice
from chalicelib.accounts.rules import balance, covered_by_invoice
from chalicelib.core.errors import Conflict, Invalid, Refused
from chalicelib.payments.models import Allocation
from chalicelib.payments.reserving import allocate
from tests.support.builders import NOW, TODAY, a_payment, an_account, an_order, owed

THREE = {
    "inv_late": owed(300, due_in_days=-5, number="ACME-00003"),
    "inv_soon": owed(200, due_in_days=3, number="ACME-00001"),
    "inv_last": owed(100, due_in_days=30, number="ACME-00002"),
}


def parts(allocations: Sequence[Allocation]) -> dict[str, int]:
    return {part.invoice_id: part.amount_minor for part in allocations}


def allocated(account: Account, invoices_max: int = 90, **wanted: Any) -> dict[str, int]:
    return parts(allocate(account, an_order(**wanted), NOW, invoices_max)[0])


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (None, {"inv_late": 300, "inv_soon": 200, "inv_last": 100}),
        (600, {"inv_late": 300, "inv_soon": 200, "inv_last": 100}),
        (1, {"inv_late": 1}),
        (299, {"inv_late": 299}),
        (300, {"inv_late": 300}),
        (301, {"inv_late": 300, "inv_soon": 1}),
        (599, {"inv_late": 300, "inv_soon": 200, "inv_last": 99}),
    ],
)
def test_the_oldest_due_is_paid_first_and_the_last_one_in_part(amount: int | None, expected: dict[str, int]) -> None:
    allocations, left_out = allocate(an_account(THREE), an_order(amount_minor=amount), NOW, 90)
    assert (parts(allocations), left_out) == (expected, 0)
    assert list(parts(allocations)) == list(expected), "in the order they are paid"


def test_an_allocation_carries_the_number_that_stands_on_the_paper() -> None:
    allocations, _ = allocate(an_account(THREE), an_order(amount_minor=301), NOW, 90)
    assert [part.number for part in allocations] == ["ACME-00003", "ACME-00001"]


@pytest.mark.parametrize(
    ("named", "amount", "expected"),
    [
        (("inv_last",), None, {"inv_last": 100}),
        (("inv_last", "inv_soon"), None, {"inv_soon": 200, "inv_last": 100}),
        (("inv_last", "inv_soon"), 250, {"inv_soon": 200, "inv_last": 50}),
        (("inv_soon", "inv_soon"), None, {"inv_soon": 200}),
    ],
)
def test_named_invoices_and_no_others_are_paid_still_oldest_first(
    named: tuple[str, ...], amount: int | None, expected: dict[str, int]
) -> None:
    assert allocated(an_account(THREE), invoice_ids=named, amount_minor=amount) == expected


@pytest.mark.parametrize("unknown", ["inv_none", "inv_paid_long_ago", ""])
def test_naming_an_invoice_that_is_not_open_is_refused(unknown: str) -> None:
    with pytest.raises(Invalid) as refused:
        allocated(an_account(THREE), invoice_ids=("inv_soon", unknown))
    assert (refused.value.code, refused.value.facts) == ("invoice_not_payable", {"invoice_id": unknown})


@pytest.mark.parametrize(
    ("wanted", "payable"),
    [
        ({"amount_minor": 601}, 600),
        ({"amount_minor": 10**12}, 600),
        ({"amount_minor": 101, "invoice_ids": ("inv_last",)}, 100),
    ],
)
def test_more_than_is_payable_is_refused_and_says_how_much_is(wanted: dict[str, Any], payable: int) -> None:
    with pytest.raises(Invalid) as refused:
        allocated(an_account(THREE), **wanted)
    assert (refused.value.code, refused.value.facts) == (
        "amount_too_high",
        {"payable_minor": payable, "currency": "EUR"},
    )


def test_what_a_pending_payment_covers_is_not_paid_again() -> None:
    pending = [a_payment(covers={"inv_late": 300, "inv_soon": 50})]
    account = an_account(THREE, pending=pending)
    assert allocated(account) == {"inv_soon": 150, "inv_last": 100}
    assert allocated(account, amount_minor=200) == {"inv_soon": 150, "inv_last": 50}
    with pytest.raises(Invalid, match="amount_too_high"):
        allocated(account, amount_minor=251)


def test_when_everything_is_covered_nothing_is_to_pay_and_the_answer_says_what_covers_it() -> None:
    covering = a_payment("pay_1", {"inv_late": 300, "inv_soon": 200, "inv_last": 100}, status="processing")
    with pytest.raises(Conflict) as refused:
        allocated(an_account(THREE, pending=[covering]))
    assert refused.value.code == "nothing_to_pay"
    assert refused.value.facts == {
        "open_minor": 600,
        "covered_minor": 600,
        "currency": "EUR",
        "reason": "all_covered",
        "pending": [{"payment_id": "pay_1", "status": "processing", "covers_minor": 600}],
    }


def test_what_a_parked_payment_covers_is_neither_waited_for_nor_canceled_and_the_answer_says_so() -> None:
    covering = a_payment("pay_1", {"inv_late": 300, "inv_soon": 200, "inv_last": 100}, status="parked")
    with pytest.raises(Conflict) as refused:
        allocated(an_account(THREE, pending=[covering]))
    assert (refused.value.code, refused.value.facts["reason"]) == ("nothing_to_pay", "parked")


def test_a_named_invoice_that_is_covered_leaves_nothing_to_pay_though_others_are_open() -> None:
    account = an_account(THREE, pending=[a_payment(covers={"inv_soon": 200})])
    with pytest.raises(Conflict, match="nothing_to_pay"):
        allocated(account, invoice_ids=("inv_soon",))


@pytest.mark.parametrize("amount", [None, 1])
def test_an_account_that_owes_nothing_has_nothing_to_pay(amount: int | None) -> None:
    with pytest.raises(Conflict) as refused:
        allocated(an_account(), amount_minor=amount)
    assert (refused.value.facts["open_minor"], refused.value.facts["pending"]) == (0, [])


@pytest.mark.parametrize(
    ("wanted", "expected_payable", "payable"),
    [({}, 599, 600), ({}, 601, 600), ({"amount_minor": 10}, 700, 600), ({"invoice_ids": ("inv_last",)}, 600, 100)],
)
def test_another_balance_than_the_payer_saw_is_refused(
    wanted: dict[str, Any], expected_payable: int, payable: int
) -> None:
    with pytest.raises(Conflict) as refused:
        allocated(an_account(THREE), expected_payable_minor=expected_payable, **wanted)
    assert (refused.value.code, refused.value.facts) == (
        "balance_changed",
        {"payable_minor": payable, "currency": "EUR"},
    )
    assert allocated(an_account(THREE), expected_payable_minor=payable, **wanted)


def many(count: int) -> dict[str, OpenInvoice]:
    return {f"inv_{n:03d}": owed(10, due_in_days=n) for n in range(count)}


@pytest.mark.parametrize(("count", "paid", "left_out"), [(89, 89, 0), (90, 90, 0), (91, 90, 1), (500, 90, 410)])
def test_without_an_amount_the_ninety_oldest_are_paid_and_the_rest_is_counted(
    count: int, paid: int, left_out: int
) -> None:
    allocations, not_paid = allocate(an_account(many(count)), an_order(), NOW, 90)
    assert list(parts(allocations)) == sorted(many(count))[:paid]
    assert not_paid == left_out


@pytest.mark.parametrize(("amount", "paid"), [(899, 90), (900, 90)])
def test_with_an_amount_that_ninety_invoices_hold_they_are_paid(amount: int, paid: int) -> None:
    allocations, left_out = allocate(an_account(many(91)), an_order(amount_minor=amount), NOW, 90)
    assert (len(allocations), left_out) == (paid, 0)
    assert sum(part.amount_minor for part in allocations) == amount


@pytest.mark.parametrize("amount", [901, 910])
def test_with_an_amount_that_needs_a_ninety_first_invoice_it_is_refused(amount: int) -> None:
    with pytest.raises(Invalid) as refused:
        allocate(an_account(many(91)), an_order(amount_minor=amount), NOW, 90)
    assert (refused.value.code, refused.value.facts) == ("too_many_invoices", {"limit": 90})


amounts = st.integers(1, 50)
ids = [f"inv_{n}" for n in range(6)]


@given(
    owes=st.dictionaries(st.sampled_from(ids), st.tuples(amounts, st.integers(-9, 9))),
    covers=st.lists(st.dictionaries(st.sampled_from(ids), amounts), max_size=3),
    amount=st.none() | st.integers(1, 300),
    named=st.none() | st.lists(st.sampled_from(ids), min_size=1).map(tuple),
    invoices_max=st.integers(1, 6),
)
def test_for_any_account_and_order_only_what_is_payable_is_allocated_and_never_twice(
    owes: dict[str, tuple[int, int]],
    covers: list[dict[str, int]],
    amount: int | None,
    named: tuple[str, ...] | None,
    invoices_max: int,
) -> None:
    invoices = {i: owed(minor, due_in_days=days) for i, (minor, days) in owes.items()}
    account = an_account(invoices, pending=[a_payment(f"pay_{n}", cover) for n, cover in enumerate(covers)])
    order = an_order(amount_minor=amount, invoice_ids=named)
    try:
        allocations, left_out = allocate(account, order, NOW, invoices_max)
    except Refused:
        return
    covered = covered_by_invoice(account)
    assert 0 < len(allocations) <= invoices_max
    assert len(parts(allocations)) == len(allocations)
    for part in allocations:
        free = account.open_invoices[part.invoice_id].remaining_minor - covered.get(part.invoice_id, 0)
        assert 0 < part.amount_minor <= free
        assert named is None or part.invoice_id in named
    total = sum(part.amount_minor for part in allocations)
    if amount is not None:
        assert total == amount
    elif named is None and left_out == 0:
        assert total == balance(account, TODAY).payable_minor
    due = [account.open_invoices[part.invoice_id].due_on for part in allocations]
    assert due == sorted(due)
