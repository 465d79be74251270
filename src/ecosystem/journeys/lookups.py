"""Lookups: whatever an operator has in hand (an id, an address, the beginning of one) and what it leads to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from ecosystem.contexts import payments as paying
from ecosystem.contexts.booking import Booking, Bookings, short_name
from ecosystem.contexts.catalogue import Provider, Providers, Service, Services
from ecosystem.contexts.identity import NotAnAddress, People, Person, normalised
from ecosystem.contexts.identity import masked as masked_address
from ecosystem.contexts.ledger import Ledger
from ecosystem.contexts.notifications import Outbox
from ecosystem.journeys.happenings import Happenings
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid, NotFound
from ecosystem.ports.search import Search, SuggestionKind

TEXT_CHARS_MAX = 200
PEOPLE_MAX = 6
BOOKINGS_MAX = 30
LETTERS_MAX = 200


class Kind(StrEnum):
    """What was found."""

    BOOKING = "booking"
    PERSON = "person"
    PROVIDER = "provider"
    SERVICE = "service"
    LETTER = "letter"
    ACCOUNT = "account"
    TRANSFER = "transfer"
    EVENT = "event"
    WEBHOOK = "webhook"
    EXECUTION = "execution"


class Lead(Struct, frozen=True, kw_only=True):
    """Something found: what it is, its id, and how it is called. Addresses are masked."""

    kind: Kind
    id: str
    title: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Lookups:
    """For operators. What is not there is no lead; nothing is refused but the asker."""

    bookings: Bookings
    people: People
    providers: Providers
    services: Services
    ledger: Ledger
    outbox: Outbox
    happenings: Happenings
    search: Search

    async def find(self, text: str, actor: Actor) -> Sequence[Lead]:
        """What the text leads to, the surest first. Raises `Denied`."""
        actor.must_operate()
        text = text.strip()[:TEXT_CHARS_MAX]
        if not text:
            return []
        if prefix := _prefix(text):
            return await self._by_id(prefix, text, actor)
        if (":" in text or "." in text.partition("@")[0]) and (named := await self._by_name(text, actor)):
            return named
        if "@" in text:
            return [*await self._people(text, actor), *map(_booking, await self.bookings_of(text, actor))]
        return [*await self._people(text, actor), *await self._offered(text)]

    async def bookings_of(self, email: str, actor: Actor) -> Sequence[Booking]:
        """Bookings of whoever has that address, the latest first: of their account, and those that mails to it tell of.

        A guest has no account; what they booked is known by the letters they got, as long as these are kept.
        """
        actor.must_operate()
        try:
            address = normalised(email)
        except NotAnAddress:
            return []
        found: dict[str, Booking] = {}
        if owner_id := await self.people.owner_of(address):
            page = await self.bookings.of_customer(owner_id, actor, descending=True, limit=BOOKINGS_MAX)
            found |= {booking.booking_id: booking for booking in page.values}
        told = [letter.event_id for letter in await self.outbox.to(address, actor, limit=LETTERS_MAX)]
        for booking_id in dict.fromkeys(booking_id for event_id in told if (booking_id := _booking_id(event_id))):
            if booking_id not in found and len(found) < BOOKINGS_MAX:
                booking = await self._maybe_booking(booking_id)
                if booking is not None and booking.contact.email.strip().lower() == address:
                    found[booking_id] = booking
        return sorted(found.values(), key=lambda booking: booking.placed_at, reverse=True)

    async def booking_id_of(self, aggregate: str, actor: Actor) -> str | None:
        """The booking that a payment or a refund belongs to, by its timeline."""
        page = await self.happenings.about(aggregate, actor, limit=1)
        return page.values[0].detail.get("booking_id") if page.rows else None

    async def _by_id(self, prefix: str, text: str, actor: Actor) -> Sequence[Lead]:
        finders: Mapping[str, Callable[[], Awaitable[Lead | None]]] = {
            "bkg": lambda: self._booking_lead(text),
            "pay": lambda: self._payment(paying.payment_timeline(text), text, actor),
            "rfd": lambda: self._payment(paying.refund_timeline(text), text, actor),
            "usr": lambda: self._person(text, actor),
            "prv": lambda: self._provider(text),
            "svc": lambda: self._service(text),
            "mal": lambda: self._letter(text, actor),
        }
        finder = finders.get(prefix)
        lead = await finder() if finder else None
        return [lead] if lead else []

    async def _by_name(self, text: str, actor: Actor) -> Sequence[Lead]:
        """What has that very name: an event, an account or a transfer of the ledger."""
        try:
            event = await self.happenings.event(text, actor)
            return [Lead(kind=Kind.EVENT, id=event.event_id, title=event.type, words=event.aggregate)]
        except NotFound:
            pass
        if text in await self.ledger.positions([text]):
            return [Lead(kind=Kind.ACCOUNT, id=text, title=text)]
        if made := await self.ledger.transfers([text]):
            return [Lead(kind=Kind.TRANSFER, id=text, title=text, words=made[0].reference)]
        return []

    async def _booking_lead(self, booking_id: str) -> Lead | None:
        booking = await self._maybe_booking(booking_id)
        return _booking(booking) if booking else None

    async def _payment(self, aggregate: str, text: str, actor: Actor) -> Lead | None:
        booking_id = await self.booking_id_of(aggregate, actor)
        return Lead(kind=Kind.BOOKING, id=booking_id, title=booking_id, words=text) if booking_id else None

    async def _person(self, user_id: str, actor: Actor) -> Lead | None:
        try:
            return _person(await self.people.person(user_id, actor))
        except NotFound:
            return None

    async def _provider(self, provider_id: str) -> Lead | None:
        try:
            return _provider((await self.providers.load(provider_id)).value)
        except NotFound:
            return None

    async def _service(self, service_id: str) -> Lead | None:
        try:
            found = await self.services.find(service_id)
        except NotFound:
            return None
        return _service(found.service.value, found.provider.value)

    async def _letter(self, mail_id: str, actor: Actor) -> Lead | None:
        letters = await self.outbox.among([mail_id], actor)
        return Lead(kind=Kind.LETTER, id=mail_id, title=letters[0].subject, words=mail_id) if letters else None

    async def _people(self, text: str, actor: Actor) -> list[Lead]:
        if " " in text or not text.isascii():
            return []
        people, _ = await self.people.people(actor, beginning=text, limit=PEOPLE_MAX)
        return [_person(person) for person in people]

    async def _offered(self, text: str) -> list[Lead]:
        """Providers and services on offer whose names have such words."""
        leads: list[Lead] = []
        for suggestion in await self.search.suggest(text, limit=8):
            try:
                if suggestion.kind is SuggestionKind.PROVIDER:
                    leads.append(_provider((await self.providers.by_slug(suggestion.target)).row.value))
                elif suggestion.kind is SuggestionKind.SERVICE:
                    found = await self.services.by_slug(suggestion.target)
                    leads.append(_service(found.service.value, found.provider.value))
            except NotFound:
                continue
        return leads

    async def _maybe_booking(self, booking_id: str) -> Booking | None:
        try:
            return (await self.bookings.row(booking_id)).value
        except NotFound:
            return None


def _booking(booking: Booking) -> Lead:
    return Lead(
        kind=Kind.BOOKING,
        id=booking.booking_id,
        title=booking.offer.title,
        words=f"{short_name(booking.contact.name)} · {booking.status.replace('_', ' ')}",
    )


def _person(person: Person) -> Lead:
    return Lead(kind=Kind.PERSON, id=person.user_id, title=person.name, words=masked_address(person.email))


def _provider(provider: Provider) -> Lead:
    return Lead(kind=Kind.PROVIDER, id=provider.provider_id, title=provider.name, words=provider.status)


def _service(service: Service, provider: Provider) -> Lead:
    return Lead(kind=Kind.SERVICE, id=service.service_id, title=service.title, words=provider.name)


def _prefix(text: str) -> str:
    """The kind of id that the text is; nothing if it is none."""
    prefix = text.partition("_")[0]
    try:
        ids.check(prefix, text)
    except Invalid:
        return ""
    return prefix


def _booking_id(event_id: str) -> str:
    kind, _, rest = event_id.partition("#")
    return rest.partition(":")[0] if kind == "BOOKING" else ""
