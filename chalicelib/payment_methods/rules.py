"""Pure decisions about payment methods: whether one may be charged, how it is called, which is the default."""

import calendar
from datetime import date, datetime

from chalicelib.payment_methods.models import (
    BankDebit,
    Card,
    Check,
    MethodSnapshot,
    PaymentMethodRecord,
    PayPal,
    UnusableReason,
)

_BRAND_NAMES = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "american_express": "American Express",
    "discover": "Discover",
}


def label(method: PaymentMethodRecord) -> str:
    """What people call the method, the same in every language: `Visa •••• 4242`."""
    match method:
        case Card():
            return f"{_BRAND_NAMES.get(method.brand, method.brand)} •••• {method.last4}"
        case BankDebit():
            return f"{method.bank} •••• {method.last4}"
        case PayPal():
            return f"PayPal {method.payer}"
        case Check():
            return f"Check to {method.payable_to}"
        case _:
            raise TypeError(f"no label for {type(method).__name__}")


def snapshot(method: PaymentMethodRecord) -> MethodSnapshot:
    """What a payment and the account's default copy of a method."""
    return MethodSnapshot(
        payment_method_id=method.payment_method_id,
        kind=method.kind,
        label=label(method),
        gateway=method.gateway,
        gateway_reference=method.gateway_reference,
        fingerprint=method.fingerprint,
        usable_from=method.usable_from,
        last_usable_on=last_day(method.expires_year, method.expires_month) if isinstance(method, Card) else None,
    )


def last_day(year: int, month: int) -> date:
    """A card is good through the last day of the month printed on it."""
    return date(year, month, calendar.monthrange(year, month)[1])


def why_not_usable(method: MethodSnapshot, now: datetime, today: date) -> UnusableReason | None:
    """Why the method cannot be charged now: `check`, `not_yet_usable`, `expired`; None when it can."""
    if method.kind == "check":
        return "check"
    if method.usable_from is not None and now < method.usable_from:
        return "not_yet_usable"
    if method.last_usable_on is not None and today > method.last_usable_on:
        return "expired"
    return None
