"""A cancellation policy in words, made from its numbers."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from ecosystem.contexts.booking import Policy, Tier
from ecosystem.kernel.display import length_text
from ecosystem.kernel.money import BPS


class Terms(Struct, frozen=True, kw_only=True):
    """`short` and `then` stand beside the price, `sentences` are all of it."""

    short: str
    then: str
    sentences: tuple[str, ...]


def terms(policy: Policy) -> Terms:
    """What the policy promises who cancels."""
    lasting = [tier for tier in policy.tiers if tier.within_min is None]
    first = lasting[0] if lasting else None
    second = lasting[1] if len(lasting) > 1 else None
    return Terms(
        short=_headline(first),
        then=_then(first, second),
        sentences=(*(_sentence(tier) for tier in policy.tiers), *_ending(policy)),
    )


def _headline(tier: Tier | None) -> str:
    if tier is None:
        return "No refund"
    if tier.share_bps == BPS:
        return f"Free until {_before(tier)}" if tier.before_min else "Free until the start"
    return f"{_share(tier)} back until {_before(tier)}" if tier.before_min else f"{_share(tier)} back"


def _then(first: Tier | None, second: Tier | None) -> str:
    if first is None or not first.before_min:
        return ""
    return "Then nothing back" if second is None else f"Then {_share(second).lower()} back"


def _sentence(tier: Tier) -> str:
    when = f"until {_before(tier)}" if tier.before_min else "until the start"
    if tier.within_min is not None:
        when = f"within {_length(tier.within_min)} of booking, if the start is {_length(tier.before_min)} away or more"
    return f"{_share(tier)} of what you paid back {when}."


def _ending(policy: Policy) -> tuple[str, ...]:
    last = policy.tiers[-1] if policy.tiers else None
    nothing = () if last and not last.before_min and last.within_min is None else ("After that, nothing.",)
    return (*nothing, "If the provider cancels or does not come, all of it.")


def _share(tier: Tier) -> str:
    if tier.share_bps == BPS:
        return "All"
    return "Half" if tier.share_bps == BPS // 2 else f"{tier.share_bps / 100:g} %"


def _before(tier: Tier) -> str:
    return f"{_length(tier.before_min)} before"


def _length(minutes: int) -> str:
    return "24 hours" if minutes == 1440 else "48 hours" if minutes == 2880 else length_text(timedelta(minutes=minutes))
