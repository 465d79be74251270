"""Messages: one piece of news to one person, as whoever knows the event hands it in, and what becomes of it.

What is told is composed at once, in the recipient's zone and money's own writing, and kept as text; it is laid out as
mail only when it is sent. One message is one notice and one letter, whose ids are made from the event, the recipient
and the kind: however often it is told, there is one of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from msgspec import Struct, field

from ecosystem.contexts.notifications import account_words, booking_words, operator_words, provider_words
from ecosystem.contexts.notifications.kinds import Audience, Kind, Topic
from ecosystem.contexts.notifications.wording import Known, Wording, filled, filled_where_known, places, spoken
from ecosystem.kernel import ids
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.mail import CalendarPart
from ecosystem.ports.press import Button, Line, Sheet
from ecosystem.ports.secrets import Untold

WORDS: dict[tuple[Kind, Audience], Wording] = {
    **booking_words.WORDS,
    **account_words.WORDS,
    **operator_words.WORDS,
    **provider_words.WORDS,
}


class NothingToSay(Invalid):
    """This audience is not told this kind of news."""


class Recipient(Struct, frozen=True, kw_only=True):
    """Whom to tell. A guest has no `user_id` and gets mail alone; somebody without `email` gets notices alone."""

    user_id: str = ""
    email: str = ""
    name: str
    locale: str = "en"
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not (self.user_id or self.email):
            raise Invalid("A recipient has an account or an address.", field="recipient")


class PriceLine(Struct, frozen=True, kw_only=True):
    """A line of a price: what for, and how much."""

    label: str
    amount: Money
    strong: bool = False


class Message(Untold, frozen=True, kw_only=True):
    """One piece of news to one person. `event_id` is the event's own id, `at` its instant; `link` leads on the web."""

    kind: Kind
    audience: Audience
    event_id: str
    at: datetime
    recipient: Recipient
    facts: Mapping[str, Known] = field(default_factory=dict[str, Known])
    lines: tuple[PriceLine, ...] = ()
    link: str = ""
    code: str = ""
    calendar: CalendarPart | None = None

    @property
    def wording(self) -> Wording:
        """Raises `NothingToSay`."""
        wording = WORDS.get((self.kind, self.audience))
        if wording is None:
            raise NothingToSay(f"A {self.audience} is not told of {self.kind}.", field="kind")
        return wording

    def id(self, prefix: str) -> str:
        """The id of what becomes of this message: the same for the same event, recipient and kind."""
        whom = self.recipient.user_id or self.recipient.email.strip().lower()
        return told_id(prefix, event_id=self.event_id, at=self.at, whom=whom, kind=self.kind, audience=self.audience)


def told_id(prefix: str, *, event_id: str, at: datetime, whom: str, kind: Kind, audience: Audience) -> str:
    """The id of what tells that event to somebody: by it, whatever was told can be found without an index."""
    told = f"{prefix}\0{event_id}\0{whom}\0{kind}\0{audience}"
    return ids.make(prefix, at, sha256(told.encode()).digest()[: ids.RANDOM_BYTES])


class Brand(Struct, frozen=True, kw_only=True):
    """Who writes: the marketplace's name, and its address on the web without a slash at the end."""

    name: str
    url: str


class Composed(Struct, frozen=True, kw_only=True):
    """The texts of a message: `notice` is empty when there is only a mail."""

    topic: Topic
    title: str
    notice: str
    sheet: Sheet


def composed(message: Message, brand: Brand) -> Composed:
    """The message in words. Raises `NothingToSay`, `FactMissing`."""
    wording = message.wording
    recipient = message.recipient
    name = recipient.name or recipient.email.partition("@")[0]
    known: dict[str, Known] = {"name": name, "brand": brand.name, "at": message.at, **message.facts}
    said = spoken(known, _wanted(message.kind, message.audience), recipient.zone, message.at)
    # "You get €0.00 back" tells nobody anything: where an amount may be left out, none is as good as unknown.
    telling = {name: words for name, words in said.items() if not _is_nothing(known.get(name))}
    paragraphs = tuple(filled(template, said) for template in wording.paragraphs)
    notice = filled(wording.notice, said) if wording.notice else ""
    sheet = Sheet(
        brand=brand.name,
        brand_url=brand.url,
        subject=filled(wording.subject, said),
        preview=" · ".join(paragraphs[:2]),
        title=filled(wording.title, said),
        paragraphs=paragraphs + filled_where_known(wording.asides, telling),
        code=message.code,
        lines=tuple(
            Line(label=line.label, value=money_text(line.amount), strong=line.strong) for line in message.lines
        ),
        button=Button(label=wording.button, url=message.link) if wording.button and message.link else None,
        notes=filled_where_known(wording.notes, telling),
        footer=_footer(wording.topic, brand),
    )
    return Composed(topic=wording.topic, title=sheet.title, notice=notice, sheet=sheet)


def _is_nothing(fact: Known | None) -> bool:
    return isinstance(fact, Money) and not fact


@lru_cache(maxsize=len(WORDS))
def _wanted(kind: Kind, audience: Audience) -> frozenset[str]:
    """The facts that the wording has places for."""
    return frozenset[str]().union(*map(places, WORDS[kind, audience].templates))


def _footer(topic: Topic, brand: Brand) -> str:
    if topic is Topic.ACCOUNT:
        return f"This is about your account at {brand.name}. Such mails are always sent."
    if topic is Topic.OPERATIONS:
        return f"You get this mail because you run {brand.name}. Choose which mails you get in your settings there."
    return f"You get this mail because of a booking at {brand.name}. Choose which mails you get in your settings there."
