"""`make fuzz`: a local stack of its own, and schemathesis against its OpenAPI document until enough was asked.

Ends with 0 when no answer was a 5xx, none broke the document, and nothing that fits the document was misunderstood
(tests/fuzz/checks.py says which checks differ from schemathesis' own). A seed that found something is printed: give it
again to see it again.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from local.stage import REPOSITORY
from tests.local.running import Running, running

_SCHEMATHESIS = REPOSITORY / ".venv-fuzz" / "bin" / "schemathesis"
_CHECKS = REPOSITORY / "tests" / "fuzz" / "checks.py"
_EXAMPLES = 20
"""How many requests each phase makes of a route: a run of all routes is about 2,000."""

_REPLACED = ("unsupported_method", "positive_data_acceptance", "ensure_resource_availability")
"""checks.py says why, and by what."""

_LISTS = {
    "payment_id": "payments",
    "invoice_id": "invoices",
    "payment_method_id": "payment-methods",
    "subscription_id": "subscriptions",
}
_INSTRUMENTS = ["tok_visa", "tok_mastercard", "tok_insufficient_funds", "tok_requires_action", "tok_stolen_card"]


@dataclass(frozen=True)
class Round:
    """All routes once more, by one person."""

    role: str
    seed: int
    requests: int
    failures: int
    said: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Requests nobody would think of.")
    parser.add_argument("--requests", type=int, default=5_000, help="how many at least (5000)")
    parser.add_argument("--seed", type=int, default=1, help="the first round's seed (1)")
    arguments = parser.parse_args()
    if not _SCHEMATHESIS.exists():
        sys.stderr.write("schemathesis is not installed: say `make fuzz`.\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="paydesk-fuzz-") as scratch:
        rounds, broken = _fuzz(Path(scratch), arguments.requests, arguments.seed)
    for found in rounds:
        if found.failures:
            sys.stdout.write(f"\nAs {found.role}, seed {found.seed}:\n{found.said}\n")
    sys.stdout.writelines(f"{line}\n" for line in broken)
    requests, failures = (sum(getattr(each, name) for each in rounds) for name in ("requests", "failures"))
    told = f"{requests:,} requests in {len(rounds)} rounds: {failures} findings, {len(broken)} errors logged"
    sys.stdout.write(f"{told}\n")
    return 1 if failures or broken else 0


def _fuzz(scratch: Path, requests: int, seed: int) -> tuple[list[Round], list[str]]:
    """The rounds, and what the stack logged as its own failure meanwhile."""
    rounds: list[Round] = []
    seeds, asked = count(seed), 0
    with running(scratch) as stack, (scratch / "requests.log").open("w") as requests_log:
        # It says a line for each request, and would wait for somebody to read them.
        threading.Thread(target=shutil.copyfileobj, args=(stack.process.stdout, requests_log), daemon=True).start()
        while asked < requests:
            number = next(seeds)
            for role in ("billing_admin", "operator"):
                rounds.append(_round(stack, scratch, role, number))
                asked += rounds[-1].requests
                sys.stderr.write(f"fuzz: {asked:,} of {requests:,} requests\n")
        stack.process.terminate()
        stack.process.wait(30)
    log = (scratch / ".local" / "paydesk.log").read_text().splitlines()
    return rounds, [line for line in log if '"level":"ERROR"' in line]


def _round(stack: Running, scratch: Path, role: str, seed: int) -> Round:
    """Every route, asked as somebody with that role. What is there by now is what may be asked for."""
    url = stack.described["api_url"]
    (scratch / "schemathesis.toml").write_text(_configuration(_known(stack)))
    report = scratch / "report.json"
    command = [
        *(str(_SCHEMATHESIS), "run", f"{url}/openapi.json", "--url", url, "--no-color"),
        *("--header", f"Authorization: Bearer {stack.user(role)['token']}"),
        *("--checks", "all", "--exclude-checks", ",".join(_REPLACED)),
        *("--max-examples", str(_EXAMPLES), "--seed", str(seed), "--no-shrink", "--continue-on-failure"),
        *("--report", "json", "--report-json-path", str(report)),
    ]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if not report.exists():
        raise RuntimeError(f"schemathesis did not run:\n{done.stdout}{done.stderr}")
    cases = json.loads(report.read_text())["test_cases"]
    report.unlink()
    failures = max(cases["unique_failures"] + cases["errored"], 1 if done.returncode else 0)
    return Round(role, seed, cases["generated"], failures, done.stdout)


def _known(stack: Running) -> dict[str, Sequence[str]]:
    """Ids of what is there, by the name of the parameter."""
    admin = stack.user("billing_admin")
    accounts: list[str] = admin["account_ids"]
    known: dict[str, Sequence[str]] = {"account_id": accounts, "sweep": ["autopay", "renewals"], "date": ["2026-11-23"]}
    for name, records in _LISTS.items():
        pages = [_list(stack, f"/v1/accounts/{account_id}/{records}", admin["token"]) for account_id in accounts]
        known[name] = [record[name] for page in pages for record in page] or ["none-yet"]
    return known


def _list(stack: Running, path: str, token: str) -> list[Any]:
    status, body = stack.send("GET", f"{path}?limit=100", token=token)
    assert status == 200, body
    items: list[Any] = body["items"]
    return items


def _configuration(known: Mapping[str, Sequence[str]]) -> str:
    """Mostly ids that exist, so that requests get past "not found"; now and then any others."""
    lists = {**known, "instrument": _INSTRUMENTS}
    dictionaries = [f"[dictionaries.{name}]\nvalues = {json.dumps(list(values))}" for name, values in lists.items()]
    places = {f"path.{name}": name for name in known}
    places |= {"body.gateway_token": "instrument", "body.payment_method_id": "payment_method_id"}
    parameters = [f'"{place}" = {{dictionary = "{name}", probability = 0.9}}' for place, name in places.items()]
    return "\n".join([f'hooks = "{_CHECKS}"', *dictionaries, "[parameters]", *parameters, ""])


if __name__ == "__main__":
    sys.exit(main())
