"""The same events in any order, three times each and days late, come to the same; so does finding them by ourselves."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.payments import Compared, PaymentState, PayoutState, compared_writes
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.kernel.refusals import Denied
from ecosystem.sandbox import CALM
from history_unheard import lived, picture
from market import ADA, OPERATOR, Market, market
from processor_news import News, held_back


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """How everything stands where every event arrived once, in order."""
    clock = VirtualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    async with market(tmp_path / "in-order", clock) as shop, held_back(shop) as news:
        await shop.provider()
        history = await lived(news)
        for body in await news.all():
            await news.hand_on(body)
        yield await picture(news, history)


def is_as_expected(shown: dict[str, Any]) -> bool:
    """Whether the history came to what it should: else two wrong pictures would be one."""
    states = [shown[f"payment {n}"][0] for n in range(7)]
    return (
        states
        == [
            PaymentState.CAPTURED,
            PaymentState.FAILED,
            PaymentState.AUTHORIZED,
            PaymentState.CAPTURED,
            PaymentState.PARTIALLY_REFUNDED,
            PaymentState.CAPTURED,
            PaymentState.CAPTURED,
        ]
        and (shown["payout 0"], shown["payout 1"]) == (PayoutStatus.PAID, PayoutStatus.FAILED)
        and shown["account 2"][0] is PayoutState.ACTIVE
        and (shown["balance 0"], shown["balance 1"]) == (0, 9_000)
    )


@pytest.mark.parametrize("seed", range(4))
async def test_events_in_any_order_three_times_and_days_late_come_to_the_same(
    shop: Market, news: News, told: dict[str, Any], seed: int
) -> None:
    history = await lived(news)

    await news.in_disorder(random.Random(seed), days=3)

    shown = await picture(news, history)
    assert is_as_expected(shown)
    assert shown == told
    await shop.verified()


async def test_with_every_webhook_lost_reconciliation_alone_comes_to_the_same(
    shop: Market, news: News, told: dict[str, Any]
) -> None:
    shop.sandbox.travel(replace(CALM, lost=1.0))
    history = await lived(news)
    shop.clock.advance(timedelta(minutes=11))

    first = await shop.app.missed_events.compare()
    shop.clock.advance(timedelta(minutes=30))
    again = await shop.app.missed_events.compare()
    shop.clock.advance(timedelta(minutes=30))
    last = await shop.app.missed_events.compare()

    shown = await picture(news, history)
    assert is_as_expected(shown)
    assert shown == told
    assert news.listener.heard == []
    # What the repair itself did at the processor is told as well, and lost as well.
    assert {each.kind for each in again.missed} <= {"transfer.reversed"}
    assert (first.left, again.left, last.missed) == (0, 0, ())
    kinds = {each.kind for each in first.missed}
    assert {"payment_intent.succeeded", "charge.dispute.closed", "refund.failed", "payout.failed"} <= kinds
    assert "account.updated" in kinds
    began = [each.began_at for each in await shop.app.missed_events.latest(OPERATOR)]
    assert began == [last.began_at, again.began_at, first.began_at]
    await shop.verified()


async def test_what_the_processor_has_forgotten_the_events_of_is_found_by_the_things_themselves(
    shop: Market, news: News, told: dict[str, Any]
) -> None:
    history, now = await lived(news), shop.clock.now()
    before = Compared(began_at=now, ended_at=now, since=now, until=now, events=0, objects=0, count=0)
    await shop.app.ports.table.transact(*compared_writes(before, None))
    shop.clock.advance(timedelta(minutes=11))

    made = await shop.app.missed_events.compare()

    assert {"payment", "refund", "chargeback", "account", "transfer"} <= {each.kind for each in made.missed}
    assert await picture(news, history) == told
    await shop.verified()


async def test_only_operators_see_what_was_missed(shop: Market) -> None:
    with pytest.raises(Denied):
        await shop.app.missed_events.latest(ADA)
