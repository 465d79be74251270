"""How far the demo is: one line that changes on a terminal, a line for each day elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

SHOWN_COLUMNS = 78


@dataclass(slots=True)
class Progress:
    first: datetime
    days: int
    say: Callable[[str], None]
    on_terminal: bool
    _day: date | None = None
    _width: int = 0

    def passed(self, at: datetime, bookings: int) -> None:
        """Tell of a day that begins."""
        if self._day == at.date():
            return
        self._day = at.date()
        number = min((at - self.first).days + 1, self.days)
        line = f"Day {number} of {self.days}, {at.day} {at:%B}: {bookings} bookings so far"
        if not self.on_terminal:
            self.say(line)
            return
        sys.stdout.write("\r" + line.ljust(SHOWN_COLUMNS))
        sys.stdout.flush()
        self._width = SHOWN_COLUMNS

    def done(self) -> None:
        """Leave the terminal's line clean."""
        if self._width:
            sys.stdout.write("\r" + " " * self._width + "\r")
            sys.stdout.flush()
