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

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from chalicelib.setting_groups import CollectionPolicy, CommaSeparated, Group, Limits, SweepSettings, Token

PREFIX = "PAYDESK_"

CardBrand = Literal["visa", "mastercard", "american_express", "discover", "diners_club", "jcb", "unionpay"]


class SettingsError(Exception):
    """The environment does not make a working Paydesk. `problems` holds one plain sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "Paydesk cannot start with these settings:\n" + "\n".join(f"- {problem}" for problem in problems)
        )


class Settings(Group):
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
