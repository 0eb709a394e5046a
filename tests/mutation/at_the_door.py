"""Guards at the door: who may do what."""

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
