"""Structured logs: one JSON object a line on standard error, with the id of the request it belongs to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from ecosystem.kernel.trace import trace_id

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, trace, what was passed as `extra`, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace := trace_id.get():
            line["trace_id"] = trace
        line |= {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line).decode()


def configure(level: str) -> None:
    """Send every log record to standard error as JSON. Libraries speak from `warning` on."""
    # No line names threads, processes or places in the code, so no record looks them up (Logging HOWTO, Optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - as that HOWTO says
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("ecosystem").setLevel(level.upper())


@contextmanager
def hushed() -> Generator[None]:
    """Until the end of the block, only errors are logged."""
    ours = logging.getLogger("ecosystem")
    level = ours.level
    ours.setLevel(max(level, logging.ERROR))
    try:
        yield
    finally:
        ours.setLevel(level)
