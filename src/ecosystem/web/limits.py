"""How often one address, one session, and everybody together may ask: token buckets, in this process, bounded in number.

A bucket is kept as one instant, the time at which it would be full again (the generic cell rate algorithm; ITU-T I.371,
annex A): an empty dictionary entry is a full bucket, so the oldest may be forgotten without harm.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

from ecosystem.kernel.refusals import Unavailable

BUCKETS_MAX = 50_000


class TooManyRequests(Unavailable):
    """That was too much at once. Wait a moment and try again."""

    def __init__(self, retry_after_s: float = 1) -> None:
        super().__init__()
        self.retry_after_s = max(1, round(retry_after_s))


class TooBusy(Unavailable):
    """More is asked of this server than it can do right now. Try again in a moment."""


class Rate(Struct, frozen=True):
    """`burst` at once, then `per_second`."""

    per_second: float
    burst: int


class Rates(Struct, frozen=True, kw_only=True):
    """The product's rates. Reading is cheap and shared by people behind one address; writing is neither."""

    reads_by_address: Rate = Rate(50, 400)
    writes_by_address: Rate = Rate(5, 60)
    writes_by_session: Rate = Rate(4, 40)
    writes_by_all: Rate = Rate(3_000, 6_000)


@dataclass(slots=True)
class Buckets:
    """The buckets of one rate, by whom they belong to."""

    rate: Rate
    _full_at: OrderedDict[str, float] = field(default_factory=OrderedDict[str, float])

    def take(self, whose: str, at: datetime) -> float:
        """Take one token: 0 if there was one, else the seconds until there is."""
        now, interval = at.timestamp(), 1 / self.rate.per_second
        full_at = max(self._full_at.get(whose, now), now)
        wait = full_at + interval - self.rate.burst * interval - now
        if wait > 0:
            return wait
        self._full_at[whose] = full_at + interval
        self._full_at.move_to_end(whose)
        if len(self._full_at) > BUCKETS_MAX:
            self._full_at.popitem(last=False)
        return 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Lets a request pass, or refuses it."""

    reads: Buckets
    writes: Buckets
    sessions: Buckets
    everyone: Buckets

    @classmethod
    def of(cls, rates: Rates) -> Limits:
        return cls(
            reads=Buckets(rates.reads_by_address),
            writes=Buckets(rates.writes_by_address),
            sessions=Buckets(rates.writes_by_session),
            everyone=Buckets(rates.writes_by_all),
        )

    def read(self, address: str, at: datetime) -> None:
        """Raises `TooManyRequests`."""
        if wait := self._by_address(self.reads, address, at):
            raise TooManyRequests(wait)

    def write(self, address: str, session: str, at: datetime) -> None:
        """Raises `TooManyRequests` for one address or session, `TooBusy` for all together."""
        wait = self._by_address(self.writes, address, at)
        if session:
            wait = max(wait, self.sessions.take(session, at))
        if wait:
            raise TooManyRequests(wait)
        if self.everyone.take("everyone", at):
            raise TooBusy

    def _by_address(self, buckets: Buckets, address: str, at: datetime) -> float:
        # Loopback is the operator's own machine, or a proxy whose X-Forwarded-For is not trusted yet: one bucket for
        # everybody behind it would shut the site.
        whose = neighbourhood(address)
        return buckets.take(whose, at) if whose else 0


@lru_cache(maxsize=10_000)
def neighbourhood(address: str) -> str:
    """Whose bucket an address draws on: an IPv4 address its own, an IPv6 address its network's (/64), loopback none."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if parsed.is_loopback:
        return ""
    return str(IPv6Network((int(parsed), 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
