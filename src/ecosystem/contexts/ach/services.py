"""Every service of the context, built from its ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ecosystem.contexts.ach.agreement import Agreement
from ecosystem.contexts.ach.building import Building
from ecosystem.contexts.ach.delivering import Delivering
from ecosystem.contexts.ach.entries import Entries, Entry
from ecosystem.contexts.ach.inbound import Inbox
from ecosystem.contexts.ach.originator import Originators
from ecosystem.contexts.ach.overview import Overview
from ecosystem.contexts.ach.rates import ReturnRates
from ecosystem.contexts.ach.returns import Change, Returns
from ecosystem.contexts.ach.statements import BankStatements
from ecosystem.contexts.ach.traces import TraceNumbers
from ecosystem.contexts.ach.vault import Piece, Vault
from ecosystem.ports.bank import Bank
from ecosystem.ports.clock import Clock
from ecosystem.ports.keys import Keys
from ecosystem.ports.table import Table

ENVELOPED = (Entry, Change, Piece)
"""What is stored here encrypted: rotation of its key re-wraps these."""


@dataclass(frozen=True, slots=True)
class Ach:
    """The clearing house, as far as it needs nobody else."""

    originators: Originators
    agreement: Agreement
    entries: Entries
    traces: TraceNumbers
    building: Building
    delivering: Delivering
    inbox: Inbox
    returns: Returns
    statements: BankStatements
    rates: ReturnRates
    vault: Vault
    overview: Overview

    @classmethod
    def of(cls, table: Table, clock: Clock, keys: Keys, bank: Bank) -> Self:
        vault, originators, traces = Vault(table, keys), Originators(table, clock), TraceNumbers(table)
        entries = Entries(table, clock, vault, originators)
        building = Building(table, clock, entries, originators, traces, vault)
        rates = ReturnRates(table, clock)
        delivering = Delivering(table, clock, bank, building)
        return cls(
            originators=originators,
            agreement=Agreement(table, clock, originators, delivering),
            entries=entries,
            traces=traces,
            building=building,
            delivering=delivering,
            inbox=Inbox(table, clock, vault),
            returns=Returns(table, clock),
            statements=BankStatements(table),
            rates=rates,
            vault=vault,
            overview=Overview(table, building, entries, originators, rates),
        )
