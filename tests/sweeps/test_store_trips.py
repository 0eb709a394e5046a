"""What a run costs is counted, not timed: the requests to DynamoDB over a whole shard, those for index and run too.

The sandbox gateway keeps its charges in a table of its own; a real gateway would not, so its trips are counted apart.
"""

import contextlib
from collections import Counter

from chalicelib import wiring
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.sweeps.models import Order, Tally
from chalicelib.sweeps.stores import DynamoDBRuns, MemoryQueue
from local.clock import MovableClock, StandingClock
from tests.proof.world import DUE_WORK, PAGE_URL, SETTINGS
from tests.support.builders import NOW
from tests.support.engines import Engine
from tests.support.faults import Road
from tests.sweeps.fleet import AMOUNT_MINOR, names_in, open_fleet, plenty

ACCOUNTS = 200


def test_an_autopay_payment_takes_at_most_3_05_trips(ministack: Engine) -> None:
    store, charges = ministack.ledger_client(), ministack.ledger_client()
    with ministack.tables() as prefix:
        ledger = Ledger(store, prefix, due_work=DUE_WORK)
        desk = wiring.build(
            SETTINGS,
            clock=MovableClock(StandingClock(NOW)),
            ledger=ledger,
            gateway=SandboxGateway(DynamoDBCharges(charges, prefix), PAGE_URL),
            queue=MemoryQueue(),
            runs=DynamoDBRuns(lambda: store, prefix, attempts=5),
        )
        open_fleet(ledger, names_in("05", ACCOUNTS))
        with contextlib.closing(Road(store)) as road, contextlib.closing(Road(charges)) as gateway:
            worked = desk.sweeps.work(Order(sweep="autopay", run="2026-03-02", shards=("05",)), plenty)
    done = Tally({"handled": ACCOUNTS, "charged": ACCOUNTS}, {"charged:EUR": ACCOUNTS * AMOUNT_MINOR})
    assert worked.tally == done
    trips = Counter(road.operations)
    assert trips == {
        "GetItem": ACCOUNTS,
        "PutItem": ACCOUNTS,
        "TransactWriteItems": ACCOUNTS,
        "Query": 3,  # two pages, and that there is no third
        "UpdateItem": 3,  # the run: begun, a page, finished with the other
    }
    assert len(road.trips) / ACCOUNTS <= 3.05
    assert Counter(gateway.operations) == {"PutItem": ACCOUNTS}
