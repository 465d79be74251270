"""What happened to a booking and its money, in words for its provider; and what is to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingStatus, Side
from ecosystem.contexts.payments import Refund, RefundState
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event
from ecosystem.web.formats import moment_text

_S = BookingStatus


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happened, or will. `state` is as the component `timeline` has it: done, now, bad, next."""

    title: str
    at: datetime | None
    words: str = ""
    state: str = "done"


class Story(Struct, frozen=True, kw_only=True):
    """All that is known of a booking, and how to speak of it. `customer` is their name as far as it is shown."""

    booking: Booking
    events: Sequence[Event]
    refunds: Sequence[Refund]
    customer: str
    share: Money
    zone: str
    seen_at: datetime

    def moment(self, at: datetime) -> str:
        return moment_text(at, self.zone, seen_at=self.seen_at)

    def who(self, side: str) -> str:
        """The one who acted for that side, as the sentence's subject."""
        return {Side.CUSTOMER: self.customer, Side.PROVIDER: "You"}.get(Side(side), "Support")


def steps(story: Story) -> list[Step]:
    """The timeline, oldest first, then what is to come."""
    past = [*_told(story), *_returned(story)]
    past.sort(key=lambda step: step.at or story.seen_at)
    return [*past, *_ahead(story)]


Told = tuple[str, str, str]


def _told(story: Story) -> Iterator[Step]:
    for event in story.events:
        tell = _TELL.get(event.type)
        if tell is None:
            continue
        title, words, state = tell(story, event.detail)
        reason = event.detail.get("reason", "")
        aside = "Support did this in their name." if event.actor.impersonator else ""
        said = [words, f"“{reason}”" if reason else "", aside]
        yield Step(title=title, at=event.at, words=" ".join(part for part in said if part), state=state)


def _requested(story: Story, detail: Mapping[str, Any]) -> Told:
    if detail.get("reviewing"):
        return f"{story.customer} booked", "We look at the payment before it is confirmed.", "done"
    return (
        f"{story.customer} asked for this time",
        f"To be answered by {story.moment(_at(detail['answer_by']))}.",
        "done",
    )


def _confirmed(story: Story, detail: Mapping[str, Any]) -> Told:
    total = money_text(story.booking.lines.total)
    if detail["accepted"]:
        return "You accepted", f"{total} was taken from the customer's card and is held.", "done"
    return f"{story.customer} booked and paid", f"{total} is held until the work is done.", "done"


def _declined(_: Story, __: Mapping[str, Any]) -> Told:
    return "You declined", "The customer pays nothing.", "bad"


def _expired(_: Story, detail: Mapping[str, Any]) -> Told:
    if detail["was"] == _S.AWAITING_PAYMENT:
        return "Expired", "It was not paid in time.", "bad"
    return "Expired", "It was not answered in time; the customer pays nothing.", "bad"


def _cancelled(story: Story, detail: Mapping[str, Any]) -> Told:
    back, total = _money(detail["refund"]), story.booking.lines.total
    if not back:
        words = "The customer gets nothing back, as the terms say."
    elif back == total:
        words = f"The customer gets all of it back, {money_text(back)}."
    else:
        words = f"The customer gets {money_text(back)} back; of the rest you keep your share."
    return f"{story.who(detail['by'])} cancelled", words, "bad"


def _proposed(story: Story, detail: Mapping[str, Any]) -> Told:
    wanted, answer_by = (story.moment(_at(detail[name])) for name in ("proposed_start_at", "answer_by"))
    return f"{story.who(detail['by'])} proposed another time", f"{wanted}. To be answered by {answer_by}.", "done"


def _kept(story: Story, detail: Mapping[str, Any]) -> Told:
    wanted = story.moment(_at(detail["proposed_start_at"]))
    return f"{story.who(detail['by'])} kept the time as it was", f"{wanted} was not agreed.", "done"


def _moved(story: Story, detail: Mapping[str, Any]) -> Told:
    now, before = (story.moment(_at(detail[name])) for name in ("start_at", "former_start_at"))
    return f"Moved to {now}", f"Before: {before}. {story.who(detail['by'])} asked for it.", "done"


def _started(_: Story, __: Mapping[str, Any]) -> Told:
    return "The time began", "", "done"


def _completed(story: Story, detail: Mapping[str, Any]) -> Told:
    released = f"{money_text(story.share)} was released to you."
    if detail["by"] == Side.SYSTEM:
        return "Done", f"A day had passed since the end without an objection. {released}", "done"
    return f"{story.who(detail['by'])} said that the work is done", released, "done"


