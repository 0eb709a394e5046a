"""Whatever route, whatever place in whatever body: a card number is refused, and stands in no table, log or answer.

The shapes are drawn here; known ones stand in test_card_numbers_stay_out.py, how one is recognised in tests/http.
"""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.http.endpoints import Endpoint
from tests.http.test_cards import BEHIND, IN_FRONT, SEPARATORS, bodies, card_numbers
from tests.journeys.all_routes import ENDPOINTS, Untouched, body_of, name_of, path_of
from tests.support.contents import contents
from tests.support.ear import Ear

_GAPS = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_EXACT_FLOAT_DIGITS = 16


@st.composite
def carriers(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """The digits of a card number, and an object that carries it: as text in any grouping, as a whole or a decimal
    number, as a value or a name, in lists and objects."""
    digits = draw(card_numbers())
    form = draw(st.sampled_from(["text", "text", "whole", "decimal"]))
    leaf: str | int | float = int(digits)
    if form == "decimal" and len(digits) <= _EXACT_FLOAT_DIGITS:
        leaf = float(digits)
    elif form == "text":
        gaps = [draw(st.sampled_from(SEPARATORS)) for _ in digits[1:]]
        number = digits[0] + "".join(gap + digit for gap, digit in zip(gaps, digits[1:], strict=True))
        leaf = draw(st.sampled_from(IN_FRONT)) + number + draw(st.sampled_from(BEHIND))
    return digits, draw(bodies(st.just(leaf)))


def put_into(body: dict[str, Any], carrier: dict[str, Any], place: str) -> dict[str, Any]:
    """The carrier beside what the route takes, in place of a field it knows, or alone."""
    if place == "beside":
        return body | carrier
    if place == "in a field" and body:
        return body | {min(body): carrier}
    return carrier


# Function-scoped fixtures are right here: nothing may change, however many examples are sent to the same tables.
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    endpoint=st.sampled_from(ENDPOINTS), carried=carriers(), place=st.sampled_from(["beside", "in a field", "alone"])
)
def test_no_route_takes_in_a_card_number_wherever_it_stands_in_a_body(
    untouched: Untouched,
    ear: Ear,
    capfd: pytest.CaptureFixture[str],
    endpoint: Endpoint,
    carried: tuple[str, dict[str, Any]],
    place: str,
) -> None:
    digits, carrier = carried
    before = contents(untouched.stack)
    ear.heard.clear()

    answer = untouched.everybody_at_once().request(
        endpoint.method,
        path_of(endpoint, untouched.acme.ids()),
        put_into(body_of(endpoint, untouched.acme) or {}, carrier, place),
        key="new-1" if endpoint.keyed else None,
    )

    assert (answer.status, answer.code) == (422, "card_number_refused"), name_of(endpoint)
    out, err = capfd.readouterr()
    assert any("card_number_refused" in line for line in ear.heard)
    assert contents(untouched.stack) == before
    for text in (answer.text, out, err, *ear.heard):
        assert digits not in _GAPS.sub("", text)
