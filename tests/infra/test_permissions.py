"""The API's policy against what the API does: every route is used once, and the store's calls are written down. The
worker's and the schedules' in the same way: every sweep meets all it may meet.

A call that the policy does not allow would fail in AWS only: moto and MiniStack allow everything. What it allows
and nobody uses would be a gift to whoever breaks in.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast, get_args

import boto3
import pytest
from chalice.app import Chalice
from chalice.local import LambdaContext

import app as deployed
from chalicelib import wiring
from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import Order, SweepName
from local.runs import scheduled_event
from local.stage import REPOSITORY, Stage
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer, ApiClient
from tests.support.engines import Engine
from tests.support.stack import OPERATIONS, Stack, stack_on
from tests.support.tokens import Tokens

Permission = tuple[str, str]
"""An action of DynamoDB on a table without prefix, or on `table/index/name`; one of SQS on `sweeps`."""

THE_POLLERS_OWN = {(action, "sweeps") for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
"""What Lambda itself does in the worker's name."""

NEEDED_IN_A_RACE: dict[Permission, str] = {
    ("UpdateItem", "payments"): "money that arrives after a check closed its payment is booked on the recorded one",
    ("GetItem", "sandbox-charges"): "the customer authenticates just when the payment is canceled",
}
"""What no quiet day needs, each with what does."""

WORKER_NEEDS_IN_A_RACE: dict[Permission, str] = {
    ("UpdateItem", "payments"): "money that arrives after a check closed its payment is booked on the recorded one",
    ("GetItem", "sandbox-charges"): "the customer authenticates just when the payment is given up",
}
"""The same of the worker's."""

WHAT_SWEEPS_DO = {"charged", "declined", "unknown", "ended", "issued", "noticed", "suspended"}
"""Counts that show that the worker met all it may meet."""

