"""What a field takes: text in normal form, numbers within bounds, and every problem told at once."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

# Marks that reorder what is read (Unicode UAX #9): a name with them can pass for another.
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
EXCERPT = 40


class Problem(Struct, frozen=True):
    """One thing to correct: the field, and why."""

    field: str
    reason: str


class FieldsRefused(Invalid):
    """Some fields are not acceptable."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(" ".join(f"{problem.field}: {problem.reason}" for problem in problems), field=first.field)
        self.problems = tuple(problems)


@dataclass(slots=True)
class Findings:
    """Checks fields one after another and keeps all problems, so that a person corrects them in one go."""

    problems: list[Problem] = field(default_factory=list[Problem])

    def note(self, name: str, reason: str) -> None:
        self.problems.append(Problem(name, reason))

    def settle(self) -> None:
        """Pass if nothing was found. Raises `FieldsRefused` with everything otherwise."""
        if self.problems:
            raise FieldsRefused(self.problems)

    def line(self, name: str, text: str, *, shortest: int = 0, longest: int) -> str:
        """The text on one line: NFC, runs of white space as one blank, none at the ends."""
        return self._measured(name, " ".join(self._legible(name, text).split()), shortest, longest)

    def prose(self, name: str, text: str, *, shortest: int = 0, longest: int) -> str:
        """The text over several lines: NFC, one kind of line end, at most one empty line between paragraphs."""
        lines = [" ".join(line.split()) for line in self._legible(name, text).split("\n")]
        kept = [line for at, line in enumerate(lines) if line or (at > 0 and lines[at - 1])]
        return self._measured(name, "\n".join(kept).strip("\n"), shortest, longest)

    def whole(self, name: str, number: int, *, least: int, most: int) -> int:
        """The whole number, if it lies within both bounds."""
        if not least <= number <= most:
            self.note(name, f"It lies between {least} and {most}.")
            return least
        return number

    def degrees(self, name: str, number: float, *, most: float) -> float:
        """The coordinate in degrees, to the seventh decimal (a centimetre), if it lies within `most` of zero."""
        if not math.isfinite(number) or abs(number) > most:
            self.note(name, f"It lies between -{most:g} and {most:g} degrees.")
            return 0.0
        return round(number, 7)

    def _legible(self, name: str, text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
        for letter in text:
            if letter != "\n" and (unicodedata.category(letter) in {"Cc", "Cs"} or letter in _REORDERING):
                self.note(name, f"It holds a character that is not text (U+{ord(letter):04X}).")
                return ""
        return text

    def _measured(self, name: str, text: str, shortest: int, longest: int) -> str:
        if any(problem.field == name for problem in self.problems):
            return text
        if len(text) > longest:
            self.note(name, f"It has {len(text)} characters; at most {longest} fit.")
        elif len(text) < shortest:
            self.note(name, f"It needs at least {shortest} characters.")
        return text


def excerpt(value: object) -> str:
    """The value as a person may be shown it in a report: printable, and short."""
    text = str(value)
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:EXCERPT])
    return shown + ("..." if len(text) > EXCERPT else "")
