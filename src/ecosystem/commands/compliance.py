"""`ecosystem compliance report`: the evidence for a PCI DSS SAQ A, measured now and written down beside its requirement.

Read from the stored table, the keys, the code and, while the marketplace serves, from its own answers over HTTP. What
was not measured says so; what no program can show is left to the operator, in words. Requirement numbers are those of
PCI DSS v4.0.1 and its SAQ A (January 2025).
"""

from __future__ import annotations

import http.client
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ecosystem.adapters.embedded import WITNESS
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.witness import FileWitness
from ecosystem.app import auditors
from ecosystem.commands.settings import Settings
from ecosystem.contexts.audit import signers
from ecosystem.contexts.identity import Account, Session
from ecosystem.kernel.actor import Group
from ecosystem.ports.keys import KeyName
from ecosystem.ports.table import Cursor, Table

PAGES = ("/", "/search", "/sign-in", "/sign-up", "/reset", "/help/privacy")
BODY_MAX = 4 * 1024 * 1024
TIMEOUT_S = 5
ROOT = Path(__file__).parents[3]
CARD_FIELD = re.compile(r"autocomplete=[\"']?cc-|name=[\"']?(?:card_?number|cvc|cvv)\b", re.IGNORECASE)
_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)
_SOURCE = re.compile(r"\bsrc=\"([^\"]+)\"")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


class Line(Struct, frozen=True, kw_only=True):
    """One piece of evidence: the requirement, what was looked at, what was found, and what is left to do by hand.

    `holds` is None where nothing was measured.
    """

    requirement: str
    about: str
    found: str
    holds: bool | None
    by_hand: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    made_at: datetime
    marketplace: str
    measured_over_http: bool
    lines: Sequence[Line]


class _Answer(Struct, frozen=True):
    status: int
    policy: str
    body: bytes


async def report(chosen: Settings, out: Path | None) -> int:
    """Write the report as Markdown, and as JSON beside it; 1 when something that was measured does not hold."""
    evidence = await gathered(chosen)
    text = written(evidence)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        beside = out.with_suffix(".json")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(evidence), indent=2))
        print(f"{out} and {beside}: {len(evidence.lines)} lines of evidence.")
    return 1 if any(line.holds is False for line in evidence.lines) else 0


async def gathered(chosen: Settings) -> Evidence:
    """Everything there is to show."""
    clock = SystemClock()
    pages = {path: answer for path in PAGES if (answer := _asked(chosen, path)) is not None}
    table = await EmbeddedTable.read_only(chosen.data / "table.sqlite", clock)
    try:
        lines = [
            *_card_data(chosen, pages),
            *_canary(),
            *_scripts(chosen, pages),
            *await _access(table),
            *await _keys(chosen),
            *await _log(chosen, table),
            *_dependencies(),
            *_left_to_people(),
        ]
    finally:
        await table.close()
    return Evidence(made_at=clock.now(), marketplace=chosen.url, measured_over_http=bool(pages), lines=lines)


def _card_data(chosen: Settings, pages: dict[str, _Answer]) -> Iterator[Line]:
    """Where a card number could go: the element's origin alone, and no field of ours."""
    eligibility = "SAQ A eligibility; 3.2.1"
    for path, answer in pages.items():
        frames = _directive(answer.policy, "frame-src")
        sends = {name: _directive(answer.policy, name) for name in ("connect-src", "form-action")}
        held = frames in {"'none'", _element(chosen)} and set(sends.values()) == {"'self'"}
        said = f"frames from {frames}; {', '.join(f'{name} {value}' for name, value in sends.items())}"
        yield Line(requirement=eligibility, about=f"{path}: where the page may send or frame", found=said, holds=held)
        fields = len(CARD_FIELD.findall(answer.body.decode("utf-8", "replace")))
        yield Line(
            requirement=eligibility, about=f"{path}: card fields of ours", found=f"{fields} fields", holds=fields == 0
        )
    if not pages:
        yield _unasked(eligibility, "where pages may send or frame")
    named = sorted(_with_card_fields())
    yield Line(
        requirement=eligibility,
        about="code and templates of the marketplace that name a card field (the sandbox processor is another program)",
        found=", ".join(named) or "none",
        holds=not named,
        by_hand="Keep the processor's attestation of compliance: its element takes the card.",
    )


