"""What a request has to look like. Every refusal says what to do, and repeats nothing that was sent."""

import base64
import json
from typing import Any

import pytest
from chalice.app import Request
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.auth.roles import Role
from chalicelib.core.errors import Malformed
from chalicelib.http.requests import Place, read_text, surrounding
from tests.http.bench import ACCOUNT, Bench, MakeBench
from tests.support.client import ApiAnswer

VOID = f"{ACCOUNT}/1/void"


def send(bench: Bench, body: bytes) -> ApiAnswer:
    return bench.admin.post(ACCOUNT, body=body, key="k")


def event(**changed: object) -> dict[str, object]:
    """As little of a proxy event as Chalice reads a request from."""
    return {
        "multiValueQueryStringParameters": None,
        "headers": {},
        "pathParameters": None,
        "requestContext": {"httpMethod": "POST", "resourcePath": "/"},
        "stageVariables": None,
        "body": None,
    } | changed


def fields(answer: ApiAnswer) -> list[str]:
    assert (answer.status, answer.code) == (422, "invalid_request")
    return [error["field"] for error in answer.body["errors"]]


def test_a_body_is_read_whatever_it_calls_itself(bench: Bench) -> None:
    for content_type in (None, "text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded"):
        client = bench.admin.with_headers(content_type=content_type) if content_type else bench.admin
        answer = client.post(ACCOUNT, body=b'{"amount_minor": 5, "due_on": "2026-11-23"}', key="k")

        assert answer.status == 201
        assert (answer.body["amount_minor"], answer.body["due_on"]) == (5, "2026-11-23")


def test_what_is_wrong_inside_a_list_does_not_make_it_too_short_as_well(bench: Bench) -> None:
    answer = send(bench, b'{"amount_minor": 5, "parts": [{"amount_minor": "5"}]}')

    assert fields(answer) == ["parts.0.amount_minor"]
    assert fields(send(bench, b'{"amount_minor": 5, "parts": []}')) == ["parts"]


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t "])
def test_an_empty_body_is_never_read_as_anything(body: bytes, bench: Bench) -> None:
    assert (send(bench, body).status, send(bench, body).code) == (400, "empty_body")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"amount_minor"',
        b"{'amount_minor': 5}",
        b'{"amount_minor": 5,}',
        b'{"amount_minor": 5} {}',
        b'{"amount_minor": 5, "amount_minor": 5000}',
        b'{"amount_minor": 5, "nested": [{"a": 1, "a": 2}]}',
        b'{"amount_minor": NaN}',
        b'{"amount_minor": -Infinity}',
        b'{"name": "\\ud800"}',
        b'\xef\xbb\xbf{"amount_minor": 5}',
        '{"amount_minor": 5}'.encode("utf-16"),
        b'{"name": "a\nb"}',
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"amount_minor": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_proper_json_object_is_malformed(body: bytes, bench: Bench) -> None:
    answer = send(bench, body)

    assert (answer.status, answer.code) == (400, "malformed_json")


def test_a_body_is_utf_8(bench: Bench) -> None:
    """API Gateway hands over other bytes as U+FFFD, or in base64 as they are."""
    body = base64.b64encode(b'{"amount_minor": 5, "name": "\xff"}').decode()

    with pytest.raises(Malformed, match="malformed_json"):
        read_text(Request(event(body=body, isBase64Encoded=True)), bench.desk.settings.limits)


@pytest.mark.parametrize("amount", ['"5"', "5.0", "5e0", "0.5", "true", "null", "0", "-5", "[]", "{}", "1e999"])
def test_an_amount_is_a_positive_whole_number_and_nothing_else(amount: str, bench: Bench) -> None:
    assert fields(send(bench, f'{{"amount_minor": {amount}}}'.encode())) == ["amount_minor"]


def test_unknown_fields_are_refused_by_name(bench: Bench) -> None:
    assert fields(send(bench, b'{"amount_minor": 5, "ammount": 7}')) == ["ammount"]


def test_each_field_is_told_what_is_wrong_with_it(bench: Bench) -> None:
    answer = send(bench, b'{"name": 7, "due_on": "tomorrow", "flag": 1, "amount_minor": 0}')

    assert answer.body["errors"] == [
        {"field": "amount_minor", "problem": "It has to be more than 0."},
        {"field": "name", "problem": "Write a text, in quotes."},
        {"field": "due_on", "problem": "Write a date such as 2026-11-23."},
        {"field": "flag", "problem": "Write true or false, without quotes."},
    ]


def test_field_problems_are_told_in_the_callers_language(bench: Bench) -> None:
    client = bench.admin.with_headers(accept_language="de")

    answer = client.post(ACCOUNT, {"amount_minor": 0}, key="k")

    assert answer.headers["content-language"] == "de"
    assert answer.body["title"] == "Einige Felder sind nicht zulässig"
    assert answer.body["errors"][0]["problem"] == "Der Wert muss größer als 0 sein."


def test_a_value_is_never_repeated(bench: Bench) -> None:
    answer = send(bench, b'{"amount_minor": "secret-1", "due_on": "secret-2", "name": {"secret-3": 1}}')

    assert "secret" not in answer.text


@pytest.mark.parametrize(("count", "repeated"), [(500, 10), (7_000, 0)])
def test_thousands_of_unknown_fields_get_a_short_answer(count: int, repeated: int, bench: Bench) -> None:
    body = json.dumps({f"{number}" + "field_" * repeated: 1 for number in range(count)}, separators=(",", ":")).encode()
    answer = send(bench, body)

    assert len(fields(answer)) == 20
    assert len(answer.content) < 10_000


