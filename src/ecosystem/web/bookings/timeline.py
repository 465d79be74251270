"""What happened to a booking and its money, in words for its customer; and what is to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from ecosystem.contexts.booking import Booking, BookingStatus, Side
from ecosystem.contexts.payments import Payment, PaymentState, Refund, RefundState
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event
from ecosystem.web.bookings.cards import brand
from ecosystem.web.formats import moment_text
from ecosystem.web.texts import Words

_S = BookingStatus


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happened, or will. `state` is as the component `timeline` has it: done, now, bad, next."""

    title: str
    at: datetime | None
    words: str = ""
    state: str = "done"


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a booking, and how to speak of it. `zone` is that of the page, `seen_at` is now."""

    booking: Booking
    events: Sequence[Event]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    provider: str
    words: Words
    zone: str
    seen_at: datetime

    def say(self, text: str, /, **values: str) -> str:
        """The sentence in the page's language. The provider's name is known to all of them."""
        return self.words.say(text, **{"provider": self.provider, **values})

    def moment(self, at: datetime) -> str:
        """An instant within a sentence: `today 10:15`."""
        said = moment_text(at, self.zone, seen_at=self.seen_at)
        return said.lower() if said.startswith(("To", "Y")) else said

    def who(self, side: str) -> str:
        """The one who acted for that side, as a sentence's subject."""
        return {Side.CUSTOMER: self.say("You"), Side.PROVIDER: self.provider}.get(Side(side), self.say("Support"))

    def stood_in(self, actor: Actor) -> str:
        """Says so where an operator acted in somebody's place."""
        return self.say("Support did this in their place.") if actor.impersonator else ""


Told = tuple[str, str, str]
"""A step's title, its words, its state."""

Detail = Mapping[str, Any]


def steps(story: Story) -> list[Step]:
    """The timeline, oldest first, then what is to come."""
    told = list(_told(story))
    # What was committed together has one instant: paying comes after placing, and before what follows from it.
    past = [*told[:1], *_paid(story), *told[1:], *_returned(story)]
    past.sort(key=lambda step: step.at or story.seen_at)
    return [*past, *_ahead(story)]


def _told(story: Story) -> Iterator[Step]:
    for event in story.events:
        tell = _TELL.get(event.type)
        if tell is None:
            continue
        title, words, state = tell(story, event.detail)
        reason = event.detail.get("reason", "")
        said = [words, f"“{reason}”" if reason else "", story.stood_in(event.actor)]
        yield Step(title=title, at=event.at, words=" ".join(part for part in said if part), state=state)


def _placed(story: Story, detail: Detail) -> Told:
    total = money_text(_money(detail["total"]))
    return story.say("You chose the time"), story.say("The price was {total}.", total=total), "done"


def _requested(story: Story, detail: Detail) -> Told:
    answer_by = story.moment(_at(detail["answer_by"]))
    if detail.get("reviewing"):
        return (
            story.say("Payment looked at"),
            story.say("We look at it by {at}, and then confirm.", at=answer_by),
            "done",
        )
    return story.say("Request sent"), story.say("{provider} was asked to answer by {at}.", at=answer_by), "done"


def _confirmed(story: Story, detail: Detail) -> Told:
    title = story.say("{provider} accepted") if detail["accepted"] else story.say("Confirmed")
    return title, story.say("The time is yours."), "done"


def _declined(story: Story, _: Detail) -> Told:
    return story.say("{provider} declined"), story.say("Nothing of your money is kept."), "bad"


def _expired(story: Story, detail: Detail) -> Told:
    if detail["was"] == _S.AWAITING_PAYMENT:
        words = story.say("It was not paid in time, and the time is free again.")
    else:
        words = story.say("{provider} did not answer in time. Nothing of your money is kept.")
    return story.say("Expired"), words, "bad"


def _cancelled(story: Story, detail: Detail) -> Told:
    back = _money(detail["refund"])
    if detail["was"] == _S.AWAITING_PAYMENT:
        words = story.say("Nothing was charged.")
    elif back:
        share = f"{detail['refund_bps'] / 100:g}"
        words = story.say("{amount} goes back to your card ({share} %).", amount=money_text(back), share=share)
    else:
        words = story.say("Nothing goes back, as the terms say.")
    return story.say("{who} cancelled", who=story.who(detail["by"])), words, "bad"


