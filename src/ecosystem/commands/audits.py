"""`ecosystem audit ...`: verify the log, prove one act, and check proofs. Reads beside a serving process, writes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.witness import WITNESS, FileWitness
from ecosystem.app import Auditors, auditors
from ecosystem.commands.settings import Settings
from ecosystem.contexts.audit import Report, Signer, proving, public_key_of, signers, verdict
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound
from ecosystem.ports.inspector import Heard
from ecosystem.ports.table import Cursor

TOLD_EVERY_S = 0.5
SAID_EVERY_S = 5.0
READER = system("audit command")
LINE_BYTES_MAX = 2 * 1024 * 1024


class NoFile(NotFound):
    """There is no such file."""


class KeysOfTwoLogs(Invalid):
    """These keys are of different logs."""


class Known(Struct, frozen=True, kw_only=True):
    """What the asker knows of a log from elsewhere: its verifier keys, oldest first, and how long it was at least."""

    keys: Sequence[str] = ()
    least: int = 0

    def trusted(self) -> tuple[str, tuple[Signer, ...]]:
        """Whose log the keys are of, and the keys. Raises `Invalid`."""
        read = [public_key_of(each) for each in self.keys]
        origins = {origin for origin, _ in read}
        if len(origins) > 1:
            raise KeysOfTwoLogs(field="key")
        return "".join(origins), tuple(Signer(public_key=public_key) for _, public_key in read)


class FileThere(Conflict):
    """There is a file of that name already."""


@asynccontextmanager
async def _opened(chosen: Settings, known: Known | None = None) -> AsyncGenerator[Auditors]:
    """Who reads the log of that data folder, by the keys that are known; by the folder's own where none is."""
    clock, entropy = SystemClock(), SystemEntropy()
    known = known or Known()
    origin, trusted = known.trusted()
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        if not trusted:
            secrets = FileSecrets(chosen.data / "secrets")
            trusted = await signers(await FileKeys.open(secrets, clock, entropy, may_make=False))
        yield auditors(
            table,
            clock,
            entropy,
            signatures=Ed25519Signatures(),
            trusted=trusted,
            witness=FileWitness(witness_of(chosen)),
            origin=origin,
            least=known.least,
        )
    finally:
        await table.close()


def witness_of(chosen: Settings) -> Path:
    """Where the witness is."""
    return chosen.audit_witness or chosen.data / WITNESS


async def verify(chosen: Settings, known: Known, *, as_json: bool) -> int:
    """Hold the whole log to itself, its items, its checkpoints and the witness; 0 when nothing is wrong."""
    async with _opened(chosen, known) as reading:
        if as_json:
            return await _told(reading)
        last = time.monotonic()

        def tell(part: str, count: int) -> None:
            nonlocal last
            if time.monotonic() - last > SAID_EVERY_S:
                last = time.monotonic()
                print(f"... {count} {part}", file=sys.stderr, flush=True)

        reading.verifier.tell = tell
        report = await reading.verifier.verify()
    say_of(report)
    if not known.keys:
        print("The keys are the folder's own: hold it to one that you keep elsewhere (--key), and to a size (--least).")
    return 0 if report.holds else 1


def say_of(report: Report) -> None:
    """Print what was read, and every finding, the first wrong place first."""
    witnessed = "no witness" if report.witnessed is None else f"the witness has {report.witnessed}"
    print(
        f"Read {report.size} entries (root {report.root}), {report.items} items ({report.waiting} to be entered yet), "
        f"{report.checkpoints} checkpoints (the last of {report.signed}); {witnessed}."
    )
    if report.erasures:
        print(
            f"{report.erasures} people were erased: {report.erased} items stand for entries that this opened up, and "
            f"{report.gone} such entries have no item any more."
        )
    for finding in report.findings:
        place = "" if finding.index is None else f" at entry {finding.index}"
        print(f"FINDING {finding.wrong.value}{place}: {finding.about}: {finding.detail}")
    if report.found > len(report.findings):
        print(f"... and {report.found - len(report.findings)} more")
    print("Everything holds." if report.holds else f"{report.found} findings.")


