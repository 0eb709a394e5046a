"""Static configuration: what a stage decides, read once from its environment variables.

Nothing else in Paydesk reads os.environ. A variable is named after its field: `cooldown_seconds` is
PAYDESK_COOLDOWN_SECONDS, `token.issuer` is PAYDESK_TOKEN_ISSUER, `limits.page` is PAYDESK_LIMIT_PAGE.
"""

import difflib
import os
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

PREFIX = "PAYDESK_"

CardBrand = Literal["visa", "mastercard", "american_express", "discover", "diners_club", "jcb", "unionpay"]


class SettingsError(Exception):
    """The environment does not make a working Paydesk. `problems` holds one plain sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "Paydesk cannot start with these settings:\n" + "\n".join(f"- {problem}" for problem in problems)
        )


def _parts(value: Any) -> Any:
    """What stands between the commas; a value that is no text passes as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = BeforeValidator(_parts)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Token(_Group):
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


class Limits(_Group):
    """Upper bounds. Each has a ceiling of its own where AWS or the size of an account's record sets one."""

    methods: int = Field(default=20, ge=1, le=100)
    open_invoices: int = Field(default=500, ge=1, le=1000)
    pending: int = Field(default=20, ge=1, le=25)
    # A settlement writes account, payment, activity and each invoice in one transaction, which takes 100 actions.
    invoices_per_payment: int = Field(default=90, ge=1, le=90)
    recipients: int = Field(default=20, ge=1, le=100)
    body_bytes: int = Field(default=65536, ge=1024, le=1048576)
    key_characters: int = Field(default=255, ge=36, le=1024)
    page: int = Field(default=100, ge=1, le=100)
    commit_retries: int = Field(default=5, ge=1, le=20)
    method_attempts_per_day: int = Field(default=10, ge=1, le=100)


Days = Annotated[tuple[int, ...], CommaSeparated]


class CollectionPolicy(_Group):
    """Collecting what is due: when autopay charges and tries again, when notices go out, when services are suspended.

    Days of notices and grace count from the due date, retry days from an invoice's first attempt. They stand together
    because they must agree: services are suspended when the grace of an invoice is over, or the day after a retry that
    is planned for it, whichever is later. More than `technical_retries` attempts in a row that could not be made put
    nothing off any longer.
    """

    autopay_hour: int = Field(default=6, ge=0, le=23, examples=[6])
    retry_days_card: Days = Field(default=(1, 3, 5, 7), examples=["1,3,5,7"])
    # Nacha and SEPA rules: a bank debit is presented at most twice again.
    retry_days_bank_debit: Days = Field(default=(3, 6), max_length=2, examples=["3,6"])
    retry_days_paypal: Days = Field(default=(1, 3, 5, 7), examples=["1,3,5,7"])
    technical_retry_seconds: int = Field(default=3600, ge=60, le=86400, examples=[3600])
    technical_retries: int = Field(default=3, ge=0, le=10, examples=[3])
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


class SweepSettings(_Group):
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


