"""The postman: sends letters that are due, tries again what could not be sent, and gives up after a day.

An attempt is committed before it is made, so that a crash between is followed by another attempt and not by two at
once. A mail server may then see one mail twice; its Message-ID is the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from ecosystem.contexts.notifications.letters import (
    Letter,
    Outbox,
    attempted,
    failed,
    letter_put,
    mail_of,
    put_off,
    sent,
)
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.clock import Clock
from ecosystem.ports.mail import Mailer, MailUnavailable
from ecosystem.ports.press import Press
from ecosystem.ports.table import At, Row, Stale, Table

LEASE = timedelta(minutes=5)
_SIDE_BY_SIDE = 4
_REASON_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Postman:
    """Without a mailer there is nothing to do: letters are kept in the outbox."""

    table: Table
    outbox: Outbox
    press: Press
    mailer: Mailer | None
    clock: Clock

    async def step(self, limit: int = 50) -> int:
        """Try what is due, at most so many letters; how many were tried."""
        if self.mailer is None:
            return 0
        due = await self.outbox.due(limit)
        for at in range(0, len(due), _SIDE_BY_SIDE):
            outcomes = await asyncio.gather(*(self._try(row, self.mailer) for row in due[at : at + _SIDE_BY_SIDE]))
            if not any(outcomes):
                # The server is away: what else is due would only wait for the same answer.
                return at + len(outcomes)
        return len(due)

    async def _try(self, row: Row[Letter], mailer: Mailer) -> bool:
        """Whether the mail server could be asked."""
        letter = attempted(row.value, self.clock.now(), LEASE)
        try:
            await self.table.transact(letter_put(letter, row.unchanged))
        except Stale:
            return True  # Another postman has it, or an operator changed it.
        asked = True
        try:
            await mailer.send(mail_of(letter, self.press))
            becomes = sent(letter, self.clock.now())
        except MailUnavailable as refused:
            asked = False
            becomes = put_off(letter, _reason(refused), self.clock.now())
        except Invalid as refused:
            # The server's refusal for good, or an address or heading that can be no mail.
            becomes = failed(letter, _reason(refused), self.clock.now())
        await self._settle(becomes, row.version + 1)
        return asked

    async def _settle(self, letter: Letter, version: int) -> None:
        try:
            await self.table.transact(letter_put(letter, At(version)))
        except Stale:
            return  # It took longer than the lease, and the next attempt tells how it went.


def _reason(refused: Refusal) -> str:
    return refused.message[:_REASON_LENGTH_MAX]
