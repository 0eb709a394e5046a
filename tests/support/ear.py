"""Hears what anybody logs."""

import contextlib
import logging
from collections.abc import Iterator


class Ear(logging.Handler):
    """Hears all that anybody logs, with what a formatter could make of the record."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(f"{record.getMessage()} {record.__dict__!r}")


@contextlib.contextmanager
def listening() -> Iterator[Ear]:
    """Listens at every level to every package, botocore's account of what it sends to DynamoDB among them."""
    ear = Ear()
    loggers = [logging.getLogger(), logging.getLogger("paydesk")]  # Powertools hands nothing on to the root
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(ear)
        logger.setLevel(logging.DEBUG)
    try:
        yield ear
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(ear)
            logger.setLevel(level)
