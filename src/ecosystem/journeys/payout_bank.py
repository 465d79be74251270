"""Payouts that travel in files for our own bank: the face for whoever builds the files and reads the bank's answers.

    queue                     what a file may carry now: bank account, amount
    going                     what holds its entry to the payout as it stands
    must_go                   whether its provider is paid anything now
    sent, sent_writes         the file is built: payout -> clearing
    settled                   the bank's statement shows it: clearing -> bank
    came_back                 the bank or the receiver refused it, before or after it was paid

The `..._writes` are for committing with the file itself. Learning the same twice has one effect.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ecosystem.contexts.payouts import (
    Payout,
    PayoutBook,
    PayoutNews,
    PayoutNotThere,
    PayoutStatus,
    Rail,
    Trouble,
)
from ecosystem.journeys.payout_holds import PayoutHolds
from ecosystem.journeys.payout_passage import PayoutPassage
from ecosystem.kernel.actor import Actor
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Check, Cursor, Write

QUEUE_MAX = 500
PAGES_MAX = 200


@dataclass(frozen=True, slots=True)
class BankPayouts:
    clock: Clock
    book: PayoutBook
    passage: PayoutPassage
    holds: PayoutHolds

    async def queue(self, size: int = QUEUE_MAX) -> AsyncIterator[Sequence[Payout]]:
        """Payouts to be originated, page by page, those that wait longest first.

        Those that are not to be sent yet, that an operator looks at, or whose provider is paid nothing now, are not among
        them.
        `destination.account_id` is the bank account's id, `net` what it gets.
        """
        after: Cursor | None = None
        now, held = self.clock.now(), dict[str, bool]()
        for _ in range(PAGES_MAX):
            page = await self.book.in_status(PayoutStatus.INTENDED, Rail.ACH, after=after, limit=size)
            due = [payout for payout in page.values if payout.send_at <= now and not payout.in_review]
            for provider_id in {payout.provider_id for payout in due} - held.keys():
                held[provider_id] = bool(await self.holds.why(provider_id))
            yield [payout for payout in due if not held[payout.provider_id]]
            after = page.next
            if after is None:
                return

    async def going(self, payout_id: str) -> Check:
        """Holds a commit to the payout as it stands. Raises `PayoutNotThere` for one that shall not be sent."""
        row = await self.book.row(payout_id)
        if row.value.status is not PayoutStatus.INTENDED or row.value.in_review:
            raise PayoutNotThere
        return Check(key=row.key, expected=row.unchanged)

    async def must_go(self, payout_id: str) -> None:
        """Raises `PayoutHeld` while its provider is paid nothing."""
        await self.holds.must_go((await self.book.row(payout_id)).value.provider_id)

    async def sent(self, payout_id: str, trace: str, actor: Actor, *, settles_on: datetime | None = None) -> Payout:
        """It stands in a file under that trace number, and should settle then."""
        return await self.passage.learn(payout_id, _sent(trace, settles_on), actor)

    async def sent_writes(
        self, payout_id: str, trace: str, actor: Actor, *, settles_on: datetime | None = None
    ) -> list[Write]:
        """The writes of `sent`, to be committed with the file: up to six."""
        return await self.passage.writes(payout_id, _sent(trace, settles_on), actor)

    async def settled(self, payout_id: str, actor: Actor, *also: Write) -> Payout:
        """The bank's statement shows it."""
        return await self.passage.learn(payout_id, PayoutNews(status=PayoutStatus.PAID), actor, *also)

    async def came_back(self, payout_id: str, code: str, words: str, actor: Actor, *also: Write) -> Payout:
        """It was refused or returned, under that reason code (`R03`): its money is back on the balance.

        `words` tell the provider what to do about it. The provider's next payouts are paused.
        """
        payout = (await self.book.row(payout_id)).value
        news = PayoutNews(
            status=PayoutStatus.RETURNED if payout.paid_at else PayoutStatus.FAILED,
            trouble=Trouble(code=code, words=words),
        )
        return await self.passage.learn(payout_id, news, actor, *also)


def _sent(trace: str, settles_on: datetime | None) -> PayoutNews:
    return PayoutNews(status=PayoutStatus.SENT, rail_id=trace, expected_at=settles_on)