def _absent(story: Story, detail: Mapping[str, Any]) -> Told:
    missing = story.customer if detail["absent"] == Side.CUSTOMER else "you"
    stands = f"This stands from {story.moment(_at(detail['settles_at']))} on, unless it is disputed."
    return f"{story.who(detail['by'])} reported that {missing} did not come", stands, "bad"


def _settled(story: Story, detail: Mapping[str, Any]) -> Told:
    if detail["absent"] == Side.CUSTOMER:
        return (
            f"It stands that {story.customer} did not come",
            f"{money_text(story.share)} was released to you.",
            "done",
        )
    return (
        "It stands that you did not come",
        f"{money_text(_money(detail['refund']))} went back to the customer.",
        "bad",
    )


def _disputed(story: Story, detail: Mapping[str, Any]) -> Told:
    return f"{story.who(detail['by'])} opened a dispute", "The money stays where it is until this is decided.", "bad"


def _concluded(_: Story, detail: Mapping[str, Any]) -> Told:
    back = _money(detail["refund"])
    words = f"{money_text(back)} goes back to the customer." if back else "Nothing goes back to the customer."
    return "The dispute was decided", words, "done"


def _said(_: Story, detail: Mapping[str, Any]) -> Told:
    match detail["answer"]:
        case "accepted":
            return "You agreed", "", "done"
        case "offered":
            return f"You offered {money_text(_money(detail['offered']))}", "", "done"
        case _:
            return "You contested it", "", "done"


def _turned_down(_: Story, detail: Mapping[str, Any]) -> Told:
    return f"Your offer of {money_text(_money(detail['offered']))} was not taken", "", "bad"


def _withdrawn(_: Story, __: Mapping[str, Any]) -> Told:
    return "The customer took the dispute back", "", "done"


def _escalated(story: Story, detail: Mapping[str, Any]) -> Told:
    return "One of us decides", f"By {story.moment(_at(detail['decide_by']))} at the latest.", "done"


def _resumed(_: Story, __: Mapping[str, Any]) -> Told:
    return "The booking goes on", "", "done"


_TELL: Mapping[str, Callable[[Story, Mapping[str, Any]], Told]] = {
    "BookingRequested": _requested,
    "BookingConfirmed": _confirmed,
    "BookingDeclined": _declined,
    "BookingExpired": _expired,
    "BookingCancelled": _cancelled,
    "RescheduleProposed": _proposed,
    "RescheduleDeclined": _kept,
    "BookingRescheduled": _moved,
    "BookingStarted": _started,
    "BookingCompleted": _completed,
    "NoShowReported": _absent,
    "NoShowSettled": _settled,
    "BookingDisputed": _disputed,
    "DisputeConcluded": _concluded,
    "DisputeAnswered": _said,
    "OfferDeclined": _turned_down,
    "DisputeWithdrawn": _withdrawn,
    "DisputeEscalated": _escalated,
    "BookingResumed": _resumed,
}


def _returned(story: Story) -> Iterator[Step]:
    for refund in story.refunds:
        if refund.state is RefundState.ISSUED and refund.issued_at:
            yield Step(title=f"{money_text(refund.amount)} sent back to the customer", at=refund.issued_at)


def _ahead(story: Story) -> Iterator[Step]:
    booking = story.booking
    start = Step(title=booking.offer.title, at=booking.start_at, state="next")
    release = Step(
        title=f"{money_text(story.share)} is released to you",
        at=booking.completes_at,
        words="Or as soon as the customer says that the work is done.",
        state="next",
    )
    match booking.status:
        case _S.AWAITING_PAYMENT:
            yield Step(title="The customer pays", at=booking.due_at, words="The time is held until then.", state="now")
        case _S.AWAITING_PROVIDER if booking.accepted_by is not None:
            yield Step(title="You accepted; the payment is being taken", at=None, state="now")
        case _S.AWAITING_PROVIDER if booking.reviewing:
            yield Step(title="We look at the payment", at=booking.due_at, words="At the latest.", state="now")
            yield start
        case _S.AWAITING_PROVIDER:
            yield Step(title="You accept or decline", at=booking.due_at, words="At the latest.", state="now")
            yield start
        case _S.CONFIRMED:
            yield msgspec.structs.replace(start, state="now")
            yield release
        case _S.IN_PROGRESS:
            yield msgspec.structs.replace(release, state="now")
        case _S.NO_SHOW if booking.settled_at is None:
            yield Step(title="The report stands", at=booking.due_at, words="Unless it is disputed.", state="now")
        case _:
            return


def _at(text: Any) -> datetime:
    return msgspec.convert(text, datetime, strict=False)


def _money(plain: Any) -> Money:
    return msgspec.convert(plain, Money)
