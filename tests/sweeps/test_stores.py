"""Queue and runs: what is in memory behaves as what is on AWS; and the whole way from a schedule to a charge."""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.local import LambdaContext
from chalice.test import Client

from chalicelib import settings, wiring
from chalicelib.core.errors import Unavailable
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.sweeps import metrics
from chalicelib.sweeps.models import Order, ShardRun, Tally, Worked
from chalicelib.sweeps.service import Queue, Runs
from chalicelib.sweeps.stores import DynamoDBRuns, MemoryQueue, MemoryRuns, SqsQueue
from local import aws
from local.clock import MovableClock, StandingClock
from local.stage import Stage
from tests.infra.test_package import SECONDS
from tests.support.builders import NOW
from tests.support.engines import Engine
from tests.support.faults import Road, throttled, unreachable
from tests.support.tokens import Tokens
from tests.sweeps.fleet import AMOUNT_MINOR, names, open_fleet

ORDER = Order(sweep="autopay", run="2026-03-02", shards=("00", "08"), after="2026-03-02T05:00:00.000Z#acc_1")


@pytest.fixture(params=["memory", "dynamodb"])
def runs(request: pytest.FixtureRequest, moto: Engine) -> Iterator[Runs]:
    if request.param == "memory":
        yield MemoryRuns()
        return
    with moto.tables() as prefix:
        yield DynamoDBRuns(moto.ledger_client, prefix, attempts=5)


@contextlib.contextmanager
def a_queue(engine: Engine) -> Iterator[tuple[SqsQueue, Any, str]]:
    """Its name, like that of every queue here, is used once."""
    client = aws.sqs(engine.url)
    name = f"sweeps-{uuid.uuid4()}"
    url = client.create_queue(QueueName=name)["QueueUrl"]
    with engine.environment():
        yield SqsQueue(name), client, url
    client.delete_queue(QueueUrl=url)


def test_tallies_add_up(runs: Runs) -> None:
    runs.begin(ORDER, "08", "2026-03-02T09:00:00.000Z")
    runs.count(ORDER, "08", Tally({"handled": 2, "charged": 1}, {"charged:EUR": 5}))
    runs.count(ORDER, "08", Tally({"handled": 3, "checked": 0}, {"charged:EUR": 7, "declined:JPY": 1}))
    runs.count(ORDER, "08", Tally())
    runs.finish(ORDER, "08", Tally({"ended": 2}), "2026-03-02T09:05:00.000Z")
    (run,) = runs.of("autopay", "2026-03-02")
    assert {name: count for name, count in run.tally.counts.items() if count} == {
        "handled": 5,
        "charged": 1,
        "ended": 2,
    }
    assert run.tally.amounts == {"charged:EUR": 12, "declined:JPY": 1}
    assert (run.started_at, run.finished_at) == ("2026-03-02T09:00:00.000Z", "2026-03-02T09:05:00.000Z")


def test_a_second_run_of_the_day_is_not_finished_before_it_is(runs: Runs) -> None:
    runs.begin(ORDER, "08", "T1")
    runs.count(ORDER, "08", Tally({"handled": 1}))
    runs.finish(ORDER, "08", Tally(), "T2")
    runs.begin(ORDER, "08", "T3")
    assert runs.of("autopay", "2026-03-02") == [ShardRun("08", Tally({"handled": 1}), "T3", None)]


def test_a_runs_page_outlives_a_store_that_is_busy_for_a_moment(moto: Engine) -> None:
    with moto.tables() as prefix:
        client = moto.ledger_client()
        runs = DynamoDBRuns(lambda: client, prefix, attempts=5)
        runs.begin(ORDER, "08", "T1")
        Road(client).meets(throttled)
        assert [run.shard for run in runs.of("autopay", "2026-03-02")] == ["08"]


@pytest.mark.parametrize(
    "write",
    [
        lambda runs: runs.begin(ORDER, "08", "T1"),
        lambda runs: runs.count(ORDER, "08", Tally({"handled": 1})),
        lambda runs: runs.finish(ORDER, "08", Tally(), "T1"),
    ],
    ids=["begin", "count", "finish"],
)
def test_a_run_is_written_in_one_try_and_keeps_no_account_waiting_longer(
    moto: Engine, write: Callable[[Runs], None]
) -> None:
    with moto.tables() as prefix:
        client = moto.ledger_client()
        road = Road(client)
        road.always_meets(unreachable)
        with pytest.raises(Unavailable):
            write(DynamoDBRuns(lambda: client, prefix, attempts=5))
    assert road.operations == ["UpdateItem"]


