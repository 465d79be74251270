"""`ecosystem compliance report`: the evidence for a PCI DSS SAQ A, measured now and written down beside its requirement.

Read from the stored table, the keys, the code and, while the marketplace serves, from its own answers over HTTP. What
was not measured says so; what no program can show is left to the operator, in words. Requirement numbers are those of
PCI DSS v4.0.1 and its SAQ A (January 2025).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.witness import FileWitness
from ecosystem.app import Auditors, auditors
from ecosystem.commands.audits import READER, witness_of
from ecosystem.commands.evidence import Evidence, Line
from ecosystem.commands.page_evidence import card_data, scripts, seen
from ecosystem.commands.settings import Settings
from ecosystem.commands.visitor import Visitor
from ecosystem.contexts.audit import Report, Wrong, signers
from ecosystem.contexts.identity import Account, Session
from ecosystem.kernel.actor import Group
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.keys import KeyName
from ecosystem.ports.table import Table, every

ROOT = Path(__file__).parents[3]
CANARY_DAYS_MAX = 90
"""The search for card numbers is made anew each quarter, as scans are (11.3.2)."""
KEY_DAYS_MAX = 365
YEAR_DAYS = 365
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


class _Canary(Struct, frozen=True, kw_only=True):
    """What the search for card numbers wrote down, as far as it is told here."""

    at: datetime
    numbers: int
    size_bytes: int
    hits: int
    leak_found_everywhere: bool


async def report(chosen: Settings, out: Path | None, *, with_checkout: bool = True) -> int:
    """Write the report as Markdown, and as JSON beside it; 1 when something that was measured does not hold.

    For the page that asks for a card, a free time is taken as a visitor takes it, and given back at once.
    """
    evidence = await gathered(chosen, with_checkout=with_checkout)
    text = written(evidence)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        beside = out.with_suffix(".json")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(evidence), indent=2))
        print(f"{out} and {beside}: {len(evidence.lines)} lines of evidence.")
    return 1 if any(line.holds is False for line in evidence.lines) else 0


async def gathered(chosen: Settings, *, with_checkout: bool = True) -> Evidence:
    """Everything there is to show."""
    clock, visitor = SystemClock(), Visitor(chosen)
    at = clock.now()
    pages = seen(visitor, with_checkout=with_checkout)
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        keys = await FileKeys.open(FileSecrets(chosen.data / "secrets"), clock, SystemEntropy(), may_make=False)
        lines = [
            *card_data(chosen, pages, with_checkout=with_checkout),
            _canary(at),
            *scripts(chosen, pages, visitor),
            *await _access(table),
            *await _keys(keys, at),
            *await _log(chosen, table, keys, at),
            *_dependencies(),
            *_left_to_people(),
        ]
    finally:
        await table.close()
    return Evidence(made_at=at, marketplace=chosen.url, measured_over_http=bool(pages), lines=lines)


def _canary(at: datetime) -> Line:
    """What the search for card numbers came to, when it was made here last."""
    requirement, path = "3.2.1; 3.3.1", ROOT / "build" / "canary.json"
    about = "card numbers typed in a browser, and looked for in requests, log, files, memory and a backup"
    again = "Run python -m bench.canary from the source, and write this report again."
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Canary)
    except OSError:
        return Line(requirement=requirement, about=about, found="never run here", holds=False, by_hand=again)
    except msgspec.MsgspecError:
        unread = f"{path} is not what the search writes"
        return Line(requirement=requirement, about=about, found=unread, holds=False, by_hand=again)
    days = (at - kept.at).days
    leaked = "was found everywhere" if kept.leak_found_everywhere else "WAS NOT FOUND EVERYWHERE"
    is_old = not 0 <= days <= CANARY_DAYS_MAX
    found = (
        f"last run {kept.at:%Y-%m-%d}, {days} days ago{f', more than {CANARY_DAYS_MAX}' if is_old else ''}: {kept.numbers} "
        f"numbers, {kept.size_bytes:,} bytes searched, {kept.hits} hits; a number let out on purpose {leaked}"
    )
    held = kept.numbers > 0 and kept.hits == 0 and kept.leak_found_everywhere
    return Line(
        requirement=requirement,
        about=about,
        found=found,
        holds=held and not is_old,
        by_hand="" if held and not is_old else again,
    )


async def _access(table: Table) -> list[Line]:
    """Who operates, with what, and when they last signed in."""
    operators: list[Account] = []
    locked = total = 0
    async for row in every(table, Account):
        account = row.value
        total += 1
        locked += account.standing.value != "active"
        if Group.ADMINS in account.groups:
            operators.append(account)
    latest = await _signed_in(table, {account.user_id for account in operators})
    lines = [
        Line(
            requirement="8.2.1; 8.2.5",
            about="accounts, each a person's own",
            found=f"{total} accounts, {locked} locked, {len(operators)} operators",
            holds=bool(operators),
            by_hand="Hold the list of operators against those who work here; take the others out of the group.",
        )
    ]
    for account in operators:
        second = "second factor" if account.second_factor else "password alone"
        last = latest.get(account.user_id)
        lines.append(
            Line(
                requirement="8.2.1; 8.3.1; 8.4.2",
                about=f"operator {account.user_id}",
                found=f"{second}; {account.standing.value}; last sign-in {last.isoformat() if last else 'long ago, or never'}",
                holds=account.second_factor,
                by_hand="" if account.second_factor else "Have them turn on the second factor in their account.",
            )
        )
    return lines


async def _signed_in(table: Table, people: set[str]) -> dict[str, datetime]:
    latest: dict[str, datetime] = {}
    async for row in every(table, Session):
        session = row.value
        if session.user_id in people and session.impersonator is None:
            latest[session.user_id] = max(session.signed_in_at, latest.get(session.user_id, session.signed_in_at))
    return latest


async def _keys(keys: FileKeys, at: datetime) -> list[Line]:
    """Each named key: its versions and the age of the present one."""
    lines: list[Line] = []
    for name in KeyName:
        versions = await keys.versions(name)
        days = (at - versions[-1].made_at).days
        lines.append(
            Line(
                requirement="3.6.1; 3.7.4 (beyond SAQ A)",
                about=f"key {name.value}",
                found=f"version {versions[-1].number} of {len(versions)}, {days} days old",
                holds=days <= KEY_DAYS_MAX,
                by_hand="" if days <= KEY_DAYS_MAX else f"ecosystem keys rotate {name.value}",
            )
        )
    return lines


async def _log(chosen: Settings, table: Table, keys: FileKeys, at: datetime) -> list[Line]:
    """The audit log, verified whole now."""
    path = witness_of(chosen)
    reading = auditors(
        table,
        SystemClock(),
        SystemEntropy(),
        signatures=Ed25519Signatures(),
        trusted=await signers(keys),
        witness=FileWitness(path),
    )
    found = await reading.verifier.verify()
    return [
        Line(
            requirement="10.2.1; 10.3.2; 10.3.4 (beyond SAQ A)",
            about="audit log of money, privileges, access, keys and rules, verified whole for this report",
            found=f"{found.size:,} entries, root {found.root}, {found.found} findings; {found.items:,} items compared",
            holds=found.holds if found.size else None,
            by_hand="" if found.holds else "ecosystem audit verify names each place that is wrong.",
        ),
        await _kept(reading, found, at),
        _witness(chosen, path, found),
    ]


async def _kept(reading: Auditors, found: Report, at: datetime) -> Line:
    """How far back the log goes, and whether anything of it is gone or will be."""
    about = "entries kept for twelve months at least, the last three at hand (10.5.1 of v4.0.1)"
    requirement = "10.5.1 (beyond SAQ A)"
    if not found.size:
        return Line(requirement=requirement, about=about, found="not measured: there is no entry yet", holds=None)
    try:
        first = (await reading.explorer.entry(0, READER)).entry.at
    except Refusal as gone:
        return Line(requirement=requirement, about=about, found=f"the first entry: {gone.message}", holds=False)
    days = (at - first).days
    young = "" if days >= YEAR_DAYS else "; no more has passed since the first"
    whole = "none is missing, and none is to expire" if found.holds else "not all hold"
    return Line(
        requirement=requirement,
        about=about,
        found=f"{found.size:,} entries from {first:%Y-%m-%d} on, {days} days{young}; each read for this report: {whole}",
        holds=found.holds,
        by_hand="" if found.holds else "ecosystem audit verify names each place that is wrong.",
    )


def _witness(chosen: Settings, path: Path, found: Report) -> Line:
    """Whether the witness agrees, and whether it lies on another disk than what it attests."""
    wrong = [each for each in found.findings if each.wrong is Wrong.WITNESS]
    try:
        is_apart = path.stat().st_dev != (chosen.data / "table.sqlite").stat().st_dev
        where = "another file system than the data" if is_apart else "the file system of the data"
    except OSError as missing:
        is_apart, where = False, f"not there: {missing.strerror}"
    if wrong:
        by_hand = "Find out what became of the file; ecosystem audit verify names what it lacks."
    elif is_apart:
        by_hand = "Confirm that nobody who runs the marketplace can change it: that is not measured."
    else:
        by_hand = "Set ECOSYSTEM_AUDIT_WITNESS to a file on another machine, best on a share that is written once."
    return Line(
        requirement="10.3.3 (beyond SAQ A)",
        about="witness of its checkpoints, on media that are hard to change",
        found=f"{path} ({where}): it has {found.witnessed or 0:,} of {found.signed:,} signed entries, {len(wrong)} findings",
        holds=is_apart and not wrong,
        by_hand=by_hand,
    )


def _dependencies() -> Iterator[Line]:
    """What is installed, beside what was pinned."""
    requirement, path = "6.3.1; 6.3.3", ROOT / "requirements" / "run.txt"
    if not path.is_file():
        yield Line(
            requirement=requirement,
            about="packages",
            found=f"{path} is not here",
            holds=None,
            by_hand="Write this report from the source that was installed.",
        )
        return
    text = path.read_text("utf-8")
    # A package is pinned once for each Python and system that it needs another version for.
    pins: dict[str, set[str]] = {}
    for found in filter(None, map(_PINNED.match, text.splitlines())):
        pins.setdefault(found[1].lower(), set()).add(found[2])
    entries = re.split(r"(?m)^(?=[A-Za-z0-9._-]+==)", text)
    bare = [entry.split("==")[0] for entry in entries if "==" in entry[:200] and "--hash=sha256:" not in entry]
    other = [
        f"{name} {installed}, pinned {' or '.join(sorted(pinned))}"
        for name, pinned in sorted(pins.items())
        if (installed := _installed(name)) not in {*pinned, None}
    ]
    yield Line(
        requirement=requirement,
        about="packages pinned with hashes",
        found=f"{len(pins)} packages, {len(bare)} without a hash; sha256 of the list {sha256(text.encode()).hexdigest()}",
        holds=not bare,
        by_hand="Look through the advisories of these packages each month, and install what mends them.",
    )
    yield Line(
        requirement=requirement,
        about="packages installed in other versions than pinned",
        found="; ".join(other) or "none",
        holds=not other,
    )


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _left_to_people() -> Iterator[Line]:
    """What SAQ A asks and no program can show."""
    for requirement, about, by_hand in (
        ("2.2.2", "vendor accounts", "Confirm that no default account of machine, router or processor is left as it came."),
        ("8.3.5; 8.3.6; 8.3.9", "passwords", ("The marketplace asks 8 or more signs of four kinds, none of the common ones. "
         "PCI DSS asks operators for 12: choose longer ones.")),
        ("9.4.1 to 9.4.6", "paper", "Confirm that no card data is kept on paper, or how it is kept and destroyed."),
        ("11.3.2", "external scans", "Have an approved vendor scan the public address each quarter; keep the reports."),
        ("12.8.1 to 12.8.5", "those who serve you", ("Keep the list of providers (the card processor first), their agreements "
         "and this year's attestations of compliance.")),
        ("12.10.1", "incidents", "Keep a plan of whom to call and what to do, and go through it each year."),
    ):  # fmt: skip
        yield Line(
            requirement=requirement, about=about, found="not measured: no program can", holds=None, by_hand=by_hand
        )


def written(evidence: Evidence) -> str:
    """The report as Markdown."""
    held = {True: "holds", False: "**DOES NOT HOLD**", None: "by hand"}
    lines = [
        f"# PCI DSS SAQ A: evidence of {evidence.marketplace}",
        "",
        (
            f"Made {evidence.made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by `ecosystem compliance report`. Requirements are those "
            "of PCI DSS v4.0.1; those that SAQ A (January 2025) does not ask are marked so."
        ),
        "",
        "| requirement | looked at | found | | left to you |",
        "| --- | --- | --- | --- | --- |",
    ]
    for line in evidence.lines:
        cells = (line.requirement, line.about, line.found, held[line.holds], line.by_hand)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    counts = {
        word: sum(line.holds is value for line in evidence.lines) for value, word in ((True, "hold"), (False, "do not"))
    }
    lines += ["", f"{counts['hold']} lines hold, {counts['do not']} do not.", ""]
    return "\n".join(lines)