def _proposed(story: Story, detail: Detail) -> Told:
    wanted, answer_by = (story.moment(_at(detail[name])) for name in ("proposed_start_at", "answer_by"))
    title = story.say("{who} proposed {at}", who=story.who(detail["by"]), at=wanted)
    return title, story.say("To be answered by {at}; until then the time stood.", at=answer_by), "done"


def _kept(story: Story, detail: Detail) -> Told:
    wanted = story.moment(_at(detail["proposed_start_at"]))
    title = story.say("{who} kept the time as it was", who=story.who(detail["by"]))
    return title, story.say("{at} was not agreed.", at=wanted), "done"


def _moved(story: Story, detail: Detail) -> Told:
    now, before = (story.moment(_at(detail[name])) for name in ("start_at", "former_start_at"))
    words = story.say("Before: {at}. {who} asked for it.", at=before, who=story.who(detail["by"]))
    return story.say("Moved to {at}", at=now), words, "done"


def _started(story: Story, _: Detail) -> Told:
    return story.say("The time began"), "", "done"


def _completed(story: Story, detail: Detail) -> Told:
    released = story.say("The payment was released to {provider}.")
    if detail["by"] == Side.SYSTEM:
        return story.say("Done"), f"{story.say('A day had passed since the end.')} {released}", "done"
    return story.say("{who} said that the work is done", who=story.who(detail["by"])), released, "done"


def _absent(story: Story, detail: Detail) -> Told:
    by = story.who(detail["by"])
    if detail["absent"] == Side.CUSTOMER:
        title = story.say("{who} reported that you did not come", who=by)
    else:
        title = story.say("{who} reported that {provider} did not come", who=by)
    stands = story.say("This stands from {at}, unless it is disputed.", at=story.moment(_at(detail["settles_at"])))
    return title, stands, "bad"


def _settled(story: Story, detail: Detail) -> Told:
    is_customer = detail["absent"] == Side.CUSTOMER
    title = (
        story.say("You did not come, as it stands")
        if is_customer
        else story.say("{provider} did not come, as it stands")
    )
    return title, _back(story, detail) or story.say("Nothing goes back."), "bad"


def _disputed(story: Story, detail: Detail) -> Told:
    title = story.say("{who} opened a dispute", who=story.who(detail["by"]))
    return title, story.say("The money stays where it is until this is decided."), "bad"


def _concluded(story: Story, detail: Detail) -> Told:
    return story.say("The dispute was decided"), _back(story, detail), "done"


def _said(story: Story, detail: Detail) -> Told:
    match detail["answer"]:
        case "accepted":
            return story.say("{provider} agreed"), "", "done"
        case "offered":
            amount = money_text(_money(detail["offered"]))
            return story.say("{provider} offered {amount}", amount=amount), "", "done"
        case _:
            return story.say("{provider} sees it otherwise"), "", "bad"


def _turned_down(story: Story, detail: Detail) -> Told:
    return story.say("The offer of {amount} was not taken", amount=money_text(_money(detail["offered"]))), "", "done"


def _withdrawn(story: Story, _: Detail) -> Told:
    return story.say("You took the dispute back"), "", "done"


def _escalated(story: Story, detail: Detail) -> Told:
    words = story.say("By {at} at the latest.", at=story.moment(_at(detail["decide_by"])))
    return story.say("One of us decides"), words, "done"


def _resumed(story: Story, _: Detail) -> Told:
    return story.say("The booking goes on"), "", "done"


def _claimed(story: Story, _: Detail) -> Told:
    return story.say("Added to your account"), "", "done"


def _back(story: Story, detail: Detail) -> str:
    back = _money(detail["refund"])
    return story.say("{amount} goes back to your card.", amount=money_text(back)) if back else ""


