"""Every guard that is taken out in turn, by room."""

from collections.abc import Mapping

from tests.mutation import at_the_door, in_collecting, in_keeping, in_ledger, in_payments, in_requests
from tests.mutation.guard import Guard

GUARDS: Mapping[str, tuple[Guard, ...]] = {
    "ids": in_requests.IDS,
    "ledger": in_ledger.LEDGER,
    "gateway": in_ledger.GATEWAY,
    "reserving": in_payments.RESERVING,
    "settling": in_payments.SETTLING,
    "booking": in_payments.BOOKING,
    "paying": in_payments.SERVICE,
    "accounts": in_keeping.ACCOUNTS,
    "invoices": in_keeping.INVOICES,
    "methods": in_keeping.METHODS,
    "activity": in_keeping.ACTIVITY,
    "autopay": in_collecting.AUTOPAY,
    "overdue": in_collecting.CHASING,
    "subscriptions": in_collecting.SUBSCRIPTIONS,
    "sweeps": in_collecting.FAN_OUT,
    "door": at_the_door.DOOR,
    "requests": in_requests.REQUESTS,
    "settings": in_requests.SETTINGS,
}
