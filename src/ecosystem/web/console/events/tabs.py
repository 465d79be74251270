"""The pages about events, side by side."""

from __future__ import annotations

from ecosystem.web.console.desk import Desk


def tabs(at_desk: Desk) -> list[tuple[str, str, str]]:
    """Path, title and count of each."""
    dead = at_desk.waiting["events"]
    return [
        ("/console/events", "All events", ""),
        ("/console/events/rules", "Rules", ""),
        ("/console/events/archive", "Archive", ""),
        ("/console/events/dead", "Dead letters", str(dead) if dead else ""),
        ("/console/events/retrying", "Tried again", ""),
    ]
