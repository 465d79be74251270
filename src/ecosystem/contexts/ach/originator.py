"""Who we are to our bank: what it gave us when it agreed to send our files, and above which sum two people decide.

Nothing is originated before an operator has said so. A change holds from the next file on, and is an event. A higher
limit holds only once a second operator confirmed it: else one person alone would raise it and need nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.ach import keys
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, Invalid
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Stale, Stored, Table

LEAD_S_MIN = 600
"""Files are built every five minutes, and what was built has to reach the bank: two turns."""
LEAD_S_MAX = 6 * 3600
APPROVAL_CENTS = 1_000_000
"""Above so much a file needs a second person, until two people said another limit."""
_COMPANY = re.compile(r"[A-Z0-9 .&,'-]{1,16}", re.IGNORECASE)
_IDENTIFICATION = re.compile(r"[0-9A-Z]{10}")


class NotOriginating(Conflict):
    """Nobody has said yet who we are to the bank that sends our files."""


class NothingToConfirm(Conflict):
    """Nobody asked for a higher limit."""


class RaisedAlone(Denied):
    """Another operator confirms a higher limit than the one who asked for it, in their own name."""


class OriginatorChanging(Stale):
    """Somebody else changed this meanwhile: look again."""


class Originator(Stored, frozen=True, kw_only=True):
    """Our agreement with our bank.

    `odfi` is the bank's routing number of nine digits: the first eight begin our trace numbers. `destination` and
    `origin` stand in the file header, each of up to ten signs. `company_identification` are ten, as the bank gave them.
    `lead_s` is how long before the operator's deadline our bank wants a file. A file whose debits or credits are above
    `approval_cents` needs a second person. A higher limit, `raising_cents`, was asked for by `raising_by` and holds once
    somebody else confirmed it; 0 when none was.
    """

    entity: ClassVar[str] = "ach-originator"

    odfi: str
    destination: str
    destination_name: str
    origin: str
    origin_name: str
    company_name: str
    company_identification: str
    lead_s: int = 900
    approval_cents: int = APPROVAL_CENTS
    raising_cents: int = 0
    raising_by: str = ""
    version: int = 1
    set_by: str = ""
    set_at: datetime

    @property
    def odfi_eight(self) -> str:
        return self.odfi[:8]


class SetOriginator(Struct, frozen=True, kw_only=True):
    """What an operator says about us and our bank. `version` is the one they looked at, 0 when there was none."""

    odfi: str
    destination: str
    destination_name: str
    origin: str
    origin_name: str
    company_name: str
    company_identification: str
    lead_s: int = 900
    approval_cents: int = APPROVAL_CENTS
    version: int = 0


def said(
    request: SetOriginator,
    actor: Actor,
    at: datetime,
    *,
    limit_cents: int = APPROVAL_CENTS,
    origins: Collection[str] = (),
) -> Originator:
    """Decide who we are. Raises `Invalid` naming the field that does not fit.

    A limit above `limit_cents`, which holds now, waits for a second person; a lower one holds at once. `origins` are
    those of files under way: the bank's statement names a file by its day and modifier, and these are an origin's own.
    """
    if any(origin != request.origin for origin in origins):
        raise Invalid(
            "Files under way bear the former origin, by which the bank's answers find them: wait until all are settled.",
            field="origin",
        )
    digits = [int(digit) for digit in request.odfi] if request.odfi.isascii() and request.odfi.isdigit() else []
    if len(digits) != 9 or sum(d * w for d, w in zip(digits, (3, 7, 1) * 3, strict=True)) % 10:
        raise Invalid("A routing number has nine digits, the last of which is its check digit.", field="odfi")
    for name, most in (("destination", 10), ("origin", 10), ("destination_name", 23), ("origin_name", 23)):
        text = getattr(request, name)
        if not (1 <= len(text) <= most and text.isascii() and text.isprintable()):
            raise Invalid(f"This has 1 to {most} plain letters or digits.", field=name)
    if not _COMPANY.fullmatch(request.company_name.strip()):
        raise Invalid(
            "The company name has up to 16 plain letters; receivers see it on their statement.", field="company_name"
        )
    if not _IDENTIFICATION.fullmatch(request.company_identification):
        raise Invalid("The company identification has ten digits or capitals.", field="company_identification")
    if not LEAD_S_MIN <= request.lead_s <= LEAD_S_MAX:
        raise Invalid("Files are ready ten minutes to six hours before the operator's deadline.", field="lead_s")
    if request.approval_cents < 0:
        raise Invalid("The limit is an amount.", field="approval_cents")
    raised = request.approval_cents > limit_cents
    return Originator(
        odfi=request.odfi,
        destination=request.destination,
        destination_name=request.destination_name,
        origin=request.origin,
        origin_name=request.origin_name,
        company_name=request.company_name.strip(),
        company_identification=request.company_identification,
        lead_s=request.lead_s,
        approval_cents=limit_cents if raised else request.approval_cents,
        raising_cents=request.approval_cents if raised else 0,
        raising_by=actor.actor_id if raised else "",
        version=request.version + 1,
        set_by=actor.actor_id,
        set_at=at,
    )


def raised(known: Originator, actor: Actor) -> Originator:
    """Decide that the higher limit holds, as a second person. Raises `Denied`, `NothingToConfirm`, `RaisedAlone`."""
    actor.must_operate()
    if not known.raising_cents:
        raise NothingToConfirm
    if actor.impersonator is not None or actor.actor_id == known.raising_by:
        raise RaisedAlone
    return replace(
        known,
        approval_cents=known.raising_cents,
        raising_cents=0,
        raising_by="",
        version=known.version + 1,
    )


@dataclass(frozen=True, slots=True)
class Originators:
    """Finds who we are to our bank. `Agreement` changes it."""

    table: Table
    clock: Clock

    async def find(self) -> Row[Originator] | None:
        return await self.table.get(keys.originator(), Originator)

    async def current(self) -> Originator:
        """Who we are. Raises `NotOriginating` until somebody said so."""
        row = await self.find()
        if row is None:
            raise NotOriginating
        return row.value