_TELL: Mapping[str, Callable[[Story, Detail], Told]] = {
    "BookingPlaced": _placed,
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
    "BookingClaimed": _claimed,
    "DisputeAnswered": _said,
    "OfferDeclined": _turned_down,
    "DisputeWithdrawn": _withdrawn,
    "DisputeEscalated": _escalated,
    "BookingResumed": _resumed,
}


def _paid(story: Story) -> Iterator[Step]:
    """The attempts to pay, each as it ended."""
    for payment in story.payments:
        card = story.say("your card")
        if shown := payment.shown_card:
            card = story.say("{brand} ending in {digits}", brand=brand(shown), digits=shown.last4)
        if payment.captured_at:
            words = story.say("{amount}, held by us until the work is done.", amount=money_text(payment.captured))
            yield Step(title=story.say("Paid with {card}", card=card), at=payment.captured_at, words=words)
        elif payment.authorized_at:
            yield Step(
                title=_reserved(story, payment, card), at=payment.authorized_at, words=_taken_when(story, payment)
            )
        if payment.state is PaymentState.FAILED and payment.closed_at:
            words = payment.decline.sentence if payment.decline else ""
            yield Step(title=story.say("Declined: {card}", card=card), at=payment.closed_at, words=words, state="bad")
        if payment.state is PaymentState.CANCELLED and payment.authorized_at and payment.closed_at:
            let_go = "Nothing was debited" if payment.debit else "The reservation on your card was let go"
            yield Step(title=story.say(let_go), at=payment.closed_at)


def _reserved(story: Story, payment: Payment, card: str) -> str:
    return story.say("To be debited from {card}" if payment.debit else "Reserved on {card}", card=card)


def _taken_when(story: Story, payment: Payment) -> str:
    amount = money_text(payment.amount)
    if payment.review and story.booking.offer.instant:
        return story.say("{amount}, taken only when we have looked at it.", amount=amount)
    return story.say("{amount}, taken only when {provider} accepts.", amount=amount)


def _returned(story: Story) -> Iterator[Step]:
    for refund in story.refunds:
        amount = money_text(refund.amount)
        if refund.state is RefundState.ISSUED and refund.issued_at:
            words = story.say("Banks take up to ten days to show it.")
            yield Step(
                title=story.say("{amount} sent back to your card", amount=amount), at=refund.issued_at, words=words
            )
        elif refund.state is RefundState.FAILED and refund.failed_at:
            title = story.say("{amount} could not be sent back", amount=amount)
            words = story.say("Your bank did not take it. We will write to you.")
            yield Step(title=title, at=refund.failed_at, words=words, state="bad")


def _ahead(story: Story) -> Iterator[Step]:
    booking = story.booking
    start = Step(title=booking.offer.title, at=booking.start_at, state="next")
    done = Step(title=story.say("You confirm that the work is done"), at=None, words=_release(story), state="next")
    match booking.status:
        case _S.AWAITING_PAYMENT:
            words = story.say("The time is held for you until then.")
            yield Step(title=story.say("Payment"), at=booking.due_at, words=words, state="now")
        case _S.AWAITING_PROVIDER:
            answer_by = min(booking.due_at or booking.start_at, booking.start_at)
            words = story.say("At the latest.")
            if booking.reviewing and booking.offer.instant:
                yield Step(title=story.say("We confirm your booking"), at=answer_by, words=words, state="now")
                yield start
                return
            yield Step(title=story.say("{provider} answers"), at=answer_by, words=words, state="now")
            yield start
        case _S.CONFIRMED:
            yield msgspec.structs.replace(start, state="now")
            yield done
        case _S.IN_PROGRESS:
            yield msgspec.structs.replace(done, state="now")
        case _S.NO_SHOW if booking.settled_at is None:
            words = story.say("Unless it is disputed.")
            yield Step(title=story.say("The report stands"), at=booking.due_at, words=words, state="now")
        case _:
            return


def _release(story: Story) -> str:
    by_itself = story.moment(story.booking.completes_at)
    return story.say("Then {provider} is paid. Without a word from you: {at}.", at=by_itself)


def _at(text: Any) -> datetime:
    return msgspec.convert(text, datetime, strict=False)


def _money(plain: Any) -> Money:
    return msgspec.convert(plain, Money)
