"""Invoices over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.core.ids import fingerprint
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.invoices.schemas import InvoiceList, InvoicesQuery, InvoiceView, IssueInvoiceBody
from chalicelib.invoices.service import InvoiceAndAccount, IssueRequest

routes = Routes("invoices")

_INVOICES = "/v1/accounts/{account_id}/invoices"


@routes.get(_INVOICES, role=Role.VIEWER, query=InvoicesQuery, answers={200: InvoiceList})
def list_invoices(call: Call, account_id: str, query: InvoicesQuery) -> Answer:
    """List invoices, newest first."""
    account, page = call.desk.invoices.list(account_id, limit=query.limit, cursor=query.cursor, status=query.status)
    views = tuple(InvoiceView.of(invoice, account, call.desk.clock) for invoice in page.items)
    return Answer(200, InvoiceList(items=views, next_cursor=page.next_cursor))


@routes.get(_INVOICES + "/{invoice_id}", role=Role.VIEWER, answers={200: InvoiceView})
def get_invoice(call: Call, account_id: str, invoice_id: str) -> Answer:
    """See one invoice."""
    return _answer(call, 200, call.desk.invoices.get(account_id, invoice_id))


@routes.post(
    _INVOICES,
    role=Role.OPERATOR,
    body=IssueInvoiceBody,
    keyed=True,
    answers={201: InvoiceView},
    problems=("wrong_currency", "invoice_dates", "invoice_total", "limit_reached", "key_reused"),
)
def issue_invoice(call: Call, account_id: str, body: IssueInvoiceBody) -> Answer:
    """Issue an invoice.

    The account's credit is used first, so an invoice may come out paid.
    """
    issued = call.desk.invoices.issue(
        IssueRequest(
            account_id=account_id,
            key=call.required_key,
            request_fingerprint=fingerprint(body.model_dump(mode="json", exclude_none=True)),
            actor=call.actor,
            lines=[line.model() for line in body.lines],
            due_on=body.due_on,
            issued_on=body.issued_on,
            currency=body.currency,
        )
    )
    return _answer(call, 201, issued)


@routes.post(
    _INVOICES + "/{invoice_id}/void",
    role=Role.OPERATOR,
    keyed=True,
    answers={200: InvoiceView},
    problems=("invoice_not_voidable",),
)
def void_invoice(call: Call, account_id: str, invoice_id: str) -> Answer:
    """Void an unpaid invoice.

    Money already on its way for it becomes credit.
    """
    return _answer(call, 200, call.desk.invoices.void(account_id, invoice_id, call.actor))


def _answer(call: Call, status: int, found: InvoiceAndAccount) -> Answer:
    invoice = found.invoice
    headers = {"Location": f"/v1/accounts/{invoice.account_id}/invoices/{invoice.invoice_id}"} if status == 201 else {}
    return Answer(
        status,
        InvoiceView.of(invoice, found.account, call.desk.clock),
        headers | (REPLAYED if found.replayed else {}),
    )
