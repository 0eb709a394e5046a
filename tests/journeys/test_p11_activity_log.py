"""P11: logs of all billing activity on request: a customer exports them and verifies them without asking anybody."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stage import REPOSITORY
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer

PAGE = REPOSITORY / "docs" / "activity-log.md"


@pytest.fixture
def busy(acme: Customer) -> Customer:
    """Acme after a day of business: every kind of entry an administrator can cause stands in the log."""
    acme.owes(9_900, due_in_days=-30)
    acme.owes(2_000)
    visa = acme.add_card("tok_visa").body["payment_method_id"]
    acme.stack.suspend(acme.account_id)
    mastercard = acme.add_card("tok_mastercard").body["payment_method_id"]
    acme.client.put(acme.at("payment-settings"), {"default_payment_method_id": mastercard, "autopay_enabled": True})
    acme.client.patch(acme.at(f"payment-methods/{visa}"), {"billing_details": {"name": "Zoë Müller 株式会社"}})
    acme.client.put(acme.at("invoice-recipients"), {"invoice_recipients": ["zoe@example.com"]})
    acme.pay("all", payment_method_id=visa)
    acme.client.delete(acme.at(f"payment-methods/{visa}"))
    acme.owes(700)
    acme.pay("declined", payment_method_id=acme.has_card("tok_stolen_card"))
    return acme


HAPPENED = [
    "account.opened",
    "invoice.issued",
    "invoice.issued",
    "payment_method.added",
    "services.suspended",
    "payment_method.added",
    "payment_settings.changed",
    "payment_method.updated",
    "invoice_recipients.changed",
    "payment.succeeded",
    "services.reactivated",
    "payment_method.removed",
    "invoice.issued",
    "payment_method.added",
    "payment.declined",
]


def parts(customer: Customer, **query: str | int) -> Iterator[ApiAnswer]:
    """The export, part by part."""
    part = customer.client.get(customer.at("activity/export"), **query)
    yield part
    while cursor := part.headers.get("paydesk-next-cursor"):
        part = customer.client.get(customer.at("activity/export"), **query, cursor=cursor)
        yield part


def verified_by_script(page: str, export: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the script a page prints on an export, as a customer would: with Python and nothing of ours."""
    (script,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    (folder / "verify.py").write_text(script)
    (folder / "activity.jsonl").write_text(export, encoding="utf-8")
    command = [sys.executable, "-I", "verify.py", "activity.jsonl"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=30)


def test_everything_that_happened_stands_in_the_log_without_a_gap(busy: Customer) -> None:
    entries = busy.see("activity", order="oldest_first", limit=100)["items"]

    assert [entry["action"] for entry in entries] == HAPPENED
    assert [entry["sequence"] for entry in entries] == list(range(1, len(HAPPENED) + 1))


def test_an_entry_says_who_did_what_when_with_amounts(busy: Customer) -> None:
    entries = busy.see("activity", order="oldest_first", limit=100)["items"]
    paid = entries[HAPPENED.index("payment.succeeded")]

    assert paid["at"] == "2026-03-02T09:00:00.000Z"
    assert paid["personal"]["actor"].endswith("@example.com")
    assert paid["personal"]["payment_method"] == "Visa •••• 4242"
    assert (paid["facts"]["amount_minor"], paid["facts"]["currency"]) == (11_900, "EUR")
    assert sum(paid["facts"]["invoices"].values()) == 11_900


def test_the_log_is_read_newest_first_page_by_page(busy: Customer) -> None:
    read: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = busy.see("activity", limit=4, **cursor)
        read += [entry["action"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert read == HAPPENED[::-1]


def test_the_log_is_exported_as_json_lines_in_parts_that_make_one_file(busy: Customer) -> None:
    whole = "".join(part.text for part in parts(busy, format="jsonl", limit=100))
    in_parts = [part.text for part in parts(busy, format="jsonl", limit=4)]

    assert len(in_parts) == 4
    assert "".join(in_parts) == whole
    assert [json.loads(line)["action"] for line in whole.splitlines()] == HAPPENED


def test_the_log_is_exported_as_csv_in_parts_with_one_header(busy: Customer) -> None:
    exported = list(parts(busy, format="csv", limit=4))
    rows = list(csv.DictReader(io.StringIO("".join(part.text for part in exported))))
    in_json = [json.loads(line) for line in busy.client.get(busy.at("activity/export"), limit=100).text.splitlines()]

    assert {part.headers["content-type"] for part in exported} == {"text/csv; charset=utf-8"}
    assert [row["action"] for row in rows] == HAPPENED
    assert [(row["hash"], json.loads(row["facts"])) for row in rows] == [(e["hash"], e["facts"]) for e in in_json]


def test_an_export_is_offered_as_a_file(busy: Customer) -> None:
    answer = busy.client.get(busy.at("activity/export"), format="csv")

    assert answer.headers["content-disposition"] == f'attachment; filename="activity-{busy.account_id}.csv"'


def test_paydesk_verifies_the_log_whole_or_in_parts(busy: Customer) -> None:
    whole = busy.see("activity/verify", limit=100)
    first = busy.see("activity/verify", limit=10)
    second = busy.see("activity/verify", limit=10, cursor=first["next_cursor"])

    assert (whole["intact"], whole["complete"], whole["flaw"]) == (True, True, None)
    assert whole["head_sequence"] == len(HAPPENED)
    assert (first["intact"], first["complete"], first["last_sequence"]) == (True, False, 10)
    assert (second["first_sequence"], second["complete"], second["next_cursor"]) == (11, True, None)


def test_the_customers_own_script_verifies_an_export(busy: Customer, tmp_path: Path) -> None:
    export = "".join(part.text for part in parts(busy, format="jsonl", limit=4))

    done = verified_by_script(PAGE.read_text(), export, tmp_path)

    head = busy.see("activity/verify")["head_hash"]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(HAPPENED)} entries verify. The last hash is {head}.\n"


def altered(lines: list[str]) -> list[str]:
    """The amount of the payment, one cent less."""
    place = HAPPENED.index("payment.succeeded")
    return [line.replace("11900", "11899") if number == place else line for number, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("tamper", "breaks_at"),
    [
        (altered, 10),
        (lambda lines: lines[:9] + lines[10:], 10),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: lines[1:], 1),
    ],
    ids=["an amount changed", "an entry left out", "two swapped", "one doubled", "the first cut off"],
)
def test_the_customers_own_script_finds_a_tampered_export(
    busy: Customer, tmp_path: Path, tamper: Callable[[list[str]], list[str]], breaks_at: int
) -> None:
    lines = busy.client.get(busy.at("activity/export"), limit=100).text.splitlines(keepends=True)

    done = verified_by_script(PAGE.read_text(), "".join(tamper(lines)), tmp_path)

    assert done.returncode == 1
    assert done.stderr == f"The log breaks at entry {breaks_at}.\n"


def test_erasing_personal_data_does_not_break_the_chain(busy: Customer, tmp_path: Path) -> None:
    export = busy.client.get(busy.at("activity/export"), limit=100).text
    erased = "".join(json.dumps(json.loads(line) | {"personal": {}}) + "\n" for line in export.splitlines())

    assert verified_by_script(PAGE.read_text(), erased, tmp_path).returncode == 0


def test_paydesk_finds_a_log_that_was_tampered_with_in_its_table(busy: Customer) -> None:
    table = f"{busy.stack.prefix}activity"
    key = {"account_id": {"S": busy.account_id}, "sequence": {"N": "10"}}
    busy.stack.engine.client.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET facts.amount_minor = :less",
        ExpressionAttributeValues={":less": {"N": "1"}},
    )
    changed = busy.see("activity/verify")
    busy.stack.engine.client.delete_item(TableName=table, Key=key)
    missing = busy.see("activity/verify")

    assert (changed["intact"], changed["flaw"]) == (False, {"sequence": 10, "problem": "altered"})
    assert (missing["intact"], missing["flaw"]) == (False, {"sequence": 10, "problem": "missing"})


def test_paydesk_finds_a_log_whose_end_was_cut_off(busy: Customer) -> None:
    last = {"account_id": {"S": busy.account_id}, "sequence": {"N": str(len(HAPPENED))}}
    busy.stack.engine.client.delete_item(TableName=f"{busy.stack.prefix}activity", Key=last)

    found = busy.see("activity/verify", limit=100)

    assert (found["intact"], found["complete"]) == (False, False)
    assert found["flaw"] == {"sequence": len(HAPPENED), "problem": "missing"}
