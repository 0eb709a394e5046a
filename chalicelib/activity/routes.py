"""The activity log over HTTP."""

from chalicelib.activity.export import as_csv, as_json_lines
from chalicelib.activity.schemas import ActivityList, ActivityQuery, EntryView, ExportQuery, VerificationView
from chalicelib.auth.roles import Role
from chalicelib.http.answers import Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import PageQuery

routes = Routes("activity")

_ACTIVITY = "/v1/accounts/{account_id}/activity"


@routes.get(_ACTIVITY, role=Role.VIEWER, query=ActivityQuery, answers={200: ActivityList})
def list_activity(call: Call, account_id: str, query: ActivityQuery) -> Answer:
    """List who did what when."""
    page = call.desk.activity.list(
        account_id, limit=query.limit, cursor=query.cursor, newest_first=query.order == "newest_first"
    )
    return Answer(200, ActivityList(items=tuple(map(EntryView.of, page.items)), next_cursor=page.next_cursor))


@routes.get(
    _ACTIVITY + "/export", role=Role.VIEWER, query=ExportQuery, answers={200: ("application/x-ndjson", "text/csv")}
)
def export_activity(call: Call, account_id: str, query: ExportQuery) -> Answer:
    """Export the log as JSON lines or CSV, oldest first.

    The header Paydesk-Next-Cursor holds the cursor of the next part; it is absent on the last.
    """
    page = call.desk.activity.list(account_id, limit=query.limit, cursor=query.cursor, newest_first=False)
    headers = {"Content-Disposition": f'attachment; filename="activity-{account_id}.{query.format}"'}
    if page.next_cursor is not None:
        headers["Paydesk-Next-Cursor"] = page.next_cursor
    if query.format == "csv":
        return Answer.text(as_csv(page.items, with_header=query.cursor is None), "text/csv", headers=headers)
    return Answer.text(as_json_lines(page.items), "application/x-ndjson", headers=headers)


@routes.get(_ACTIVITY + "/verify", role=Role.VIEWER, query=PageQuery, answers={200: VerificationView})
def verify_activity(call: Call, account_id: str, query: PageQuery) -> Answer:
    """Verify that nothing in the log was changed, left out or cut off."""
    found = call.desk.activity.verify(account_id, limit=query.limit, cursor=query.cursor)
    return Answer(200, VerificationView.of(found))
