"""A guest's way back to a booking: a secret in a link, of which only the hash is kept."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from msgspec.structs import replace

from ecosystem.contexts.booking.bookings import Booking, Changed, told
from ecosystem.contexts.booking.events import BookingClaimed
from ecosystem.contexts.booking.holds import OwnService
from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.entropy import Entropy

SECRET_BYTES = 32


class WrongLink(Denied):
    """This link does not open that booking, or it was claimed already: sign in to see it."""


def claim_secret(entropy: Entropy) -> str:
    """A new secret for a link, 43 characters."""
    return urlsafe_b64encode(entropy.bytes(SECRET_BYTES)).rstrip(b"=").decode()


def claim_hash(secret: str) -> str:
    """What is kept of the secret. It is random and long, so a plain hash cannot be reversed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def guest_of(booking: Booking, secret: str) -> Actor:
    """The guest whom the secret makes one. Raises `WrongLink`."""
    if booking.claim_hash is None or not compare_digest(claim_hash(secret), booking.claim_hash):
        raise WrongLink
    return Actor(actor_id=booking.customer_id)


def claim(booking: Booking, secret: str, actor: Actor, at: datetime) -> Changed:
    """The guest's booking in the actor's account; the link ends with it. Raises `WrongLink`, `OwnService`."""
    if actor == VISITOR or actor.is_guest:
        raise Denied("Sign in to claim a booking.")
    guest = guest_of(booking, secret)
    if actor.actor_id == booking.offer.owner_id:
        raise OwnService
    claimed = replace(booking, customer_id=actor.actor_id, claim_hash=None, changed_at=at)
    return claimed, BookingClaimed(**told(claimed), guest_id=guest.actor_id)