def _with_card_fields() -> Iterator[str]:
    root = Path(str(files("ecosystem")))
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        if (
            path.suffix in {".html", ".js"}
            and inside.parts[0] != "sandbox"
            and CARD_FIELD.search(path.read_text("utf-8"))
        ):
            yield inside.as_posix()


def _canary() -> Iterator[Line]:
    """What the search for card numbers came to, if it was ever made here."""
    requirement, path = "3.2.1; 3.3.1", ROOT / "build" / "canary.json"
    about = "card numbers typed in a browser, and looked for in requests, log, files, memory and a backup"
    try:
        kept = cast("dict[str, Any]", msgspec.json.decode(path.read_bytes()))
        found = (
            f"{kept['at']}: {kept['numbers']} numbers, {kept['size_bytes']:,} bytes searched, {kept['hits']} hits; a number "
            "let out on purpose was found"
        )
        yield Line(requirement=requirement, about=about, found=found, holds=kept["hits"] == 0 and bool(kept["leak"]))
    except (OSError, KeyError, TypeError, msgspec.MsgspecError):
        yield Line(
            requirement=requirement,
            about=about,
            found="never run here",
            holds=None,
            by_hand="Run python -m bench.canary from the source, and write this report again.",
        )


def _scripts(chosen: Settings, pages: dict[str, _Answer]) -> Iterator[Line]:
    """Every script that pages load, beside what was built; and whether others could run."""
    requirement = "SAQ A eligibility (script attacks); 6.4.3; 11.6.1"
    if not pages:
        yield _unasked(requirement, "scripts and their integrity")
    served: dict[str, set[str]] = {}
    for path, answer in pages.items():
        policy = _directive(answer.policy, "script-src")
        held = policy.startswith("'nonce-") and "unsafe" not in policy
        shown = re.sub(r"'nonce-[^']+'", "'nonce-...'", policy)
        yield Line(requirement=requirement, about=f"{path}: what may run", found=shown or "no policy", holds=held)
        for tag in _SCRIPT.findall(answer.body.decode("utf-8", "replace")):
            for source in _SOURCE.findall(tag):
                served.setdefault(source, set()).add(path)
    for source, where in sorted(served.items()):
        answer = _asked(chosen, source) if source.startswith("/") else None
        digest = sha256(answer.body).hexdigest() if answer else "not ours"
        built = _built(source)
        yield Line(
            requirement=requirement,
            about=f"{source}, on {len(where)} of {len(pages)} pages",
            found=f"sha256 {digest}",
            holds=answer is not None and digest == built,
            by_hand="" if digest == built else "This is not what was built: find out who changed it.",
        )


def _built(source: str) -> str:
    """The digest of the file that was built, whatever fingerprint its name bears."""
    stem, _, ending = source.rpartition("/")[2].rpartition(".")
    name = f"{stem.rpartition('.')[0] or stem}.{ending}"
    for folder in ("dist", "plain"):
        path = Path(str(files("ecosystem.web"))) / "static" / folder / name
        if path.is_file():
            return sha256(path.read_bytes()).hexdigest()
    return ""


async def _access(table: Table) -> list[Line]:
    """Who operates, with what, and when they last signed in."""
    operators: list[Account] = []
    locked = total = 0
    after: Cursor | None = None
    while True:
        page = await table.scan(Account, after=after)
        for account in page.values:
            total += 1
            locked += account.standing.value != "active"
            if Group.ADMINS in account.groups:
                operators.append(account)
        after = page.next
        if after is None:
            break
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
    after: Cursor | None = None
    while True:
        page = await table.scan(Session, after=after)
        for session in page.values:
            if session.user_id in people and session.impersonator is None:
                latest[session.user_id] = max(session.signed_in_at, latest.get(session.user_id, session.signed_in_at))
        after = page.next
        if after is None:
            return latest


