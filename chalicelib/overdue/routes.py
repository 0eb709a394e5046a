"""Exemption from suspension over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.http.answers import Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.overdue.schemas import ExemptionBody, ExemptionView

routes = Routes("overdue")

_EXEMPTION = "/v1/accounts/{account_id}/suspension-exemption"


@routes.get(_EXEMPTION, role=Role.VIEWER, answers={200: ExemptionView})
def get_suspension_exemption(call: Call, account_id: str) -> Answer:
    """See whether the account is exempt from notices and suspension."""
    return Answer(200, ExemptionView(exempt=call.desk.accounts.get(account_id).overdue.exempt))


@routes.put(_EXEMPTION, role=Role.OPERATOR, body=ExemptionBody, answers={200: ExemptionView})
def put_suspension_exemption(call: Call, account_id: str, body: ExemptionBody) -> Answer:
    """Exempt the account from notices and suspension, or end the exemption.

    Services that are suspended already stay so until the overdue balance is paid. When the exemption ends, chasing goes
    on where it stood: an account whose notices are all out and whose grace is over is suspended by the next run.
    """
    account = call.desk.exemptions.put(account_id, exempt=body.exempt, actor=call.actor)
    return Answer(200, ExemptionView(exempt=account.overdue.exempt))
