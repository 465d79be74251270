"""The log: every act has one place, whoever dies or runs beside it, and nobody's name is in it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from contexts.audit.logs import OPERATOR, PAULA, Log
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.contexts.audit import LogBusy, NotEntered, NotProven, Wanted, proving
from ecosystem.contexts.audit.merkle import leaf_hash, root_of
from ecosystem.contexts.audit.proofs import is_consistent
from ecosystem.contexts.identity.events import GroupsChanged, ProfileChanged
from ecosystem.contexts.ledger import Account, AccountFlag, Ledger, Transfer, TransferFlag, chart
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.audit import AuditKind, record
from ecosystem.ports.bus import announce
from ecosystem.ports.table import Table


@pytest.fixture
def log(table: Table, clock: VirtualClock, quick_path: Path) -> Log:
    return Log.over(table, clock, quick_path)


async def test_every_act_has_one_place_and_the_log_holds(log: Log) -> None:
    await log.entered(700)

    report = await log.verified()

    assert report.holds, report.findings
    assert (report.size, report.items, report.signed, report.witnessed) == (700, 700, 700, 700)
    assert len(set(await log.leaves())) == 700


async def test_the_stored_hashes_make_the_root_of_the_leaves(log: Log) -> None:
    await log.entered(1300)

    hashes = [leaf_hash(leaf) for leaf in await log.leaves()]

    for size in (1, 255, 256, 257, 1024, 1299, 1300):
        assert await log.reader.root(size) == root_of(hashes[:size])
        proof = await log.reader.consistency(size, 1300)
        assert is_consistent(size, 1300, root_of(hashes[:size]), root_of(hashes), proof)


async def test_it_comes_to_rest_when_nothing_is_new(log: Log) -> None:
    await log.entered(10)

    steps = 0
    while await log.sequencer.step():
        steps += 1

    assert steps < 5
    assert await log.sequencer.seal() == 0


async def test_two_sequencers_at_once_enter_each_act_once(table: Table, clock: VirtualClock, quick_path: Path) -> None:
    first, second = Log.over(table, clock, quick_path), Log.over(table, clock, quick_path, seed=2)
    await first.does(10)
    await first.sequencer.caught_up()

    async def follow(log: Log) -> None:
        for _ in range(200):
            try:
                if not await log.sequencer.step(limit=3) and await log.reader.size() == 310:
                    return
            except LogBusy:
                continue

    await asyncio.gather(follow(first), follow(second), first.does(300, since=10))
    await first.sequencer.caught_up()

    report = await first.verified()
    assert (report.size, report.holds) == (310, True), report.findings


async def test_a_restart_goes_on_where_it_was(table: Table, clock: VirtualClock, quick_path: Path) -> None:
    before = Log.over(table, clock, quick_path)
    await before.entered(300)
    await before.does(300, since=300)

    after = Log.over(table, clock, quick_path, seed=9)
    await after.sequencer.caught_up()
    await after.sequencer.seal()

    report = await after.verified()
    assert (report.size, report.holds, report.checkpoints) == (600, True, 2), report.findings


async def test_what_was_there_before_the_log_is_entered_first(log: Log) -> None:
    await log.does(120)
    clock, table = log.clock, log.table
    assert isinstance(table, EmbeddedTable)
    clock.advance(timedelta(days=3))
    await table.expire()
    await log.does(5, since=500)

    await log.sequencer.caught_up()

    report = await log.verified()
    assert (report.size, report.holds) == (125, True), report.findings


async def test_forgotten_changes_leave_no_gap_and_enter_nothing_twice(
    quick_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = await EmbeddedTable.open(quick_path / "forgetful.sqlite", clock)
    try:
        log = Log.over(table, clock, quick_path)
        await log.entered(300)
        await log.does(100, since=300)
        # Nobody holds the changes for a follower that never said where it stands.
        monkeypatch.setattr(table, "hold_for", lambda _: None)
        later = Log.over(table, clock, quick_path, seed=5)
        forgotten = _Forgetting(table)
        later.sequencer.table = forgotten  # pyright: ignore[reportAttributeAccessIssue]: a table by delegation

        await later.sequencer.caught_up()
        await later.sequencer.seal()

        report = await later.verified()
        assert forgotten.forgot == 1
        assert (report.size, report.holds) == (400, True), report.findings
    finally:
        await table.close()


class _Forgetting:
    """The table, which has forgotten the changes after the place that it is first asked about."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.forgot = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._table, name)

    async def changes(self, after: object, *, limit: int = 1000) -> object:
        from ecosystem.ports.table import ChangesForgotten

        if after is not None and not self.forgot:
            self.forgot += 1
            raise ChangesForgotten
        return await self._table.changes(after, limit=limit)  # pyright: ignore[reportArgumentType]: handed through


