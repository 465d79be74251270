"""A file that was delivered and that the bank does not have: two operators say so, and its entries are free again.

A bank that never answers leaves a file under way for good. Sent again although the bank has it, its entries would be
paid twice: so one operator asks the bank, and another confirms what it said. An answer that comes after all takes the
word back while no entry has left the file; after that, it asks for a person.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from ecosystem.contexts.ach.files import REASON_MAX, AchFile, FileState
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Denied, Invalid

UNANSWERED = frozenset({FileState.DELIVERING, FileState.DELIVERED})


class BankHasIt(Conflict):
    """The bank answered about this file, or its statement shows it; or it never went there."""


class NothingSaidMissing(Conflict):
    """Nobody said that the bank does not have this file."""


class MissingAlone(Denied):
    """Another operator confirms that the bank does not have the file, in their own name."""


def may_be_missing(known: AchFile) -> bool:
    """Whether nothing shows that the bank has the file, which went there."""
    return known.state in UNANSWERED and not known.shown and not known.settled_batches


def said_missing(known: AchFile, reason: str, actor: Actor, at: datetime) -> AchFile:
    """Decide that the bank is said not to have the file. Raises `Denied`, `BankHasIt`, `Invalid` without a reason."""
    _own_name(actor)
    if not may_be_missing(known):
        raise BankHasIt
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_MAX:
        raise Invalid(f"Say who at the bank told you, in up to {REASON_MAX} signs.", field="reason")
    return replace(known, missing_by=actor.actor_id, missing_reason=reason, missing_at=at)


def found_missing(known: AchFile, actor: Actor, at: datetime) -> AchFile:
    """Decide as a second person that the bank does not have the file: it is as one that it refused.

    Raises `Denied`, `BankHasIt`, `NothingSaidMissing`, `MissingAlone`.
    """
    _own_name(actor)
    if not may_be_missing(known):
        raise BankHasIt
    if not known.missing_by:
        raise NothingSaidMissing
    if actor.actor_id == known.missing_by:
        raise MissingAlone
    return replace(
        known,
        state=FileState.REJECTED,
        reason=known.missing_reason,
        changed_by=(*known.changed_by, known.missing_by, actor.actor_id),
        changed_at=at,
    )


def _own_name(actor: Actor) -> None:
    if not actor.is_operator or actor.impersonator is not None:
        raise Denied("Only an operator may say that the bank does not have a file, and in their own name.")
