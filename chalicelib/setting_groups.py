"""Settings that belong together, with their bounds and defaults: tokens, limits, collecting, sweeps."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator


def _parts(value: Any) -> Any:
    """What stands between the commas; a value that is no text passes as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = BeforeValidator(_parts)


class Group(BaseModel):
    """Base of all settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Token(Group):
    """Which ID tokens are believed, and where in them accounts and roles stand."""

    issuer: str = Field(
        min_length=1, examples=["https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"]
    )
    audience: str = Field(min_length=1, examples=["3n4b5urk1ft4fl3mg5e62d9ado"])
    jwks_url: str = Field(
        pattern=r"^https?://[^/\s]+/\S+$",
        examples=["https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI/.well-known/jwks.json"],
    )
    accounts_claim: str = Field(min_length=1, examples=["custom:account_ids"])
    roles_claim: str = Field(min_length=1, examples=["cognito:groups"])


class Limits(Group):
    """Upper bounds. Each has a ceiling of its own where AWS or the size of an account's record sets one."""

    methods: int = Field(default=20, ge=1, le=100)
    open_invoices: int = Field(default=500, ge=1, le=1000)
    pending: int = Field(default=20, ge=1, le=25)
    # A settlement writes account, payment, activity and each invoice in one transaction, which takes 100 actions.
    invoices_per_payment: int = Field(default=90, ge=1, le=90)
    recipients: int = Field(default=20, ge=1, le=100)
    # A renewal reads all that run, and a change first bills what has begun of them, thirty in a commit.
    subscriptions: int = Field(default=50, ge=1, le=100)
    body_bytes: int = Field(default=65536, ge=1024, le=1048576)
    key_characters: int = Field(default=255, ge=36, le=1024)
    page: int = Field(default=100, ge=1, le=100)
    commit_retries: int = Field(default=5, ge=1, le=20)
    method_attempts_per_day: int = Field(default=10, ge=1, le=100)


Days = Annotated[tuple[int, ...], CommaSeparated]


class CollectionPolicy(Group):
    """Collecting what is due: when autopay charges and tries again, when notices go out, when services are suspended.

    Days of notices and grace count from the due date, retry days from an invoice's first attempt. They stand together
    because they must agree: services are suspended when the grace of an invoice is over, or the day after a retry that
    is planned for it, whichever is later, but never more days after that grace than the longest of the retry days. More
    than `technical_retries` attempts in a row that could not be made put nothing off any longer.
    """

    autopay_hour: int = Field(default=6, ge=0, le=23, examples=[6])
    retry_days_card: Days = Field(default=(1, 3, 5, 7), examples=["1,3,5,7"])
    # Nacha and SEPA rules: a bank debit is presented at most twice again.
    retry_days_bank_debit: Days = Field(default=(3, 6), max_length=2, examples=["3,6"])
    retry_days_paypal: Days = Field(default=(1, 3, 5, 7), examples=["1,3,5,7"])
    technical_retry_seconds: int = Field(default=3600, ge=60, le=86400, examples=[3600])
    technical_retries: int = Field(default=3, ge=0, le=10, examples=[3])
    # However often autopay is switched on anew or the default changes: card schemes fine those who try cards on and on.
    declines_per_day: int = Field(default=5, ge=1, le=15, examples=[5])
    notice_days: Days = Field(default=(1, 7), examples=["1,7"])
    grace_days: int = Field(default=14, ge=1, le=365, validate_default=True, examples=[14])

    @field_validator("retry_days_card", "retry_days_bank_debit", "retry_days_paypal", "notice_days")
    @classmethod
    def _days_rise(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if any(day < 1 for day in days) or any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("days have to rise and begin with 1 at the earliest, for example 1,3,5")
        return days

    @field_validator("grace_days")
    @classmethod
    def _grace_outlasts_the_retries(cls, grace: int, info: ValidationInfo) -> int:
        lists = ("retry_days_card", "retry_days_bank_debit", "retry_days_paypal", "notice_days")
        last = max((day for name in lists for day in info.data.get(name, ())), default=0)
        if grace <= last:
            raise ValueError(
                f"services would be suspended before the last retry or notice on day {last}; "
                f"the grace has to be longer, for example {last + 7}"
            )
        return grace


Schedule = Annotated[
    str,
    Field(pattern=r"^(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\(.+\))$", examples=["rate(15 minutes)"]),
]


class SweepSettings(Group):
    """How scheduled work is fanned out: when, messages per run, threads per worker, accounts per index page, and how
    many workers Lambda runs at once.
    """

    messages: int = Field(default=8, ge=1, le=32, examples=[8])
    threads: int = Field(default=8, ge=1, le=64, examples=[8])
    page: int = Field(default=100, ge=1, le=1000, examples=[100])
    concurrency: int = Field(default=8, ge=2, le=1000, examples=[8])
    schedule_autopay: Schedule = "rate(15 minutes)"
    schedule_reconcile: Schedule = "rate(5 minutes)"
    schedule_overdue: Schedule = "rate(1 hour)"
    schedule_renewals: Schedule = "rate(1 hour)"
