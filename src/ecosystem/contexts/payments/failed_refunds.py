"""What follows a refund that failed. The customer is still owed the money, and a person has to find another way.

| what follows | the money |
| --- | --- |
| `tried again` | another refund to the same card takes its place, under an id of its own |
| `paid elsewhere` | another refund takes its place that is issued at once: the operator paid by other means |
| `closed` | stays where it is: nothing is owed any more |
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.payments.refunds import Follow, Followed, Refund, RefundState
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid

NOTE_LENGTH_MAX = 500


class NotFailed(Conflict):
    """This refund did not fail: nothing has to follow it."""


class AlreadyFollowed(Conflict):
    """Somebody dealt with this refund already."""


class NothingLeft(Conflict):
    """Nothing is left of this payment that could be given back. Close the refund, if nothing is owed any more."""


class FollowRefund(Struct, frozen=True, kw_only=True):
    """The request to have something follow a refund that failed. `by_refund_id` is the id of the refund that follows.

    `note` says how the customer was paid, or why nothing is owed; trying again needs none.
    """

    refund_id: str
    booking_id: str
    how: Follow
    by_refund_id: str = ""
    note: str = ""


_WHY = {
    "charge_for_pending_refund_disputed": "The customer's bank asked for the money itself meanwhile.",
    "declined": "The customer's bank declined it.",
    "expired_or_canceled_card": "The card has expired, or was cancelled.",
    "insufficient_funds": "There was not enough money at the card processor.",
    "lost_or_stolen_card": "The card was lost or stolen.",
    "merchant_request": "It was called back at the card processor's desk.",
    "unknown": "The customer's bank gave no reason.",
}


def why_it_failed(known: Refund) -> str:
    """Why the refund failed, in a sentence; the processor's own words where it refused."""
    code = known.failure or "unknown"
    return _WHY.get(code, code)


def follow(known: Refund, request: FollowRefund, actor: Actor, at: datetime) -> Refund:
    """The failed refund, with what follows it. Raises `NotFailed`, `AlreadyFollowed`, `Invalid` without a note."""
    if known.state is not RefundState.FAILED:
        raise NotFailed
    note = " ".join(request.note.split())
    if known.followed:
        raise AlreadyFollowed
    if len(note) > NOTE_LENGTH_MAX or not (note or request.how is Follow.TRIED_AGAIN):
        raise Invalid(f"Say what was done, in at most {NOTE_LENGTH_MAX} signs.", field="note")
    replaces = "" if request.how is Follow.CLOSED else request.by_refund_id
    followed = Followed(how=request.how, by=actor.actor_id, at=at, note=note, refund_id=replaces)
    return replace(known, followed=followed)


def follows(known: Refund, request: FollowRefund, actor: Actor) -> bool:
    """Whether the same operator asked the very same before."""
    told = known.followed
    if told is None:
        return False
    replaces = "" if request.how is Follow.CLOSED else request.by_refund_id
    note = " ".join(request.note.split())
    return (told.how, told.by, told.note, told.refund_id) == (request.how, actor.actor_id, note, replaces)
