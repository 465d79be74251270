"""Not accepting a return: its money lies in clearing until the bank has taken it back, or the other bank stands by it.

| what happens | ledger |
| --- | --- |
| a wrong return is dishonoured | what came back by it: bank <-> clearing |
| the statement shows the dishonoured return | the exact reverse |
| the receiving bank contests it | the return holds, as any other |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecosystem.contexts import ach
from ecosystem.contexts.ach import Direction, Entries, Entry, ExceptionKind, MoneyAction, Return
from ecosystem.contexts.ledger import Ledger, Transfer, chart
from ecosystem.journeys.ach_causes import ACTOR, CURRENCY
from ecosystem.ports.table import Write


@dataclass(frozen=True, slots=True)
class Dishonoring:
    """Originates entries that dishonour returns, and is their cause. `cause_id` is the return."""

    entries: Entries
    ledger: Ledger

    async def writes(self, entry: Entry, returned: Return, kind: ExceptionKind | None) -> list[Write]:
        """What is committed with a return of `entry` that is not accepted; nothing when it stands already."""
        said = await self.entries.particulars(entry)
        request = ach.dishonoring(entry, said, returned, kind)
        made = await self.entries.originate(request, ACTOR)
        if not made:
            return []
        held = moved(request.entry_id, entry.direction, returned.cents, returned.return_id, "held")
        return [*made, *await self.ledger.writes(*held)]

    async def filed(self, entry: Entry) -> Sequence[Write]:
        assert entry.dishonors is not None
        return ()

    async def settled(self, entry: Entry) -> Sequence[Write]:
        return await self.ledger.writes(*moved(entry.entry_id, entry.direction, entry.cents, entry.cause_id, "settled"))

    async def still_wants(self, entry: Entry) -> bool:
        return entry.purpose is ach.Purpose.DEBIT

    async def returned(self, entry: Entry, action: MoneyAction, code: str) -> None:
        """The bank refused the file: the return stands unanswered, and a person has its exception."""


def moved(entry_id: str, direction: Direction, cents: int, reference: str, line: str) -> list[Transfer]:
    """What came back by a return (`held`) between our bank and clearing, or that it went again (`settled`)."""
    if not cents:
        return []
    bank, clearing = chart.bank(CURRENCY), chart.clearing(CURRENCY)
    comes_in = (direction is Direction.CREDIT) == (line == "held")
    return [
        Transfer(
            transfer_id=f"{entry_id}.{line}",
            debit_account_id=bank if comes_in else clearing,
            credit_account_id=clearing if comes_in else bank,
            amount=cents,
            ledger=CURRENCY,
            code=chart.TransferCode.RETURN_HELD if line == "held" else chart.TransferCode.RETURN_DISHONORED,
            reference=reference,
        )
    ]
