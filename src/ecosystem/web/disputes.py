"""The words of disputes that pages of both sides and of the console share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.disputes import Answer, Cause, Dispute, Kind, Party, State
from ecosystem.kernel.money import Money, decimal_text, parse_decimal
from ecosystem.kernel.refusals import Invalid
from ecosystem.web.answers import Answer as Answered
from ecosystem.web.answers import Drawn
from ecosystem.web.visit import Visit

Amount = Annotated[str, Meta(max_length=30)]
Text = Annotated[str, Meta(max_length=1_000)]

CAUSES: Mapping[Cause, str] = {
    Cause.NOT_DONE: "The work was not done",
    Cause.NOT_AS_AGREED: "It was not what was agreed",
    Cause.POOR_QUALITY: "It was done badly",
    Cause.CUT_SHORT: "It was cut short",
    Cause.OVERCHARGED: "I was charged too much",
    Cause.OTHER: "Something else",
}
STATES: Mapping[State, tuple[str, str]] = {
    State.REVIEW: ("The provider answers", "wait"),
    State.ACCEPTED: ("Accepted", "wait"),
    State.OFFERED: ("An offer stands", "wait"),
    State.CONTESTED: ("Contested", "wait"),
    State.ESCALATED: ("Before an operator", "bad"),
    State.AT_BANK: ("At the bank", "wait"),
    State.BANK_DECIDED: ("The bank has decided", "wait"),
    State.DECIDED: ("Decided", "good"),
    State.WITHDRAWN: ("Withdrawn", ""),
}
"""For each state its words, and the tone they are shown in."""

ANSWERS: Mapping[Answer, str] = {
    Answer.ACCEPTED: "The provider agrees",
    Answer.OFFERED: "The provider offers a part",
    Answer.CONTESTED: "The provider sees it otherwise",
}
DECIDERS: Mapping[Party, str] = {
    Party.CUSTOMER: "Agreed between the two sides",
    Party.PROVIDER: "The provider agreed",
    Party.OPERATOR: "Decided by an operator",
    Party.RULE: "Decided by rule",
    Party.BANK: "Decided by the bank",
}


class Shown(Struct, frozen=True, kw_only=True):
    """A dispute with the words it is shown by."""

    dispute: Dispute
    state: str
    tone: str
    cause: str
    answer: str
    decider: str

    @property
    def is_chargeback(self) -> bool:
        return self.dispute.kind is Kind.CHARGEBACK


def shown(dispute: Dispute) -> Shown:
    state, tone = STATES[dispute.state]
    return Shown(
        dispute=dispute,
        state=state,
        tone=tone,
        cause=CAUSES[dispute.cause] if dispute.kind is Kind.COMPLAINT else "The customer's bank asks for the money",
        answer=ANSWERS[dispute.said.answer] if dispute.said else "",
        decider=DECIDERS[dispute.verdict.by] if dispute.verdict else "",
    )


def amount_of(text: str, whole: Money, *, field: str) -> Money:
    """The amount somebody typed, in the currency of what was paid. Raises `Invalid` at its field."""
    try:
        return parse_decimal(text.replace(",", "."), whole.currency)
    except Invalid as no:
        raise Invalid(no.message, field=field) from no


def typed(amount: Money) -> str:
    """An amount as a field shows it."""
    return decimal_text(amount)


async def evidence_file(request: Visit, booking_id: str, dispute_id: str, version: int) -> Answered:
    """A version of the evidence as its one file."""
    body = await request.market.evidence.file(booking_id, dispute_id, version, request.actor)
    headers = (
        ("cache-control", "private, no-store"),
        ("content-disposition", f'attachment; filename="evidence-{dispute_id}-{version}.zip"'),
    )
    return Drawn(status=200, headers=headers, body=body, media_type="application/zip").answer()
