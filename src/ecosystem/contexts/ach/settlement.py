"""How a file's batches settle: as they were sent, or without entries that the bank took out of them.

The bank's statement has one line for a batch. When its amount is another than ours, nothing settles by itself: an
operator asks the bank which entries it took out, and names them. What is left must be what the statement shows, so that
nobody can settle what the bank did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from msgspec.structs import replace

from ecosystem.contexts.ach.files import AT_BANK, AchFile, BatchShown, FileEntry, FileState, LeftOut
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, Invalid, NotFound

LEFT_OUT_MAX = 1_000
"""Entries that may be named as left out of a file: more stand in no item."""


class NoSuchBatch(NotFound):
    """The file has no such batch."""


class BatchSettled(Conflict):
    """This batch was settled already."""


class BatchNotShown(Conflict):
    """The bank's statement does not show this batch yet: wait for the day on which it settles."""


def batch_settled(known: AchFile, number: int, at: datetime) -> AchFile:
    """The file, one batch of which was seen in the bank's statement."""
    if number in known.settled_batches:
        return known
    return replace(known, settled_batches=tuple(sorted({*known.settled_batches, number})), changed_at=at)


def batch_shown(known: AchFile, shown: BatchShown, at: datetime) -> AchFile:
    """The file, one batch of which the statement has at another amount; settled, when its lines together make it up."""
    if any(each.line == shown.line for each in known.shown):
        return known
    after = replace(known, shown=(*known.shown, shown), changed_at=at)
    batch = known.batch(shown.batch)
    if batch is not None and shown_cents(after, shown.batch) == batch.cents:
        return batch_settled(after, shown.batch, at)
    return after


def shown_cents(known: AchFile, number: int) -> int:
    """What the statement's lines have of a batch that they do not show as it was sent."""
    return sum(each.cents for each in known.shown if each.batch == number)


def batch_settled_without(
    known: AchFile, number: int, left_out: Sequence[FileEntry], actor: Actor, at: datetime
) -> AchFile:
    """Decide that a batch settled without these of its entries. The same again changes nothing.

    Raises `Denied`, `NoSuchBatch`, `BatchSettled`, `BatchNotShown` before the bank had to show it, `Invalid` when what is
    left is not what the statement shows.
    """
    actor.must_operate()
    batch = known.batch(number)
    if batch is None:
        raise NoSuchBatch
    without = tuple(LeftOut(batch=number, trace_number=each.trace_number, cents=each.cents) for each in left_out)
    before = tuple(each for each in known.left_out if each.batch == number)
    if before and {each.trace_number for each in before} == {each.trace_number for each in without}:
        return known
    if number in known.settled_batches or known.state not in AT_BANK:
        raise BatchSettled
    is_shown = any(each.batch == number for each in known.shown)
    if not is_shown and at < known.settles_at:
        raise BatchNotShown
    if not without or len(known.left_out) + len(without) > LEFT_OUT_MAX:
        raise Invalid(f"Name 1 to {LEFT_OUT_MAX} entries by their trace numbers.", field="traces")
    rest, shown = batch.cents - sum(each.cents for each in without), shown_cents(known, number)
    if rest != shown:
        raise Invalid(
            f"Without these {_dollars(rest)} are left, and the statement shows {_dollars(shown)}.", field="traces"
        )
    settled_now = batch_settled(known, number, at)
    changed_by = (*known.changed_by, actor.actor_id)
    return replace(settled_now, left_out=(*known.left_out, *without), changed_by=changed_by, changed_at=at)


def is_settled(known: AchFile) -> bool:
    """Whether all its batches that move money were seen; batches of prenotes leave no trace in a statement."""
    return all(batch.number in known.settled_batches for batch in known.batches if batch.cents)


def settled(known: AchFile, day: date, at: datetime) -> AchFile:
    """The file, all of whose money was seen in the bank's statement by that day."""
    if known.state not in AT_BANK:
        return known
    return replace(known, state=FileState.SETTLED, settled_on=day, changed_at=at)


def _dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02}"
