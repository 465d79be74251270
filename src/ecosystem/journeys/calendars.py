"""Bookings in people's own calendars: a file of one, and a feed of all, under an address that only its owner knows."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from ecosystem.contexts import booking as booked
from ecosystem.contexts.booking import FEED_MAX, Booking, BookingGone, Bookings, Contact, Feeds, Host, Side
from ecosystem.contexts.catalogue import Providers
from ecosystem.contexts.notifications import Brand
from ecosystem.journeys.guest_links import GuestLinks
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, NotFound
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Cursor, Page

PAGE = 200
SHOWN_BACK = timedelta(days=60)
"""How far back a feed reaches: calendars drop what a feed no longer has."""


class FeedGone(NotFound):
    """There is no such calendar, or its address was renewed."""


@dataclass(frozen=True, slots=True)
class Calendars:
    """`key` is 32 secret bytes, from which the addresses of feeds are made; nothing of them is stored."""

    key: bytes
    brand: Brand
    feeds: Feeds
    bookings: Bookings
    providers: Providers
    links: GuestLinks
    clock: Clock

    async def file(self, booking_id: str, actor: Actor) -> bytes:
        """The booking as a calendar file, for who has a part in it. Raises `BookingGone`, `Denied`."""
        return await self._file(await self.bookings.get(booking_id, actor), actor)

    async def file_by_link(self, booking_id: str, secret: str) -> bytes:
        """The same for whoever has the guest's link. Raises `BookingGone` for a wrong one too."""
        booking = (await self.bookings.row(booking_id)).value
        try:
            guest = booked.guest_of(booking, secret)
        except Denied:
            raise BookingGone(field="booking_id") from None
        return await self._file(booking, guest)

    async def secret(self, owner_id: str, actor: Actor) -> str:
        """The secret part of the address of a customer's or a provider's feed, for its owner. Raises `Denied`."""
        await self._must_own(owner_id, actor)
        return self._secret(owner_id, await self.feeds.address(owner_id))

    async def renew(self, owner_id: str, actor: Actor) -> str:
        """Another secret; whoever has a former one sees nothing from now on. Raises `Denied`."""
        await self._must_own(owner_id, actor)
        return self._secret(owner_id, await self.feeds.renew(owner_id))

    async def feed(self, owner_id: str, secret: str) -> bytes:
        """The bookings that stand, as a calendar to subscribe to. Raises `FeedGone`."""
        known = self._secret(owner_id, await self.feeds.address(owner_id))
        if not hmac.compare_digest(known.encode(), secret.encode("utf-8", "surrogatepass")):
            raise FeedGone
        is_provider = owner_id.startswith("prv_")
        found = await self._of_provider(owner_id) if is_provider else await self._of_customer(owner_id)
        path = "/provider/bookings/{booking_id}" if is_provider else "/bookings/{booking_id}"
        host = self._host(self.brand.name, path)
        return booked.feed(found, host, self.clock.now(), name=self.brand.name)

    async def _file(self, booking: Booking, reader: Actor) -> bytes:
        provider = (await self.providers.load(booking.provider_id)).value
        host = self._host(provider.name, self._path(booking, reader))
        return booked.download(booking, host, self.clock.now())

    def _path(self, booking: Booking, reader: Actor) -> str:
        """Where this reader finds the booking. A guest's link makes whoever has it the guest: it is for them alone."""
        side = booked.side_of(booking, reader)
        if side is Side.PROVIDER:
            return "/provider/bookings/{booking_id}"
        if side is Side.CUSTOMER and booking.claim_hash:
            return f"/b/{booking.booking_id}/{self.links.secret(booking.booking_id)}"
        return "/bookings/{booking_id}"

    def _host(self, organizer: str, path: str) -> Host:
        domain = urlsplit(self.brand.url).hostname or "localhost"
        return Host(
            organizer=Contact(name=organizer, email=f"no-reply@{domain}"),
            domain=domain,
            url=f"{self.brand.url}{path}",
        )

    async def _must_own(self, owner_id: str, actor: Actor) -> None:
        if owner_id.startswith("prv_"):
            owner_id = (await self.providers.load(owner_id)).value.owner_id or owner_id
        actor.must_be(owner_id)

    async def _of_customer(self, customer_id: str) -> list[Booking]:
        actor, since = Actor(actor_id=customer_id), self.clock.now() - SHOWN_BACK
        return await _all(
            lambda after: self.bookings.of_customer(customer_id, actor, since=since, after=after, limit=PAGE)
        )

    async def _of_provider(self, provider_id: str) -> list[Booking]:
        owner_id = (await self.providers.load(provider_id)).value.owner_id or provider_id
        actor, since = Actor(actor_id=owner_id), self.clock.now() - SHOWN_BACK
        return await _all(
            lambda after: self.bookings.of_provider(
                provider_id, actor, owner_id=owner_id, since=since, after=after, limit=PAGE
            )
        )

    def _secret(self, owner_id: str, address: int) -> str:
        told = hmac.digest(self.key, f"calendar:{owner_id}:{address}".encode(), "sha256")
        return urlsafe_b64encode(told).rstrip(b"=").decode()


async def _all(listed: Callable[[Cursor | None], Awaitable[Page[Booking]]]) -> list[Booking]:
    """The bookings of all pages, as far as a feed goes."""
    found: list[Booking] = []
    after: Cursor | None = None
    for _ in range(FEED_MAX // PAGE):
        page = await listed(after)
        found += page.values
        after = page.next
        if after is None:
            break
    return found
