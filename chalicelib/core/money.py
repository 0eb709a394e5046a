"""Money is an integer of minor units and an ISO 4217 currency; never a float."""

from typing import Annotated

from pydantic import AfterValidator, Field

# ISO 4217 (2026): how many digits the minor unit has.
_CODES_BY_EXPONENT = {
    0: "CLP ISK JPY KRW UGX VND",
    2: "AED AUD BRL CAD CHF CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR MAD MXN MYR NGN NOK NZD PEN PHP PLN QAR "
    "RON RSD SAR SEK SGD THB TRY TWD UAH USD ZAR",
    3: "BHD JOD KWD OMR TND",
}
_EXPONENTS = {code: digits for digits, codes in _CODES_BY_EXPONENT.items() for code in codes.split()}

CURRENCIES = frozenset(_EXPONENTS)

MINOR_MAX = 10**12
"""Upper bound of any single amount: far above any invoice, far below what JSON readers lose precision on (2**53)."""


def known_currency(code: str) -> str:
    """The code itself. Raises ValueError when Paydesk does not know how many digits its minor unit has."""
    if code not in _EXPONENTS:
        raise ValueError("not a supported ISO 4217 currency code")
    return code


Currency = Annotated[str, AfterValidator(known_currency), Field(json_schema_extra={"enum": sorted(CURRENCIES)})]
MinorUnits = Annotated[int, Field(ge=0, le=MINOR_MAX)]
PositiveMinorUnits = Annotated[int, Field(gt=0, le=MINOR_MAX)]


def exponent(currency: str) -> int:
    """How many decimal digits the currency's major unit has."""
    return _EXPONENTS[known_currency(currency)]


def in_words(amount_minor: int, currency: str) -> str:
    """Plain and unambiguous, for sentences and logs: `120.00 EUR`, `1500 JPY`, `-0.05 USD`."""
    digits = exponent(currency)
    if digits == 0:
        return f"{amount_minor} {currency}"
    sign = "-" if amount_minor < 0 else ""
    major, minor = divmod(abs(amount_minor), 10**digits)
    return f"{sign}{major}.{minor:0{digits}d} {currency}"
