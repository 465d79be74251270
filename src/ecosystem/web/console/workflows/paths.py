"""Where the pages of workflows are."""

from __future__ import annotations

from urllib.parse import quote


def execution_path(execution_id: str) -> str:
    """The page of an execution."""
    return f"/console/workflows/{quote(execution_id, safe=':')}"


def tabs() -> list[tuple[str, str]]:
    """The pages that belong together, as path and title."""
    return [
        ("/console/workflows", "Executions"),
        ("/console/workflows/functions", "Functions"),
        ("/console/workflows/schedules", "Schedules"),
    ]
