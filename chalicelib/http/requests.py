"""Reading a request: what cannot be read or is not acceptable is refused here, before any view.

A refusal names the field and never repeats its value.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from chalice.app import Request
from pydantic import BaseModel, ValidationError

from chalicelib.core.errors import Invalid, Malformed, NotFound, TooLarge
from chalicelib.http import cards
from chalicelib.http.schemas import PageQuery
from chalicelib.messages import catalog
from chalicelib.setting_groups import Limits

FieldRefusal = tuple[str, str, dict[str, Any]]
"""The field, what is wrong with it as pydantic names it, and the particulars."""

Place = tuple[int | str, ...]
"""Where in a body something stands: names and positions, from outside in."""

M = TypeVar("M", bound=BaseModel)

WHOLE = "*"
"""The field, where a problem is with all of them together."""

ERRORS_MAX = 20
"""How many field problems one answer lists: a body of a thousand unknown fields gets no answer of a thousand lines."""

_REPLACED = "\N{REPLACEMENT CHARACTER}"
"""What a gateway in front of us puts where bytes were no UTF-8: what was meant is lost, and must not be stored."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


def check_path(path: Mapping[str, str]) -> None:
    """Raises NotFound for a path parameter that can be no id: the store would stumble over an empty or endless key,
    and an operator's log line would keep a card number."""
    if not all(_IDENTIFIER.fullmatch(value) and not cards.has_card_number(value) for value in path.values()):
        raise NotFound


def read_key(request: Request, limits: Limits) -> str:
    """The Idempotency-Key. Raises Malformed when it is missing, too long or not printable ASCII."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        raise Malformed("key_missing")
    if len(key) > limits.key_characters:
        raise Malformed("key_too_long", limit_characters=limits.key_characters)
    if not _PRINTABLE.fullmatch(key):
        raise Malformed("key_unreadable")
    return str(key)


def read_text(request: Request, limits: Limits) -> str:
    """The body as text. Raises TooLarge, or Malformed when it is not UTF-8."""
    raw = request.raw_body
    raw = raw.encode() if isinstance(raw, str) else raw
    if len(raw) > limits.body_bytes:
        raise TooLarge(limit_bytes=limits.body_bytes)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Malformed("malformed_json") from None
    if _REPLACED in text:
        raise Malformed("malformed_json")
    return str(text)


def read_body(text: str, schema: type[M] | None, locale: str) -> M | None:
    """The body as its schema has it. A route without one takes no body, or an empty object.

    Raises Malformed for what is no JSON object, and Invalid for one that carries a card number or does not fit the
    schema.
    """
    if not text.strip():
        if schema is not None:
            raise Malformed("empty_body")
        return None
    parsed = parse(text)
    try:
        if cards.found_in(text, parsed):
            raise Invalid("card_number_refused")
        # Written again, so that what was scanned is what is read; and JSON mode reads dates from text while staying
        # strict.
        scanned = json.dumps(parsed)
    except RecursionError:
        raise Malformed("malformed_json") from None
    if schema is None:
        if parsed:
            _refuse([(name, "extra_forbidden", {}) for name in parsed], locale)
        return None
    try:
        return schema.model_validate_json(scanned)
    except ValidationError as error:
        _refuse_details(error, locale)


def parse(text: str) -> dict[str, Any]:
    """A JSON object. Raises Malformed for anything else, and for what readers of JSON disagree on: a repeated name,
    NaN."""
    try:
        parsed = json.loads(text, object_pairs_hook=_each_name_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed("malformed_json") from None
    if not isinstance(parsed, dict):
        raise Malformed("malformed_json")
    return parsed


def read_query(request: Request, schema: type[M] | None, limits: Limits, locale: str) -> M | None:
    """The query parameters as their schema has them. Raises Invalid for unknown, repeated or unacceptable ones."""
    given = request.query_params
    values = {name: given.getlist(name) for name in given} if given is not None else {}
    if _REPLACED in json.dumps(values, ensure_ascii=False):
        raise Malformed("malformed_request")
    if cards.found_in(json.dumps(values), values):
        raise Invalid("card_number_refused")
    repeated: list[FieldRefusal] = [(name, "repeated", {}) for name, several in values.items() if len(several) > 1]
    if repeated:
        _refuse(repeated, locale)
    if schema is None:
        if values:
            _refuse([(name, "extra_forbidden", {}) for name in values], locale)
        return None
    try:
        query = schema.model_validate_strings({name: several[0] for name, several in values.items()})
    except ValidationError as error:
        _refuse_details(error, locale)
    if isinstance(query, PageQuery) and query.limit > limits.page:
        if "limit" in query.model_fields_set:
            _refuse([("limit", "less_than_equal", {"le": limits.page})], locale)
        query = query.model_copy(update={"limit": limits.page})
    return query


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse_details(error: ValidationError, locale: str) -> NoReturn:
    details = error.errors(include_url=False, include_input=False)
    if any(detail["type"] == "json_invalid" for detail in details):  # nested too deep, or half a surrogate pair
        raise Malformed("malformed_json")
    # What is wrong with an element makes pydantic call its list too short as well: the element's own problem is enough.
    around = surrounding(detail["loc"] for detail in details)
    told = [detail for detail in details if detail["loc"] not in around]
    _refuse([(".".join(map(str, detail["loc"])), detail["type"], detail.get("ctx", {})) for detail in told], locale)


def surrounding(places: Iterable[Place]) -> set[Place]:
    """Every place that one of these lies inside of. Takes one pass: a body can hold thousands of fields."""
    return {place[:depth] for place in places for depth in range(len(place))}


def _refuse(problems: list[FieldRefusal], locale: str) -> NoReturn:
    errors = [
        {"field": field[:100] or WHOLE, "problem": catalog.field_problem(kind, locale, particulars)}
        for field, kind, particulars in problems[:ERRORS_MAX]
    ]
    raise Invalid("invalid_request", errors=errors)
