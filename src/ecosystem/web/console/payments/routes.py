"""Payments of a day: what was held, taken, declined, given back and charged back, each with its booking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ecosystem.kernel.money import Money
from ecosystem.ports.bus import Event
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get
from ecosystem.web.visit import Visit
from ecosystem.workflows.archive import Archive, Window

PATH = "/console/payments"
PER_PAGE = 100

WORDS: dict[str, tuple[str, str]] = {
    "PaymentAuthorized": ("Held on the card", "wait"),
    "PaymentCaptured": ("Taken", "good"),
    "PaymentDeclined": ("Declined", "bad"),
    "PaymentCancelled": ("Let go", ""),
    "ChallengeRequired": ("The bank asks", "wait"),
    "DebitSettled": ("Debit settled", "good"),
    "DebitPresentedAgain": ("Debit presented again", "wait"),
    "DebitReturned": ("Debit returned", "bad"),
    "RefundRequested": ("Refund asked for", "wait"),
    "RefundFound": ("Refund found at the processor", "wait"),
    "RefundIssued": ("Refunded", "live"),
    "RefundFailed": ("Refund failed", "bad"),
    "ChargebackOpened": ("Charged back", "bad"),
    "ChargebackClosed": ("Chargeback decided", ""),
}
"""What happens to payments, as an operator reads it: a word and its tone."""
KINDS = {
    "": tuple(WORDS),
    "taken": ("PaymentCaptured", "PaymentAuthorized", "DebitSettled"),
    "declined": ("PaymentDeclined", "ChallengeRequired"),
    "back": ("RefundRequested", "RefundFound", "RefundIssued", "RefundFailed"),
    "lost": ("ChargebackOpened", "ChargebackClosed", "DebitReturned", "DebitPresentedAgain"),
}
CHIPS = {"": "All", "taken": "Taken", "declined": "Declined", "back": "Given back", "lost": "Charged back"}


class Asked(Struct, kw_only=True):
    """Which day (UTC), from which hour of it on, and what of it."""

    day: Annotated[str, Meta(pattern=r"^(\d{4}-\d\d-\d\d)?$", description="A day is such as 2026-11-20.")] = ""
    hour: Annotated[int, Meta(ge=0, le=23)] = 0
    kind: Annotated[str, Meta(pattern=r"^(taken|declined|back|lost)?$")] = ""
    after: Annotated[str, Meta(max_length=400)] = ""


class Line(Struct, frozen=True, kw_only=True):
    """One thing that happened to a payment."""

    at: datetime
    word: str
    tone: str
    amount: Money
    booking_id: str
    said: str


@get(PATH)
async def listed(request: Visit) -> Answer:
    """What happened to payments on a day, in its order; today's latest first while one page holds them."""
    at_desk, asked = await desk(request), request.query_of(Asked).asked
    on = _day(asked.day) or request.at.date()
    window = _window(on, asked.hour, request.at, KINDS[asked.kind])
    archive = Archive(request.market.ports.table, request.market.ports.clock)
    found: Sequence[Event] = ()
    counts: dict[str, int] = {}
    following: str | None = None
    if window is not None:
        page = await archive.events(window, request.actor, after=asked.after or None, limit=PER_PAGE)
        counts = dict((await archive.count(window, request.actor)).by_type)
        found, following = page.events, page.next
    whole = not asked.after and following is None
    lines = [_line(event) for event in (reversed(found) if whole else found)]
    return at_desk.page(
        "payments/list.html",
        lines=lines,
        whole=whole,
        counted=[(WORDS[name], counts[name]) for name in WORDS if counts.get(name)],
        day=on,
        hour=asked.hour,
        kind=asked.kind,
        chips=CHIPS,
        query={"day": on.isoformat(), "hour": str(asked.hour), "kind": asked.kind},
        after=asked.after,
        next_after=following,
    )


def _day(text: str) -> date | None:
    """The day that was asked for; None for one that there is not."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _window(day: date, hour: int, now: datetime, types: Sequence[str]) -> Window | None:
    """The day from that hour on, as far as it is over; None for one that is ahead."""
    start = datetime.combine(day, time(hour), UTC)
    end = min(datetime.combine(day, time(), UTC) + timedelta(days=1), now)
    pattern = msgspec.json.encode({"source": ["payment"], "detail-type": list(types)}).decode()
    return Window(start_at=start, end_at=end, pattern=pattern) if start < end else None


def _line(event: Event) -> Line:
    detail = event.detail
    word, tone = WORDS[event.type]
    return Line(
        at=event.at,
        word=word,
        tone=tone,
        amount=Money(int(detail["amount_minor"]), str(detail["currency"])),
        booking_id=str(detail["booking_id"]),
        said=str(detail.get("code") or detail.get("reason") or ""),
    )
