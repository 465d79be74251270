"""Values that many answers hold, as the API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.api.roots import Plain
from ecosystem.contexts.booking import Policy
from ecosystem.kernel.display import money_text
from ecosystem.kernel.money import Money
from ecosystem.kernel.rates import Lines
from ecosystem.ports.table import Cursor

PAGE_MAX = 100

Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX)]
After = Annotated[str, Meta(max_length=2_000)]


class Paging(Struct, frozen=True, kw_only=True):
    """A page of a list: how many (`first`), and where the page before ended (`after`)."""

    limit: Limit = 25
    after: After | None = None

    @property
    def cursor(self) -> Cursor | None:
        return Cursor(self.after) if self.after else None


@lru_cache(maxsize=8192)
def money(amount: Money) -> Plain:
    return {"minor": amount.minor, "currency": amount.currency, "text": money_text(amount)}


def maybe(amount: Money | None) -> Plain | None:
    return None if amount is None else money(amount)


def price(lines: Lines) -> Plain:
    """What the customer pays, line by line."""
    return {"base": money(lines.base), "surcharge": money(lines.surcharge), "total": money(lines.total)}


def split(lines: Lines) -> Plain:
    """How the base price is divided."""
    return {"providerShare": money(lines.provider_share), "commission": money(lines.commission)}


@lru_cache(maxsize=256)
def policy(known: Policy) -> Plain:
    return {
        "name": known.name,
        "version": known.version,
        "tiers": [
            {"shareBps": tier.share_bps, "beforeMin": tier.before_min, "withinMin": tier.within_min}
            for tier in known.tiers
        ],
        "rescheduleMin": known.reschedule_min,
    }


def connection(nodes: Sequence[Any], after: str | None, **beside: Any) -> Plain:
    """A page of a list."""
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": after is not None, "endCursor": after}, **beside}
