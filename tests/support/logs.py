"""What Paydesk logs, as lines of JSON: its logger writes to the standard output it found when it was made."""

import contextlib
import io
import logging
from collections.abc import Iterator

from chalicelib.http.serving import log


@contextlib.contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collects every line logged inside."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(log.registered_formatter)
    logger = logging.getLogger("paydesk")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
