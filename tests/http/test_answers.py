"""Answers: headers, other origins, problems, what Chalice answers by itself."""

import json

import pytest

from chalicelib import wiring
from chalicelib.auth.roles import Role
from tests.http.bench import ACCOUNT, Bench, MakeBench
from tests.support.logs import logged

PORTAL = "https://portal.example.com"


def test_an_answer_is_json_and_kept_by_nobody(bench: Bench) -> None:
    answer = bench.admin.post(ACCOUNT, {"amount_minor": 5}, key="k")

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["location"] == "/v1/accounts/acc_1/things/1"
    assert answer.headers["x-request-id"]


def test_other_text_says_what_it_is(bench: Bench) -> None:
    answer = bench.admin.get(f"{ACCOUNT}/export")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["paydesk-next-cursor"] == "next"
    assert answer.text == "a,b\n1,ü\n"


def test_the_view_is_told_the_callers_language(bench: Bench) -> None:
    assert bench.admin.with_headers(accept_language="fr, de;q=0.5").get(ACCOUNT).body["locale"] == "de"


def test_a_problem_has_its_own_content_type_and_no_member_that_is_nothing(bench: Bench) -> None:
    answer = bench.client().get("/v1/failures/in-use")

    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == 409
    assert answer.body["payment_ids"] == ["pay_1", "pay_2"]
    assert "note" not in answer.body


def test_when_to_try_again_is_an_instant_and_a_number_of_seconds_by_paydesks_clock(bench: Bench) -> None:
    answer = bench.client().get("/v1/failures/cooling")

    assert answer.status == 429
    assert answer.headers["retry-after"] == "91"
    assert len(answer.body["retry_at"]) == len("2026-11-23T15:36:15.123Z")
    assert bench.client().get("/v1/failures/past").headers["retry-after"] == "1"
    assert bench.client().get("/v1/failures/unavailable").headers["retry-after"] == "2"


def test_a_replayed_problem_says_so_in_a_header(bench: Bench) -> None:
    answer = bench.client().get("/v1/failures/declined")

    assert answer.status == 402
    assert answer.headers["idempotent-replayed"] == "true"
    assert "replayed" not in answer.body
    assert answer.body["decline_class"] == "never_again"


def test_a_bug_is_answered_with_a_request_id_and_logged_once_under_it(bench: Bench) -> None:
    with logged() as lines:
        answer = bench.client().get("/v1/failures/bug")

    assert (answer.status, answer.code) == (500, "internal_error")
    assert "by zero" not in answer.text
    assert answer.body["request_id"] == answer.headers["x-request-id"]
    failures = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["message"] == "request_failed"]
    assert [line["request_id"] for line in failures] == [answer.body["request_id"]]
    assert "ZeroDivisionError" in failures[0]["exception"]


@pytest.mark.parametrize(("kind", "code"), [("broken", "unreadable_record"), ("unknown-code", "internal_error")])
def test_a_defects_particulars_stay_in_the_log(kind: str, code: str, bench: Bench) -> None:
    with logged() as lines:
        answer = bench.client().get(f"/v1/failures/{kind}")

    assert (answer.status, answer.code) == (500, code)
    assert "s3cr3t" not in answer.text
    assert "s3cr3t" in lines.getvalue()


def test_wrong_settings_are_a_problem_document_too(bench: Bench) -> None:
    wiring.use(None)  # the environment of the tests has no settings

    answer = bench.client().get("/health")

    assert (answer.status, answer.code) == (500, "internal_error")
    assert "PAYDESK" not in answer.text


def test_each_request_is_logged_in_one_line_without_body_token_or_mail_address(bench: Bench) -> None:
    client = bench.admin.with_headers(accept_language="de")
    with logged() as lines:
        client.post(ACCOUNT, {"amount_minor": 5, "name": "private"}, key="secret-key")

    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert line["message"] == "request"
    assert line["method"] == "POST"
    assert line["route"] == "/v1/accounts/{account_id}/things"
    assert line["status"] == 201
    assert line["account_id"] == "acc_1"
    assert line["subject"] == "subject-1"
    assert line["duration_ms"] >= 0
    for unwanted in ("private", "secret-key", "ada@example.com", "Bearer"):
        assert unwanted not in lines.getvalue()


def test_a_refused_card_number_is_in_no_log(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    number = "4111111111111111"
    with logged() as lines:
        bench.admin.post(ACCOUNT, {"amount_minor": 5, "name": number}, key="k")
        bench.admin.post(ACCOUNT, {"amount_minor": 5, number: 1}, key="k")
        bench.admin.get(f"{ACCOUNT}?cursor={number}")
        bench.admin.get(f"/v1/accounts/{number}/things")
        bench.client(Role.OPERATOR).get(f"/v1/accounts/{number}/things/{number}/void")

    told = lines.getvalue() + capsys.readouterr().out
    assert "card_number_refused" in told
    assert number not in told


def test_requests_are_counted_by_class_of_status(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.client().get("/v1/failures/bug")

    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    assert [(line["status"], line["Requests"]) for line in counted] == [("5xx", [1.0])]


def test_only_allowed_origins_may_read_answers(make_bench: MakeBench) -> None:
    bench = make_bench(PAYDESK_ALLOWED_ORIGINS=f"{PORTAL},https://other.example.com")

    for origin in (PORTAL, "https://other.example.com"):
        answer = bench.admin.with_headers(origin=origin).get(ACCOUNT)
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        for exposed in ("Retry-After", "Idempotent-Replayed", "Location"):
            assert exposed in answer.headers["access-control-expose-headers"]
    for foreign in ("https://evil.example.com", f"{PORTAL}.evil.example.com", "null"):
        answer = bench.admin.with_headers(origin=foreign).get(ACCOUNT)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_a_problem_can_be_read_by_an_allowed_origin_as_well(make_bench: MakeBench) -> None:
    bench = make_bench(PAYDESK_ALLOWED_ORIGINS=PORTAL)

    answer = bench.client().with_headers(origin=PORTAL).get("/v1/failures/cooling")

    assert answer.headers["access-control-allow-origin"] == PORTAL


def test_a_browser_may_ask_before_it_calls(make_bench: MakeBench) -> None:
    bench = make_bench(PAYDESK_ALLOWED_ORIGINS=PORTAL)

    answer = bench.client().with_headers(origin=PORTAL).request("OPTIONS", ACCOUNT)

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == PORTAL
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in bench.client().request("OPTIONS", ACCOUNT).headers


def test_without_allowed_origins_no_answer_speaks_of_them(bench: Bench) -> None:
    answer = bench.admin.with_headers(origin=PORTAL).get(ACCOUNT)

    assert "access-control-allow-origin" not in answer.headers
    assert "vary" not in answer.headers


def test_health_is_for_everybody(bench: Bench) -> None:
    answer = bench.client().get("/health")

    assert (answer.status, answer.body) == (200, {"status": "ok"})


def test_what_chalice_refuses_by_itself_is_a_problem_document(bench: Bench) -> None:
    from chalice.test import Client

    with Client(bench.app) as client:
        answer = client.http.request("PATCH", ACCOUNT, headers={"Accept-Language": "de"})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, GET, OPTIONS"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json_body["code"] == "method_not_allowed"
    assert answer.json_body["title"] == "Diese Adresse nimmt diese Methode nicht an"