async def _keys(chosen: Settings) -> list[Line]:
    """Each named key: its versions and the age of the present one."""
    clock = SystemClock()
    keys = await FileKeys.open(FileSecrets(chosen.data / "secrets"), clock, SystemEntropy())
    lines: list[Line] = []
    for name in KeyName:
        versions = await keys.versions(name)
        days = (clock.now() - versions[-1].made_at).days
        lines.append(
            Line(
                requirement="3.6.1; 3.7.4 (beyond SAQ A)",
                about=f"key {name.value}",
                found=f"version {versions[-1].number} of {len(versions)}, {days} days old",
                holds=days <= 365,
                by_hand="" if days <= 365 else f"ecosystem keys rotate {name.value}",
            )
        )
    return lines


async def _log(chosen: Settings, table: Table) -> list[Line]:
    """The audit log, verified whole now."""
    keys = await FileKeys.open(FileSecrets(chosen.data / "secrets"), SystemClock(), SystemEntropy())
    witness = chosen.audit_witness or chosen.data / WITNESS
    reading = auditors(
        table,
        SystemClock(),
        SystemEntropy(),
        signatures=Ed25519Signatures(),
        trusted=await signers(keys),
        witness=FileWitness(witness),
    )
    found = await reading.verifier.verify()
    apart = chosen.audit_witness is not None and not chosen.audit_witness.resolve().is_relative_to(
        chosen.data.resolve()
    )
    return [
        Line(
            requirement="10.2.1; 10.3.2; 10.3.4 (beyond SAQ A)",
            about="audit log of money, privileges, access, keys and rules, verified whole for this report",
            found=f"{found.size:,} entries, root {found.root}, {found.found} findings; {found.items:,} items compared",
            holds=found.holds,
            by_hand="" if found.holds else "ecosystem audit verify names each place that is wrong.",
        ),
        Line(
            requirement="10.5.1 (beyond SAQ A)",
            about="how long it is kept",
            found="for ever: no entry expires, and none can be taken out unnoticed",
            holds=found.holds,
        ),
        Line(
            requirement="10.3.3 (beyond SAQ A)",
            about="witness of its checkpoints",
            found=f"{witness}, which has {found.witnessed or 0:,} entries",
            holds=apart or None,
            by_hand="" if apart else "Set ECOSYSTEM_AUDIT_WITNESS to a file on another machine.",
        ),
    ]


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
    pins = {found[1].lower(): found[2] for line in text.splitlines() if (found := _PINNED.match(line))}
    entries = re.split(r"(?m)^(?=[A-Za-z0-9._-]+==)", text)
    bare = [entry.split("==")[0] for entry in entries if "==" in entry[:200] and "--hash=sha256:" not in entry]
    other = [
        f"{name} {installed}, pinned {pinned}"
        for name, pinned in sorted(pins.items())
        if (installed := _installed(name)) not in {pinned, None}
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
            requirement=requirement, about=about, found="not a matter for a program", holds=None, by_hand=by_hand
        )


def _unasked(requirement: str, about: str) -> Line:
    return Line(
        requirement=requirement,
        about=about,
        found="not measured: the marketplace did not answer",
        holds=None,
        by_hand="Start it (ecosystem serve), and write this report again.",
    )


def _asked(chosen: Settings, path: str) -> _Answer | None:
    """What the marketplace answers on this machine; None when it does not."""
    host = "127.0.0.1" if chosen.host in {"0.0.0.0", "::"} else chosen.host  # noqa: S104 — compared with, not listened on
    connection = http.client.HTTPConnection(host, chosen.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": urlsplit(chosen.url).netloc, "Accept": "text/html,*/*"})
        answer = connection.getresponse()
        body = answer.read(BODY_MAX)
        return (
            _Answer(answer.status, answer.headers.get("content-security-policy", ""), body)
            if answer.status == 200
            else None
        )
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _element(chosen: Settings) -> str:
    return "https://js.stripe.com" if chosen.stripe else chosen.processor_url


def _directive(policy: str, name: str) -> str:
    for part in policy.split(";"):
        said = part.strip()
        if said.startswith(f"{name} "):
            return said.removeprefix(f"{name} ")
    return ""


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