STEPS = st.one_of(st.integers(0, 2), st.sampled_from(["parts", "lines"]))


@given(st.lists(st.lists(STEPS, max_size=4).map(tuple), max_size=12))
def test_a_place_surrounds_another_if_that_one_begins_with_it(places: list[Place]) -> None:
    found = surrounding(places)

    for place in places:
        inner = [other for other in places if len(other) > len(place) and other[: len(place)] == place]
        assert (place in found) == bool(inner)


class Counted(tuple[int | str, ...]):
    """A place that counts how often it is looked at."""

    __slots__ = ()
    looks = 0

    def __getitem__(self, index: Any) -> Any:
        Counted.looks += 1
        return super().__getitem__(index)

    def __len__(self) -> int:
        Counted.looks += 1
        return super().__len__()


def test_each_of_many_places_is_looked_at_a_few_times_only() -> None:
    """Compared each with each, the fields of one body of 64 KiB took seconds."""
    Counted.looks = 0

    surrounding([Counted((f"field_{number}", number)) for number in range(1_000)])

    assert Counted.looks <= 4 * 1_000


def test_a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger(make_bench: MakeBench) -> None:
    bench = make_bench(PAYDESK_LIMIT_BODY_BYTES="2048")

    assert send(bench, b'{"amount_minor": 5}'.ljust(2048)).status == 201
    answer = send(bench, b'{"amount_minor": 5}'.ljust(2049))
    assert (answer.status, answer.code, answer.body["limit_bytes"]) == (413, "body_too_large", 2048)


def test_a_key_is_required_where_something_is_made(bench: Bench) -> None:
    for key in (None, "", "   "):
        answer = bench.admin.post(ACCOUNT, {"amount_minor": 5}, key=key)
        assert (answer.status, answer.code) == (400, "key_missing")


def test_a_key_may_be_as_long_as_the_limit(bench: Bench) -> None:
    assert bench.admin.post(ACCOUNT, {"amount_minor": 5}, key="k" * 255).body["key"] == "k" * 255
    answer = bench.admin.post(ACCOUNT, {"amount_minor": 5}, key="k" * 256)
    assert (answer.status, answer.code, answer.body["limit_characters"]) == (400, "key_too_long", 255)


@pytest.mark.parametrize("key", ["naïve", "a\tb", "a\x7fb", "钥匙"])
def test_a_key_is_printable_ascii(key: str, bench: Bench) -> None:
    answer = bench.admin.post(ACCOUNT, {"amount_minor": 5}, key=key)

    assert (answer.status, answer.code) == (400, "key_unreadable")


@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b" { } "])
def test_a_route_without_a_body_takes_none_or_an_empty_object(body: bytes, bench: Bench) -> None:
    assert bench.admin.post(VOID, body=body, key="k").status == 200


def test_a_route_without_a_body_refuses_fields_that_mean_something_elsewhere(bench: Bench) -> None:
    assert fields(bench.admin.post(VOID, {"reason": "double"}, key="k")) == ["reason"]
    assert bench.admin.post(VOID, body=b"{", key="k").code == "malformed_json"
    assert fields(bench.admin.request("GET", ACCOUNT, {"limit": 5})) == ["limit"]


def test_query_parameters_are_read_as_what_they_are(bench: Bench) -> None:
    answer = bench.admin.get(ACCOUNT, limit=7, since="2026-11-23")

    assert (answer.body["limit"], answer.body["due_on"]) == (7, "2026-11-23")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=7.5", "limit"),
        ("limit=5&limit=6", "limit"),
        ("since=yesterday", "since"),
        ("sinse=2026-11-23", "sinse"),
        ("=5", "*"),
    ],
)
def test_query_parameters_are_refused_by_name(query: str, field: str, bench: Bench) -> None:
    assert fields(bench.admin.get(f"{ACCOUNT}?{query}")) == [field]


def test_a_route_without_a_query_refuses_every_parameter(bench: Bench) -> None:
    assert fields(bench.admin.get(f"{ACCOUNT}/export?page=2")) == ["page"]


def test_a_stage_may_allow_smaller_pages(make_bench: MakeBench) -> None:
    bench = make_bench(PAYDESK_LIMIT_PAGE="10")

    assert bench.admin.get(ACCOUNT).body["limit"] == 10
    assert bench.admin.get(ACCOUNT, limit=10).body["limit"] == 10
    answer = bench.admin.get(ACCOUNT, limit=11)
    assert answer.body["errors"] == [{"field": "limit", "problem": "It has to be 10 or less."}]


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount_minor": 5, "name": "4111 1111 1111 1111"}',
        b'{"amount_minor": 5, "name": "\\u0034111-1111-1111-1111"}',
        b'{"amount_minor": 4111111111111111}',
        b'{"amount_minor": 4.111111111111111e15}',
        b'{"4111111111111111": 5}',
        b'{"amount_minor": 5, "deep": [[{"er": ["378282246310005"]}]]}',
    ],
)
def test_a_card_number_is_refused_anywhere_in_a_body(body: bytes, bench: Bench) -> None:
    answer = send(bench, body)

    assert (answer.status, answer.code) == (422, "card_number_refused")
    assert "1111" not in answer.text


def test_a_card_number_is_refused_where_no_body_is_taken_and_in_a_query(bench: Bench) -> None:
    assert bench.admin.post(VOID, {"card": "4111111111111111"}, key="k").code == "card_number_refused"
    assert bench.admin.get(f"{ACCOUNT}?4111111111111111=1").code == "card_number_refused"
    assert bench.client(Role.OPERATOR).get(ACCOUNT, cursor="4111 1111 1111 1111").code == "card_number_refused"