async def test_no_leaf_names_anybody(log: Log) -> None:
    await log.entered(60)

    text = b"".join(await log.leaves()).decode()

    assert "usr_" not in text
    assert "bkg_7" in text


async def test_erasing_a_person_leaves_the_chain_and_makes_their_entries_nobodys(log: Log) -> None:
    await log.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, PAULA, field="email")
    await log.entered(300)
    root = await log.reader.root(301)
    name = await log.sequencer.erase(PAULA, OPERATOR)
    await log.sequencer.caught_up()
    await log.sequencer.seal()

    report = await log.verified()
    placed = next(
        one
        for one in (await log.explorer.entries(Wanted(), OPERATOR, below=301, limit=400)).entries
        if name in one.leaf
    )
    proof = await log.explorer.prove(placed.index, OPERATOR)

    assert report.holds, report.findings
    assert (report.size, report.erased) == (302, 1)
    assert await log.reader.root(301) == root
    assert placed.named(placed.entry.subject) == name
    assert proof.opening is None
    assert (await log.explorer.entries(Wanted(subject=PAULA), OPERATOR)).entries == []


async def test_what_is_entered_after_an_erasure_is_under_another_name(log: Log) -> None:
    await log.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, PAULA)
    await log.sequencer.caught_up()
    former = await log.sequencer.erase(PAULA, OPERATOR)
    log.clock.advance(timedelta(seconds=1))
    await log.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, PAULA)
    await log.sequencer.caught_up()
    await log.sequencer.seal()

    found = await log.explorer.entries(Wanted(subject=PAULA), OPERATOR)

    assert len(found.entries) == 1
    assert former is not None
    assert former not in found.entries[0].leaf
    assert (await log.verified()).holds


async def test_only_operators_look_or_erase(log: Log) -> None:
    await log.entered(3)
    ada = Actor(actor_id=PAULA)

    for refused in (
        log.explorer.entries(Wanted(), ada),
        log.explorer.entry(0, ada),
        log.explorer.prove(0, ada),
        log.explorer.checkpoints(ada),
        log.sequencer.erase(PAULA, ada),
    ):
        with pytest.raises(Denied):
            await refused
    with pytest.raises(Invalid):
        await log.sequencer.erase("bkg_1", OPERATOR)


async def test_entries_are_found_by_kind_person_subject_and_time(log: Log) -> None:
    await log.entered(600)
    at = log.act(400).at

    of_kind = await log.explorer.entries(Wanted(kind="consent"), OPERATOR, limit=1000)
    of_boss = await log.explorer.entries(Wanted(actor="usr_boss"), OPERATOR, limit=1000)
    about = await log.explorer.entries(Wanted(subject="bkg_123"), OPERATOR)
    between = await log.explorer.entries(Wanted(start_at=at, end_at=at + timedelta(seconds=20)), OPERATOR, limit=1000)

    assert {one.entry.kind for one in of_kind.entries} == {"consent"}
    assert len(of_boss.entries) == 120
    assert [one.entry.id for one in about.entries] == ["act_00000123"]
    assert len(between.entries) == 20


async def test_pages_of_entries_go_on_where_they_stopped(log: Log) -> None:
    await log.entered(130)

    seen: list[int] = []
    below: int | None = None
    while True:
        page = await log.explorer.entries(Wanted(), OPERATOR, below=below, limit=40)
        seen += [one.index for one in page.entries]
        below = page.below
        if below is None:
            break

    assert seen == list(reversed(range(130)))


async def test_an_act_is_proven_by_its_id_and_by_its_place(log: Log) -> None:
    await log.entered(513)

    by_id = await log.explorer.find("act_00000300", OPERATOR)
    by_place = await log.explorer.find(str(by_id.index), OPERATOR)
    proof = proving.read(proving.written(await log.explorer.prove(by_id.index, OPERATOR)))
    shown = proving.checked(proof, Ed25519Signatures())

    assert by_id == by_place
    assert shown.entry.id == "act_00000300"
    assert shown.content is not None
    assert '"number":300' in shown.content
    with pytest.raises(NotEntered):
        await log.explorer.find("act_99999999", OPERATOR)