IN_TRANSACTIONS = {"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


class Notebook:
    """Permissions that were needed, as clients made by boto3's default session ask for things."""

    def __init__(self) -> None:
        self.needed: set[Permission] = set()

    def write_down(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "TransactItems" not in params:
            self._note(model.name, params)
        for item in params.get("TransactItems", []):
            ((kind, one),) = item.items()
            self._note(IN_TRANSACTIONS[kind], one)

    def write_down_sending(self, model: Any, **_: Any) -> None:
        self.needed.add((model.name, "sweeps"))

    def _note(self, action: str, params: dict[str, Any]) -> None:
        table = params["TableName"].split("-", 2)[2]
        self.needed.add((action, f"{table}/index/{params['IndexName']}" if "IndexName" in params else table))


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    notebook = Notebook()
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    events = boto3.DEFAULT_SESSION.events
    events.register("provide-client-params.dynamodb", notebook.write_down)
    events.register("provide-client-params.sqs", notebook.write_down_sending)
    yield notebook
    events.unregister("provide-client-params.dynamodb", notebook.write_down)
    events.unregister("provide-client-params.sqs", notebook.write_down_sending)


@pytest.fixture
def stack(notebook: Notebook, moto: Engine, app: Chalice, tokens: Tokens) -> Iterator[Stack]:
    with stack_on(moto, app, tokens) as made:
        yield made


class Visits:
    """Which of the app's routes were asked."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.made: set[tuple[str, str]] = set()

    def by(self, client: ApiClient) -> ApiClient:
        def remembering(method: str, target: str, headers: Any, body: bytes) -> ApiAnswer:
            answer = client.transport(method, target, headers, body)
            assert answer.status < 500, answer.text
            self.made.add((method, self._route(target.partition("?")[0])))
            return answer

        return client.over(remembering)

    def _route(self, path: str) -> str:
        parts = path.split("/")
        for route in self.stack.app.routes:
            names = route.split("/")
            if len(names) == len(parts) and all(
                name == part or name.startswith("{") for name, part in zip(names, parts, strict=True)
            ):
                return route
        raise AssertionError(f"no route for {path}")


def test_the_api_may_do_exactly_what_its_routes_do(stack: Stack, notebook: Notebook) -> None:
    visits = Visits(stack)

    _a_day_with_every_route(stack, visits)

    protected = {
        (method, path)
        for path, methods in stack.app.routes.items()
        for method, entry in methods.items()
        if entry.authorizer is not None
    }
    assert protected - visits.made == set()
    allowed = _allowed("policy-api.json")
    assert sorted(notebook.needed - allowed) == [], "AWS would refuse these"
    assert sorted(allowed - notebook.needed) == sorted(NEEDED_IN_A_RACE), "nobody needs these"


@pytest.mark.parametrize("sweep", get_args(SweepName))
def test_a_schedule_may_do_exactly_what_it_does(stack: Stack, notebook: Notebook, sweep: SweepName) -> None:
    with _real_queue(stack):
        notebook.needed.clear()
        getattr(deployed, f"start_{sweep}")(scheduled_event("2026-03-02T09:00:00Z"), None)

    assert notebook.needed == _allowed(f"policy-start-{sweep}.json")


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

    allowed = _allowed("policy-work.json")
    assert counted.keys() >= WHAT_SWEEPS_DO, "the story is no longer told"
    assert counted["failed"] == counted["postponed"] == 0
    assert sorted(needed - allowed) == [], "AWS would refuse these"
    assert sorted(allowed - needed - THE_POLLERS_OWN) == sorted(WORKER_NEEDS_IN_A_RACE), "nobody needs these"


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


def _a_day_with_every_route(stack: Stack, visits: Visits) -> None:
    operator = visits.by(stack.operator())
    opened = operator.post(
        "/v1/accounts", {"name": "Acme", "currency": "EUR", "time_zone": "Europe/Berlin"}, key="acme"
    ).body
    account_id = opened["account_id"]
    admin = visits.by(stack.admin(account_id))
    account = f"/v1/accounts/{account_id}"
    invoices = [_issue(operator, account, key) for key in ("one", "two", "three", "four")]
    assert operator.post(f"{account}/invoices/{invoices[3]}/void", key="void").status == 200

    cards = [_add_card(admin, account, token) for token in ("tok_visa", "tok_requires_action", "tok_mastercard")]
    assert admin.patch(f"{account}/payment-methods/{cards[0]}", {"billing_details": {"name": "Acme"}}).status == 200
    assert admin.delete(f"{account}/payment-methods/{cards[2]}").status == 204
    settings = {"default_payment_method_id": cards[0], "autopay_enabled": True}
    assert admin.put(f"{account}/payment-settings", settings).status == 200
    assert admin.put(f"{account}/invoice-recipients", {"invoice_recipients": ["a@example.com"]}).status == 200

    paid = admin.post(f"{account}/payments", {"invoice_ids": invoices[:1]}, key="pay").body
    waiting = admin.post(
        f"{account}/payments", {"invoice_ids": invoices[1:2], "payment_method_id": cards[1]}, key="action"
    ).body
    assert waiting["status"] == "requires_action"
    assert admin.post(f"{account}/payments/{waiting['payment_id']}/cancel", key="cancel").status == 200
    _subscribe_and_end(operator, admin, account)
    slow = _add_card(admin, account, "tok_timeout_then_approved")
    parked = admin.post(f"{account}/payments", {"payment_method_id": slow}, key="slow").body["payment_id"]
    stack.park(account_id, parked)
    resolution = {"outcome": "canceled"}
    assert operator.post(f"{account}/payments/{parked}/resolve", resolution, key="resolve").status == 200

    _look_at_everything(
        operator, admin, account, {"invoices": invoices[0], "payment-methods": cards[0], "payments": paid["payment_id"]}
    )
    found = operator.get("/v1/accounts", payment_id=paid["payment_id"])
    assert [one["account_id"] for one in found.body["items"]] == [account_id]


def _look_at_everything(operator: ApiClient, admin: ApiClient, account: str, records: dict[str, str]) -> None:
    for search in ({}, {"name": "ac"}, {"gateway_reference": "none"}):
        assert operator.get("/v1/accounts", **search).status == 200
    assert admin.get("/v1/accounts").status == 200
    assert admin.get(account).status == 200
    for room, record_id in records.items():
        assert admin.get(f"{account}/{room}").status == 200
        assert admin.get(f"{account}/{room}/{record_id}").status == 200
    assert admin.get(f"{account}/invoices", status="paid").status == 200
    for sweep in get_args(SweepName):
        assert operator.get(f"/v1/runs/{sweep}/2026-03-02").status == 200
    assert admin.get(f"{account}/subscriptions").status == 200
    assert admin.get(f"{account}/autopay/forecast").status == 200
    for page in ("payment-settings", "invoice-recipients", "activity", "activity/export", "activity/verify"):
        assert admin.get(f"{account}/{page}").status == 200
    first = admin.get(f"{account}/activity/verify", limit=1).body
    assert admin.get(f"{account}/activity/verify", limit=1, cursor=first["next_cursor"]).status == 200


def _subscribe_and_end(operator: ApiClient, admin: ApiClient, account: str) -> None:
    body = {"plan": "Team", "amount_minor": 4_900, "interval": "monthly"}
    subscription_id = operator.post(f"{account}/subscriptions", body, key="team").body["subscription_id"]
    subscription = f"{account}/subscriptions/{subscription_id}"
    assert admin.patch(subscription, {"interval": "annual"}).status == 200
    assert admin.delete(subscription).status == 200


def _issue(operator: ApiClient, account: str, key: str) -> str:
    body = {"lines": [{"description": "Plan", "unit_amount_minor": 1000}], "due_on": "2026-03-09"}
    answer = operator.post(f"{account}/invoices", body, key=key)
    assert answer.status == 201, answer.text
    invoice_id: str = answer.body["invoice_id"]
    return invoice_id


def _add_card(admin: ApiClient, account: str, token: str) -> str:
    answer = admin.post(f"{account}/payment-methods", {"kind": "card", "gateway_token": token}, key=token)
    assert answer.status == 201, answer.text
    payment_method_id: str = answer.body["payment_method_id"]
    return payment_method_id


def _allowed(policy_file: str) -> set[Permission]:
    """What a policy allows in dev of DynamoDB and SQS."""
    dev = Stage("dev")
    tables = {
        f"{name}.Arn": dev.resolve(table["TableName"]).removeprefix("paydesk-dev-")
        for name, table in dev.resources("AWS::DynamoDB::Table").items()
    }
    policy = json.loads((REPOSITORY / ".chalice" / policy_file).read_text())
    allowed = set()
    for statement in dev.resolve(policy["Statement"], tables | {"DataKey.Arn": "the-key", "SweepsQueue.Arn": "sweeps"}):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in statement["Action"]:
            service, _, name = action.partition(":")
            allowed |= {(name, resource) for resource in resources if service in ("dynamodb", "sqs")}
    return allowed
