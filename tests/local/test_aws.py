import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.aws import one_at_a_time, serve_aws
from local.web import PortTaken, listen
from tests.support.engines import Engine


def test_calls_are_answered_one_after_another() -> None:
    inside, most = 0, 0

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.002)
        inside -= 1
        return [environ["wsgi.input"].read()]

    class Body:
        def read(self, length: int) -> bytes:
            return b"x" * length

    serialised = one_at_a_time(app)
    answers: list[Iterable[bytes]] = []

    def call() -> None:
        answers.append(serialised({"CONTENT_LENGTH": "3", "wsgi.input": Body()}, lambda *_: None))

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[b"xxx"]] * 20
    assert most == 1


def test_transactions_of_many_threads_lose_no_acknowledged_write(moto: Engine) -> None:
    """Without the lock, a transaction that fails restores the table and wipes what others wrote meanwhile."""
    with moto.tables() as prefix:
        table = f"{prefix}runs"

        def write(number: int) -> None:
            moto.client.put_item(TableName=table, Item={"run": {"S": "all"}, "shard": {"S": str(number)}})
            with pytest.raises(moto.client.exceptions.TransactionCanceledException):
                moto.client.transact_write_items(
                    TransactItems=[
                        {
                            "Put": {
                                "TableName": table,
                                "Item": {"run": {"S": "all"}, "shard": {"S": str(number)}},
                                "ConditionExpression": "attribute_not_exists(#shard)",
                                "ExpressionAttributeNames": {"#shard": "shard"},
                            }
                        }
                    ]
                )

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(write, range(40)))
        assert moto.client.scan(TableName=table, Select="COUNT")["Count"] == 40


def test_it_starts_and_stops_and_starts_again_on_the_same_port() -> None:
    with listen(0) as listener:
        port: int = listener.getsockname()[1]
        with pytest.raises(PortTaken), serve_aws(port):
            pass
    for _ in range(2):
        with serve_aws(port) as url:
            assert url.endswith(f":{port}")
