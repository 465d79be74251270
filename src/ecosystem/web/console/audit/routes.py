"""The audit log: entries by kind, person, matter and day; one with its proof; the signed checkpoints."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

import msgspec
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.audit import (
    AuditKind,
    NotYetSigned,
    Placed,
    Proof,
    Wanted,
    note,
    proving,
    statement,
    verifier_key,
)
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import zone
from ecosystem.ports.inspector import Whole
from ecosystem.ports.table import Cursor
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.console.desk import desk, get
from ecosystem.web.visit import Visit

DAY = timedelta(days=1)
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d\d-\d\d)?$", max_length=10)]


class NoSuchDay(Invalid):
    """That is no day of the calendar."""


class Asked(Struct, frozen=True, kw_only=True):
    """Which entries: a kind, by whom, about what, from one day of the operator's zone to another, both included."""

    kind: Annotated[str, Meta(max_length=20)] = ""
    by: Annotated[str, Meta(max_length=80)] = ""
    about: Annotated[str, Meta(max_length=120)] = ""
    start: Day = ""
    end: Day = ""
    after: Annotated[str, Meta(pattern=r"^\d{0,15}$", max_length=15)] = ""


class AskedPage(Struct, frozen=True, kw_only=True):
    after: Annotated[str, Meta(max_length=700)] = ""


@get("/console/audit")
async def entries(request: Visit) -> Answer:
    """Entries, newest first."""
    asked = request.query_of(Asked).asked
    market, actor = request.market, request.actor
    at_desk = await desk(request)
    wanted = Wanted(
        kind=asked.kind,
        actor=asked.by.strip(),
        subject=asked.about.strip(),
        start_at=_begins(asked.start, request.zone),
        end_at=_ends(asked.end, request.zone),
    )
    found = await market.audit_explorer.entries(wanted, actor, below=int(asked.after) if asked.after else None)
    query = {name: value for name, value in msgspec.structs.asdict(asked).items() if value and name != "after"}
    return at_desk.page(
        "audit/list.html",
        asked=asked,
        query=query,
        kinds=[kind.value for kind in AuditKind],
        entries=found.entries,
        size=found.size,
        after=asked.after,
        next_after=str(found.below) if found.below else "",
        lag=await market.audit.lag(),
        verifications=await market.inspections.latest(actor, limit=3, what=Whole.AUDIT),
        may_verify=market.ports.inspector is not None,
    )


@get("/console/audit/entries/{index:int}")
async def show(request: Visit, index: FromPath[int]) -> Answer:
    """One entry, what it commits to, and its proof."""
    at_desk = await desk(request)
    explorer, actor = request.market.audit_explorer, request.actor
    placed = await explorer.entry(index, actor)
    try:
        proof: Proof | None = await explorer.prove(index, actor)
    except NotYetSigned:
        proof = None
    return at_desk.page(
        "audit/entry.html",
        placed=placed,
        matter=_matter(placed),
        proof=proof,
        stated=statement(note(proof.checkpoint)) if proof else None,
        content=_pretty(proof.opening.content) if proof and proof.opening else "",
    )


@get("/console/audit/entries/{index:int}/proof.json")
async def proof(request: Visit, index: FromPath[int]) -> Answer:
    """The proof as a file that anyone checks without us."""
    made = await request.market.audit_explorer.prove(index, request.actor)
    await request.market.acts.note(AuditKind.ACCESS, "ProofMade", request.actor, f"entry {index}")
    headers = (
        ("cache-control", "private, no-cache"),
        ("content-disposition", f'attachment; filename="audit-entry-{index}.json"'),
    )
    return Drawn(status=200, headers=headers, body=proving.written(made), media_type="application/json").answer()


@get("/console/audit/checkpoints")
async def checkpoints(request: Visit) -> Answer:
    """The signed checkpoints, newest first, and the keys they are verified with."""
    asked = request.query_of(AskedPage).asked
    at_desk = await desk(request)
    market = request.market
    found, following = await market.audit_explorer.checkpoints(
        request.actor, Cursor(asked.after) if asked.after else None, limit=40
    )
    signers = await market.ports.keys.signers()
    return at_desk.page(
        "audit/checkpoints.html",
        checkpoints=[(each, statement(note(each.note)).root.hex()) for each in found],
        keys=[(version, verifier_key(market.audit.origin, key)) for version, key in sorted(signers.items())],
        lag=await market.audit.lag(),
        after=asked.after,
        next_after=following or "",
    )


def _matter(placed: Placed) -> str:
    """What the entry is of, with people by their own ids where they are not erased."""
    return placed.named(placed.entry.id)


def _begins(day: str, zone_name: str) -> datetime | None:
    if not day:
        return None
    try:
        wall = datetime.combine(datetime.strptime(day, "%Y-%m-%d").date(), time())  # noqa: DTZ007 — a day of the asker's
    except ValueError:
        raise NoSuchDay(field="start") from None
    return wall.replace(tzinfo=zone(zone_name)).astimezone(UTC)


def _ends(day: str, zone_name: str) -> datetime | None:
    begins = _begins(day, zone_name)
    return begins + DAY if begins else None


def _pretty(content: str) -> str:
    return msgspec.json.format(content, indent=2)
