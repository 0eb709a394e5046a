"""The same payment at localstripe, a fake Stripe that keeps its state: create customer, attach, invoice, pay.

Its pay is taken over loopback, less what a request takes there that does nothing; Paydesk's is its handler on
MiniStack, with all its trips to the store. Both pay for as many customers as there are.
"""

import base64
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from bench.figures import Figure, Progress, in_a_process, tell_the_parent
from bench.handler import Handler
from bench.paying import Payers
from local import aws
from local.stage import REPOSITORY
from tests.support.engines import Engine, engine

_PYTHON = REPOSITORY / ".venv-localstripe" / "bin" / "python"
_HOST = "127.0.0.1"
_START_SECONDS_MAX = 20
_WARM = 5
"""Payments before the clock starts, each side."""

# On loopback only, and with the file it saves to in a directory of its own: both are fixed in its own command.
_SERVER = """
import builtins, sys
from aiohttp import web
from localstripe import resources, server
resources.open = lambda _path, mode: builtins.open(sys.argv[2], mode)
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


class LocalstripeMissing(Exception):
    """`make localstripe` has not been run."""


def measure(store: Engine, sizes: dict[int, float], rounds: int, tell: Progress) -> list[Figure]:
    """Paydesk's p50 in times of localstripe's: customers -> target. Raises LocalstripeMissing."""
    if not _PYTHON.exists():
        raise LocalstripeMissing("localstripe is not installed: say `make localstripe`.")
    figures = []
    for customers, target in sizes.items():
        tell(f"localstripe: {customers} customers, {rounds} rounds")
        with store.tables() as prefix, store.environment():
            rounds_found = in_a_process("bench.localstripe", store.url, prefix, str(customers), str(rounds))
        paydesk, theirs = (statistics.median(side) for side in zip(*rounds_found, strict=True))
        ratio = statistics.median(ours / their for ours, their in rounds_found)
        note = f"{paydesk:.1f}/{theirs:.1f} ms"
        figures.append(Figure(f"pay p50 / localstripe's, {customers} customers", ratio, target, note=note))
    return figures


def run(store: Engine, prefix: str, customers: int, rounds: int) -> list[tuple[float, float]]:
    """Medians of both sides by round, in milliseconds."""
    handler = Handler(prefix)
    payers = Payers(handler, store, prefix, _WARM + customers * rounds)
    for _ in range(_WARM):
        payers.pay()
    found = []
    with _server() as stripe:
        stripe.pay_for(_WARM)
        for _ in range(rounds):
            theirs = stripe.pay_for(customers)
            found.append((statistics.median(payers.pay() for _ in range(customers)), theirs))
    return found


class Localstripe:
    """A client that keeps its connection, as Paydesk's to DynamoDB is kept."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(_HOST, port, timeout=30)
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(b"sk_test_12345:").decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def pay_for(self, customers: int) -> float:
        """So many new customers pay an invoice each: the median in milliseconds, less that of an empty request."""
        self._send("DELETE", "/_config/data")
        self._post("products", id="team", name="Team", type="service")
        self._post("plans", id="team-monthly", product="team", amount=49_000, currency="eur", interval="month")
        invoices = [self._invoice(number) for number in range(customers)]
        paying = statistics.median(self._paid(invoice) for invoice in invoices)
        return paying - statistics.median(self._nothing() for _ in range(customers))

    def _invoice(self, number: int) -> str:
        """localstripe invoices nobody without a subscription; on trial, it charges nothing by itself."""
        customer = self._post("customers", email=f"ada{number}@example.com")["id"]
        card = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2039, "card[cvc]": 123}
        method = self._post("payment_methods", type="card", **card)["id"]
        self._post(f"payment_methods/{method}/attach", customer=customer)
        self._post(f"customers/{customer}", **{"invoice_settings[default_payment_method]": method})
        plan = {"items[0][plan]": "team-monthly", "trial_period_days": 14}
        self._post("subscriptions", customer=customer, **plan)
        self._post("invoiceitems", customer=customer, amount=2_000, currency="eur", description="Storage, 200 GB")
        invoice_id: str = self._post("invoices", customer=customer)["id"]
        return invoice_id

    def _paid(self, invoice_id: str) -> float:
        started = perf_counter()
        invoice = self._post(f"invoices/{invoice_id}/pay")
        taken = perf_counter() - started
        assert invoice["status"] == "paid", invoice
        return taken * 1000

    def _nothing(self) -> float:
        started = perf_counter()
        self._send("GET", "/v1/no-such-thing")
        return (perf_counter() - started) * 1000

    def _post(self, path: str, **fields: Any) -> Any:
        status, content = self._send("POST", f"/v1/{path}", urlencode(fields))
        assert status == 200, content
        return json.loads(content)

    def _send(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@contextlib.contextmanager
def _server() -> Iterator[Localstripe]:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="paydesk-localstripe-") as scratch:
        command = [str(_PYTHON), "-c", _SERVER, str(port), f"{scratch}/localstripe.pickle"]
        with subprocess.Popen(command, env={"HOME": scratch}, cwd=scratch) as process:
            try:
                _wait_until_ready(port, process)
                yield Localstripe(port)
            finally:
                process.terminate()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), contextlib.closing(socket.create_connection((_HOST, port), timeout=1)):
            return
        time.sleep(0.05)
    raise RuntimeError("localstripe did not come up")


if __name__ == "__main__":
    url, prefix, customers, rounds = sys.argv[1:]
    os.environ.update(aws.environment(url))
    tell_the_parent(lambda: run(engine("ministack", url), prefix, int(customers), int(rounds)))
