"""How a kind of news is worded: templates with named places, filled with what is known of the event.

Places are the names of facts. `{when}` is a span or an instant on the recipient's clock with its zone, `{when_day}`
its day alone; amounts come with their symbol; `{name}` is the recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from string import Formatter

from msgspec import Struct

from ecosystem.contexts.notifications.kinds import Topic
from ecosystem.kernel.display import at_text, day_text, money_text, span_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import Span, zone

Known = str | Money | Span | datetime
"""What is known of an event: words, an amount, a time."""

WORDS_LENGTH_MAX = 500
_formatter = Formatter()


class FactMissing(Invalid):
    """A kind of news was told without a fact that its wording needs."""


class Wording(Struct, frozen=True, kw_only=True):
    """The texts of one kind for one audience.

    `notice` is the line shown in the product; empty when there is only a mail. `asides` and `notes` that name a fact
    which is not known are left out; of the rest, every fact must be known.
    """

    topic: Topic
    subject: str
    title: str
    notice: str = ""
    paragraphs: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    button: str = ""
    notes: tuple[str, ...] = ()
    confidential: bool = False
    """The letter carries a secret: its body is not kept once it has been sent."""

    @property
    def templates(self) -> tuple[str, ...]:
        return (self.subject, self.title, self.notice, *self.paragraphs, *self.asides, *self.notes)


def spoken(known: Mapping[str, Known], wanted: frozenset[str], zone_name: str, at: datetime) -> dict[str, str]:
    """Those of the facts that are wanted, as a person in that zone reads them at `at`. What is empty is unknown."""
    said: dict[str, str] = {}
    for name, value in known.items():
        if not (name in wanted or f"{name}_day" in wanted):
            continue
        match value:
            case Money():
                said[name] = money_text(value)
            case Span():
                said[name] = span_text(value, zone_name, seen_at=at)
                said[f"{name}_day"] = _day(value.start_at, zone_name, at)
            case datetime():
                said[name] = at_text(value, zone_name, seen_at=at)
                said[f"{name}_day"] = _day(value, zone_name, at)
            case str():
                words = _one_line(value)
                if words:
                    said[name] = words
    return said


def filled(template: str, said: Mapping[str, str]) -> str:
    """The template with its places filled. Raises `FactMissing`."""
    missing = places(template) - said.keys()
    if missing:
        raise FactMissing(f"{template!r} needs {', '.join(sorted(missing))}.", field=min(missing))
    return template.format_map(said)


def filled_where_known(templates: tuple[str, ...], said: Mapping[str, str]) -> tuple[str, ...]:
    """Those of the templates whose facts are all known, filled."""
    return tuple(filled(template, said) for template in templates if said.keys() >= places(template))


@lru_cache(maxsize=1024)
def places(template: str) -> frozenset[str]:
    """The names of the facts that a template needs."""
    return frozenset(name for _, name, _, _ in _formatter.parse(template) if name)


def _one_line(text: str) -> str:
    """The words in one line of bounded length, without signs that do not print: they may stand in a subject."""
    readable = text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(readable.split())
    return line if len(line) <= WORDS_LENGTH_MAX else f"{line[: WORDS_LENGTH_MAX - 1]}…"


def _day(at: datetime, zone_name: str, seen_at: datetime) -> str:
    there = zone(zone_name)
    return day_text(at.astimezone(there).date(), seen_in=seen_at.astimezone(there).year)
