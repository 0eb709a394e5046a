"""Runs over HTTP."""

import datetime as dt
from typing import get_args

from chalicelib.auth.roles import Role
from chalicelib.core.errors import NotFound
from chalicelib.http.answers import Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.sweeps.models import SweepName
from chalicelib.sweeps.schemas import RunView

routes = Routes("sweeps")


@routes.get("/v1/runs/{sweep}/{date}", role=Role.OPERATOR, answers={200: RunView}, problems=("no_such_run",))
def get_run(call: Call, sweep: SweepName, date: str) -> Answer:
    """See how far a day's runs of a sweep have come, and what they did.

    Sweeps: autopay, reconcile, overdue, renewals. The day is a UTC date such as 2026-11-23.
    """
    try:
        day = dt.date.fromisoformat(date).isoformat()
    except ValueError:
        day = ""
    if not day or sweep not in get_args(SweepName):
        raise NotFound("no_such_run", sweeps=get_args(SweepName))
    return Answer(200, RunView.of(sweep, day, list(call.desk.sweeps.runs(sweep, day))))
