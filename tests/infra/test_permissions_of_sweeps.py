"""The policies of schedules and worker against what they do: every sweep meets all it may meet, as the API's routes do
in test_permissions.py.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast, get_args

import boto3
import pytest
from chalice.local import LambdaContext

import app as deployed
from chalicelib import wiring
from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import Order, SweepName
from local.runs import scheduled_event
from tests.infra.permissions import Notebook, Permission, allowed_by
from tests.journeys.customer import Customer
from tests.support.stack import OPERATIONS, Stack

THE_POLLERS_OWN = {(action, "sweeps") for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
"""What Lambda itself does in the worker's name."""

NEEDED_IN_A_RACE: dict[Permission, str] = {
    ("UpdateItem", "payments"): "money that arrives after a check closed its payment is booked on the recorded one",
    ("GetItem", "sandbox-charges"): "the customer authenticates just when the payment is given up",
}
"""What no quiet day needs, each with what does."""

WHAT_SWEEPS_DO = {"charged", "declined", "unknown", "ended", "issued", "noticed", "suspended"}
"""Counts that show that the worker met all it may meet."""


@pytest.mark.parametrize("sweep", get_args(SweepName))
def test_a_schedule_may_do_exactly_what_it_does(stack: Stack, notebook: Notebook, sweep: SweepName) -> None:
    with _real_queue(stack):
        notebook.needed.clear()
        getattr(deployed, f"start_{sweep}")(scheduled_event("2026-03-02T09:00:00Z"), None)

    assert notebook.needed == allowed_by(f"policy-start-{sweep}.json")


def test_the_worker_may_do_exactly_what_the_sweeps_do(stack: Stack, notebook: Notebook) -> None:
    _customers_who_need_every_sweep(stack)
    counted: Counter[str] = Counter()
    with _real_queue(stack):
        notebook.needed.clear()
        _work_off("autopay", milliseconds=1_000)
        for wait_days in (0, 1, 2, 7, 20):
            stack.clock.advance(seconds=wait_days * 24 * 3600)
            for sweep in ("renewals", "autopay", "reconcile", "overdue"):
                _work_off(sweep, milliseconds=300_000)
        needed = set(notebook.needed)
    for sweep in get_args(SweepName):
        for shard in stack.desk.sweeps.runs(sweep, "2026-03-02"):
            counted.update(shard.tally.counts)

    allowed = allowed_by("policy-work.json")
    assert counted.keys() >= WHAT_SWEEPS_DO, "the story is no longer told"
    assert counted["failed"] == counted["postponed"] == 0
    assert sorted(needed - allowed) == [], "AWS would refuse these"
    assert sorted(allowed - needed - THE_POLLERS_OWN) == sorted(NEEDED_IN_A_RACE), "nobody needs these"


def _customers_who_need_every_sweep(stack: Stack) -> None:
    """One who is charged, one whose card is empty, one whose outcome gets lost, one who subscribes, one who begins to
    pay and never confirms it.
    """
    cards = {"paid": "tok_visa", "empty": "tok_insufficient_funds", "lost": "tok_timeout_then_approved"}
    customers = [Customer.of(stack, name) for name in (*cards, "subscriber", "behind")]
    for customer, token in zip(customers, cards.values(), strict=False):
        customer.owes(due_in_days=0)
        stack.desk.payment_methods.put_settings(
            customer.account_id, customer.has_card(token), autopay_enabled=True, actor=OPERATIONS
        )
    subscriber, behind = customers[3:]
    subscriber.subscribes(key="stays")
    ends = subscriber.subscribes(key="ends", starts_in_days=1)
    assert subscriber.client.delete(subscriber.at(f"subscriptions/{ends}")).status == 200
    behind.owes(due_in_days=-1)
    assert behind.pay(payment_method_id=behind.has_card("tok_requires_action")).status == 202


@contextmanager
def _real_queue(stack: Stack) -> Iterator[None]:
    """The desk as it is deployed: its orders go to SQS."""
    session = boto3.session.Session()
    with stack.engine.environment():
        session.client("sqs").create_queue(QueueName=f"{stack.prefix}sweeps")
        wiring.use(wiring.build(stack.desk.settings, clock=stack.clock))
        yield


def _work_off(sweep: str, *, milliseconds: int) -> None:
    """Everything due, in a worker that has so much time."""
    order = Order(sweep=cast(SweepName, sweep), run="2026-03-02", shards=tuple(f"{n:02d}" for n in range(SHARDS)))
    context = LambdaContext(function_name="work", memory_size=1024, max_runtime_ms=milliseconds)
    deployed.work({"Records": [{"body": order.model_dump_json(), "receiptHandle": "1"}]}, context)