def test_runs_are_kept_apart_by_sweep_day_and_shard_in_order(runs: Runs) -> None:
    other_day, other_sweep = (
        ORDER.model_copy(update={"run": "2026-03-03"}),
        ORDER.model_copy(update={"sweep": "overdue"}),
    )
    for order, shard in ((ORDER, "08"), (ORDER, "00"), (other_day, "01"), (other_sweep, "02")):
        runs.begin(order, shard, "T1")
        runs.count(order, shard, Tally({"handled": 1}))
    assert runs.of("autopay", "2026-03-02") == [
        ShardRun("00", Tally({"handled": 1}), "T1", None),
        ShardRun("08", Tally({"handled": 1}), "T1", None),
    ]
    assert [run.shard for run in runs.of("autopay", "2026-03-03")] == ["01"]
    assert [run.shard for run in runs.of("overdue", "2026-03-02")] == ["02"]
    assert runs.of("renewals", "2026-03-02") == []


def test_a_name_that_is_an_expression_or_a_word_of_dynamodb_is_counted(runs: Runs) -> None:
    tally = Tally({"set": 1, "a.b": 2, "#c": 3}, {"limbo_parked:week:EUR": 10**15})
    runs.count(ORDER, "00", tally)
    (run,) = runs.of("autopay", "2026-03-02")
    assert (run.tally.counts, run.tally.amounts) == (tally.counts, tally.amounts)


def test_an_order_arrives_as_it_was_sent(moto: Engine) -> None:
    memory = MemoryQueue()
    with a_queue(moto) as (sqs, client, url):
        queues: list[Queue] = [memory, sqs]
        for queue in queues:
            queue.send(ORDER)
        (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert [Order.model_validate_json(message["Body"])] == memory.orders == [ORDER]


def test_a_queue_that_does_not_answer_is_given_up_before_a_schedules_function_is(moto: Engine) -> None:
    with a_queue(moto) as (queue, _client, _url):
        config: Any = queue._connected[0].meta.config  # the stubs know none of its values
    one_call = (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"]
    assert 2 * one_call < SECONDS["StartAutopay"], "the queue's address is asked for first"


def test_from_the_schedule_over_the_queue_to_the_charge(
    moto: Engine, app: Chalice, tokens: Tokens, capsys: pytest.CaptureFixture[str]
) -> None:
    with moto.tables() as prefix, a_queue(moto) as (queue, sqs, url), Client(app) as client:
        environ = Stage().environment() | tokens.pool.environment() | {"PAYDESK_TABLE_PREFIX": prefix}
        with moto.environment():
            desk = wiring.build(
                settings.load(environ),
                clock=MovableClock(StandingClock(NOW)),
                queue=queue,
                runs=DynamoDBRuns(moto.ledger_client, prefix, attempts=5),
            )
        assert isinstance(desk.ledger, Ledger)
        open_fleet(desk.ledger, names(12))
        wiring.use(desk)
        try:
            client.lambda_.invoke(
                "start_autopay", client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
            )
            messages = 0
            while received := sqs.receive_message(QueueUrl=url).get("Messages"):
                (message,) = received
                event = client.events.generate_sqs_event([message["Body"]])
                app_work(app)(event, LambdaContext("work", 1024, max_runtime_ms=300_000))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                messages += 1
        finally:
            wiring.use(None)
        told = desk.sweeps.runs("autopay", "2026-03-02")
        total = sum((run.tally for run in told), Tally())
        assert (messages, len(told), all(run.finished_at for run in told)) == (8, 32, True)
        assert (total.counts["charged"], total.amounts) == (12, {"charged:EUR": 12 * AMOUNT_MINOR})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    assert sum(line["handled"][0] for line in lines if "handled" in line) == 12
    assert sum(line["Amount"][0] for line in lines if "Amount" in line) == 12 * AMOUNT_MINOR


def app_work(app: Chalice) -> Any:
    """The function as Lambda calls it: chalice.test's own invocation has no clock that runs out."""
    import app as deployed

    assert deployed.app is app
    return deployed.work


def test_figures_of_an_order(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    tally = Tally({"handled": 3, "unreadable": 1, "charged": 2}, {"charged:EUR": 1200, "limbo_parked:week:JPY": 3})
    metrics.emit("autopay", Worked(tally, now - timedelta(minutes=4)), now)
    figures, charged, limbo = map(json.loads, capsys.readouterr().out.splitlines())
    wanted = {"handled": 3, "unreadable": 1, "charged": 2, "declined": 0, "unknown": 0, "OldestDueAge": 240}
    assert {name: figures[name] for name in wanted} == {name: [figure] for name, figure in wanted.items()}
    assert (figures["sweep"], figures["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("autopay", "Paydesk")
    assert (charged["what"], charged["currency"], charged["Amount"]) == ("charged", "EUR", [1200])
    assert (limbo["status"], limbo["age"], limbo["currency"], limbo["Limbo"]) == ("parked", "week", "JPY", [3])


def test_a_quiet_order_says_zero(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit("overdue", Worked(Tally(), None), datetime(2026, 3, 2, tzinfo=UTC))
    (line,) = capsys.readouterr().out.splitlines()
    assert {name: json.loads(line)[name] for name in ("handled", "OldestDueAge")} == {
        "handled": [0],
        "OldestDueAge": [0],
    }
