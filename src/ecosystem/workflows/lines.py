"""Who stands in line: behind an event that a rule failed on, later events of the same aggregate wait for that rule.

The line is kept in memory, beside the deliveries that are stored: made anew from them when the relay starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecosystem.ports.bus import Event
from ecosystem.workflows.deliveries import Delivery, DeliveryStatus

IN_LINE_MAX = 4
"""Attempts after which an event steps out of line, a quarter of a minute after the first: others need not wait longer."""

Place = tuple[str, str]
"""An aggregate, and the name of a rule."""


def place_of(event: Event, rule: str) -> Place:
    return event.aggregate, rule


def stands_in_line(delivery: Delivery) -> bool:
    """Whether later events wait for this delivery."""
    return delivery.status is DeliveryStatus.RETRYING and delivery.attempts < IN_LINE_MAX


@dataclass(slots=True)
class Lines:
    """For each place the ids of the events in line, with their sequences."""

    _waiting: dict[Place, dict[str, int]] = field(default_factory=dict[Place, dict[str, int]])

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> Lines:
        lines = cls()
        for delivery in deliveries:
            lines.after(delivery)
        return lines

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def first(self, place: Place) -> str | None:
        """The event whose turn it is, None when nobody stands there."""
        waiting = self._waiting.get(place)
        return min(waiting, key=lambda event_id: waiting[event_id]) if waiting else None

    def has(self, place: Place, event_id: str) -> bool:
        return event_id in self._waiting.get(place, ())

    def after(self, delivery: Delivery) -> None:
        """Let the delivery join, stay, or leave, as it now stands."""
        place = place_of(delivery.event, delivery.rule)
        if stands_in_line(delivery):
            self._waiting.setdefault(place, {})[delivery.event.event_id] = delivery.event.sequence
        else:
            self.leave(place, delivery.event.event_id)

    def leave(self, place: Place, event_id: str) -> None:
        if (waiting := self._waiting.get(place)) is not None:
            waiting.pop(event_id, None)
            if not waiting:
                del self._waiting[place]
