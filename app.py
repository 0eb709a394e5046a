"""Paydesk's table of contents: what Lambda runs, and where it stands."""

from chalice.app import AuthRequest, AuthResponse, Chalice

from chalicelib.accounts.routes import routes as accounts
from chalicelib.activity.routes import routes as activity
from chalicelib.auth.admission import admit
from chalicelib.http.middleware import in_problem_format
from chalicelib.http.public import preflight_routes, public_routes
from chalicelib.invoices.routes import routes as invoices
from chalicelib.payment_methods.routes import routes as payment_methods
from chalicelib.payments.routes import routes as payments

app = Chalice(app_name="paydesk", configure_logs=False)  # Powertools writes the logs, as JSON
app.register_middleware(in_problem_format, "http")


# Stays here: an authorizer, a schedule or a queue handler on a blueprint would deploy under the blueprint's module,
# where this file is never imported.
@app.authorizer(ttl_seconds=300)
def authorize(request: AuthRequest) -> AuthResponse:
    return admit(request.token)


rooms = [accounts, payment_methods, invoices, payments, activity]
public = public_routes(rooms)
for routes in (*rooms, public, preflight_routes([*rooms, public])):
    app.register_blueprint(routes.blueprint(authorize))
