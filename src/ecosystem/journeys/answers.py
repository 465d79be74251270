"""What a person may answer a step that waits for one, and what they hand on with it.

A machine's step names the answers in its input, under `answers`: `accept`, `reject`, or both. Most steps that wait have
none: an event answers them, and whoever else did would send their execution astray.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ecosystem.kernel.money import MINOR_MAX
from ecosystem.kernel.refusals import Conflict, Invalid

ACCEPT, REJECT = "accept", "reject"
REJECTED = "Rejected"
"""The error under which a task fails that a person rejected: what a machine's Catch names."""


class NotAPersonsToAnswer(Conflict):
    """This step does not wait for that answer of a person: what happens to its matter answers it."""


class HandedOn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes with accepting: how much goes back, in minor units. All that is wanted does where it is left out."""

    refund_minor: Annotated[int, Meta(ge=0, le=MINOR_MAX)] | UnsetType = UNSET


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer as the step hears it: the result of its task, or in JSON the cause under which it fails."""

    decided_by: str
    reason: str
    refund_minor: int | UnsetType = UNSET


def answers(asked: Any) -> tuple[str, ...]:
    """What a person may answer the step that was asked so."""
    named: Any = cast("Mapping[str, Any]", asked).get("answers") if isinstance(asked, Mapping) else None
    if not isinstance(named, Sequence):
        return ()
    return tuple(each for each in (ACCEPT, REJECT) if each in named)


def handed_on(output: Any) -> HandedOn:
    """What an operator wrote to be handed on; nothing when it is None. Raises `Invalid`, naming the field at fault."""
    if output is None:
        return HandedOn()
    try:
        return msgspec.convert(output, HandedOn)
    except msgspec.ValidationError as wrong:
        raise Invalid(f"Only {known()} may be handed on. {wrong}.", field="output") from wrong


def known() -> str:
    """The fields that may be handed on, for a sentence."""
    return ", ".join(HandedOn.__struct_fields__)
