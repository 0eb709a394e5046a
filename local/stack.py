"""The whole of Paydesk on this machine: moto, everything `.chalice/` declares, people, demo data, the app over HTTP."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib import settings, wiring
from chalicelib.core.clock import SystemClock
from local import aws, demo_data
from local.clock import MovableClock, StandingClock
from local.control import Control
from local.progress import Progress, unseen
from local.queues import Handler, QueuePump, create_queues
from local.resources import UserPool, create_tables, create_user, create_user_pool, sign_in
from local.runs import Runner
from local.server import RequestLog, serve_on
from local.stage import Stage
from local.web import address_of, listen

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

PASSWORD = "Paydesk-Local-1"
"""Everybody's. It opens nothing but this machine's demo data."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in, and the ID token of the last time."""

    email: str
    roles: tuple[str, ...]
    account_ids: tuple[str, ...]
    token: str = ""


PEOPLE = (
    Person("admin@example.com", ("billing_admin",), tuple(customer.account_id for customer in demo_data.CUSTOMERS)),
    Person("viewer@example.com", ("billing_viewer",), (demo_data.LUMEN.account_id,)),
    Person("operator@example.com", ("operator",), ()),
)


@dataclass(frozen=True)
class LocalStack:
    """A stack that runs. `sign_everybody_in` gets new tokens; they last an hour."""

    api_url: str
    aws_endpoint_url: str
    pool: UserPool
    cognito: "CognitoIdentityProviderClient"

    def sign_everybody_in(self) -> tuple[Person, ...]:
        return tuple(
            Person(
                email=person.email,
                roles=person.roles,
                account_ids=person.account_ids,
                token=sign_in(self.cognito, self.pool, person.email, PASSWORD),
            )
            for person in PEOPLE
        )


@contextlib.contextmanager
def run_stack(
    port: int,
    aws_port: int,
    *,
    with_demo: bool,
    say: Say,
    log: RequestLog | None = None,
    crowd: int = 0,
    progress: Progress = unseen,
) -> Iterator[LocalStack]:
    """Starts everything, yields when it answers, stops everything. Port 0 takes a free one. `crowd`: so many demo
    customers more.

    The environment of this process becomes the stage's, with AWS on this machine. Raises PortTaken, and SettingsError
    for a PAYDESK_ variable of the caller's that the stage cannot start with.
    """
    with listen(port) as listener:
        api_url = address_of(listener)
        say("Starting AWS on this machine (moto) ...")
        with aws.serve_aws(aws_port) as aws_url:
            say("Making tables, user pool and people ...")
            cognito = aws.cognito(aws_url)
            pool = create_user_pool(cognito, Stage())
            for person in PEOPLE:
                create_user(cognito, pool, person.email, PASSWORD, person.roles, person.account_ids)
            chosen = _take_environment(aws_url, pool, api_url)
            create_tables(aws.dynamodb(aws_url), Stage(), chosen.table_prefix)
            queues = aws.sqs(aws_url)
            create_queues(queues, Stage())
            if with_demo:
                say(f"Giving {len(demo_data.CUSTOMERS) + crowd} customers a past ...")
                demo_data.seed(_desk_in_the_past(chosen), _now(), crowd, progress)
            say("Starting Paydesk ...")
            clock = MovableClock(SystemClock())
            desk = wiring.build(chosen, clock=clock)
            wiring.use(desk)
            import app  # not before the environment is the stage's

            pump = QueuePump(queues, chosen.sweeps_queue, app.work, Stage().function_timeout_seconds("work"))
            schedules: dict[str, Handler] = {
                "autopay": app.start_autopay,
                "reconcile": app.start_reconcile,
                "overdue": app.start_overdue,
                "renewals": app.start_renewals,
            }

            with serve_on(
                listener, app.app, control=Control(desk, clock, Runner(desk, schedules, pump, progress)), log=log
            ):
                yield LocalStack(api_url, aws_url, pool, cognito)


def _desk_in_the_past(chosen: settings.Settings) -> demo_data.DeskAt:
    clock = StandingClock(_now())
    desk = wiring.build(chosen, clock=clock)

    def desk_at(at: datetime) -> wiring.Desk:
        clock.stand_at(at)
        return desk

    return desk_at


def _now() -> datetime:
    return SystemClock().now()


def _take_environment(aws_url: str, pool: UserPool, api_url: str) -> settings.Settings:
    """Dev's variables, those the caller set over them, and over both what only this stack can know."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # a profile or a session of the caller's must lead nowhere
    patience = {"PAYDESK_STORE_TIMEOUT_SECONDS": "20"}  # moto copies a table for each action of a transaction
    stage = Stage().environment() | patience | _paydesk_variables(os.environ)
    stage |= pool.environment() | {"PAYDESK_SANDBOX_PAGE_URL": f"{api_url}{Control.SANDBOX_PAGE}"}
    os.environ.update(stage | aws.environment(aws_url))
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    return settings.from_environment()


def _paydesk_variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("PAYDESK_")}
