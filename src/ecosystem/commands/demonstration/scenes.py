"""Visits that are written: so that whatever may occur does, and so that something is left for whoever looks at the demo.

What chance alone would bring about in months is spread over the first days, what takes longest first. The last days
leave bookings ahead, a request to answer, a dispute that waits for an operator, an offer, and a refund that failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ecosystem.commands.demonstration.odds import (
    After,
    Card,
    Challenge,
    Change,
    Coming,
    Decision,
    Errand,
    Evidence,
    Line,
    Offered,
    Reply,
    Request,
)
from ecosystem.commands.demonstration.visits import Visit

OPENS, OPEN_FOR = timedelta(hours=8, seconds=30), timedelta(hours=14)
"""When scenes begin, each day. Arrivals fall on the half minute, so that a fault meets its own scene."""

SPREAD = 0.4
"""Over which part of the days scenes are spread, and at least over the first one and a third."""

SOON = timedelta(hours=1)
"""How far ahead a scene is booked: as soon as anybody comes."""

_HOUR = timedelta(hours=1)
_DISPUTES: dict[str, Any] = {
    "instant": True,
    "dear": True,
    "lead": SOON,
    "after": After.DISPUTES,
    "says_after": timedelta(minutes=20),
    "replies_after": _HOUR,
}
_CALLED_OFF: dict[str, Any] = {"change": Change.CUSTOMER_CANCELS, "lead": timedelta(days=4), "changes_at": 0.01}
SCENES: dict[str, dict[str, Any]] = {
    "charged back, and lost": {"card": Card.CHARGED_BACK, "instant": True, "lead": SOON, "evidence": Evidence.LOSING},
    "charged back, and won": {"card": Card.CHARGED_BACK, "instant": True, "lead": SOON, "evidence": Evidence.WINNING},
    "asked about, then charged back": {
        "card": Card.INQUIRED_ABOUT,
        "instant": True,
        "lead": SOON,
        "evidence": Evidence.ESCALATING,
    },
    "disputed and taken back": {**_DISPUTES, "withdraws": True},
    "disputed and accepted": {**_DISPUTES, "reply": Reply.ACCEPTS, "wants": 0.5},
    "disputed and an offer taken": {**_DISPUTES, "reply": Reply.OFFERS},
    "disputed and an offer declined": {**_DISPUTES, "reply": Reply.OFFERS, "offered": Offered.DECLINES},
    "disputed, and an offer without an answer": {**_DISPUTES, "reply": Reply.OFFERS, "offered": Offered.SAYS_NOTHING},
    "disputed without an answer": {**_DISPUTES, "reply": Reply.SAYS_NOTHING},
    "disputed over little": {**_DISPUTES, "wants": 0.1},
    "disputed and decided for the customer": {**_DISPUTES, "decision": Decision.FOR_CUSTOMER},
    "disputed and halved": {**_DISPUTES, "decision": Decision.HALF},
    "disputed and decided for the provider": {**_DISPUTES, "decision": Decision.FOR_PROVIDER},
    "disputed and never decided": {**_DISPUTES, "decision": Decision.NONE},
    "left without a word": {"errand": Errand.LEAVES},
    "given back": {"errand": Errand.GIVES_BACK},
    "accepted by the provider": {"instant": False, "answers_after": _HOUR},
    "declined by the provider": {"instant": False, "request": Request.DECLINES, "answers_after": _HOUR},
    "unanswered by the provider": {"instant": False, "request": Request.SAYS_NOTHING, "lead": timedelta(days=3)},
    "another card": {"card": Card.DECLINED},
    "no money on the card": {"card": Card.WITHOUT_FUNDS, "another_card": False},
    "confirmed at the bank": {"card": Card.CHALLENGED},
    "refused at the bank": {"card": Card.CHALLENGED, "challenge": Challenge.REFUSES, "another_card": False},
    "left at the bank": {"card": Card.CHALLENGED, "challenge": Challenge.WALKS_AWAY},
    "paid over a line that was cut": {"line": Line.CUT},
    "paid while the processor was down": {"line": Line.DOWN},
    "cancelled by the customer": {"change": Change.CUSTOMER_CANCELS, "lead": timedelta(days=4), "changes_at": 0.1},
    "cancelled by the provider": {"change": Change.PROVIDER_CANCELS, "lead": timedelta(days=2), "changes_at": 0.1},
    "refund that fails": {**_CALLED_OFF, "card": Card.REFUND_FAILS},
    "refund that takes its time": {**_CALLED_OFF, "card": Card.REFUND_PENDS},
    "moved by the customer": {
        "change": Change.CUSTOMER_MOVES,
        "instant": True,
        "lead": timedelta(days=8),
        "changes_at": 0.02,
    },
    "moved by the provider": {"change": Change.PROVIDER_MOVES, "lead": timedelta(days=3), "changes_at": 0.05},
    "not moved after all": {
        "change": Change.PROVIDER_MOVES,
        "agreed": False,
        "lead": timedelta(days=3),
        "changes_at": 0.05,
    },
    "the customer did not come": {"instant": True, "lead": SOON, "coming": Coming.NO_CUSTOMER},
    "the provider did not come": {"instant": True, "lead": SOON, "coming": Coming.NO_PROVIDER},
    "who did not come, disputed": {
        "instant": True,
        "lead": SOON,
        "coming": Coming.NO_CUSTOMER,
        "absence_disputed": True,
        "reply": Reply.ACCEPTS,
    },
    "done, as the customer says": {"instant": True, "lead": SOON, "after": After.DONE, "says_after": _HOUR},
    "done, without a word": {"instant": True, "lead": SOON},
    "booked by a guest": {"as_guest": True},
}
"""What each does that is not as usual."""

_PORTRAIT = "Portrait session in your neighbourhood"


def _disputed(arrives: timedelta, begins: timedelta, **how: Any) -> tuple[timedelta, dict[str, Any]]:
    """A booking with the demo's provider that begins within hours of an instant before the end, and is disputed."""
    return arrives, {**_DISPUTES, "title": _PORTRAIT, "lead": arrives - begins, **how}


