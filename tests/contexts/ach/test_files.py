"""Trace numbers under contention, four eyes, and rates, on both tables where it is about them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clearing import AGREED, SECOND
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts import ach
from ecosystem.contexts.ach import FileState, Originator, TraceNumbers, TracesExhausted, window
from ecosystem.contexts.ach.files import Modifiers, ModifiersExhausted, approved, begun, built, modifier
from ecosystem.contexts.ach.originator import NothingToConfirm, RaisedAlone, raised, said
from ecosystem.contexts.ach.rates import DEBITS_MIN, LIMITS_BPS, Rate, Standing
from ecosystem.contexts.ach.traces import SEQUENCE_MAX, TraceTaken, traced
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.banking import WindowName
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.table import Table
from market import OPERATOR
from table_dynamo import DynamoTables

if TYPE_CHECKING:
    from ecosystem.adapters.aws.table import Clients

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = window(AT.date(), WindowName.FIRST)


def waiting(who: Originator, builder: Actor) -> ach.AchFile:
    file = begun(DAY, who, "A", builder, AT)
    return built(file, ach.Totals(credit_cents=1_000_001), (), b"x", "hash", AT)


def test_a_higher_limit_holds_once_a_second_operator_confirmed_it_and_a_lower_one_at_once() -> None:
    asked = said(replace(AGREED, approval_cents=2_000_000), OPERATOR, AT)
    assert (asked.approval_cents, asked.raising_cents) == (1_000_000, 2_000_000)

    with pytest.raises(RaisedAlone):
        raised(asked, OPERATOR)
    with pytest.raises(RaisedAlone):
        raised(asked, replace(SECOND, impersonator=OPERATOR.actor_id))
    with pytest.raises(Denied):
        raised(asked, Actor(actor_id="usr_other"))
    holds = raised(asked, SECOND)
    assert (holds.approval_cents, holds.raising_cents) == (2_000_000, 0)
    with pytest.raises(NothingToConfirm):
        raised(holds, SECOND)

    lower = said(replace(AGREED, approval_cents=500), OPERATOR, AT, limit_cents=2_000_000)
    assert (lower.approval_cents, lower.raising_cents) == (500, 0)


async def test_no_trace_number_is_given_out_twice_however_many_ask_at_once(table: Table) -> None:
    await _contended(table)


@pytest.mark.xdist_group("amazon")
async def test_no_trace_number_is_given_out_twice_in_the_cloud_either(dynamo_clients: Clients) -> None:
    tables = DynamoTables(dynamo_clients, VirtualClock(AT))
    try:
        await _contended(await tables.fresh())
    finally:
        await tables.close()


async def _contended(table: Table) -> None:
    asked = [TraceNumbers(table).reserve("07640125", 1 + count % 3) for count in range(12)]
    got = [number for numbers in await asyncio.gather(*asked) for number in numbers]

    assert sorted(got) == list(range(1, len(got) + 1))


async def test_two_entries_never_get_the_same_trace_number(table: Table) -> None:
    await table.transact(traced("076401250000001", "one", "file"))

    with pytest.raises(TraceTaken):
        await table.transact(traced("076401250000001", "two", "file"))


async def test_trace_numbers_end(table: Table) -> None:
    with pytest.raises(TracesExhausted):
        await TraceNumbers(table).reserve("07640125", SEQUENCE_MAX + 1)


def test_a_file_above_the_limit_is_approved_by_another_than_who_built_it() -> None:
    who = said(AGREED, Actor(actor_id="usr_agreed", groups=(Group.ADMINS,)), AT)
    file = waiting(who, OPERATOR)
    assert file.state is FileState.NEEDS_APPROVAL

    with pytest.raises(ach.NeedsSecondPerson):
        approved(file, "hash", OPERATOR, AT)
    with pytest.raises(ach.NeedsSecondPerson):
        approved(file, "hash", Actor(actor_id="usr_agreed", groups=(Group.ADMINS,)), AT)
    with pytest.raises(Denied):
        approved(file, "hash", Actor(actor_id="usr_ada", groups=(Group.CUSTOMERS,)), AT)
    with pytest.raises(Denied):
        approved(file, "hash", Actor(actor_id="system:ach-processor"), AT)
    with pytest.raises(Denied):
        approved(file, "hash", Actor(actor_id="usr_2", groups=(Group.ADMINS,), impersonator="usr_3"), AT)
    with pytest.raises(ach.OtherContent):
        approved(file, "other", SECOND, AT)
    assert approved(file, "hash", SECOND, AT).state is FileState.READY
    with pytest.raises(ach.NotAwaitingApproval):
        approved(approved(file, "hash", SECOND, AT), "hash", SECOND, AT)


def test_thirty_six_files_a_day_have_a_modifier_each_and_the_next_has_none() -> None:
    known, signs = Modifiers(), ""
    for number in range(36):
        sign, known = modifier(known, f"file-{number}")
        signs += sign

    assert signs == "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert modifier(known, "file-7")[0] == "H"
    with pytest.raises(ModifiersExhausted):
        modifier(known, "file-36")


@given(debits=st.integers(0, 100_000), returned=st.integers(0, 1_000), rate=st.sampled_from(Rate))
def test_a_rate_is_over_its_limit_exactly_when_more_came_back_than_the_network_allows(
    debits: int, returned: int, rate: Rate
) -> None:
    standing = Standing(rate=rate, debits=debits, returned=returned, until=AT.date())

    assert standing.is_over == (returned * 10_000 > LIMITS_BPS[rate] * debits)
    if standing.is_over and debits >= DEBITS_MIN:
        assert standing.is_close
