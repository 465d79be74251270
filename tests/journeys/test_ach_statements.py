"""Statements with lines that nobody agreed on, and files of the bank that were refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clearing import Clearing, clearing
from ecosystem.contexts.ach import ExceptionKind, InboundState, NotRefused, StatementRefused, parsed_statement
from ecosystem.contexts.payouts import PayoutStatus
from ecosystem.kernel.refusals import Denied
from ecosystem.sandbank.books import Line
from ecosystem.sandbank.writing import statement
from market import OPERATOR, OWNER

MONDAY = date(2026, 11, 23)
MONDAY_NIGHT = datetime(2026, 11, 24, 2, tzinfo=UTC)


@pytest.fixture
async def house(quick_path: Path) -> AsyncIterator[Clearing]:
    async with clearing(quick_path) as made:
        yield made


def told(*lines: Line) -> bytes:
    return statement(MONDAY, "1234", 100_000, lines, 1)


@pytest.mark.parametrize(("kind", "is_in"), [("195", True), ("399", True), ("455", False), ("699", False)])
def test_a_line_of_any_type_is_money_in_or_out(kind: str, is_in: bool) -> None:
    [line] = parsed_statement(told(Line(kind, 500, is_in, "ref", "", "WIRE"))).lines

    assert (line.type_code, line.is_in, line.cents, line.text) == (kind, is_in, 500, "WIRE")


@pytest.mark.parametrize("kind", ["099", "700", "910", "AB"])
def test_a_line_that_is_neither_money_in_nor_out_refuses_the_statement(kind: str) -> None:
    with pytest.raises(StatementRefused):
        parsed_statement(told(Line(kind, 500, True, "ref", "", "LOAN")))


@pytest.mark.parametrize("funds", ["Z", "0", "", "V,261124,1300", "S,500,0,0", "D,2,0,300,1,200"])
def test_references_are_found_behind_any_funds_type(funds: str) -> None:
    content = told(Line("195", 500, True, "theirs", "ours", "WIRE, OF ANA")).replace(b",Z,", f",{funds},".encode())

    [line] = parsed_statement(content).lines

    assert (line.bank_reference, line.customer_reference, line.text) == ("theirs", "ours", "WIRE, OF ANA")


async def test_a_batch_settles_although_the_statement_has_a_line_of_another_type(house: Clearing) -> None:
    payout = await house.payout(await house.account(), 12_345)
    with house.bank.books.together():
        house.bank.books.line("2026-11-23", Line("195", 500, True, "wire", "", "INCOMING WIRE"))

    await house.until(MONDAY_NIGHT)

    assert (await house.paid(payout)).status is PayoutStatus.PAID
    lines = await house.app.ach.statements.lines(MONDAY)
    assert [(line.type_code, line.is_in) for line in lines] == [("195", True), ("466", False)]
    assert (await house.app.ach.overview.exceptions(OPERATOR)).values == []


async def test_a_refused_file_is_worked_through_again_when_an_operator_says_so(house: Clearing) -> None:
    inbox, hearing = house.app.ach.inbox, house.app.hearing_bank
    kept = await inbox.keep("STMT.bai", told(Line("910", 500, True, "ref", "", "?")))
    await hearing.work()
    assert (await inbox.row(kept.inbound_id)).value.state is InboundState.REFUSED

    with pytest.raises(Denied):
        await inbox.reopen(kept.inbound_id, OWNER)
    again = await inbox.reopen(kept.inbound_id, OPERATOR)
    assert (again.state, again.faults) == (InboundState.KEPT, ())
    with pytest.raises(NotRefused):
        await inbox.reopen(kept.inbound_id, OPERATOR)
    await hearing.work()

    assert (await inbox.row(kept.inbound_id)).value.state is InboundState.REFUSED
    exceptions = (await house.app.ach.overview.exceptions(OPERATOR)).values
    assert [each.kind for each in exceptions] == [ExceptionKind.FILE_UNREADABLE] * 2
