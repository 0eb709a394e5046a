"""The composition root: builds everything a process needs from its settings. Nothing else constructs these."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.accounts.service import Accounts
from chalicelib.activity.service import Activity
from chalicelib.core.clock import Clock, SystemClock
from chalicelib.gateways.port import GatewayPort
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.invoices.service import Invoices
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.ledger.port import LedgerPort
from chalicelib.payment_methods.keeping import MethodPolicy
from chalicelib.payment_methods.service import PaymentMethods
from chalicelib.payments.reserving import PaymentPolicy
from chalicelib.payments.service import Payments
from chalicelib.settings import Settings, from_environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Desk:
    """Everything a route or a job may use."""

    settings: Settings
    clock: Clock
    ledger: LedgerPort
    gateway: GatewayPort
    accounts: Accounts
    payment_methods: PaymentMethods
    invoices: Invoices
    payments: Payments
    activity: Activity


_desk: Desk | None = None


def current() -> Desk:
    """The desk of this process, built from the environment when first needed. Raises SettingsError."""
    global _desk  # noqa: PLW0603  # one desk per process: a warm Lambda keeps its clients
    if _desk is None:
        _desk = build(from_environment())
    return _desk


def settings() -> Settings:
    """The settings alone, for what needs no store: the authorizer starts without a DynamoDB client. Raises
    SettingsError."""
    return _desk.settings if _desk else from_environment()


def use(desk: Desk | None) -> None:
    """Makes `desk` the desk of this process; None: build it from the environment again. For the local stack and
    tests.
    """
    global _desk  # noqa: PLW0603  # see current()
    _desk = desk


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ledger: LedgerPort | None = None,
    gateway: GatewayPort | None = None,
) -> Desk:
    """A desk on DynamoDB and the stage's gateway, unless it is handed others."""
    clock = clock or SystemClock()
    attempts = settings.limits.commit_retries
    if ledger is None or gateway is None:
        client = dynamodb_client()
        ledger = ledger or Ledger(client, settings.table_prefix, attempts=attempts)
        gateway = gateway or _gateway(settings, client)
    return Desk(
        settings=settings,
        clock=clock,
        ledger=ledger,
        gateway=gateway,
        accounts=Accounts(ledger, clock, attempts),
        payment_methods=PaymentMethods(ledger, gateway, clock, method_policy(settings), attempts),
        invoices=Invoices(ledger, clock, settings.limits.open_invoices, attempts),
        payments=Payments(ledger, gateway, clock, payment_policy(settings), attempts),
        activity=Activity(ledger),
    )


def payment_policy(settings: Settings) -> PaymentPolicy:
    return PaymentPolicy(
        cooldown=timedelta(seconds=settings.cooldown_seconds),
        cooldown_scope=settings.cooldown_scope,
        charge_within=timedelta(seconds=settings.charge_within_seconds),
        action_expires=timedelta(seconds=settings.action_expires_seconds),
        checks=tuple(timedelta(seconds=seconds) for seconds in settings.check_schedule_seconds),
        invoices_max=settings.limits.invoices_per_payment,
        pending_max=settings.limits.pending,
    )


def method_policy(settings: Settings) -> MethodPolicy:
    return MethodPolicy(
        card_brands=frozenset(settings.card_brands),
        methods_max=settings.limits.methods,
        attempts_per_day_max=settings.limits.method_attempts_per_day,
    )


def _gateway(settings: Settings, client: "DynamoDBClient") -> GatewayPort:
    """The sandbox is the one gateway so far; settings refuse any other name."""
    return SandboxGateway(DynamoDBCharges(client, settings.table_prefix), settings.sandbox_page_url)