LEFT: tuple[tuple[timedelta, dict[str, Any]], ...] = (
    _disputed(timedelta(days=3), timedelta(hours=34), customer=0.11, decision=Decision.NONE),
    _disputed(timedelta(days=2, hours=1), timedelta(hours=21), customer=0.06, reply=Reply.SAYS_NOTHING),
    _disputed(timedelta(days=2), timedelta(hours=20), reply=Reply.OFFERS, offered=Offered.SAYS_NOTHING),
    (timedelta(hours=40), {**_CALLED_OFF, "card": Card.REFUND_PENDS}),
    (timedelta(days=2, hours=16), {**_CALLED_OFF, "card": Card.REFUND_FAILS}),
    (timedelta(minutes=95), {"title": _PORTRAIT, "lead": timedelta(days=2)}),
    (timedelta(minutes=80), {"title": "Balcony makeover", "request": Request.SAYS_NOTHING}),
    (timedelta(minutes=65), {"title": "Product pictures on white", "customer": 0.16, "request": Request.SAYS_NOTHING}),
    (timedelta(minutes=50), {"title": "Event coverage, same-night preview", "customer": 0.11}),
    (timedelta(minutes=8), {"customer": 0.21, "card": Card.CHALLENGED, "challenge": Challenge.WALKS_AWAY}),
)  # fmt: skip
"""What is left open at the end: how long before it somebody arrives, and what is not as usual.

For the customer, the provider and the operator whose sign-ins are printed: an operator's decision, an answer to give, an
offer to take, refunds under way and failed, times ahead, requests, and somebody on the page of their bank.
"""


def written(seed: int, first: datetime, until: datetime) -> Sequence[Visit]:
    """Every scene, from the morning of the first day on; then what is left open."""
    over = max(4 / 3, (until - first) / timedelta(days=1) * SPREAD)
    visits = [
        Visit(
            name=f"{seed}:{title}",
            arrives_at=_arrival(first, number * over / len(SCENES)),
            customer=number * 0.37 % 1,
            service=number * 0.61 % 1,
            **how,
        )
        for number, (title, how) in enumerate(SCENES.items())
    ]
    visits += [
        Visit(name=f"{seed}:left:{number}", arrives_at=until - before, service=number * 0.29 % 1, **how)
        for number, (before, how) in enumerate(LEFT)
    ]
    return [visit for visit in visits if visit.arrives_at < until]


def _arrival(first: datetime, days: float) -> datetime:
    """That many days after the first, while people are awake, to the half minute."""
    minutes = int((days % 1) * (OPEN_FOR / timedelta(minutes=1)))
    return first + timedelta(days=int(days), minutes=minutes) + OPENS
