"""Linked events: each carries on to the next, and a chain succeeds or fails as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ecosystem.contexts.ledger.results import Result

E = TypeVar("E")
Saved = TypeVar("Saved")


def in_chains(
    events: Sequence[E],
    *,
    linked: Callable[[E], bool],
    judge: Callable[[E], Result],
    save: Callable[[], Saved],
    restore: Callable[[Saved], None],
    failed: Callable[[E, Result], None] = lambda _event, _result: None,
) -> list[Result]:
    """The result of each event, judged in order.

    A chain is a run of linked events and the first after them that is not. When one fails, what the chain did is
    restored to what was saved before it, and its other events answer `LINKED_EVENT_FAILED`. A linked event at the very
    end answers `LINKED_EVENT_CHAIN_OPEN`. `failed` is told of each event not created, after the restoring.
    """
    results: list[Result] = []
    start: int | None = None
    saved: Saved | None = None
    broken = False
    for place, event in enumerate(events):
        goes_on = linked(event)
        if goes_on and start is None:
            start, saved, broken = place, save(), False
        chain_open = goes_on and place == len(events) - 1
        if chain_open:
            result = Result.LINKED_EVENT_CHAIN_OPEN
        else:
            result = Result.LINKED_EVENT_FAILED if broken else judge(event)
        if result is not Result.CREATED:
            if start is not None and not broken:
                assert saved is not None
                broken = True
                restore(saved)
                results[start:] = [Result.LINKED_EVENT_FAILED] * (place - start)
            failed(event, result)
        results.append(result)
        if not goes_on:
            start, saved, broken = None, None, False
    return results
