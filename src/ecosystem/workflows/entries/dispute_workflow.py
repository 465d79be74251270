"""`dispute-workflow`: takes disputes on when somebody did not answer in time, or when everything was said."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.workflows.entries import rounds
from ecosystem.workflows.triggers import Entry, Firing

DUE = "due-disputes"


async def move_on(market: App, _: Firing) -> None:
    await rounds(market.sweep.disputes_due)


ENTRY = Entry(schedule=move_on)
