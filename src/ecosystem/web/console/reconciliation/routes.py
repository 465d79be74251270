"""Days reconciled, what differs, and one difference with its three sides, what mends it, and its history."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.reconciliation import (
    EXPLAINED,
    Deed,
    Discrepancy,
    Kind,
    Repair,
    Run,
    Side,
    State,
)
from ecosystem.journeys.repairing import AskRepair
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.ports.table import Cursor
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

PAGE = 50
READS_MAX = 100
RUNS = 7
PATH = "/console/reconciliation"
STATES = {State.OPEN: "Open", State.PROPOSED: "To be approved", State.ASKED: "Asked elsewhere", State.CLOSED: "Closed"}
SIDES = {Side.LEDGER: "Our books", Side.PROCESSOR: "Card processor", Side.BANK: "Bank"}
REPAIRS = {
    Repair.ADOPT: (
        "Take it in",
        "How it stands is asked of the processor, and enters our books with all that follows.",
    ),
    Repair.GIVE_BACK: (
        "Give it back",
        "No booking of ours is behind it: the processor sends the money back, and both ways are posted.",
    ),
    Repair.BOOK_FEE: ("Book the fee", "What our books lack is posted as a cost of the platform."),
    Repair.SETTLE: ("Book the settlement", "The bank's files are worked through once more."),
    Repair.CORRECT: ("Correct our books", "The difference is posted; the platform bears it."),
    Repair.REVERSE: ("Reverse it", "What stands in our books once too often is reversed."),
    Repair.ASK_PROCESSOR: ("Ask the processor", "It waits for their answer."),
    Repair.ASK_BANK: ("Ask the bank", "It waits for their answer."),
    Repair.ACCEPT: ("Accept it", "Nothing moves: the difference is explained."),
}
DEEDS = {
    Deed.SEEN: "Seen for the first time",
    Deed.CHANGED: "Differs otherwise",
    Deed.ASSIGNED: "Assigned",
    Deed.REMARK: "Remark",
    Deed.PROPOSED: "Repair proposed",
    Deed.WITHDRAWN: "Proposal taken back",
    Deed.ASKED: "Asked",
    Deed.REPAIRED: "Mended",
    Deed.CLOSED: "Accepted",
    Deed.GONE: "Gone by itself",
    Deed.REOPENED: "Open again",
}


class Asked(Struct, frozen=True, kw_only=True):
    """Which discrepancies."""

    state: State = State.OPEN
    kind: Annotated[str, Meta(max_length=40)] = ""
    after: Annotated[str, Meta(max_length=700)] = ""


class AskRun(Struct, frozen=True, kw_only=True):
    day: date


class Mending(Struct, frozen=True, kw_only=True):
    version: int
    repair: Repair
    reason: Annotated[str, Meta(max_length=1_000)] = ""


class Approving(Struct, frozen=True, kw_only=True):
    """Which version of it was read."""

    version: int


class Remark(Struct, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=1_000)] = ""


@get(PATH)
async def listed(request: Visit) -> Answer:
    """The latest days, the proof of the last one, and discrepancies in a state."""
    asked = request.query_of(Asked).asked
    yesterday = request.at.date() - timedelta(days=1)
    return await _listed(request, asked, forms.blank(AskRun, day=yesterday))


@post(PATH)
async def ask(request: Visit) -> Answer:
    """Ask for a day to be reconciled."""
    form = await request.form_of(AskRun)
    try:
        await request.market.reconciling.ask(form.asked.day, request.actor)
    except Refusal as no:
        return await _listed(request, Asked(), form.refused(no))
    return request.redirect(PATH, toast=Toast(text="The day is being reconciled."))


@get(PATH + "/{discrepancy_id:str}")
async def detail(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """One discrepancy."""
    return await _shown(request, discrepancy_id, forms.blank(Mending), forms.blank(Remark))


@post(PATH + "/{discrepancy_id:str}")
async def mend(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """Mend it, or propose so."""
    form = await request.form_of(Mending)
    try:
        mending = form.asked
        asked = AskRepair(
            discrepancy_id=discrepancy_id, repair=mending.repair, reason=mending.reason, version=mending.version
        )
        after = await request.market.repairing.repair(asked, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await _shown(request, discrepancy_id, form.refused(no), forms.blank(Remark))
    words = {
        State.PROPOSED: "Proposed: somebody else has to approve it.",
        State.ASKED: "Noted: it waits for their answer.",
    }
    return request.redirect(f"{PATH}/{discrepancy_id}", toast=Toast(text=words.get(after.state, "Done.")))


@post(PATH + "/{discrepancy_id:str}/approve")
async def approve(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """Do what another operator proposed."""
    form = await request.form_of(Approving)
    try:
        await request.market.repairing.approve(discrepancy_id, request.actor, form.asked.version)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await _shown(request, discrepancy_id, forms.blank(Mending).refused(no), forms.blank(Remark))
    return request.redirect(f"{PATH}/{discrepancy_id}", toast=Toast(text="Approved and done."))


@post(PATH + "/{discrepancy_id:str}/withdraw")
async def withdraw(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """Take a proposal back."""
    await request.market.repairing.withdraw(discrepancy_id, request.actor)
    return request.redirect(f"{PATH}/{discrepancy_id}", toast=Toast(text="The proposal is taken back."))


@post(PATH + "/{discrepancy_id:str}/take")
async def take(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """Look after it."""
    await request.market.repairing.assign(discrepancy_id, request.actor.actor_id, request.actor)
    return request.redirect(f"{PATH}/{discrepancy_id}", toast=Toast(text="It is yours."))


@post(PATH + "/{discrepancy_id:str}/remarks")
async def remark(request: Visit, discrepancy_id: FromPath[str]) -> Answer:
    """Note something."""
    form = await request.form_of(Remark)
    try:
        await request.market.repairing.remark(discrepancy_id, form.asked.text, request.actor)
    except Refusal as no:
        if isinstance(no, NotFound):
            raise
        return await _shown(request, discrepancy_id, forms.blank(Mending), form.refused(no, reason="text"))
    return request.redirect(f"{PATH}/{discrepancy_id}", toast=Toast(text="Noted."))


async def _listed(request: Visit, asked: Asked, form: Form[AskRun]) -> Answer:
    market, actor = request.market, request.actor
    at_desk = await desk(request)
    runs = await market.reconciliations.latest(actor, limit=RUNS)
    rows, kinds, next_after = await _found(request, asked)
    return at_desk.page(
        "reconciliation/list.html",
        status=status_of(form.refusal) if form.refusal else 200,
        form=form,
        runs=runs,
        last=next((run for run in runs if run.proofs), None),
        sides=SIDES,
        states=STATES,
        asked=asked,
        kinds=[(kind, EXPLAINED[kind].title, count) for kind, count in kinds.most_common()],
        rows=[(each, [EXPLAINED[kind].title for kind in each.kinds], _age(request, each)) for each in rows],
        query={"state": asked.state.value, "kind": asked.kind},
        after=asked.after,
        next_after=next_after,
        unread=_unread(runs),
    )


async def _found(request: Visit, asked: Asked) -> tuple[list[Discrepancy], Counter[Kind], str]:
    """A page of them, of the kind that was asked for; how often each kind was met on the way, and where to go on."""
    after, rows, kinds = Cursor(asked.after) if asked.after else None, list[Discrepancy](), Counter[Kind]()
    for _ in range(READS_MAX):
        page = await request.market.discrepancies.in_state(
            asked.state, request.actor, after=after, limit=PAGE - len(rows)
        )
        kinds.update(kind for each in page.values for kind in each.kinds)
        rows += [each for each in page.values if not asked.kind or asked.kind in each.kinds]
        after = page.next
        if after is None or len(rows) == PAGE:
            break
    return rows, kinds, after or ""


async def _shown(request: Visit, discrepancy_id: str, form: Form[Mending], remarks: Form[Remark]) -> Answer:
    at_desk = await desk(request)
    row = await request.market.discrepancies.of(discrepancy_id, request.actor)
    known = row.value
    refusal = form.refusal or remarks.refusal
    return at_desk.page(
        "reconciliation/detail.html",
        status=status_of(refusal) if refusal else 200,
        one=known,
        version=row.version,
        moves=known.moved_by(known.proposal.repair) if known.proposal else 0,
        kinds=[EXPLAINED[kind] for kind in known.kinds],
        sides=[(side, SIDES[side], known.of(side), side in known.missing) for side in _sides(known)],
        repairs=[_offered(known, repair) for repair in known.repairs],
        proposal=known.proposal,
        proposed=REPAIRS[known.proposal.repair][0] if known.proposal else "",
        may_approve=known.proposal is not None and known.proposal.by != request.actor.actor_id,
        history=[(DEEDS[entry.deed], entry) for entry in reversed(known.history)],
        state=STATES[known.state],
        age=_age(request, known),
        form=form if form.values or form.refusal else forms.blank(Mending, repair=known.repairs[0].value),
        remarks=remarks,
    )


def _offered(known: Discrepancy, repair: Repair) -> tuple[str, str, str]:
    title, words = REPAIRS[repair]
    return repair.value, title, f"{words} Somebody else has to approve it." if known.needs_two(repair) else words


def _sides(known: Discrepancy) -> list[Side]:
    """The sides that tell of the movement, or should."""
    return [side for side in Side if known.of(side) or side in known.missing]


def _age(request: Visit, known: Discrepancy) -> int:
    """Days since the money moved."""
    return (request.at.date() - known.moved_on).days


def _unread(runs: list[Run]) -> list[str]:
    return [SIDES[Side(side)] for side in runs[0].unread] if runs else []
