"""A small Chalice app with routes of every kind, on a desk in memory: the http room without the rooms it serves."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated

from chalice.app import AuthRequest, AuthResponse, Chalice
from pydantic import Field

from chalicelib import wiring
from chalicelib.auth.context import to_context
from chalicelib.auth.roles import Caller, Role
from chalicelib.core.clock import SystemClock, instant
from chalicelib.core.errors import Broken, Conflict, PaymentDeclined, TooSoon, Unavailable
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.http.middleware import in_problem_format
from chalicelib.http.public import preflight_routes, public_routes
from chalicelib.http.routing import Answer, Call, Routes
from chalicelib.http.schemas import PageQuery, RequestBody, Wire
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Change
from chalicelib.settings import load
from tests.support.builders import an_account
from tests.support.client import ApiClient, in_process
from tests.test_settings import RIGHT

ACCOUNT = "/v1/accounts/acc_1/things"
routes = Routes("things")


class PartBody(RequestBody):
    amount_minor: int


class ThingBody(RequestBody):
    amount_minor: int = Field(gt=0)
    parts: Annotated[tuple[PartBody, ...], Field(min_length=1)] | None = None
    name: str | None = None
    due_on: date | None = None
    flag: bool = False


class ThingQuery(PageQuery):
    since: date | None = None


class Seen(Wire):
    """What the view was given."""

    account_id: str | None = None
    amount_minor: int | None = None
    due_on: date | None = None
    key: str | None = None
    limit: int | None = None
    locale: str
    subject: str | None = None


@routes.post("/v1/accounts/{account_id}/things", role=Role.ADMIN, body=ThingBody, keyed=True, answers={201: Seen})
def make_thing(call: Call, account_id: str, body: ThingBody) -> Answer:
    """Make a thing.

    It is made once.
    """
    seen = Seen(
        account_id=account_id,
        amount_minor=body.amount_minor,
        due_on=body.due_on,
        key=call.required_key,
        locale=call.locale,
        subject=call.caller.subject,
    )
    return Answer(201, seen, {"Location": f"/v1/accounts/{account_id}/things/1"})


@routes.get("/v1/accounts/{account_id}/things", role=Role.VIEWER, query=ThingQuery, answers={200: Seen})
def list_things(call: Call, account_id: str, query: ThingQuery) -> Answer:
    """List things."""
    return Answer(200, Seen(account_id=account_id, limit=query.limit, due_on=query.since, locale=call.locale))


@routes.post("/v1/accounts/{account_id}/things/{thing_id}/void", role=Role.ADMIN, keyed=True, answers={200: Seen})
def void_thing(call: Call, account_id: str, thing_id: str) -> Answer:
    """Void a thing."""
    return Answer(200, Seen(account_id=account_id, key=call.key, locale=f"{call.locale} {thing_id}"))


@routes.get("/v1/accounts/{account_id}/things/export", role=Role.VIEWER, answers={200: ("text/csv",)})
def export_things(call: Call, account_id: str) -> Answer:
    """Export things."""
    return Answer.text("a,b\n1,ü\n", "text/csv", headers={"Paydesk-Next-Cursor": "next"})


@routes.post("/v1/things", role=Role.OPERATOR, body=ThingBody, keyed=True, answers={201: Seen})
def operate_thing(call: Call, body: ThingBody) -> Answer:
    """Operate a thing."""
    return Answer(201, Seen(amount_minor=body.amount_minor, locale=call.locale))


@routes.get("/v1/failures/{kind}", role=None, answers={204: None})
def fail(call: Call, kind: str) -> Answer:
    """Fail in one of the ways there are."""
    later = call.desk.clock.now() + timedelta(seconds=90, milliseconds=1)
    failures: dict[str, Exception] = {
        "bug": ZeroDivisionError("by zero"),
        "broken": Broken("unreadable_record", table="accounts", secret="s3cr3t"),
        "unknown-code": Conflict("never_heard_of", secret="s3cr3t"),
        "cooling": TooSoon("cooling_down", retry_at=later, scope="account"),
        "past": TooSoon("cooling_down", retry_at=later - timedelta(days=1), scope="account"),
        "unavailable": Unavailable(retry_after_seconds=1.2),
        "declined": PaymentDeclined(
            payment_id="pay_1", decline_code="stolen", decline_class="never_again", retry_at=later, replayed=True
        ),
        "in-use": Conflict("method_in_use", payment_ids=("pay_1", "pay_2"), note=None),
    }
    raise failures[kind]


class SteppedClock:
    """Stands, far from the machine's time: whatever asks the wrong clock shows."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


class Bench:
    """The app and callers of it."""

    def __init__(self, **variables: str) -> None:
        self.clock = SteppedClock(instant(SystemClock().now() + timedelta(days=365)))
        settings = load(RIGHT | variables)
        gateway = SandboxGateway(MemoryCharges(), settings.sandbox_page_url)
        self.desk = wiring.build(settings, clock=self.clock, ledger=MemoryLedger(), gateway=gateway)
        # Somebody else's account: an operator reaches those that exist, and no other.
        self.desk.ledger.commit(Change(an_account(account_id="acc_2")))
        self._callers: dict[str, Caller] = {}
        self.app = Chalice(app_name="bench", configure_logs=False)
        self.app.register_middleware(in_problem_format, "http")
        authorize = self.app.authorizer(name="authorize")(self._authorize)
        public = public_routes([routes])
        for room in (routes, public, preflight_routes([routes, public])):
            self.app.register_blueprint(room.blueprint(authorize))

    def _authorize(self, request: AuthRequest) -> AuthResponse:
        caller = self._callers[request.token.removeprefix("Bearer ")]
        return AuthResponse(routes=["*"], principal_id=caller.subject, context=to_context(caller))

    def client(self, *roles: Role, accounts: tuple[str, ...] = ("acc_1",), seconds_left: float = 3600) -> ApiClient:
        """Somebody with these roles; without any, nobody who signed in."""
        name = str(len(self._callers))
        expires_at = SystemClock().now() + timedelta(seconds=seconds_left)
        self._callers[name] = Caller("subject-1", "ada@example.com", frozenset(roles), frozenset(accounts), expires_at)
        return ApiClient(in_process(self.app), name if roles else None)

    @property
    def admin(self) -> ApiClient:
        return self.client(Role.ADMIN)


MakeBench = Callable[..., Bench]
