"""Payment methods on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import cooling_down_until, today_of
from chalicelib.core.clock import Instant
from chalicelib.http.schemas import ONE_LINE, EmailAddress, Id, QueryParameters, RequestBody, Wire, left_out, stated
from chalicelib.payment_methods.models import BillingDetails, Card, MethodSnapshot, PaymentMethodRecord, UnusableReason
from chalicelib.payment_methods.rules import label, snapshot, why_not_usable

ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)]


class BillingDetailsBody(RequestBody):
    """Who the method belongs to, as its issuer knows them."""

    name: ShortText | None = None
    email: EmailAddress | None = None
    postal_code: Annotated[str, Field(min_length=1, max_length=20, pattern=ONE_LINE)] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["DE"])] | None = None

    def model(self) -> BillingDetails:
        return BillingDetails(**self.model_dump())


class AddMethodBody(RequestBody):
    """A method to keep. `gateway_token` comes from the gateway's own form; a card number never comes here."""

    kind: Literal["card", "bank_debit", "paypal", "check"]
    gateway_token: Annotated[str, Field(min_length=1, max_length=255, pattern=ONE_LINE, examples=["tok_visa"])]
    make_default: bool = False
    billing_details: BillingDetailsBody = BillingDetailsBody()


class UpdateMethodBody(RequestBody):
    """What to change. An expiry is stated whole: month and year."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"anyOf": [stated("billing_details"), stated("expires_month")]},
                {"anyOf": [stated("expires_month", "expires_year"), left_out("expires_month", "expires_year")]},
            ]
        }
    )

    billing_details: BillingDetailsBody | None = None
    expires_month: Annotated[int, Field(ge=1, le=12)] | None = None
    expires_year: Annotated[int, Field(ge=2000, le=2100)] | None = Field(default=None, validate_default=True)

    @field_validator("expires_year")
    @classmethod
    def _whole(cls, year: int | None, info: ValidationInfo) -> int | None:
        if "expires_month" in info.data and (info.data["expires_month"] is None) != (year is None):
            raise ValueError("state expires_month and expires_year together")
        return year

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.billing_details is None and self.expires_month is None:
            raise ValueError("state at least one thing to change")
        return self

    @property
    def expires(self) -> tuple[int, int] | None:
        """(year, month), or None when the expiry stays."""
        return (self.expires_year, self.expires_month) if self.expires_year and self.expires_month else None


class RemoveMethodQuery(QueryParameters):
    """What to do when the method is the default: refuse, leave none and switch autopay off, or promote another."""

    on_default: Literal["refuse", "disable_autopay", "promote"] = "refuse"
    promote: Id | None = Field(default=None, validate_default=True)

    @field_validator("promote")
    @classmethod
    def _promote_names_one(cls, promote: str | None, info: ValidationInfo) -> str | None:
        if "on_default" in info.data and (info.data["on_default"] == "promote") != (promote is not None):
            raise ValueError("name the new default here, and only together with on_default=promote")
        return promote


class DefaultMethodView(Wire):
    """The default method as the account holds it."""

    payment_method_id: str
    kind: Literal["card", "bank_debit", "paypal", "check"]
    label: str
    last_usable_on: date | None

    @classmethod
    def of(cls, method: MethodSnapshot) -> Self:
        return cls(
            payment_method_id=method.payment_method_id,
            kind=method.kind,
            label=method.label,
            last_usable_on=method.last_usable_on,
        )


class PaymentMethodView(Wire):
    """A payment method. brand, last4 and expiry are a card's. `unusable_reason`: why it cannot be charged now, such as
    `expired`. `cooldown_until`: before it no manual payment is taken with this method, because one was declined."""

    payment_method_id: str
    kind: Literal["card", "bank_debit", "paypal", "check"]
    label: str
    brand: str | None
    last4: str | None
    expires_month: int | None
    expires_year: int | None
    billing_details: BillingDetails
    status: Literal["active", "removed"]
    is_default: bool
    usable_from: Instant | None
    unusable_reason: UnusableReason | None
    cooldown_until: Instant | None
    added_at: Instant

    @classmethod
    def of(cls, method: PaymentMethodRecord, account: Account, now: datetime) -> Self:
        card = method if isinstance(method, Card) else None
        default = account.default_method
        return cls(
            payment_method_id=method.payment_method_id,
            kind=method.kind,
            label=label(method),
            brand=card.brand if card else None,
            last4=card.last4 if card else None,
            expires_month=card.expires_month if card else None,
            expires_year=card.expires_year if card else None,
            billing_details=method.billing_details,
            status=method.status,
            is_default=default is not None and default.payment_method_id == method.payment_method_id,
            usable_from=method.usable_from,
            unusable_reason=why_not_usable(snapshot(method), now, today_of(account, now)),
            cooldown_until=cooling_down_until(account, now, method.fingerprint),
            added_at=method.added_at,
        )


class PaymentMethodList(Wire):
    items: tuple[PaymentMethodView, ...]
    next_cursor: str | None
