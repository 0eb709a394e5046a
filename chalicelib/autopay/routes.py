"""Payment settings and the autopay forecast over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.autopay.schemas import ForecastView, PaymentSettingsBody, PaymentSettingsView
from chalicelib.http.answers import Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes

routes = Routes("autopay")

_SETTINGS = "/v1/accounts/{account_id}/payment-settings"


@routes.get(_SETTINGS, role=Role.VIEWER, answers={200: PaymentSettingsView})
def get_payment_settings(call: Call, account_id: str) -> Answer:
    """See the default method and whether autopay is on."""
    account = call.desk.accounts.get(account_id)
    return Answer(200, PaymentSettingsView.of(account, call.desk.autopay.forecast(account)))


@routes.put(
    _SETTINGS,
    role=Role.ADMIN,
    body=PaymentSettingsBody,
    answers={200: PaymentSettingsView},
    problems=("no_payment_method", "method_not_usable"),
)
def put_payment_settings(call: Call, account_id: str, body: PaymentSettingsBody) -> Answer:
    """Choose the default method and switch autopay, in one step.

    The answer says what will be charged when. After a decline autopay stays switched on, even when it is stopped: then
    `forecast.stopped_reason` says why, and another default method, or switching it off and on again, earns a new
    attempt: at once, or on the next day when this one has had its most declines.
    """
    account = call.desk.payment_methods.put_settings(
        account_id, body.default_payment_method_id, body.autopay_enabled, call.actor
    )
    return Answer(200, PaymentSettingsView.of(account, call.desk.autopay.forecast(account)))


@routes.get("/v1/accounts/{account_id}/autopay/forecast", role=Role.VIEWER, answers={200: ForecastView})
def get_autopay_forecast(call: Call, account_id: str) -> Answer:
    """See what autopay will charge when, with what, and what would make it fail.

    It tells of invoices that are issued. Renewals of subscriptions to come are left out: each joins once its invoice is
    issued.
    """
    account = call.desk.accounts.get(account_id)
    return Answer(200, ForecastView.of(call.desk.autopay.forecast(account), account))
