"""Rotation: messages move to the new version while they are read, nothing of them is read, and nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy, SystemEntropy
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.contexts.bank_accounts import (
    AccountKind,
    AddBankAccount,
    BankAccount,
    BankAccounts,
    HolderKind,
    Method,
    Purpose,
)
from ecosystem.contexts.keyring import KeyBusy, KeyRings, StillNeeded, TooEarly, UsedKeys
from ecosystem.contexts.keyring.rotations import KEPT_FOR
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.bus import Event
from ecosystem.ports.keys import LISTED_FOR, Context, InUse, KeyName, Keys, KeysMissing, State
from ecosystem.ports.keys_envelope import read
from ecosystem.ports.table import Put, Table

OSCAR = Actor(actor_id="usr_01kag2m8xw00000000000oscar", groups=(Group.ADMINS,))
SYSTEM = system("workflow-orchestrator")
BANK = KeyName.BANK_ACCOUNTS
KINDS = (BankAccount,)


class NeverDecrypting(UsedKeys):
    """Keys that refuse to be asked for a message: whoever re-wraps must not need one."""

    async def decrypt(self, name: KeyName, envelope: bytes, context: Context) -> bytes:
        raise AssertionError("A message was decrypted.")


@pytest.fixture
async def files(quick_path: Path, clock: VirtualClock) -> FileKeys:
    return await FileKeys.open(FileSecrets(quick_path / "secrets"), clock, SystemEntropy())


@pytest.fixture
def keys(files: FileKeys, table: Table, clock: VirtualClock) -> UsedKeys:
    return UsedKeys(files, table, clock)


@pytest.fixture
def book(table: Table, keys: UsedKeys, clock: VirtualClock, entropy: SeededEntropy) -> BankAccounts:
    return BankAccounts(table, keys, clock, entropy)


@pytest.fixture
def rings(table: Table, keys: UsedKeys, clock: VirtualClock) -> KeyRings:
    return KeyRings(table, keys, clock, KINDS)


async def added(book: BankAccounts, clock: VirtualClock, marks: range) -> list[BankAccount]:
    async def one(mark: int) -> BankAccount:
        owner = Actor(actor_id=f"usr_{mark}")
        request = AddBankAccount(
            account_id=ids.make("bac", clock.now(), mark.to_bytes(10)),
            owner_id=owner.actor_id,
            purpose=Purpose.DEBIT if mark % 2 else Purpose.PAYOUT,
            routing_number="021000021",
            account_number=f"{10_000_000 + mark}",
            holder="Ada",
            holder_kind=HolderKind.PERSON,
            kind=AccountKind.CHECKING,
            method=Method.MICRO_DEPOSITS if mark % 2 else Method.PRENOTE,
        )
        return await book.add(request, owner, user_id=owner.actor_id)

    return await asyncio.gather(*(one(mark) for mark in marks))


async def payloads(table: Table) -> dict[tuple[str, str], bytes]:
    return {
        (item.account_id, field): read(kept.envelope).payload
        for item in (await table.scan(BankAccount)).values
        for field, kept in item.envelopes().items()
    }


async def test_every_message_moves_and_no_byte_of_its_payload_changes(
    book: BankAccounts, table: Table, files: FileKeys, clock: VirtualClock
) -> None:
    await added(book, clock, range(150))
    before = await payloads(table)
    rings = KeyRings(table, NeverDecrypting(files, table, clock), clock, KINDS)

    await rings.rotate(BANK, OSCAR)
    told = [rotation async for rotation in rings.steps(BANK, OSCAR)]

    assert told[-1].moved == 150
    assert told[-1].done_at is not None
    assert len(told) >= 2
    assert await payloads(table) == before
    assert {item.key_version() for item in (await table.scan(BankAccount)).values} == {2}
    ring = await rings.ring(BANK, OSCAR)
    assert [(each.version.number, each.messages) for each in ring.versions] == [(2, 225), (1, 0)]


async def test_no_read_fails_while_messages_are_rewrapped_and_written(
    book: BankAccounts, rings: KeyRings, clock: VirtualClock
) -> None:
    accounts = await added(book, clock, range(200))
    reads = 0
    over = asyncio.Event()

    async def reading(part: int) -> None:
        nonlocal reads
        while not over.is_set():
            for account in accounts[part::4]:
                opened = await book.opened(account.account_id, SYSTEM, why="test", verifying=True)
                assert opened.last4 == account.last4
                reads += 1

    async def writing() -> None:
        mark = 1000
        while not over.is_set():
            await added(book, clock, range(mark, mark + 5))
            mark += 5

    async def rotating() -> None:
        for _ in range(3):
            await rings.rotate(BANK, OSCAR)
            async for _ in rings.steps(BANK, OSCAR):
                await asyncio.sleep(0)
        over.set()

    await asyncio.wait_for(asyncio.gather(rotating(), writing(), *(reading(part) for part in range(4))), 40)

    assert reads > 200
    clock.advance(KEPT_FOR)
    for version in (1, 2, 3):
        await rings.retire(BANK, version, OSCAR)
    for account in accounts:
        assert (await book.opened(account.account_id, SYSTEM, why="test", verifying=True)).last4 == account.last4


async def test_a_rotation_goes_on_where_another_process_left_it(
    book: BankAccounts, table: Table, rings: KeyRings, files: FileKeys, clock: VirtualClock
) -> None:
    await added(book, clock, range(30))
    await rings.rotate(BANK, OSCAR)
    first = await rings.go_on(SYSTEM, most=10)

    other = KeyRings(table, UsedKeys(files, table, clock), clock, KINDS)
    moved = [await other.go_on(SYSTEM, most=10) for _ in range(6)]

    assert 10 <= first < 30
    assert first + sum(moved) == 30
    rotation = (await other.ring(BANK, OSCAR)).rotation
    assert rotation is not None
    assert (rotation.moved, rotation.done_at is not None) == (30, True)


async def test_a_version_asked_for_before_the_process_died_is_made_once(
    table: Table, rings: KeyRings, files: FileKeys, clock: VirtualClock
) -> None:
    class Dies(UsedKeys):
        async def rotate(self, name: KeyName) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] — it dies
            await files.rotate(name)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await KeyRings(table, Dies(files, table, clock), clock, KINDS).rotate(BANK, OSCAR)
    with pytest.raises(KeyBusy):
        await rings.rotate(BANK, OSCAR)
    await rings.go_on(SYSTEM)

    assert len(await files.versions(BANK)) == 2
    rotation = (await rings.ring(BANK, OSCAR)).rotation
    assert rotation is not None
    assert rotation.done_at is not None


async def test_a_version_is_retired_only_when_no_item_at_all_needs_it(
    book: BankAccounts, rings: KeyRings, clock: VirtualClock
) -> None:
    (account,) = await added(book, clock, range(1))
    await rings.rotate(BANK, OSCAR)

    with pytest.raises(StillNeeded):
        await rings.retire(BANK, 1, OSCAR)
    with pytest.raises(InUse):
        await rings.retire(KeyName.AUDIT, 1, OSCAR)
    async for _ in rings.steps(BANK, OSCAR):
        pass
    clock.advance(KEPT_FOR)
    await rings.retire(BANK, 1, OSCAR)

    assert (await book.opened(account.account_id, SYSTEM, why="test", verifying=True)).last4 == account.last4


async def test_a_former_version_is_retired_by_itself_once_no_backup_has_it(
    book: BankAccounts, rings: KeyRings, clock: VirtualClock
) -> None:
    await added(book, clock, range(3))
    await rings.rotate(BANK, OSCAR)
    while await rings.go_on(SYSTEM):
        pass

    clock.advance(timedelta(days=7, hours=23))
    assert await rings.retire_due(SYSTEM) == 0
    clock.advance(timedelta(hours=1))
    assert await rings.retire_due(SYSTEM) == 1

    ring = await rings.ring(BANK, OSCAR)
    assert [each.version.state for each in ring.versions] == [State.CURRENT, State.RETIRED]


async def test_what_came_under_a_former_version_after_all_is_rewrapped_before_it_is_retired(
    book: BankAccounts, table: Table, rings: KeyRings, clock: VirtualClock
) -> None:
    await added(book, clock, range(1))
    (late,) = (await table.scan(BankAccount)).rows
    await rings.rotate(BANK, OSCAR)
    while await rings.go_on(SYSTEM):
        pass
    # As a process writes it that has not heard of the new version.
    await table.transact(Put(key=late.key, value=late.value, index=late.index))
    clock.advance(timedelta(days=8))

    assert await rings.retire_due(SYSTEM) == 0
    while await rings.go_on(SYSTEM):
        pass
    clock.advance(timedelta(days=8))
    assert await rings.retire_due(SYSTEM) == 1
    assert {item.key_version() for item in (await table.scan(BankAccount)).values} == {2}


async def test_a_damaged_message_is_counted_and_keeps_its_version(
    book: BankAccounts, table: Table, rings: KeyRings, clock: VirtualClock
) -> None:
    await added(book, clock, range(2))
    row = (await table.scan(BankAccount)).rows[0]
    kept = row.value.envelopes()["numbers"].envelope
    damaged = row.value.rewrapped({"numbers": kept[:20] + bytes([kept[20] ^ 1]) + kept[21:]})
    await table.transact(Put(key=row.key, value=damaged, index=row.index))

    await rings.rotate(BANK, OSCAR)
    told = [rotation async for rotation in rings.steps(BANK, OSCAR)]

    assert (told[-1].moved, told[-1].stuck) == (1, 1)
    with pytest.raises(StillNeeded):
        await rings.retire(BANK, 1, OSCAR)


async def test_retiring_by_hand_waits_for_backups_or_for_the_word_now_and_a_minute_always(
    book: BankAccounts, rings: KeyRings, clock: VirtualClock
) -> None:
    await added(book, clock, range(1))
    await rings.rotate(BANK, OSCAR)
    async for _ in rings.steps(BANK, OSCAR):
        pass

    with pytest.raises(TooEarly, match="--now"):
        await rings.retire(BANK, 1, OSCAR)
    with pytest.raises(TooEarly):
        await rings.retire(BANK, 1, OSCAR, now=True)
    clock.advance(LISTED_FOR)
    with pytest.raises(TooEarly):
        await rings.retire(BANK, 1, OSCAR)
    await rings.retire(BANK, 1, OSCAR, now=True)

    ring = await rings.ring(BANK, OSCAR)
    assert [each.version.state for each in ring.versions] == [State.CURRENT, State.RETIRED]


async def test_each_step_of_a_rotation_is_audited(rings: KeyRings, table: Table, clock: VirtualClock) -> None:
    await rings.rotate(BANK, OSCAR)
    while await rings.go_on(SYSTEM):
        pass
    clock.advance(KEPT_FOR)
    await rings.retire(BANK, 1, OSCAR)

    events = (await table.query(f"KEYRING#{BANK}", Event, prefix="EVENT#")).values
    assert [(event.type, event.audit) for event in events] == [
        ("KeyRotated", "keys"),
        ("KeyRewrapped", "keys"),
        ("KeyRetired", "keys"),
    ]


async def test_only_operators_rotate_retire_and_look(rings: KeyRings) -> None:
    ada = Actor(actor_id="usr_01kag2m8xw0000000000000ada", groups=(Group.CUSTOMERS,))

    with pytest.raises(Denied):
        await rings.rotate(BANK, ada)
    with pytest.raises(Denied):
        await rings.retire(BANK, 1, ada)
    with pytest.raises(Denied):
        await rings.all(ada)


async def test_uses_are_counted_and_written_down(
    book: BankAccounts, rings: KeyRings, keys: UsedKeys, files: FileKeys, table: Table, clock: VirtualClock
) -> None:
    assert await keys.used(BANK) is None
    await added(book, clock, range(2))
    await keys.write_down()
    clock.advance(timedelta(hours=1))
    await added(book, clock, range(2, 3))
    await keys.write_down()

    read_anew = UsedKeys(files, table, clock)
    uses = await read_anew.used(BANK)
    assert uses is not None
    assert (uses.counts["indexed"], uses.counts["encrypted"], uses.last_at) == (3, 4, clock.now())
    assert (await rings.ring(KeyName.BACKUPS, OSCAR)).uses is None


async def test_a_table_in_which_nothing_is_encrypted_goes_on_under_other_keys(
    rings: KeyRings, table: Table, clock: VirtualClock, quick_path: Path
) -> None:
    await rings.check()
    anew = await FileKeys.open(FileSecrets(quick_path / "anew"), clock, SystemEntropy())

    await KeyRings(table, UsedKeys(anew, table, clock), clock, KINDS).check()


async def test_other_keys_than_those_a_table_was_begun_with_are_refused(
    book: BankAccounts, rings: KeyRings, table: Table, clock: VirtualClock, quick_path: Path, files: FileKeys
) -> None:
    await rings.check()
    await rings.rotate(BANK, OSCAR)
    await rings.check()
    await added(book, clock, range(1))
    lost: Keys = await FileKeys.open(FileSecrets(quick_path / "anew"), clock, SystemEntropy())

    with pytest.raises(KeysMissing):
        await KeyRings(table, UsedKeys(lost, table, clock), clock, KINDS).check()
    await KeyRings(table, UsedKeys(files, table, clock), clock, KINDS).check()


async def test_a_lagging_index_loses_no_message(
    quick_path: Path, clock: VirtualClock, files: FileKeys, entropy: SeededEntropy
) -> None:
    table = await EmbeddedTable.open(quick_path / "lagging.sqlite", clock, index_lag=7)
    keys = UsedKeys(files, table, clock)
    book, rings = BankAccounts(table, keys, clock, entropy), KeyRings(table, keys, clock, KINDS)
    try:
        await added(book, clock, range(20))
        await rings.rotate(BANK, OSCAR)
        for _ in range(20):
            await rings.go_on(SYSTEM)
            clock.advance(timedelta(days=8))
            await rings.retire_due(SYSTEM)

        assert {item.key_version() for item in (await table.scan(BankAccount)).values} == {2}
        for item in (await table.scan(BankAccount)).values:
            await book.opened(item.account_id, SYSTEM, why="test", verifying=True)
    finally:
        await table.close()


async def test_what_a_key_wraps_beside_the_table_moves_with_its_rotation_and_holds_up_its_end(
    table: Table, files: FileKeys, keys: UsedKeys, clock: VirtualClock, quick_path: Path
) -> None:
    """Authenticators' secrets and calendars' addresses are sealed by keys of their own, which `personal-data` wraps."""
    secrets, personal = FileSecrets(quick_path / "secrets"), KeyName.PERSONAL_DATA
    seal = await KeyedSeal.open(secrets, files, SystemEntropy())
    box = seal.sealed(b"JBSWY3DP", place="totp:usr_1")
    rings = KeyRings(table, keys, clock, KINDS, beside=(seal,))

    before = await rings.ring(personal, OSCAR)
    await rings.rotate(personal, OSCAR)
    with pytest.raises(StillNeeded):
        await rings.retire(personal, 1, OSCAR, now=True)
    told = [rotation async for rotation in rings.steps(personal, OSCAR)]
    clock.advance(LISTED_FOR)
    await rings.retire(personal, 1, OSCAR, now=True)

    assert [each.messages for each in before.versions] == [1]
    assert (told[-1].moved, told[-1].stuck, seal.key_version()) == (1, 0, 2)
    again = await FileKeys.open(secrets, clock, SystemEntropy())
    assert (await KeyedSeal.open(secrets, again, SystemEntropy())).opened(box, place="totp:usr_1") == b"JBSWY3DP"


async def test_a_version_that_wraps_backups_is_retired_by_hand_alone(
    rings: KeyRings, keys: UsedKeys, clock: VirtualClock
) -> None:
    """Nobody here knows which files elsewhere it still opens."""
    backups = KeyName.BACKUPS
    await rings.rotate(backups, OSCAR)
    told = [rotation async for rotation in rings.steps(backups, OSCAR)]
    clock.advance(timedelta(days=60))

    retired = await rings.retire_due(SYSTEM)
    kept = [each.state for each in await keys.versions(backups)]
    await rings.retire(backups, 1, OSCAR)

    assert told[-1].done_at is not None
    assert (retired, kept) == (0, [State.FORMER, State.CURRENT])
    assert [each.state for each in await keys.versions(backups)] == [State.RETIRED, State.CURRENT]
