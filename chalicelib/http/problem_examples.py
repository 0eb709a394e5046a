"""The facts each problem carries, by example: the documentation shows them, and tests hold sentences and rooms to
them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_PAYMENT = "pay_7D4KQ2XNMA5VJ3WZ6CTRBPLEGH"
_METHOD = "pm_2HSNCJ6QYV4TDXKARZ5WMB3EPG"
_INVOICE = "inv_20261101_5VJ3WZ6CTRBPLEGH7D4KQ2XNMA"
_SUBSCRIPTION = "sub_6TXW3QK5JZ2RDNAVHYM4CBPLEG"
_REQUEST = "5b0c9a54-2f3e-4a37-9d53-6a1d4be0c9f1"
_LATER = datetime(2026, 11, 23, 16, 36, 15, 123_000, tzinfo=UTC)

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "key_too_long": {"limit_characters": 255},
    "missing_role": {"missing_role": "billing_admin"},
    "search_needs_operator": {"missing_role": "operator"},
    "no_such_run": {"sweeps": ["autopay", "reconcile", "overdue", "renewals"]},
    "body_too_large": {"limit_bytes": 65536},
    "invalid_request": {"errors": [{"field": "amount_minor", "problem": "It has to be more than 0."}]},
    "limit_reached": {"what": "payment_methods", "limit": 20},
    "nothing_to_pay": {
        "open_minor": 12000,
        "covered_minor": 12000,
        "currency": "EUR",
        "reason": "all_covered",
        "pending": [{"payment_id": _PAYMENT, "status": "processing", "covers_minor": 12000}],
    },
    "balance_changed": {"payable_minor": 9000, "currency": "EUR"},
    "amount_too_high": {"payable_minor": 9000, "currency": "EUR"},
    "wrong_currency": {"currency": "EUR"},
    "too_many_invoices": {"limit": 90},
    "invoice_not_payable": {"invoice_id": _INVOICE},
    "payment_not_cancelable": {"payment_id": _PAYMENT, "payment_status": "succeeded"},
    "payment_not_resolvable": {
        "payment_id": _PAYMENT,
        "payment_status": "succeeded",
        "reason": "already_resolved",
        "resolution": "succeeded",
        "gateway_reference": "ch_17",
    },
    "reference_missing": {"payment_id": _PAYMENT},
    "payment_declined": {
        "payment_id": _PAYMENT,
        "decline_code": "insufficient_funds",
        "decline_class": "retry_later",
        "retry_at": _LATER,
        "next_best_action": "retry_later",
        "scope": "account",
    },
    "payment_canceled": {"payment_id": _PAYMENT, "request_id": _REQUEST},
    "cooling_down": {"retry_at": _LATER, "scope": "account"},
    "too_many_attempts": {"retry_at": _LATER},
    "method_not_usable": {"payment_method_id": _METHOD, "reason": "expired"},
    "brand_not_supported": {"brand": "jcb", "supported_brands": ["visa", "mastercard"]},
    "kind_not_supported": {"kind": "paypal"},
    "token_refused": {"gateway_code": "token_unknown"},
    "method_in_use": {"payment_ids": [_PAYMENT]},
    "default_method": {"choices": ["disable_autopay", "promote"]},
    "expiry_not_applicable": {"payment_method_id": _METHOD, "kind": "bank_debit"},
    "invoice_dates": {"issued_on": "2026-11-23", "due_on": "2026-11-20"},
    "invoice_total": {"total_minor": -500, "max_minor": 1000000000000, "currency": "EUR"},
    "invoice_not_voidable": {"invoice_id": _INVOICE, "invoice_status": "paid", "reason": "not_unpaid"},
    "starts_in_the_past": {"starts_on": "2026-11-01"},
    "subscription_canceled": {"subscription_id": _SUBSCRIPTION},
    "unavailable": {"retry_after_seconds": 1, "request_id": _REQUEST},
    "gateway_unavailable": {"retry_after_seconds": 60, "request_id": _REQUEST},
    "internal_error": {"request_id": _REQUEST},
    "unreadable_record": {"request_id": _REQUEST},
}
