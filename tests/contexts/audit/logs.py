"""What the audit log's tests share: a log over any table, fed by acts, with a witness and a key of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.witness import FileWitness
from ecosystem.contexts.audit import (
    Acts,
    Explorer,
    LogReader,
    Report,
    Salts,
    Sequencer,
    Signer,
    Verifier,
)
from ecosystem.contexts.ledger import Ledger, chart
from ecosystem.journeys.auditing import Auditing, read
from ecosystem.kernel.actor import Actor, Group
from ecosystem.ports.audit import Act, AuditKind, record
from ecosystem.ports.keys import Keys, Signature
from ecosystem.ports.table import Table

OPERATOR = Actor(actor_id="usr_01kag2m8xw00000000000oscar", groups=(Group.ADMINS,))
PAULA = "usr_01kag2m8xw00000000000paula"


class OneKey:
    """One signing key, which is all of the keys that the log uses."""

    def __init__(self, seed: bytes = bytes(32)) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    async def sign(self, message: bytes) -> Signature:
        return Signature(version=1, public_key=self.public, signature=self._key.sign(message))


@dataclass(frozen=True, slots=True)
class Log:
    table: Table
    clock: VirtualClock
    folder: Path
    entropy: SeededEntropy
    key: OneKey
    witness: FileWitness
    acts: Acts
    sequencer: Sequencer
    reader: LogReader
    explorer: Explorer
    auditing: Auditing

    @classmethod
    def over(cls, table: Table, clock: VirtualClock, folder: Path, *, seed: int = 1) -> Log:
        entropy, key, witness = SeededEntropy(seed), OneKey(), FileWitness(folder / "witness.txt")
        auditing = Auditing(table, Ledger(table, clock, chart.account))
        salts, reader = Salts(table, clock, entropy), LogReader(table)
        sequencer = Sequencer(
            table,
            clock,
            salts,
            read,
            auditing.everything,
            origin="market.example/audit",
            signer=cast("Keys", key),
            witness=witness,
        )
        return cls(
            table=table,
            clock=clock,
            folder=folder,
            entropy=entropy,
            key=key,
            witness=witness,
            acts=Acts(table, clock, entropy),
            sequencer=sequencer,
            reader=reader,
            explorer=Explorer(reader, salts, auditing.find),
            auditing=auditing,
        )

    async def does(self, count: int, *, since: int = 0, people: int = 7, each_s: float = 1.0) -> None:
        """So many acts, in transactions of fifty."""
        made = [self.act(number, people=people, each_s=each_s) for number in range(since, since + count)]
        for first in range(0, count, 50):
            await self.table.transact(*map(record, made[first : first + 50]))

    def act(self, number: int, *, people: int = 7, each_s: float = 1.0) -> Act:
        return Act(
            act_id=f"act_{number:08d}",
            kind=list(AuditKind)[number % 7],
            action="AddressRevealed",
            actor=Actor(actor_id=f"usr_{number % people}", impersonator="usr_boss" if number % 5 == 0 else None),
            subject=f"bkg_{number}",
            at=self.clock.now() + timedelta(seconds=number * each_s - 10_000_000),
            detail={"number": number},
        )

    async def entered(self, count: int) -> None:
        """So many acts, entered and signed."""
        await self.does(count)
        await self.sequencer.caught_up()
        await self.sequencer.seal()

    def verifier(self, *, witness: bool = True) -> Verifier:
        return Verifier(
            LogReader(self.table),
            Salts(self.table, self.clock, self.entropy),
            self.auditing.everything,
            self.clock,
            Ed25519Signatures(),
            (Signer(public_key=self.key.public),),
            self.witness if witness else None,
        )

    async def verified(self) -> Report:
        return await self.verifier().verify()

    async def leaves(self) -> list[bytes]:
        size = await self.reader.size()
        return [leaf for block in range(-(-size // 256)) for leaf in await self.reader.leaves(block)]
