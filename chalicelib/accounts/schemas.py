"""Accounts on the wire."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, cooling_down_until, today_of
from chalicelib.core.clock import Clock, Instant
from chalicelib.core.money import Currency
from chalicelib.http.schemas import ONE_LINE, EmailAddress, PageQuery, RequestBody, Wire
from chalicelib.payment_methods.schemas import DefaultMethodView


def _known_time_zone(name: str) -> str:
    """Area and place, or UTC. Other names a machine may know (localtime) mean another zone on the next machine;
    an abbreviation (CET) is no place at whose clocks anybody could look."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        known = False
    else:
        known = name == "UTC" or ("/" in name and not name.startswith(("posix/", "right/")))
    if not known:
        raise ValueError("name a time zone by area and place, as Europe/Berlin, or write UTC")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE, examples=["Example Ltd"])]
Locale = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2}(-[A-Z]{2})?$",
        examples=["en"],
        description="The language, and a region if you like, of what will be sent to the customer; nothing is so far. "
        "Answers of this API follow Accept-Language.",
    ),
]
TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_known_time_zone)]
Recipients = Annotated[tuple[EmailAddress, ...], Field(max_length=100)]


class OpenAccountBody(RequestBody):
    """A new customer account. All its invoices and payments are in its currency. A day (due, overdue, renewed) begins
    and ends as it does in its time zone, and the hour of autopay is that of its clocks."""

    name: Name
    currency: Annotated[Currency, Field(examples=["EUR"])]
    time_zone: TimeZone
    locale: Locale = "en"
    invoice_recipients: Recipients = Field(default=(), strict=False)


class RecipientsBody(RequestBody):
    """Who gets the invoices, all of them: who is not named gets none any more."""

    invoice_recipients: Recipients = Field(strict=False)


class RecipientsView(Wire):
    invoice_recipients: tuple[str, ...]


class AccountsQuery(PageQuery):
    """For operators: at most one of `name` (its beginning), `payment_id`, `gateway_reference`."""

    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="How the account's name begins, in any case."
    )
    payment_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="One of its payments, whatever became of it.",
    )
    gateway_reference: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="The gateway's name for the charge of one of its payments.",
    )


class BalanceView(Wire):
    """payable = open - covered: what pending payments are for is covered. Overdue counts covered invoices too."""

    open_minor: int
    covered_minor: int
    payable_minor: int
    overdue_minor: int
    currency: str


class ServicesView(Wire):
    status: Literal["active", "suspended"]
    since: Instant


class AutopayView(Wire):
    enabled: bool


class AccountView(Wire):
    """An account as it stands now. `cooldown_until`: before it no manual payment is taken, because one was declined."""

    account_id: str
    name: str
    locale: str
    time_zone: str
    balance: BalanceView
    credit_minor: int
    services: ServicesView
    default_method: DefaultMethodView | None
    autopay: AutopayView
    cooldown_until: Instant | None
    pending_payment_ids: tuple[str, ...]
    created_at: Instant

    @classmethod
    def of(cls, account: Account, clock: Clock) -> Self:
        now = clock.now()
        owed = balance(account, today_of(account, now))
        return cls(
            account_id=account.account_id,
            name=account.name,
            locale=account.locale,
            time_zone=account.time_zone,
            balance=BalanceView(
                open_minor=owed.open_minor,
                covered_minor=owed.covered_minor,
                payable_minor=owed.payable_minor,
                overdue_minor=owed.overdue_minor,
                currency=owed.currency,
            ),
            credit_minor=account.credit_minor,
            services=ServicesView(status=account.services.status, since=account.services.since),
            default_method=DefaultMethodView.of(account.default_method) if account.default_method else None,
            autopay=AutopayView(enabled=account.autopay.enabled),
            cooldown_until=cooling_down_until(account, now),
            pending_payment_ids=tuple(sorted(account.pending)),
            created_at=account.created_at,
        )


class AccountList(Wire):
    """`unreadable_account_ids`: accounts of this page whose records are damaged, which a person has to mend."""

    items: tuple[AccountView, ...]
    next_cursor: str | None
    unreadable_account_ids: tuple[str, ...]
