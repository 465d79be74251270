"""The ledger on a table: what it decides is what is stored, also when many ask at once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contexts.ledger.books import BOUNDED, CAPPED, NOON, a_ledger, account, move, settle
from ecosystem.contexts.ledger import (
    ALL_OF_IT,
    AccountClosed,
    AccountFlag,
    Balances,
    ChainTooLong,
    Known,
    NoSuchAccount,
    NoSuchTransfer,
    Overdrawn,
    PendingSettled,
    Position,
    Recorded,
    Result,
    Transfer,
    TransferFlag,
    Unpostable,
    decide,
    linked,
    verify,
)
from ecosystem.contexts.ledger.accounts import QUANTITY_MAX, opened
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.table import Stale

FLAGS = [
    0,
    0,
    0,
    1,
    TransferFlag.PENDING,
    TransferFlag.BALANCING_DEBIT,
    TransferFlag.BALANCING_CREDIT,
    TransferFlag.PENDING | TransferFlag.CLOSING_DEBIT,
    TransferFlag.PENDING | TransferFlag.BALANCING_DEBIT | TransferFlag.LINKED,
]
ACCOUNTS = [account("a"), account("b"), account("c", BOUNDED), account("d", CAPPED), account("e", AccountFlag.HISTORY)]
names = st.sampled_from(["a", "b", "c", "d", "e", "nobody"])
ids = st.integers(0, 12).map(lambda number: f"t{number}")
amounts = st.one_of(st.integers(0, 30), st.sampled_from([2**59, 2**61, 2**63, 2**127, QUANTITY_MAX]))
moves = st.builds(move, ids, names, names, amounts, st.sampled_from(FLAGS))
settles = st.builds(settle, ids, ids, amounts, st.sampled_from([TransferFlag.POST, TransferFlag.VOID]))
requests = st.lists(st.lists(st.one_of(moves, moves, settles), min_size=1, max_size=5), max_size=12)


def in_memory(played: list[list[Transfer]]) -> tuple[list[list[Result]], dict[str, Position]]:
    """The same requests on plain dictionaries, one after the other."""
    positions = {opening.account_id: opened(opening) for opening in ACCOUNTS}
    transfers: dict[str, Recorded] = {}
    results: list[list[Result]] = []
    for request in played:
        decision = decide(Known(positions, transfers), request, NOON)
        results.append([outcome.result for outcome in decision.outcomes])
        positions |= {moved.after.account.account_id: moved.after for moved in decision.movements}
        transfers |= {made.transfer_id: made for made in (*decision.recorded, *decision.settled)}
    return results, positions


@given(requests, st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_table_holds_what_the_model_holds(played: list[list[Transfer]], together: bool) -> None:
    async def on_the_table() -> None:
        async with a_ledger() as ledger:
            await ledger.open(*ACCOUNTS)
            if together:
                outcomes = await ledger.submit_all(played)
            else:
                outcomes = [await ledger.submit(*request) for request in played]
            found = await ledger.positions([opening.account_id for opening in ACCOUNTS])

            assert [[outcome.result for outcome in answered] for answered in outcomes] == results
            for name, position in positions.items():
                assert found[name].balances == position.balances
                assert found[name].flags == position.flags
            report = await verify(ledger.table, ledger.clock)
            assert report.holds, report.findings

    results, positions = in_memory(played)
    asyncio.run(on_the_table())


@given(st.lists(st.lists(st.one_of(moves, moves, settles), min_size=1, max_size=4), min_size=2, max_size=8))
@settings(max_examples=40, deadline=None)
def test_requests_at_the_same_time_keep_every_invariant(played: list[list[Transfer]]) -> None:
    async def all_at_once() -> None:
        async with a_ledger() as ledger:
            await ledger.open(*ACCOUNTS)
            await ledger.submit(move("seed", "a", "c", 40))

            outcomes = await asyncio.gather(*(ledger.submit(*request) for request in played))

            for request, answered in zip(played, outcomes, strict=True):
                for asked, outcome in zip(request, answered, strict=True):
                    if outcome.result is Result.CREATED:
                        assert (await ledger.transfer(asked.transfer_id)).transfer_id == asked.transfer_id
            report = await verify(ledger.table, ledger.clock)
            assert report.holds, report.findings

    asyncio.run(all_at_once())


async def test_a_hundred_spend_from_one_purse_at_once_and_no_more_than_it_holds() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"), account("purse", BOUNDED))
        await ledger.submit(move("in", "bank", "purse", 500))

        outcomes = await asyncio.gather(*(ledger.submit(move(f"t{n}", "purse", "shop", 10)) for n in range(100)))

        results = Counter(answered[0].result for answered in outcomes)
        assert results == {Result.CREATED: 50, Result.EXCEEDS_CREDITS: 50}
        assert (await ledger.position("purse")).balances == Balances(debits_posted=500, credits_posted=500)


async def test_the_same_transfer_at_once_is_made_once() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"))

        outcomes = await asyncio.gather(*(ledger.submit(move("t", "bank", "shop", 10)) for _ in range(20)))

        assert Counter(answered[0].result for answered in outcomes) == {Result.CREATED: 1, Result.EXISTS: 19}
        assert (await ledger.position("shop")).balances.credits_posted == 10


async def test_a_pending_transfer_is_settled_by_one_of_many() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"))
        await ledger.submit(move("p", "bank", "shop", 10, TransferFlag.PENDING))
        posts = [settle(f"post{n}", "p", ALL_OF_IT, TransferFlag.POST) for n in range(5)]
        voids = [settle(f"void{n}", "p", 0, TransferFlag.VOID) for n in range(5)]

        outcomes = await asyncio.gather(*(ledger.submit(transfer) for transfer in (*posts, *voids)))

        assert sum(answered[0].result is Result.CREATED for answered in outcomes) == 1
        assert (await verify(ledger.table, ledger.clock)).holds


async def test_a_dip_on_the_way_needs_the_room_it_dips_into() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"), account("purse", BOUNDED))
        await ledger.submit(move("in", "bank", "purse", 100))
        # Down to nothing and up again: as a net nothing, but it passes through an empty purse.
        writes = await ledger.writes(*linked([move("out", "purse", "shop", 100), move("back", "shop", "purse", 100)]))
        await ledger.submit(move("other", "purse", "shop", 1))

        with pytest.raises(Overdrawn):
            await ledger.table.transact(*writes)


async def test_a_large_request_is_carried_out_in_parts_and_its_chains_whole() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("purse", BOUNDED))
        singles = [move(f"t{n}", "bank", "purse", 1) for n in range(250)]
        chain = linked([move(f"c{n}", "purse", "bank", 30) for n in range(20)])

        outcomes = await ledger.submit(*singles, *chain)

        assert [outcome.result for outcome in outcomes[:250]] == [Result.CREATED] * 250
        assert Counter(outcome.result for outcome in outcomes[250:]) == {
            Result.LINKED_EVENT_FAILED: 19,
            Result.EXCEEDS_CREDITS: 1,
        }
        assert (await ledger.position("purse")).balances == Balances(credits_posted=250)


async def test_a_chain_that_fits_no_transaction_is_refused_before_anything_happens() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"))

        with pytest.raises(ChainTooLong):
            await ledger.submit(
                move("first", "bank", "shop", 1), *linked([move(f"c{n}", "bank", "shop", 1) for n in range(120)])
            )

        with pytest.raises(NoSuchTransfer):
            await ledger.transfer("first")


async def test_a_journey_gets_writes_and_refusals_by_name() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"), account("purse", BOUNDED))
        chain = linked([move("in", "bank", "purse", 10), move("out", "purse", "shop", 4)])

        await ledger.table.transact(*await ledger.writes(*chain))

        assert await ledger.writes(*chain) == []
        with pytest.raises(Overdrawn):
            await ledger.writes(move("more", "purse", "shop", 7))
        with pytest.raises(IdReused):
            await ledger.writes(move("in", "bank", "purse", 11))
        with pytest.raises(IdReused):
            await ledger.writes(chain[0], move("new", "bank", "shop", 1))
        with pytest.raises(NoSuchAccount):
            await ledger.writes(move("to-nobody", "bank", "nobody", 1))
        with pytest.raises(Unpostable):
            await ledger.writes(move("self", "bank", "bank", 1))
        assert (await ledger.submit(move("more", "purse", "shop", 6)))[0].result is Result.CREATED


async def test_what_a_journey_lost_the_race_for_is_refused_at_its_commit() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"), account("purse", BOUNDED))
        await ledger.submit(move("in", "bank", "purse", 10), move("p", "bank", "shop", 5, TransferFlag.PENDING))
        spend = await ledger.writes(move("spend", "purse", "shop", 10))
        same = await ledger.writes(move("same", "bank", "shop", 1))
        post = await ledger.writes(settle("post", "p", ALL_OF_IT, TransferFlag.POST))
        await ledger.submit(
            move("faster", "purse", "shop", 1),
            move("same", "bank", "shop", 2),
            settle("void", "p", 0, TransferFlag.VOID),
        )

        for writes, refused in ((spend, Overdrawn), (same, IdReused), (post, Stale)):
            with pytest.raises(refused):
                await ledger.table.transact(*writes)
        with pytest.raises(PendingSettled):
            await ledger.writes(settle("post", "p", ALL_OF_IT, TransferFlag.POST))


async def test_an_account_that_was_closed_meanwhile_refuses_the_commit() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("bank"), account("shop"))
        writes = await ledger.writes(move("t", "bank", "shop", 1))
        await ledger.submit(move("c", "shop", "bank", 0, TransferFlag.PENDING | TransferFlag.CLOSING_DEBIT))

        with pytest.raises(AccountClosed):
            await ledger.table.transact(*writes)


async def test_balances_beyond_64_bits_are_carried_and_come_back() -> None:
    async with a_ledger() as ledger:
        await ledger.open(account("a"), account("b"), account("c", BOUNDED))
        huge = 2**100

        await ledger.submit(move("t1", "a", "c", huge))
        await ledger.submit(move("t2", "c", "b", huge - 5), move("t3", "c", "b", 6))

        assert (await ledger.position("c")).balances == Balances(debits_posted=huge - 5, credits_posted=huge)
        assert (await ledger.submit(move("t4", "c", "b", 5)))[0].result is Result.CREATED
        assert (await verify(ledger.table, ledger.clock)).holds


async def test_what_is_not_there_is_named() -> None:
    async with a_ledger() as ledger:
        with pytest.raises(NoSuchAccount):
            await ledger.position("nobody")
        with pytest.raises(NoSuchTransfer):
            await ledger.transfer("")
