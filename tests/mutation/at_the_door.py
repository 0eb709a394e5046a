"""Guards at the door: who may do what, what is read of a request, card numbers."""

from tests.mutation.guard import File

_WHO = (
    "tests/auth",
    "tests/http/test_admitting.py",
    "tests/journeys/test_who_may_do_what.py",
    "tests/journeys/test_p1_only_a_billing_administrator_gets_in.py",
)

_serving = File("chalicelib/http/serving.py", _WHO[1:])
_roles = File("chalicelib/auth/roles.py", _WHO)
_context = File("chalicelib/auth/context.py", _WHO)
_tokens = File("chalicelib/auth/tokens.py", ("tests/auth",))
_admission = File("chalicelib/auth/admission.py", ("tests/auth",))
_requests = File("chalicelib/http/requests.py", ("tests/http", "tests/journeys/test_card_numbers_stay_out.py"))
_cards = File("chalicelib/http/cards.py", ("tests/http/test_cards.py",))
_ids = File("chalicelib/core/ids.py", ("tests/core/test_ids.py",))

DOOR = (
    _serving.unless(
        "404 before 403",
        "account_id is not None and not caller.reaches(account_id)",
        "another's account is nobody's business",
    ),
    _serving.without(
        "role asked for",
        "if role is not None and not caller.has(role, account_id):",
        "if False:",
        "only a billing administrator gets in (P1)",
    ),
    _serving.without(
        "role for this account",
        "not caller.has(role, account_id):",
        "not caller.has(role):",
        "an operator who is administrator elsewhere changes nothing here",
    ),
    _serving.unless(
        "404 before 403 for an operator",
        "account_id is not None and account_id not in caller.account_ids",
        "an operator reaches every account there is, and no other",
    ),
    _roles.without(
        "own accounts only",
        "return account_id in self.account_ids or Role.OPERATOR in self.roles",
        "return True",
        "the account comes from the token (OWASP API1)",
    ),
    _roles.without(
        "administrator of own accounts",
        "return own and Role.ADMIN in self.roles",
        "return Role.ADMIN in self.roles",
        "an operator is an administrator of no account by being operator",
    ),
    _roles.without(
        "administrator by role",
        "return own and Role.ADMIN in self.roles",
        "return own",
        "a viewer pays nothing",
    ),
    _roles.without(
        "operator by role",
        "if role is Role.OPERATOR:\n            return Role.OPERATOR in self.roles",
        "if role is Role.OPERATOR:\n            return True",
        "only an operator voids an invoice",
    ),
    _context.without(
        "token expired meanwhile",
        "if (now - expires_at).total_seconds() >= LEEWAY_SECONDS:",
        "if False:",
        "API Gateway reuses an authorizer's answer for minutes",
    ),
    _context.without(
        "somebody signed in",
        'if not context or "subject" not in context:',
        "if not context:",
        "no caller is no caller",
    ),
    _tokens.without(
        "algorithm pinned",
        'if header.get("alg") != ALGORITHM or not isinstance(key_id, str):',
        "if not isinstance(key_id, str):",
        "whoever names the algorithm may choose none",
    ),
    _tokens.without(
        "algorithm pinned when verified",
        "algorithms=[ALGORITHM],",
        'algorithms=["RS256", "RS512", "HS256", "none"],',
        "whoever names the algorithm may choose none",
    ),
    _tokens.without(
        "issuer of a token", "            issuer=expected.issuer,\n", "", "another pool signs its own tokens"
    ),
    _tokens.without(
        "audience of a token",
        "            audience=expected.audience,\n",
        "",
        "another app's token opens nothing here",
    ),
    _tokens.without(
        "claims a token needs",
        'options={"require": ["exp", "iss", "aud", "sub"]},',
        "options={},",
        "a token without an end would never end",
    ),
    _tokens.unless("ID tokens only", 'claims.get("token_use", "id") != "id"', "access tokens carry no accounts"),
    _tokens.without(
        "unreachable keys say nothing of the token",
        'raise Unavailable("unavailable", retry_after_seconds=KEYS_TIMEOUT_SECONDS) from failed\n    try:',
        'raise Unauthorized(reason="no keys") from failed\n    try:',
        "a client told 401 would throw a good one away",
    ),
    _admission.unless("bearer tokens only", 'scheme.lower() != "bearer"', "another scheme carries something else"),
    _admission.without(
        "answer covers every route",
        'routes=["*"]',
        'routes=["/v1/accounts"]',
        "API Gateway applies it to every other route",
    ),
)

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
    _requests.without(
        "what was scanned is what is read",
        "return schema.model_validate_json(scanned)",
        "return schema.model_validate_json(text)",
        "two readers of one text may differ",
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
)
