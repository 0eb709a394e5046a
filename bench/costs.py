"""What operations cost on DynamoDB: units counted by its published rules, and dollars for a million payments.

Counted on MiniStack from real requests and the items they read and write. Not in it: Lambda, API Gateway, storage,
backups, KMS, and the sandbox gateway's own table, which a real gateway does not have.
"""

import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.customers import open_customer
from bench.figures import Figure, Progress, in_a_process, tell_the_parent
from bench.handler import Handler, event
from bench.units import Billed, Meter
from chalicelib.core.ids import derived_id
from chalicelib.ledger.due import shard_of
from chalicelib.sweeps.models import Order
from local import aws
from tests.support.builders import NOW
from tests.support.engines import Engine, engine
from tests.sweeps.fleet import plenty

PAYMENTS = "/v1/accounts/{account_id}/payments"
CHARGES = "sandbox-charges"


@dataclass(frozen=True)
class Prices:
    """List prices in US dollars for a million."""

    write_units: float
    read_units: float
    queue_requests: float


US_EAST_1 = Prices(write_units=0.625, read_units=0.125, queue_requests=0.40)
"""us-east-1, tables on demand (standard class) since 1 November 2024, standard queue; aws.amazon.com/dynamodb/pricing
and aws.amazon.com/sqs/pricing."""

_QUEUE_REQUESTS_A_MESSAGE = 3  # sent, received, deleted


@dataclass(frozen=True)
class Cost:
    """What one operation was billed: units by table, or by table/index. `engine_writes` is MiniStack's own count of the
    same writes, with a local index's once.
    """

    what: str
    writes: Mapping[str, float]
    reads: Mapping[str, float]
    engine_writes: float

    @classmethod
    def of(cls, what: str, billed: Sequence[Billed], times: int = 1) -> "Cost":
        """The cost of one of `times` operations that were billed together; the sandbox's own table left out."""
        of_paydesk = [call for call in billed if CHARGES not in call.writes]
        return cls(
            what,
            _share([call.writes for call in of_paydesk], times),
            _share([call.reads for call in of_paydesk], times),
            sum(sum(call.engine_units.values()) for call in of_paydesk if call.writes) / times,
        )

    def told(self) -> dict[str, Any]:
        """As JSON; `read` reads it back."""
        return asdict(self)

    @classmethod
    def read(cls, told: dict[str, Any]) -> "Cost":
        return cls(**told)

    @property
    def write_units(self) -> float:
        return sum(self.writes.values())

    @property
    def read_units(self) -> float:
        return sum(self.reads.values())

    def dollars_for_a_million(self, prices: Prices, queue_requests: float = 0) -> float:
        return (
            self.write_units * prices.write_units
            + self.read_units * prices.read_units
            + queue_requests * prices.queue_requests
        )

    @property
    def note(self) -> str:
        """Where the units go."""
        return " ".join(f"{place} {units:.3g}" for place, units in sorted(self.writes.items()))


class Costs:
    """Operations of one customer each, on one engine."""

    def __init__(self, store: Engine, prefix: str) -> None:
        self._handler = Handler(prefix)
        self._meter = Meter(store.client, prefix)

    def of_a_request(
        self, what: str, method: str, path: str, account_id: str, *, body: object = None, key: str | None = None
    ) -> Cost:
        asked = event(method, path, account_id, body=body, key=key)
        with self._meter.on(self._handler.client) as meter:
            answer = self._handler.answer(asked)
        assert answer["statusCode"] < 300, answer
        return Cost.of(what, meter.billed)

    def of_autopay(self, what: str, customers: int) -> Cost:
        """A message of one shard with so many customers, for one of them: its share of the index query and the run's
        statistics is in it.
        """
        for key in itertools.islice(_keys_of_one_shard(), customers):
            self.customer(key, autopay=True)
        order = Order(sweep="autopay", run=NOW.date().isoformat(), shards=(_SHARD,))
        with self._meter.on(self._handler.client) as meter:
            worked = self._handler.desk.sweeps.work(order, plenty)
        assert worked.tally.counts["charged"] == customers, worked
        return Cost.of(what, meter.billed, customers)

    def customer(self, key: str, *, autopay: bool = False, invoices: int = 1) -> str:
        return open_customer(self._handler.desk, key, autopay=autopay, invoices=invoices)

    def open_invoice(self, account_id: str) -> str:
        return next(iter(self._handler.desk.accounts.get(account_id).open_invoices))


def _share(units: Sequence[Mapping[str, float]], times: int) -> dict[str, float]:
    places = sorted({place for each in units for place in each})
    return {place: sum(each.get(place, 0) for each in units) / times for place in places}


_SHARD = "05"


def _keys_of_one_shard() -> Iterator[str]:
    keys = (f"autopay-{number}" for number in itertools.count())
    return (key for key in keys if shard_of(derived_id("acc", "accounts", "open", key)) == _SHARD)


def measure(store: Engine, customers: int, tell: Progress) -> list[Figure]:
    """Units and dollars. `customers` is how many stand in autopay's message: the more, the less each costs."""
    tell(f"costs: units of requests, and of autopay for {customers} customers")
    with store.tables() as prefix, store.environment():
        found = [Cost.read(cost) for cost in in_a_process("bench.costs", store.url, prefix, str(customers))]
    figures = [
        Figure(f"write units: {cost.what}", cost.write_units, _UNITS_MAX.get(cost.what), note=cost.note)
        for cost in found
        if cost.writes
    ]
    figures += [Figure(f"read units: {cost.what}", cost.read_units) for cost in found]
    for cost in found:
        if cost.what in (PAY, AUTOPAY):
            messages = _QUEUE_REQUESTS_A_MESSAGE / customers if cost.what == AUTOPAY else 0
            dollars = cost.dollars_for_a_million(US_EAST_1, messages)
            target = 14.0 if cost.what == AUTOPAY else None
            figures.append(Figure(f"dollars for a million: {cost.what}", dollars, target, note="us-east-1, list price"))
    return figures


PAY, AUTOPAY = "pay one invoice", "autopay, one customer"
_PAY_TOO, _PAY_OF_TEN = "pay one invoice, autopay being on", "pay one invoice of ten open, autopay being on"
_UNITS_MAX = {PAY: 20.0, _PAY_TOO: 20.0, _PAY_OF_TEN: 20.0}


def run(store: Engine, prefix: str, customers: int) -> list[Cost]:
    costs = Costs(store, prefix)
    one, on, many = costs.customer("one"), costs.customer("on", autopay=True), costs.customer("many", invoices=10)
    of_ten = costs.customer("of-ten", autopay=True, invoices=10)
    pay = ("POST", PAYMENTS)
    return [
        costs.of_a_request(PAY, *pay, one, body={}, key="key"),
        costs.of_a_request(_PAY_TOO, *pay, on, body={}, key="key"),
        costs.of_a_request(_PAY_OF_TEN, *pay, of_ten, body={"invoice_ids": [costs.open_invoice(of_ten)]}, key="key"),
        costs.of_a_request("pay ten invoices at once", *pay, many, body={}, key="key"),
        costs.of_a_request("replay", *pay, one, body={}, key="key"),
        costs.of_a_request("list the payments", "GET", PAYMENTS, one),
        costs.of_a_request("see the account", "GET", "/v1/accounts/{account_id}", one),
        costs.of_autopay(AUTOPAY, customers),
    ]


if __name__ == "__main__":
    url, prefix, customers = sys.argv[1:]
    os.environ.update(aws.environment(url))
    tell_the_parent(lambda: [cost.told() for cost in run(engine("ministack", url), prefix, int(customers))])
