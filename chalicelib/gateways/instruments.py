"""The sandbox's named instruments: each token stands for a card and for what happens when it is charged."""

from dataclasses import dataclass
from typing import Literal

from chalicelib.payments.models import DeclineClass

DECLINES: dict[str, DeclineClass] = {
    "insufficient_funds": "retry_later",
    "do_not_honor": "retry_later",
    "expired_card": "fix_method",
    "incorrect_number": "fix_method",
    "authentication_required": "needs_customer",
    "stolen_card": "never_again",
    "lost_card": "never_again",
    "processor_error": "technical",
}
"""Decline code -> class, after GOV.UK Pay's table and the card schemes' rules on reattempts."""

Behaviour = Literal[
    "approved",
    "requires_action",
    "not_sent",
    "timeout_then_approved",
    "timeout_then_declined",
    "timeout_not_charged",
    "never_answers",
    "refused_at_attach",
    "timeout_at_attach",
    "insufficient_funds",
    "do_not_honor",
    "expired_card",
    "incorrect_number",
    "authentication_required",
    "stolen_card",
    "lost_card",
    "processor_error",
]


@dataclass(frozen=True)
class CardInstrument:
    behaviour: Behaviour
    brand: str = "visa"
    last4: str = "4242"
    expires_month: int = 12
    expires_year: int = 2039


CARDS: dict[str, CardInstrument] = {
    "tok_visa": CardInstrument("approved"),
    "tok_mastercard": CardInstrument("approved", "mastercard", "4444"),
    "tok_amex": CardInstrument("approved", "american_express", "0005"),
    "tok_discover": CardInstrument("approved", "discover", "1117"),
    "tok_diners": CardInstrument("approved", "diners_club", "0004"),
    "tok_visa_past_expiry": CardInstrument("approved", "visa", "1881", expires_month=1, expires_year=2020),
    "tok_insufficient_funds": CardInstrument("insufficient_funds", last4="9995"),
    "tok_do_not_honor": CardInstrument("do_not_honor", last4="0002"),
    "tok_expired_card": CardInstrument("expired_card", last4="0069"),
    "tok_incorrect_number": CardInstrument("incorrect_number", last4="4241"),
    "tok_authentication_required": CardInstrument("authentication_required", last4="3184"),
    "tok_stolen_card": CardInstrument("stolen_card", last4="9979"),
    "tok_lost_card": CardInstrument("lost_card", last4="9987"),
    "tok_processor_error": CardInstrument("processor_error", last4="0119"),
    "tok_requires_action": CardInstrument("requires_action", last4="3220"),
    "tok_not_sent": CardInstrument("not_sent", last4="5126"),
    "tok_timeout_then_approved": CardInstrument("timeout_then_approved", last4="7701"),
    "tok_timeout_then_declined": CardInstrument("timeout_then_declined", last4="7702"),
    "tok_timeout_not_charged": CardInstrument("timeout_not_charged", last4="7703"),
    "tok_never_answers": CardInstrument("never_answers", last4="7705"),
    "tok_refused_at_attach": CardInstrument("refused_at_attach", last4="0127"),
    "tok_timeout_at_attach": CardInstrument("timeout_at_attach", last4="7704"),
}
