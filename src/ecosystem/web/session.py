"""Who sent a request, from its cookies: a person with a session, a guest, or a visitor.

Three cookies carry identity's tokens: `access` for minutes, `refresh` for the session, `device` for later sign-ins. A
guest has one of their own, which stays when they sign in, so that they may claim what they booked. Nothing here decides
who may do what.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts.identity import Identity, Origin, SignedIn
from ecosystem.contexts.notifications import NoticeBoard
from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.kernel.refusals import Denied
from ecosystem.web.arrival import Arrival
from ecosystem.web.cookies import Jar
from ecosystem.web.templates import Person
from ecosystem.web.visit import Visit

ACCESS, REFRESH, DEVICE, GUEST = "access", "refresh", "device", "guest"
DESK = "desk"
"""The session that an operator goes back to once they no longer act as somebody."""

DEVICE_AGE_S = 90 * 86_400
DESK_AGE_S = 12 * 3_600
SPARE_S = 60
"""An access token is renewed this long before it expires, so that no request arrives with one just expired."""


@dataclass(frozen=True, slots=True)
class Door:
    """Lets people in by their cookies, and renews them in passing."""

    identity: Identity
    jar: Jar
    board: NoticeBoard

    async def admit(self, arrival: Arrival) -> None:
        """Fill in who sent the request. A session that has ended leaves a visitor, or the guest they were before."""
        access, refresh = self._cookie(arrival, ACCESS), self._cookie(arrival, REFRESH)
        if not (access or refresh):
            self._as_guest(arrival)
            return
        try:
            await self._as_user(arrival, access or await self._renewed(arrival, refresh))
        except Denied:
            try:
                await self._as_user(arrival, await self._renewed(arrival, refresh))
            except Denied:
                arrival.cookies_set += [self.jar.dropped(name) for name in (ACCESS, REFRESH)]
                self._as_guest(arrival)

    async def _as_user(self, arrival: Arrival, access: str) -> None:
        found = await self.identity.sessions.identified(access)
        addressee = await self.identity.profiles.addressee(found.actor.actor_id)
        arrival.actor, arrival.session = found.actor, found.session_id or ""
        unread = await self.board.unread(addressee.user_id, found.actor)
        arrival.person = Person(name=addressee.name, email=addressee.email, zone=addressee.zone, unread=unread)

    async def _renewed(self, arrival: Arrival, refresh: str) -> str:
        """A new access token, and the cookies that carry it and its successor. Raises `SessionEnded`."""
        signed = await self.identity.sessions.refresh(refresh, origin(arrival, self.jar))
        arrival.cookies_set += _carrying(self.jar, signed, at=self.identity.sessions.clock.now())
        return signed.access_token

    def _as_guest(self, arrival: Arrival) -> None:
        arrival.actor = VISITOR
        if token := self._cookie(arrival, GUEST):
            with suppress(Denied):
                arrival.actor = self.identity.guests.identified(token).actor

    def _cookie(self, arrival: Arrival, name: str) -> str:
        return arrival.cookies.get(self.jar.name(name), "")


def origin(arrival: Arrival, jar: Jar) -> Origin:
    """Where a request comes from, as identity wants to know it."""
    return Origin(
        address=arrival.address,
        device=arrival.headers.get("user-agent", ""),
        device_token=arrival.cookies.get(jar.name(DEVICE), ""),
    )


def begin(request: Visit, signed: SignedIn) -> None:
    """Keep the session in the browser that signed in. Forms of before no longer hold."""
    request.arrival.cookies_set += _carrying(request.kit.jar, signed, at=request.at)
    if signed.device_token:
        request.keep(DEVICE, signed.device_token, max_age_s=DEVICE_AGE_S)
    request.renew_csrf()


def end(request: Visit) -> None:
    """Forget the session in this browser, and the one behind it if an operator acts as somebody."""
    for name in (ACCESS, REFRESH, DESK):
        request.drop(name)
    request.renew_csrf()


def stand_in(request: Visit, signed: SignedIn) -> None:
    """Begin a session in which an operator acts as somebody; their own waits behind it."""
    own = request.cookie(REFRESH)
    begin(request, signed)
    request.keep(DESK, own, max_age_s=DESK_AGE_S)


def resume(request: Visit) -> None:
    """Go back from acting as somebody to the operator's own session, which the next request renews."""
    own = request.cookie(DESK)
    end(request)
    if own:
        request.keep(REFRESH, own, max_age_s=DESK_AGE_S)


async def customer(request: Visit) -> Actor:
    """Who books: the person signed in, or a guest, who is welcomed and known again if they were nobody yet."""
    actor = request.actor
    if actor.actor_id != VISITOR.actor_id:
        return actor
    welcomed = await request.market.identity.guests.welcome(origin(request.arrival, request.kit.jar))
    request.keep(GUEST, welcomed.token, max_age_s=_seconds(welcomed.expires_at, request.at))
    return Actor(actor_id=welcomed.guest_id)


def _carrying(jar: Jar, signed: SignedIn, *, at: datetime) -> list[tuple[bytes, bytes]]:
    return [
        jar.kept(ACCESS, signed.access_token, max_age_s=max(1, _seconds(signed.expires_at, at) - SPARE_S)),
        jar.kept(REFRESH, signed.refresh_token, max_age_s=_seconds(signed.session_expires_at, at)),
    ]


def _seconds(until: datetime, at: datetime) -> int:
    return max(1, int((until - at).total_seconds()))
