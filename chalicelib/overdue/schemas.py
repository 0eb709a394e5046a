"""Exemption from suspension on the wire."""

from chalicelib.http.schemas import RequestBody, Wire


class ExemptionBody(RequestBody):
    """Whether the account is exempt: no notices, and services are never suspended, however much is overdue."""

    exempt: bool


class ExemptionView(Wire):
    exempt: bool
