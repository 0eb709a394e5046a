"""Guards of what is read of a request: card numbers, keys, bodies, cursors; and of ids and settings."""

from tests.mutation.guard import File

_requests = File(
    "chalicelib/http/requests.py",
    (
        "tests/http/test_requests.py",
        "tests/http/test_cards.py",
        "tests/journeys/test_card_numbers_stay_out.py",
        "tests/journeys/test_bad_input.py",
        "tests/http",
    ),
)
_cards = File("chalicelib/http/cards.py", ("tests/http/test_cards.py",))
_ids = File("chalicelib/core/ids.py", ("tests/core/test_ids.py",))
_paging = File("chalicelib/core/paging.py", ("tests/core/test_paging.py",))
_schemas = File("chalicelib/http/schemas.py", ("tests/http/test_schemas.py",))
_groups = File("chalicelib/setting_groups.py", ("tests/test_settings.py",))
_settings = File("chalicelib/settings.py", ("tests/test_settings.py",))

REQUESTS = (
    _requests.without(
        "card number in a body",
        "if cards.found_in(text, parsed):",
        "if False:",
        "no card number ever (P11)",
    ),
    _requests.without(
        "card number in a query",
        "if cards.found_in(json.dumps(values), values):",
        "if False:",
        "a log line would keep it",
    ),
    _requests.without(
        "card number in a path",
        "and not cards.has_card_number(value) for value",
        "for value",
        "a log line would keep it",
    ),
    _requests.without(
        "what can be an id",
        "_IDENTIFIER.fullmatch(value) and not",
        "not",
        "the store would stumble over it",
    ),
    _requests.unless("Idempotency-Key is there", "not key", "a request without one cannot be repeated safely"),
    _requests.unless("length of an Idempotency-Key", "len(key) > limits.key_characters", "255 characters"),
    _requests.unless("printable Idempotency-Key", "not _PRINTABLE.fullmatch(key)", "it is quoted in logs"),
    _requests.unless("size of a body", "len(raw) > limits.body_bytes", "64 KiB"),
    _requests.without(
        "a name once in a body",
        "if any(count > 1 for count in Counter(name for name, _ in pairs).values()):",
        "if False:",
        "readers of JSON disagree on which one counts",
    ),
    _requests.without("no NaN in a body", ", parse_constant=_no_constant)", ")", "readers of JSON disagree on it"),
    _requests.unless("unknown fields of an empty body", "parsed", "a misspelled wish must not pass as none"),
    _requests.unless("query parameter once", "repeated", "readers disagree on which one counts"),
    _requests.unless("unknown query parameters", "values", "a misspelled wish must not pass as none"),
    _schemas.without(
        "no hidden characters in a name",
        r"\u200b\u200e\u200f\u2028-\u202e",
        r"\u202a-\u202e",
        "two names that look the same are the same",
    ),
    _schemas.without(
        "something visible in a name",
        r"[^\s{_HIDDEN}{_JOINERS}]",
        r"[^{_HIDDEN}]",
        "a name can be read",
    ),
    _cards.without(
        "card number behind escapes",
        "return has_card_number(text) or any(has_card_number(value) for value in _texts(parsed))",
        "return has_card_number(text)",
        "\\u0034111 is a 4",
    ),
    _cards.without(
        "card number in the text",
        "return has_card_number(text) or any(has_card_number(value) for value in _texts(parsed))",
        "return any(has_card_number(value) for value in _texts(parsed))",
        "a number of many digits loses them when it is parsed",
    ),
    _cards.without(
        "check digit of a card number",
        "if not after.isalnum() and _luhn(digits[first:past]):",
        "if not after.isalnum():",
        "most long numbers are no cards",
    ),
    _cards.without(
        "glued to what follows",
        "if not after.isalnum() and _luhn(digits[first:past]):",
        "if _luhn(digits[first:past]):",
        "an id with digits is no card",
    ),
    _cards.unless("glued to what comes before", "before.isalnum()", "an id with digits is no card"),
    _cards.without(
        "telephone numbers",
        'or (before == "+" and length <= _TELEPHONE_DIGITS_MAX):',
        "or False:",
        "a number to call is no card",
    ),
    _cards.without("IBANs set aside", "if length and iban and _iban_checks(", "if False and _iban_checks(", "no card"),
    _cards.without(
        "only valid IBANs set aside",
        'if length and iban and _iban_checks(re.sub("[ -]", "", iban.group())):',
        "if length and iban:",
        "two letters would hide a card number",
    ),
    _cards.without("UUIDs set aside", "    text = _UUID.sub(_paint, text)\n", "", "an id is no card"),
)

IDS = (
    _ids.without(
        "id named by its whole cause",
        "digest = _sha256(list(cause)).digest()",
        'digest = _sha256("".join(cause)).digest()',
        "a and bc must not meet ab and c",
    ),
    _ids.without(
        "one spelling per value",
        "sort_keys=True, separators",
        "separators",
        "two requests compare by meaning",
    ),
    _paging.without(
        "cursor that can be one",
        "if not isinstance(position, list) or len(position) != length or not all(map(_is_a_part, position)):",
        "if False:",
        "a client's cursor may be anything",
    ),
)

SETTINGS = (
    _settings.unless(
        "no sandbox in prod",
        'gateway == "sandbox" and info.data.get("stage") == "prod"',
        "the sandbox moves no real money",
    ),
    _settings.unless(
        "first check comes late enough",
        "schedule[0] <= last_charge_ends",
        "a check would fence off a sound charge on its way",
    ),
    _settings.unless(
        "checks rise",
        "any(later <= earlier for earlier, later in pairwise(schedule))",
        "the next check comes after the one before",
    ),
    _groups.unless("grace outlasts the retries", "grace <= last", "nobody is suspended before the last retry"),
    _groups.without(
        "retry days rise",
        "if any(day < 1 for day in days) or any(",
        "if False and any(",
        "each retry comes after the one before",
    ),
    _settings.without(
        "keys over TLS in prod",
        'if info.data.get("stage") == "prod" and not token.jwks_url.startswith("https://"):',
        "if False:",
        "whoever answers for the issuer would let anybody in",
    ),
)
