"""Paydesk's table of contents: what Lambda runs, and where it stands."""

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, SQSEvent

from chalicelib.accounts.routes import routes as accounts
from chalicelib.activity.routes import routes as activity
from chalicelib.auth.admission import admit
from chalicelib.autopay.routes import routes as autopay
from chalicelib.http.middleware import in_problem_format
from chalicelib.http.public import preflight_routes, public_routes
from chalicelib.invoices.routes import routes as invoices
from chalicelib.overdue.routes import routes as overdue
from chalicelib.payment_methods.routes import routes as payment_methods
from chalicelib.payments.routes import routes as payments
from chalicelib.settings import sweep_declarations
from chalicelib.subscriptions.routes import routes as subscriptions
from chalicelib.sweeps import jobs
from chalicelib.sweeps.routes import routes as sweeps

app = Chalice(app_name="paydesk", configure_logs=False)  # Powertools writes the logs, as JSON
app.register_middleware(in_problem_format, "http")


# Stays here: an authorizer, a schedule or a queue handler on a blueprint would deploy under the blueprint's module,
# where this file is never imported.
@app.authorizer(ttl_seconds=300)
def authorize(request: AuthRequest) -> AuthResponse:
    return admit(request.token)


rooms = [accounts, payment_methods, invoices, payments, autopay, overdue, subscriptions, activity, sweeps]
public = public_routes(rooms)
for routes in (*rooms, public, preflight_routes([*rooms, public])):
    app.register_blueprint(routes.blueprint(authorize))

sweep, sweeps_queue = sweep_declarations()


@app.schedule(sweep.schedule_autopay)
def start_autopay(_event: CloudWatchEvent) -> None:
    jobs.start("autopay")


@app.schedule(sweep.schedule_reconcile)
def start_reconcile(_event: CloudWatchEvent) -> None:
    jobs.start("reconcile")


@app.schedule(sweep.schedule_overdue)
def start_overdue(_event: CloudWatchEvent) -> None:
    jobs.start("overdue")


@app.schedule(sweep.schedule_renewals)
def start_renewals(_event: CloudWatchEvent) -> None:
    jobs.start("renewals")


# One message at a time: Chalice reports no partial failures, and a failed message must not bring its neighbours back.
@app.on_sqs_message(sweeps_queue, batch_size=1, maximum_concurrency=sweep.concurrency)
def work(event: SQSEvent) -> None:
    jobs.work(event)
