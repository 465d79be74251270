"""What the audit log takes in, committed with the act itself.

An act that moves money or is told as an event is in the log by that item alone: every transfer is, and so is an event
whose fact says so (`Fact.audited`), or that an operator caused. What leaves no such trace, such as reading what is
masked or using a key, commits an `Act` with it. The log's sequencer finds all three among the table's changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar

from msgspec import field
from msgspec.structs import replace

from ecosystem.kernel.actor import Actor
from ecosystem.ports.table import ABSENT, Key, Put, Stored

DETAILS_MAX = 32


class AuditKind(StrEnum):
    """What an entry of the audit log is about."""

    MONEY = "money"
    PRIVILEGE = "privilege"
    IMPERSONATION = "impersonation"
    ACCESS = "access"
    CONSENT = "consent"
    CONTENT = "content"
    KEYS = "keys"
    RULES = "rules"
    APPROVAL = "approval"
    ERASURE = "erasure"


class Act(Stored, frozen=True, kw_only=True):
    """One act that nothing else tells of: who did what to what, and when.

    `action` is a name in the past tense, such as `AddressRevealed`; `subject` the id of what it was done to; `detail`
    holds ids, versions and numbers, never a name, an address or what people wrote.
    """

    entity: ClassVar[str] = "act"

    act_id: str
    kind: AuditKind
    action: str
    actor: Actor
    subject: str
    at: datetime
    detail: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


def record(act: Act) -> Put:
    """The write that makes the act an entry, to be committed with what it was.

    Its id is minted (`act_...`), or derived from its cause where the same act may be asked for twice.
    """
    assert len(act.detail) <= DETAILS_MAX
    return Put(key=act_key(act.act_id), value=act, expected=ABSENT)


def noted(kind: AuditKind, action: str, actor: Actor, subject: str, at: datetime, **detail: str | int) -> Put:
    """The write that makes an act an entry, under an id made of all it says: the same at the same instant is one act."""
    parts = (
        kind.value,
        action,
        actor.actor_id,
        actor.impersonator or "",
        subject,
        at.isoformat(),
        *map(str, detail.items()),
    )
    digest = blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=13).hexdigest()
    act = Act(act_id=f"act_{digest}", kind=kind, action=action, actor=actor, subject=subject, at=at, detail=detail)
    return replace(record(act), expected=None)


def act_key(act_id: str) -> Key:
    """Access: one act by its id."""
    return Key(f"ACT#{act_id}", "METADATA")


def audited_as(told: AuditKind | None, actor: Actor) -> str:
    """The kind under which an event is audited: its fact's, or that of the privilege its actor used; empty if neither."""
    if told is not None:
        return told.value
    if actor.impersonator is not None:
        return AuditKind.IMPERSONATION.value
    return AuditKind.PRIVILEGE.value if actor.is_operator else ""
