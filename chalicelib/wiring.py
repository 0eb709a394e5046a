"""The composition root: builds everything a process needs from its settings. Nothing else constructs these."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.accounts.models import Account
from chalicelib.accounts.service import Accounts
from chalicelib.activity.service import Activity
from chalicelib.autopay.rules import AutopayPolicy
from chalicelib.autopay.rules import due_at as autopay_due_at
from chalicelib.autopay.service import AfterPayments, Autopay, AutopaySweep
from chalicelib.core.clock import Clock, SystemClock, local_midnight
from chalicelib.gateways.port import GatewayPort
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.invoices.service import Invoices
from chalicelib.ledger.due import due_index
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.ledger.models import DueWork
from chalicelib.ledger.port import Attempts, LedgerPort
from chalicelib.overdue.rules import OverduePolicy
from chalicelib.overdue.rules import due_at as overdue_due_at
from chalicelib.overdue.service import Exemptions, OverdueSweep
from chalicelib.payment_methods.keeping import MethodPolicy
from chalicelib.payment_methods.service import PaymentMethods
from chalicelib.payments.booking import Booking
from chalicelib.payments.checks import Checks
from chalicelib.payments.jobs import ReconcileSweep
from chalicelib.payments.pending import PendingPayments
from chalicelib.payments.reserving import PaymentPolicy
from chalicelib.payments.service import Payments
from chalicelib.settings import Settings, from_environment
from chalicelib.subscriptions.renewals import Renewals, RenewalsSweep
from chalicelib.subscriptions.service import Subscriptions
from chalicelib.sweeps.models import Sweep
from chalicelib.sweeps.service import FanOut, Queue, Runs, Sweeps
from chalicelib.sweeps.stores import DynamoDBRuns, SqsQueue

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
    pending_payments: PendingPayments
    checks: Checks
    activity: Activity
    autopay: Autopay
    subscriptions: Subscriptions
    exemptions: Exemptions
    sweeps: Sweeps


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
    queue: Queue | None = None,
    runs: Runs | None = None,
    sleep: Callable[[float], None] = time.sleep,
    stopwatch: Callable[[], float] = time.monotonic,
) -> Desk:
    """A desk on DynamoDB, SQS and the stage's gateway, unless it is handed others. `sleep` is how a use case waits
    before it decides once more, `stopwatch` tells seconds passed, however the clock is set.
    """
    clock = clock or SystemClock()
    attempts = Attempts(settings.limits.commit_retries, sleep)
    client = cache(lambda: dynamodb_client(settings.store_timeout_seconds))
    if ledger is None:
        ledger = Ledger(client(), settings.table_prefix, attempts=attempts.most, due_work=due_work(settings))
    gateway = gateway or _gateway(settings, client())
    queue = queue or SqsQueue(settings.sweeps_queue)
    runs = runs or DynamoDBRuns(client, settings.table_prefix, attempts.most)
    taking = payment_policy(settings)
    pending = PendingPayments(ledger)
    booking = Booking(ledger, gateway, clock, taking, attempts)
    payments = Payments(ledger, gateway, clock, taking, attempts, booking)
    checks = Checks(ledger, booking, clock, stopwatch, timedelta(seconds=settings.gateway_timeout_seconds))
    autopay, overdue = autopay_policy(settings), overdue_policy(settings)
    renewals = Renewals(ledger, clock, settings.limits.open_invoices)
    work: list[Sweep] = [
        AutopaySweep(payments, autopay),
        ReconcileSweep(checks),
        OverdueSweep(ledger, clock, overdue, attempts),
        RenewalsSweep(renewals, attempts),
    ]
    return Desk(
        settings=settings,
        clock=clock,
        ledger=ledger,
        gateway=gateway,
        accounts=Accounts(ledger, clock, attempts, pending),
        payment_methods=PaymentMethods(ledger, gateway, clock, method_policy(settings), attempts),
        invoices=Invoices(ledger, clock, settings.limits.open_invoices, attempts),
        payments=payments,
        pending_payments=pending,
        checks=checks,
        activity=Activity(ledger),
        autopay=Autopay(clock, autopay),
        subscriptions=Subscriptions(ledger, clock, renewals, settings.limits.subscriptions, attempts),
        exemptions=Exemptions(ledger, clock, attempts),
        sweeps=Sweeps(ledger, queue, runs, clock, fan_out(settings), {sweep.name: sweep for sweep in work}),
    )


def due_work(settings: Settings) -> DueWork:
    """When which scheduled work is due for an account, as its index attributes."""
    autopay, overdue = autopay_policy(settings), overdue_policy(settings)

    def due(account: Account) -> dict[str, str]:
        renewal = account.next_renewal_on
        renewal_at = local_midnight(renewal, account.time_zone) if renewal else None
        return (
            due_index("autopay", account.account_id, autopay_due_at(account, autopay))
            | due_index("overdue", account.account_id, overdue_due_at(account, overdue))
            | due_index("renewals", account.account_id, renewal_at)
        )

    return due


def payment_policy(settings: Settings) -> PaymentPolicy:
    return PaymentPolicy(
        cooldown=timedelta(seconds=settings.cooldown_seconds),
        cooldown_scope=settings.cooldown_scope,
        charge_within=timedelta(seconds=settings.charge_within_seconds),
        action_expires=timedelta(seconds=settings.action_expires_seconds),
        checks=tuple(timedelta(seconds=seconds) for seconds in settings.check_schedule_seconds),
        invoices_max=settings.limits.invoices_per_payment,
        pending_max=settings.limits.pending,
        after=AfterPayments(autopay_policy(settings)),
    )


def method_policy(settings: Settings) -> MethodPolicy:
    return MethodPolicy(
        card_brands=frozenset(settings.card_brands),
        methods_max=settings.limits.methods,
        attempts_per_day_max=settings.limits.method_attempts_per_day,
    )


def autopay_policy(settings: Settings) -> AutopayPolicy:
    collection = settings.collection
    return AutopayPolicy(
        hour=collection.autopay_hour,
        retry_days={
            "card": collection.retry_days_card,
            "bank_debit": collection.retry_days_bank_debit,
            "paypal": collection.retry_days_paypal,
        },
        technical_retry=timedelta(seconds=collection.technical_retry_seconds),
        technical_retries_max=collection.technical_retries,
        declines_per_day=collection.declines_per_day,
        pending_max=settings.limits.pending,
    )


def overdue_policy(settings: Settings) -> OverduePolicy:
    collection = settings.collection
    retry_days = (collection.retry_days_card, collection.retry_days_bank_debit, collection.retry_days_paypal)
    return OverduePolicy(
        notice_days=collection.notice_days,
        grace_days=collection.grace_days,
        put_off_days=max((day for days in retry_days for day in days), default=0),
        postponed_max=collection.technical_retries,
    )


def fan_out(settings: Settings) -> FanOut:
    """A worker keeps time for the last account it takes: the checks of one account end with the gateway call that
    takes them past one such call's time, so two of those and the store trips.
    """
    sweep = settings.sweep
    return FanOut(sweep.messages, sweep.threads, sweep.page, 2 * settings.gateway_timeout_seconds + 15.0)


def _gateway(settings: Settings, client: "DynamoDBClient") -> GatewayPort:
    """The sandbox is the one gateway so far; settings refuse any other name."""
    return SandboxGateway(DynamoDBCharges(client, settings.table_prefix), settings.sandbox_page_url)
