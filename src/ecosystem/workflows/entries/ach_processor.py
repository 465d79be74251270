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
    if firing.schedule == FILES:
        await market.bank_accounts.end_due(ACTOR)
        await market.bank_debits.release_due(ACTOR)
        await market.originating.draw()
        await market.originating.build(ACTOR)
        await market.originating.deliver()
    elif firing.schedule == BANK:
        await market.hearing_bank.collect()
        await market.hearing_bank.work()
        await market.originating.settle_empty()
    else:
        await market.ach.rates.alarm(ACTOR)


ENTRY = Entry(event=verify, schedule=go_on)
