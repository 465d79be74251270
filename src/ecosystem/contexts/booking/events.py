"""What happened in booking. Facts name ids, times and amounts, never a person's name or address."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from ecosystem.kernel.money import Money
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class PlanSet(Fact, frozen=True, kw_only=True):
    """A provider's plan was set: free times may differ from now on."""

    source: ClassVar[str] = "booking"

    provider_id: str


class PolicySet(Fact, frozen=True, kw_only=True):
    """A cancellation policy was changed for later bookings."""

    audited: ClassVar[AuditKind | None] = AuditKind.RULES

    source: ClassVar[str] = "booking"

    policy: str
    version: int


class HoldFact(Fact, frozen=True, kw_only=True):
    """Base of what happens to a hold."""

    source: ClassVar[str] = "booking"

    hold_id: str
    provider_id: str
    service_id: str
    start_at: datetime
    end_at: datetime
    seats: int
    expires_at: datetime


class HoldTaken(HoldFact, frozen=True, kw_only=True):
    """A time was held."""


class HoldReleased(HoldFact, frozen=True, kw_only=True):
    """A held time was given back by who held it."""


class HoldExpired(HoldFact, frozen=True, kw_only=True):
    """A hold ran out."""


class BookingFact(Fact, frozen=True, kw_only=True):
    """Base of what happens to a booking: whose it is, the hold it was made from, and the time it is for after this."""

    source: ClassVar[str] = "booking"
    schema: ClassVar[int] = 2

    booking_id: str
    service_id: str
    provider_id: str
    owner_id: str
    customer_id: str
    start_at: datetime
    end_at: datetime
    reason: str = ""
    hold_id: str = ""


class BookingPlaced(BookingFact, frozen=True, kw_only=True):
    """A hold became a booking that awaits its payment until `pay_by`: its price and terms were accepted."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONSENT

    total: Money
    pay_by: datetime


class BookingRequested(BookingFact, frozen=True, kw_only=True):
    """The payment is authorized, and the provider is asked until `answer_by`.

    `reviewing`: not the provider, but the marketplace, which looks at the payment first.
    """

    schema: ClassVar[int] = 3

    answer_by: datetime
    reviewing: bool = False


class RequestAccepted(BookingFact, frozen=True, kw_only=True):
    """The provider accepts a request; its money is being taken, and somebody looks after that at `look_at`."""

    schema: ClassVar[int] = 1

    look_at: datetime


class BookingConfirmed(BookingFact, frozen=True, kw_only=True):
    """The time is the customer's: paid at once, or accepted by the provider."""

    accepted: bool


class BookingDeclined(BookingFact, frozen=True, kw_only=True):
    """The provider said no to a request."""


class BookingExpired(BookingFact, frozen=True, kw_only=True):
    """Nobody paid, or the provider did not answer, in time; `was` names the state it waited in."""

    was: str


class BookingCancelled(BookingFact, frozen=True, kw_only=True):
    """The booking was called off; what is given back of base price and surcharge."""

    by: str
    was: str
    refund_bps: int
    refund: Money


class RescheduleProposed(BookingFact, frozen=True, kw_only=True):
    """One side asked the other for another time, until `answer_by`; until then the old time stands."""

    by: str
    proposed_start_at: datetime
    proposed_end_at: datetime
    answer_by: datetime


class RescheduleDeclined(BookingFact, frozen=True, kw_only=True):
    """The other side did not agree, or who asked took it back: the old time stands."""

    by: str
    proposed_start_at: datetime


class BookingRescheduled(BookingFact, frozen=True, kw_only=True):
    """The booking moved to another time."""

    by: str
    former_start_at: datetime
    former_end_at: datetime


class BookingStarted(BookingFact, frozen=True, kw_only=True):
    """The time has begun."""


class BookingCompleted(BookingFact, frozen=True, kw_only=True):
    """The service is done, as the customer says or because a day has passed without a word."""

    by: str


class NoShowReported(BookingFact, frozen=True, kw_only=True):
    """One side says that the other did not come; `settles_at` is when this stands, unless disputed."""

    by: str
    absent: str
    settles_at: datetime


class NoShowSettled(BookingFact, frozen=True, kw_only=True):
    """That one side did not come now stands; what is given back."""

    absent: str
    refund_bps: int
    refund: Money


class BookingDisputed(BookingFact, frozen=True, kw_only=True):
    """One side disputes the booking; `was` names the state it was in."""

    by: str
    was: str


class BookingResumed(BookingFact, frozen=True, kw_only=True):
    """The dispute fell away: the booking goes on as before."""


class DisputeConcluded(BookingFact, frozen=True, kw_only=True):
    """The dispute over the booking was decided; what is given back."""

    refund_bps: int
    refund: Money


class BookingClaimed(BookingFact, frozen=True, kw_only=True):
    """A guest's booking moved to an account."""

    guest_id: str
