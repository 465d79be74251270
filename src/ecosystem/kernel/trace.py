"""One id from the edge to the ledger: set where a request enters, read where an event or a log line is written."""

from __future__ import annotations

from contextvars import ContextVar

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
