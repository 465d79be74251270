"""What operators are told of the clearing house without looking."""

from __future__ import annotations

from collections import Counter

from ecosystem.contexts.ach import AchException, ExceptionKind
from ecosystem.contexts.ach.events import AchRateAlarmed
from ecosystem.contexts.identity import Admission
from ecosystem.kernel.actor import Group, system
from ecosystem.ports.bus import announce
from market import OPERATOR, Market

ACTOR = system("ach-processor")
OLGA = "olga@example.org"


async def olga(shop: Market) -> None:
    """Somebody who runs the marketplace."""
    admission = Admission(user_id=shop.id("usr"), email=OLGA, password="no hash", name="Olga", groups=(Group.ADMINS,))
    await shop.app.ports.table.transact(*shop.app.identity.people.admitting(admission, ACTOR))


async def letters(shop: Market) -> Counter[str]:
    await shop.wiring.settled()
    return Counter(letter.subject for letter in await shop.app.notifications.outbox.to(OLGA, OPERATOR))


def trouble(shop: Market, name: str, kind: ExceptionKind, inbound_id: str) -> AchException:
    return AchException(exception_id=name, kind=kind, inbound_id=inbound_id, repair="Look.", raised_at=shop.clock.now())


async def test_operators_are_told_once_for_each_kind_of_trouble_with_a_file(shop: Market) -> None:
    await olga(shop)
    for name, kind, inbound_id in (
        ("one", ExceptionKind.UNKNOWN_TRACE, "file-1"),
        ("two", ExceptionKind.UNKNOWN_TRACE, "file-1"),
        ("three", ExceptionKind.UNTIMELY_RETURN, "file-1"),
        ("four", ExceptionKind.UNKNOWN_TRACE, "file-2"),
        ("five", ExceptionKind.FILE_REJECTED, ""),
    ):
        await shop.app.ach.returns.raise_(trouble(shop, name, kind, inbound_id), ACTOR)

    assert (await letters(shop))["What the bank sent wants a person"] == 4


async def test_operators_are_told_of_a_return_rate_close_to_its_limit(shop: Market) -> None:
    await olga(shop)
    at = shop.clock.now()
    fact = AchRateAlarmed(rate="unauthorized", rate_bps=42, limit_bps=50, day=at.date())
    await shop.app.ports.table.transact(announce(fact, aggregate="ACH_RATES", sequence=1, actor=ACTOR, at=at))

    told = await letters(shop)

    assert told["Returned debits are at 0.42 % of debits; the network allows 0.50 %"] == 1
