"""Payment settings and the autopay forecast on the wire."""

from typing import Self

from chalicelib.accounts.models import Account, StoppedReason
from chalicelib.autopay.forecast import Forecast, Health, PlannedCharge, Problem
from chalicelib.core.clock import Instant
from chalicelib.http.schemas import Id, RequestBody, Wire
from chalicelib.payment_methods.schemas import DefaultMethodView


class PaymentSettingsBody(RequestBody):
    """Both together, always: autopay needs a default method."""

    default_payment_method_id: Id | None
    autopay_enabled: bool


class PlannedChargeView(Wire):
    """One charge as it is planned now. Without `charge_at` it is not made before you act; `problems` say why."""

    charge_at: Instant | None
    amount_minor: int
    currency: str
    invoice_ids: tuple[str, ...]
    problems: tuple[Problem, ...]
    health: Health

    @classmethod
    def of(cls, charge: PlannedCharge, currency: str) -> Self:
        return cls(
            charge_at=charge.at,
            amount_minor=charge.amount_minor,
            currency=currency,
            invoice_ids=charge.invoice_ids,
            problems=charge.problems,
            health=charge.health,
        )


class ForecastView(Wire):
    """What autopay will charge when, with what, and what would make it fail. `health` is the worst of all charges. They
    are for invoices that are issued; renewals to come are left out."""

    autopay_enabled: bool
    payment_method: DefaultMethodView | None
    health: Health
    stopped_reason: StoppedReason | None
    charges: tuple[PlannedChargeView, ...]

    @classmethod
    def of(cls, planned: Forecast, account: Account) -> Self:
        return cls(
            autopay_enabled=planned.enabled,
            payment_method=DefaultMethodView.of(planned.method) if planned.method else None,
            health=planned.health,
            stopped_reason=planned.stopped_reason,
            charges=tuple(PlannedChargeView.of(charge, account.currency) for charge in planned.charges),
        )


class PaymentSettingsView(Wire):
    default_payment_method_id: str | None
    default_method: DefaultMethodView | None
    autopay_enabled: bool
    forecast: ForecastView

    @classmethod
    def of(cls, account: Account, planned: Forecast) -> Self:
        method = account.default_method
        return cls(
            default_payment_method_id=method.payment_method_id if method else None,
            default_method=DefaultMethodView.of(method) if method else None,
            autopay_enabled=account.autopay.enabled,
            forecast=ForecastView.of(planned, account),
        )