async def _told(reading: Auditors) -> int:
    """Verify, and say how far it is, for a process that listens; the last line has the report."""
    read: dict[str, int] = {}

    def tell(part: str, count: int) -> None:
        read[part] = count

    async def say() -> None:
        while True:
            _line(Heard(read=dict(read)))
            await asyncio.sleep(TOLD_EVERY_S)

    reading.verifier.tell = tell
    saying = asyncio.create_task(say())
    try:
        report = await reading.verifier.verify()
    finally:
        saying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await saying
    _line(Heard(read=dict(read), report=msgspec.to_builtins(report)))
    return 0


def _line(heard: Heard) -> None:
    print(msgspec.json.encode(heard).decode(), flush=True)


async def prove(chosen: Settings, asked: str, out: Path | None) -> int:
    """Write the proof that one act is in the log: of a transfer, an event, an act, or a place in the log."""
    async with _opened(chosen) as reading:
        placed = await reading.explorer.find(asked, READER)
        proof = proving.written(await reading.explorer.prove(placed.index, READER))
    if out is None:
        sys.stdout.buffer.write(proof)
    else:
        out.write_bytes(proof)
        print(f"{out}: entry {placed.index}, {placed.entry.type}")
    return 0


def check(path: Path, trusted: str) -> int:
    """Check a proof by itself, without the marketplace."""
    try:
        file = path.read_bytes()
    except OSError as failed:
        raise NoFile(f"{path} cannot be read: {failed.strerror}.") from failed
    shown = proving.checked(proving.read(file), Ed25519Signatures(), trusted=trusted)
    said = shown.entry
    print(f"Entry {shown.index} of {shown.statement.size} in the log {shown.statement.origin}")
    print(f"{said.type} ({said.kind}) at {said.at.isoformat()}: {said.id}")
    print(f"Checkpoint of {shown.statement.at}, signed by {shown.verifier_key}")
    if not trusted:
        print("The key is the proof's own: compare it with one that you had from elsewhere (--key).")
    if shown.content is None:
        print("The content is not opened: somebody it names was erased, or its key was left out.")
    else:
        print(f"It commits to: {shown.content}")
    return 0


def check_proofs(path: Path) -> int:
    """Print a verdict for each case in the file, as JSON; 1 when one is not what its case expects."""
    disagreeing = 0
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                rest = line
                while not rest.endswith(b"\n") and (rest := file.readline(LINE_BYTES_MAX)):
                    pass  # One line has one verdict, however long it is.
                if not line.strip():
                    continue
                found = verdict(line, number)
                disagreeing += found.agrees is False
                said: Mapping[str, object] = {"case": found.case, "accepted": found.accepted}
                print(json.dumps(said))  # escapes what no terminal's encoding has, half a character too
    except OSError as failed:
        raise NoFile(f"{path} cannot be read: {failed.strerror}.") from failed
    if disagreeing:
        print(f"{disagreeing} verdicts are not what their cases expect.", file=sys.stderr)
    return 1 if disagreeing else 0


async def checkpoints(chosen: Settings, out: Path | None) -> int:
    """Write every signed checkpoint as the witness keeps them: to begin another, once its loss is understood."""
    async with _opened(chosen) as reading:
        notes: list[str] = []
        after: Cursor | None = None
        while True:
            found, after = await reading.explorer.checkpoints(READER, after, limit=1000)
            notes += [f"{each.note}\n" for each in found]
            if after is None:
                break
    text = "".join(reversed(notes))
    if out is None:
        sys.stdout.write(text)
    else:
        try:
            with out.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as taken:
            raise FileThere(f"{out} is there already: a witness is never written over.") from taken
        print(f"{out}: {len(notes)} checkpoints")
    return 0


async def key(chosen: Settings) -> int:
    """Print the keys that checkpoints are verified with: for whoever keeps one elsewhere."""
    async with _opened(chosen) as reading:
        for verifier in await reading.verifier_keys():
            print(verifier)
    return 0
