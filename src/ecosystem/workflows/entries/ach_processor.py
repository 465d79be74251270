"""`ach-processor`: makes entries of what is to be paid, builds the files of the windows, and hears the bank."""

from __future__ import annotations

from ecosystem.app import App
from ecosystem.kernel.actor import system
from ecosystem.ports.bus import Event
from ecosystem.workflows.triggers import Entry, Firing

ACTOR = system("ach-processor")
FILES, BANK, RATES = "ach-files", "ach-bank", "ach-rates"
ADDED = "BankAccountAdded"


async def verify(market: App, event: Event) -> None:
    """A bank account was added: ask its bank whether it is there."""
    await market.originating.verify(event.detail["account_id"])


async def go_on(market: App, firing: Firing) -> None:
    """The steps of a schedule, each apart: one that is refused holds up none of the others."""
    if firing.schedule == FILES:
        apart = market.originating.apart
        await apart.one("step.accounts", lambda: market.bank_accounts.end_due(ACTOR))
        await apart.one("step.funds", lambda: market.bank_debits.release_due(ACTOR))
        await apart.one("step.draw", market.originating.draw)
        await apart.one("step.build", lambda: market.originating.build(ACTOR))
        await apart.one("step.deliver", market.originating.deliver)
    elif firing.schedule == BANK:
        apart = market.originating.apart
        await apart.one("step.collect", market.hearing_bank.collect)
        await apart.one("step.hear", market.hearing_bank.work)
        await apart.one("step.empty-files", market.originating.settle_empty)
    else:
        await market.ach.rates.alarm(ACTOR)


ENTRY = Entry(event=verify, schedule=go_on)