@pytest.mark.parametrize("part", ["leaf", "path", "checkpoint", "content", "key", "index", "trusted"])
async def test_a_proof_that_was_changed_proves_nothing(log: Log, part: str) -> None:
    await log.entered(100)
    proof = await log.explorer.prove(42, OPERATOR)
    assert proof.opening is not None
    trusted = ""
    from msgspec.structs import replace

    match part:
        case "leaf":
            proof = replace(proof, leaf=proof.leaf.replace("act_", "acu_"))
        case "path":
            proof = replace(proof, path=[*proof.path[1:], proof.path[0]])
        case "checkpoint":
            proof = replace(proof, checkpoint=proof.checkpoint.replace("\n100\n", "\n101\n"))
        case "content":
            proof = replace(proof, opening=replace(proof.opening, content=proof.opening.content.replace("42", "43")))
        case "key":
            proof = replace(proof, opening=replace(proof.opening, key="AAAA"))
        case "index":
            proof = replace(proof, index=43)
        case _:
            trusted = "market.example/audit+00000000+AAAA"

    with pytest.raises(NotProven):
        proving.checked(proof, Ed25519Signatures(), trusted=trusted)


async def test_transfers_and_marked_events_are_entered_and_others_are_not(log: Log) -> None:
    ledger = Ledger(log.table, log.clock, chart.account)
    for name in ("a", "b"):
        await ledger.open(Account(account_id=name, ledger="EUR", code=1, flags=AccountFlag.HISTORY))
    await ledger.submit(
        Transfer(transfer_id="t1", debit_account_id="a", credit_account_id="b", amount=5, ledger="EUR", code=1),
        Transfer(
            transfer_id="t2",
            debit_account_id="a",
            credit_account_id="b",
            amount=7,
            ledger="EUR",
            code=1,
            flags=TransferFlag.PENDING,
        ),
    )
    await ledger.submit(Transfer(transfer_id="t3", pending_id="t2", amount=7, flags=TransferFlag.POST))
    await ledger.submit(
        Transfer(transfer_id="t4", debit_account_id="a", credit_account_id="a", amount=5, ledger="EUR", code=1)
    )
    ada = Actor(actor_id="usr_ada")
    at = log.clock.now()
    await log.table.transact(
        announce(ProfileChanged(changed=(), user_id="usr_ada"), aggregate="USER#usr_ada", sequence=1, actor=ada, at=at),
        announce(GroupsChanged(user_id="usr_ada", groups=()), aggregate="USER#usr_ada", sequence=2, actor=ada, at=at),
        announce(
            ProfileChanged(changed=(), user_id="usr_b"), aggregate="USER#usr_b", sequence=1, actor=OPERATOR, at=at
        ),
        announce(
            ProfileChanged(changed=(), user_id="usr_c"),
            aggregate="USER#usr_c",
            sequence=1,
            actor=Actor(actor_id="usr_c", impersonator=OPERATOR.actor_id),
            at=at,
        ),
    )
    await log.sequencer.caught_up()
    await log.sequencer.seal()

    found = await log.explorer.entries(Wanted(), OPERATOR)

    assert sorted((one.entry.kind, one.named(one.entry.id)) for one in found.entries) == [
        ("impersonation", "USER#usr_c:1:ProfileChanged"),
        ("money", "transfer:t1"),
        ("money", "transfer:t2"),
        ("money", "transfer:t3"),
        ("privilege", "USER#usr_ada:2:GroupsChanged"),
        ("privilege", "USER#usr_b:1:ProfileChanged"),
    ]
    report = await log.verified()
    assert report.holds, report.findings
    assert (await log.explorer.find("t2", OPERATOR)).entry.type == "TransferPending"


async def test_the_lag_counts_what_has_no_place_yet(log: Log) -> None:
    await log.entered(5)
    log.clock.advance(timedelta(seconds=30))
    await log.table.transact(record(log.act(70, each_s=0)))
    behind = await log.sequencer.lag()

    await log.sequencer.caught_up()
    caught_up = await log.sequencer.lag()
    await log.sequencer.seal()
    sealed = await log.sequencer.lag()

    assert behind.entries == 1
    assert behind.seconds > 0
    assert (caught_up.entries, caught_up.size, caught_up.signed) == (0, 6, 5)
    assert (sealed.signed, sealed.witnessed) == (6, 6)
