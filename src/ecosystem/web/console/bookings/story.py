"""Events as a person reads them: a title, what they say, and the state a timeline draws."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from msgspec import Struct

from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.bus import Event

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")
_BAD = ("Declined", "Expired", "Cancelled", "Failed", "Disputed", "NoShow", "Locked", "Suspended", "ChargebackOpened")
_LEFT_OUT = frozenset(
    {
        "booking_id", "payment_id", "refund_id", "service_id", "provider_id", "owner_id", "customer_id", "user_id",
        "start_at", "end_at", "hold_id", "amount_minor", "currency", "seats",
    }
)  # fmt: skip
"""Of an event's detail: what the page around it says already."""


class Told(Struct, frozen=True, kw_only=True):
    """An event, with its title and what else it says."""

    event: Event
    title: str
    words: str
    reason: str
    state: str


def told(event: Event) -> Told:
    detail = event.detail
    return Told(
        event=event,
        title=title(event.type),
        words=" · ".join(_said(detail)),
        reason=str(detail.get("reason", "")),
        state="bad" if any(word in event.type for word in _BAD) else "done",
    )


def title(kind: str) -> str:
    """`BookingConfirmed` as a person says it: `Booking confirmed`."""
    first, *others = _WORD.sub(" ", kind).split()
    return " ".join([first, *(word.lower() for word in others)])


def _said(detail: Mapping[str, Any]) -> Iterator[str]:
    if "amount_minor" in detail:
        yield _money(detail["amount_minor"], detail.get("currency", ""))
    for name, value in detail.items():
        if name in _LEFT_OUT or name == "reason" or value in ("", None, False):
            continue
        named = name.removesuffix("_minor").replace("_", " ")
        if isinstance(value, dict):
            money = cast("dict[str, Any]", value)
            if money.keys() == {"minor", "currency"}:
                yield f"{named} {_money(money['minor'], money['currency'])}"
        elif isinstance(value, bool):
            yield named
        elif isinstance(value, str | int) and len(str(value)) <= 60 and not _INSTANT.match(str(value)):
            yield (
                f"{named} {value / 100:g} %"
                if named.endswith(" bps") and isinstance(value, int)
                else f"{named} {value}"
            )


def _money(minor: Any, currency: Any) -> str:
    try:
        return money_text(Money(int(minor), str(currency)))
    except (Invalid, ValueError):
        return f"{minor} {currency}"
