"""What Paydesk logs during a history. Services report what breaks, and go on: a defect must not hide behind that."""

import contextlib
import logging
import traceback
from collections.abc import Iterator

from chalicelib.core.errors import Broken, PaydeskError

_PAYDESK = logging.getLogger("paydesk")

_TOLD_TO_A_PERSON = {"payment_parked", "too_many_open_invoices"}
"""What Paydesk reports so that somebody looks after it, with nothing wrong at all."""


class Overheard(logging.Handler):
    """Puts into `defects` what no history should bring about: an error that nobody caused, money that comes late."""

    def __init__(self, defects: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._defects = defects

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None and record.getMessage() not in _TOLD_TO_A_PERSON:
            self._defects.append(f"Paydesk reports {record.getMessage()}")
        elif error is not None and not _caused(error):
            told = "".join(traceback.format_exception(error))
            self._defects.append(f"Paydesk reports {record.getMessage()}: {told}")


def _caused(error: BaseException) -> bool:
    """Whether a fault brings this about: a store that does not answer, a record that was damaged."""
    if isinstance(error, Broken):
        return error.code == "unreadable_record"
    return isinstance(error, PaydeskError)


@contextlib.contextmanager
def overheard(defects: list[str]) -> Iterator[None]:
    """What is logged inside reaches nobody else: thousands of crashes log thousands of tracebacks."""
    handler, propagated = Overheard(defects), _PAYDESK.propagate
    _PAYDESK.addHandler(handler)
    _PAYDESK.propagate = False
    try:
        yield
    finally:
        _PAYDESK.removeHandler(handler)
        _PAYDESK.propagate = propagated