class Settings(_Group):
    """Everything a stage decides. The check schedule counts from a pending payment's reservation."""

    stage: Literal["dev", "prod"] = Field(examples=["dev"])
    table_prefix: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", examples=["paydesk-dev-"])
    gateway: Literal["sandbox"] = Field(examples=["sandbox"])
    sandbox_page_url: str = Field(default="", validate_default=True, examples=["https://billing.example.com/sandbox"])
    card_brands: Annotated[tuple[CardBrand, ...], CommaSeparated] = Field(
        default=("visa", "mastercard", "american_express", "discover"), min_length=1, examples=["visa,mastercard"]
    )
    cooldown_seconds: int = Field(default=3600, ge=0, le=604800, examples=[3600])
    cooldown_scope: Literal["account", "payment_method"] = Field(default="account", examples=["account"])
    charge_within_seconds: int = Field(default=60, ge=1, le=300, examples=[60])
    action_expires_seconds: int = Field(default=3600, ge=60, le=86400, examples=[3600])
    # API Gateway hangs up after 29 seconds; two store trips have to fit in beside the gateway's answer.
    gateway_timeout_seconds: int = Field(default=15, ge=1, le=25, examples=[15])
    # One try of a call to the store. A laptop's moto needs seconds for a transaction that DynamoDB answers at once.
    store_timeout_seconds: int = Field(default=2, ge=1, le=20, examples=[2])
    check_schedule_seconds: Annotated[tuple[int, ...], CommaSeparated] = Field(
        default=(300, 3600, 86400, 172800, 259200, 345600, 432000),
        min_length=1,
        validate_default=True,
        examples=["300,3600,86400"],
    )
    allowed_origins: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=(), examples=["https://portal.example.com"]
    )
    token: Token
    limits: Limits = Limits()
    collection: CollectionPolicy = CollectionPolicy()
    sweep: SweepSettings = SweepSettings()

    @property
    def sweeps_queue(self) -> str:
        """Where orders of sweeps wait."""
        return f"{self.table_prefix}sweeps"

    @field_validator("gateway")
    @classmethod
    def _no_sandbox_in_prod(cls, gateway: str, info: ValidationInfo) -> str:
        if gateway == "sandbox" and info.data.get("stage") == "prod":
            raise ValueError("the sandbox moves no real money, so stage prod refuses it; use it with PAYDESK_STAGE=dev")
        return gateway

    @field_validator("sandbox_page_url")
    @classmethod
    def _sandbox_has_a_page(cls, url: str, info: ValidationInfo) -> str:
        if info.data.get("gateway") == "sandbox" and urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(
                "the sandbox gateway needs the address its 3-D Secure redirect leads to, "
                "for example https://billing.example.com/sandbox"
            )
        return url

    @field_validator("card_brands")
    @classmethod
    def _each_brand_once(cls, brands: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(brands)) < len(brands):
            raise ValueError("a brand stands there twice; name each once, for example visa,mastercard")
        return brands

    @field_validator("check_schedule_seconds")
    @classmethod
    def _checks_rise_and_come_late_enough(cls, schedule: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in pairwise(schedule)):
            raise ValueError("each check has to come later than the one before it, for example 300,3600,86400")
        # A check closes the payment at the gateway: were its charge still on the way, that would fence off a sound one.
        last_charge_ends = info.data.get("charge_within_seconds", 0) + info.data.get("gateway_timeout_seconds", 0)
        if schedule[0] <= last_charge_ends:
            raise ValueError(
                f"the first check has to come after {last_charge_ends} seconds, when PAYDESK_CHARGE_WITHIN_SECONDS "
                f"and PAYDESK_GATEWAY_TIMEOUT_SECONDS have both passed, for example {last_charge_ends * 4},3600,86400"
            )
        return schedule

    @field_validator("allowed_origins")
    @classmethod
    def _bare_origins(cls, origins: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for origin in origins:
            scheme, host, *rest = urlsplit(origin)
            if scheme not in ("http", "https") or not host or any(rest):
                raise ValueError(
                    "an origin is a scheme and a host without a closing slash, for example https://portal.example.com"
                )
            if scheme == "http" and info.data.get("stage") == "prod":
                raise ValueError(
                    "an origin of stage prod has to begin with https, for example https://portal.example.com"
                )
        return origins

    @field_validator("token")
    @classmethod
    def _keys_come_over_tls_in_prod(cls, token: Token, info: ValidationInfo) -> Token:
        if info.data.get("stage") == "prod" and not token.jwks_url.startswith("https://"):
            raise ValueError(
                "the keys of stage prod have to come over https, for example https://login.example.com/keys"
            )
        return token


_GROUPS: Mapping[str, tuple[type[BaseModel], str]] = {
    "token": (Token, f"{PREFIX}TOKEN_"),
    "limits": (Limits, f"{PREFIX}LIMIT_"),
    "collection": (CollectionPolicy, f"{PREFIX}COLLECTION_"),
    "sweep": (SweepSettings, f"{PREFIX}SWEEP_"),
}


def from_environment() -> Settings:
    """The settings of this process. Raises SettingsError."""
    return load(os.environ)


def sweep_declarations() -> tuple[SweepSettings, str]:
    """What the decorators in app.py state, read when it is imported: schedules and the queue's name. `chalice package`
    and Lambda set the stage's variables first; without any (a test that only imports the app) they are dev's defaults.
    Raises ValidationError."""
    prefix = f"{PREFIX}SWEEP_"
    given = {name.removeprefix(prefix).lower(): value for name, value in os.environ.items() if name.startswith(prefix)}
    return SweepSettings.model_validate(given), os.environ.get(f"{PREFIX}TABLE_PREFIX", "paydesk-dev-") + "sweeps"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises SettingsError with every problem at once, but no value: one may be secret."""
    paths = variables()
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    problems = [_unknown(name, paths) for name in sorted(given.keys() - paths.keys())]
    values: dict[str, Any] = {group: {} for group in _GROUPS}
    for name, path in paths.items():
        if name in given:
            (values[path[0]] if len(path) > 1 else values)[path[-1]] = given[name]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(problems + _sentences(error)) from None
    if problems:
        raise SettingsError(problems)
    return settings


def variables() -> dict[str, tuple[str, ...]]:
    """Every variable Paydesk knows, and where in Settings its value goes."""
    known: dict[str, tuple[str, ...]] = {}
    for field in Settings.model_fields:
        if field in _GROUPS:
            group, prefix = _GROUPS[field]
            known |= {prefix + inner.upper(): (field, inner) for inner in group.model_fields}
        else:
            known[PREFIX + field.upper()] = (field,)
    return known


def _unknown(name: str, paths: Mapping[str, tuple[str, ...]]) -> str:
    meant = difflib.get_close_matches(name, paths, n=1)
    advice = f"did you mean {meant[0]}?" if meant else "remove it."
    return f"{name} is not a setting of Paydesk: {advice}"


def _sentences(error: ValidationError) -> list[str]:
    """One for each variable: what else is wrong with it often follows from the first thing."""
    first: dict[str, str] = {}
    for detail in error.errors():
        first.setdefault(_variable(detail)[0], _sentence(detail))
    return list(first.values())


def _sentence(detail: ErrorDetails) -> str:
    name, example = _variable(detail)
    if detail["type"] == "missing":
        return f"{name} is missing: set it, for example to {example}."
    if detail["type"] == "value_error":
        return f"{name} is wrong: {detail['ctx']['error']}."
    return f"{name} is wrong: {detail['msg'][:1].lower()}{detail['msg'][1:]}, for example {example}."


def _variable(detail: ErrorDetails) -> tuple[str, str]:
    """The variable an error is about, and an example of a right value."""
    location = tuple(str(step) for step in detail["loc"])
    group, prefix = _GROUPS.get(location[0], (Settings, PREFIX))
    # What a validator says about a whole group is about the one field it looks at.
    field = location[0] if group is Settings else (*location, "jwks_url")[1]
    declared = group.model_fields[field]
    return prefix + field.upper(), str(declared.examples[0] if declared.examples else declared.default)
