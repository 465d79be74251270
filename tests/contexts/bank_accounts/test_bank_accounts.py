"""Bank accounts: encrypted at once, verified, tried a few times, and shown to nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.bank_accounts import (
    PAUSE,
    AccountKind,
    AccountState,
    AddBankAccount,
    BankAccount,
    BankAccounts,
    Corrections,
    HolderKind,
    Method,
    NothingToConfirm,
    NotUsable,
    Purpose,
    TooManyAttempts,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from ecosystem.ports.audit import Act
from ecosystem.ports.bus import Event
from ecosystem.ports.keys_envelope import read
from ecosystem.ports.table import Table

PAULA = Actor(actor_id="usr_01kag2m8xw00000000000paula", groups=(Group.PROVIDERS,))
OSCAR = Actor(actor_id="usr_01kag2m8xw00000000000oscar", groups=(Group.ADMINS,))
BANK = system("ach-processor")
PROVIDER = "prv_01kag2m8xw0000000000000one"
NUMBER = "000398217465"


def asked(clock: VirtualClock, mark: int = 1, **other: object) -> AddBankAccount:
    given: dict[str, object] = {
        "account_id": ids.make("bac", clock.now(), mark.to_bytes(10)),
        "owner_id": PROVIDER,
        "purpose": Purpose.PAYOUT,
        "routing_number": "021000021",
        "account_number": NUMBER,
        "holder": "Paula Provider",
        "holder_kind": HolderKind.PERSON,
        "kind": AccountKind.CHECKING,
    }
    return AddBankAccount(**{**given, **other})  # pyright: ignore[reportArgumentType] — fields of one struct, by name


async def verifying(book: BankAccounts, clock: VirtualClock, mark: int = 1, **other: object) -> BankAccount:
    account = await book.add(asked(clock, mark, **other), PAULA, user_id=PAULA.actor_id)
    return await book.verifying(account.account_id, BANK)


async def facts(table: Table, account_id: str) -> list[str]:
    page = await table.query(f"BANK_ACCOUNT#{account_id}", Event, prefix="EVENT#")
    return [event.type for event in page.values]


async def test_an_account_is_kept_encrypted_and_shown_as_its_last_four(book: BankAccounts, clock: VirtualClock) -> None:
    account = await book.add(asked(clock), PAULA, user_id=PAULA.actor_id)

    assert (account.state, account.last4, account.bank) == (AccountState.ADDED, "7465", "JPMorgan Chase")
    assert account.shown == "JPMorgan Chase ····7465"
    for secret in (NUMBER.encode(), b"398217465", b"Paula", b"021000021"):
        assert secret not in account.numbers
    numbers = await book.opened(account.account_id, BANK, why="its verification", verifying=True)
    assert (numbers.account_number, numbers.routing_number, numbers.holder) == (NUMBER, "021000021", "Paula Provider")


async def test_nothing_in_the_whole_store_shows_a_number(
    book: BankAccounts, clock: VirtualClock, quick_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = await verifying(book, clock)
    amounts = await book.amounts(account.account_id, BANK)
    await book.confirm(account.account_id, (98, 98) if amounts != (98, 98) else (97, 97), PAULA)
    await book.confirm(account.account_id, amounts, PAULA)
    await book.corrected(account.account_id, Corrections(code="C01", account_number="4443398217466"), BANK)
    await book.opened(account.account_id, BANK, why="its verification", verifying=True)

    stored = b"".join(path.read_bytes() for path in quick_path.rglob("*") if path.is_file())
    for secret in (NUMBER, "398217465", "4443398217466", "398217466", "Paula Provider", "021000021"):
        for written in (secret.encode(), secret.encode("utf-16-le"), secret.encode().hex().encode()):
            assert written not in stored, secret
        assert secret not in caplog.text
    assert b"7465" in stored


async def test_the_same_request_again_is_the_same_account_and_another_is_refused(
    book: BankAccounts, clock: VirtualClock, table: Table
) -> None:
    first = await book.add(asked(clock), PAULA, user_id=PAULA.actor_id)
    again = await book.add(asked(clock, account_number="0003 9821 7465"), PAULA, user_id=PAULA.actor_id)

    assert first == again
    with pytest.raises(IdReused):
        await book.add(asked(clock, account_number="11111111"), PAULA, user_id=PAULA.actor_id)
    with pytest.raises(IdReused):
        await book.add(asked(clock, kind=AccountKind.SAVINGS), PAULA, user_id=PAULA.actor_id)
    assert await facts(table, first.account_id) == ["BankAccountAdded"]


@pytest.mark.parametrize(
    "actor", [OSCAR, BANK, Actor(actor_id=PAULA.actor_id, impersonator=OSCAR.actor_id), Actor(actor_id="usr_other")]
)
async def test_nobody_adds_or_confirms_an_account_but_its_owner_in_person(
    book: BankAccounts, clock: VirtualClock, actor: Actor
) -> None:
    account = await verifying(book, clock)

    with pytest.raises(Denied):
        await book.add(asked(clock, 2), actor, user_id=PAULA.actor_id)
    with pytest.raises(Denied):
        await book.confirm(account.account_id, (1, 2), actor)


async def test_nobody_removes_an_account_in_the_name_of_its_owner(book: BankAccounts, clock: VirtualClock) -> None:
    account = await verifying(book, clock)

    with pytest.raises(Denied):
        await book.remove(account.account_id, Actor(actor_id=PAULA.actor_id, impersonator=OSCAR.actor_id))
    with pytest.raises(Denied):
        await book.remove(account.account_id, Actor(actor_id="usr_other"))


@pytest.mark.parametrize("actor", [OSCAR, PAULA])
async def test_numbers_are_opened_for_no_person(book: BankAccounts, clock: VirtualClock, actor: Actor) -> None:
    account = await verifying(book, clock)

    with pytest.raises(Denied):
        await book.opened(account.account_id, actor, why="curious")
    with pytest.raises(Denied):
        await book.amounts(account.account_id, actor)
    with pytest.raises(Denied):
        await book.verified(account.account_id, actor)


async def test_numbers_are_opened_for_money_only_while_the_account_is_verified(
    book: BankAccounts, clock: VirtualClock
) -> None:
    account = await verifying(book, clock)
    with pytest.raises(NotUsable):
        await book.opened(account.account_id, BANK, why="payout")

    await book.verified(account.account_id, BANK)
    await book.opened(account.account_id, BANK, why="payout")

    await book.verification_failed(account.account_id, "R02", "It is closed.", BANK)
    with pytest.raises(NotUsable):
        await book.opened(account.account_id, BANK, why="payout")


async def test_each_opening_is_an_act_of_the_audit_log(book: BankAccounts, clock: VirtualClock, table: Table) -> None:
    account = await verifying(book, clock)

    await book.opened(account.account_id, BANK, why="payout pay_1", verifying=True)

    acts = (await table.scan(Act)).values
    assert [(act.action, act.subject, act.detail["why"]) for act in acts] == [
        ("BankAccountDecrypted", account.account_id, "payout pay_1")
    ]


async def test_amounts_told_in_any_order_verify(book: BankAccounts, clock: VirtualClock, table: Table) -> None:
    account = await verifying(book, clock)
    sent = await book.amounts(account.account_id, BANK)
    assert len(sent) == 2
    assert all(1 <= cents <= 99 for cents in sent)

    after = await book.confirm(account.account_id, (sent[1], sent[0]), PAULA)

    assert after.state is AccountState.VERIFIED
    assert after.amounts == b""
    assert await facts(table, account.account_id) == [
        "BankAccountAdded",
        "BankAccountVerifying",
        "BankAccountVerified",
    ]
    with pytest.raises(NothingToConfirm):
        await book.confirm(account.account_id, sent, PAULA)


async def test_the_third_wrong_try_refuses_the_account(book: BankAccounts, clock: VirtualClock) -> None:
    account = await verifying(book, clock)
    sent = await book.amounts(account.account_id, BANK)
    wrong = (sent[0] % 99 + 1, sent[1])

    tries = [await book.confirm(account.account_id, wrong, PAULA) for _ in range(3)]

    assert [each.tries_left for each in tries] == [2, 1, 0]
    assert (tries[-1].state, tries[-1].code) == (AccountState.REFUSED, "amounts")
    with pytest.raises(NothingToConfirm):
        await book.confirm(account.account_id, sent, PAULA)


@pytest.mark.parametrize("told", [(1,), (0, 5), (100, 5), (1, 2, 3), ()])
async def test_what_cannot_be_amounts_costs_no_try(
    book: BankAccounts, clock: VirtualClock, told: tuple[int, ...]
) -> None:
    account = await verifying(book, clock)

    with pytest.raises(Invalid):
        await book.confirm(account.account_id, told, PAULA)

    assert (await book.row(account.account_id)).value.tries_left == 3


async def test_amounts_that_nobody_told_in_time_refuse_the_account(book: BankAccounts, clock: VirtualClock) -> None:
    account = await verifying(book, clock)
    clock.advance(timedelta(days=13, hours=23))
    assert await book.end_due(BANK) == 0
    clock.advance(timedelta(hours=1))

    assert await book.end_due(BANK) == 1

    after = (await book.row(account.account_id)).value
    assert (after.state, after.code) == (AccountState.REFUSED, "expired")
    assert await book.end_due(BANK) == 0


async def test_amounts_are_awaited_only_once_they_were_sent(book: BankAccounts, clock: VirtualClock) -> None:
    account = await book.add(asked(clock), PAULA, user_id=PAULA.actor_id)

    with pytest.raises(NothingToConfirm):
        await book.confirm(account.account_id, await book.amounts(account.account_id, BANK), PAULA)


async def test_a_prenote_that_nobody_sent_back_verifies(book: BankAccounts, clock: VirtualClock) -> None:
    account = await verifying(book, clock, method=Method.PRENOTE)
    await book.stands_from(account.account_id, clock.now() + timedelta(days=3), BANK)
    assert await book.end_due(BANK) == 0

    clock.advance(timedelta(days=3))
    await book.end_due(BANK)

    assert (await book.row(account.account_id)).value.is_usable


async def test_an_entry_that_came_back_refuses_the_account_even_after_it_was_verified(
    book: BankAccounts, clock: VirtualClock
) -> None:
    account = await verifying(book, clock, method=Method.PRENOTE)
    await book.verified(account.account_id, BANK)

    after = await book.verification_failed(account.account_id, "R03", "The bank knows no such account.", BANK)

    assert (after.state, after.code) == (AccountState.REFUSED, "R03")
    assert (await book.verified(account.account_id, BANK)).state is AccountState.REFUSED


async def told_wrongly(book: BankAccounts, account: BankAccount, owner: Actor) -> None:
    """Amounts that cannot be, until no try is left."""
    await book.verifying(account.account_id, BANK)
    sent = await book.amounts(account.account_id, BANK)
    wrong = next((cents, cents) for cents in range(1, 99) if (cents, cents) != sent)
    for _ in range(3):
        await book.confirm(account.account_id, wrong, owner)


async def test_deposits_to_one_number_are_few_whoever_asks_and_removing_gives_no_more(
    book: BankAccounts, clock: VirtualClock
) -> None:
    people = [Actor(actor_id=f"usr_01kag2m8xw000000000000000{mark}") for mark in range(4)]
    requests = [
        asked(clock, mark, owner_id=who.actor_id, method=Method.MICRO_DEPOSITS) for mark, who in enumerate(people, 1)
    ]
    for request, who in zip(requests[:3], people[:3], strict=True):
        added = await book.add(request, who, user_id=who.actor_id)
        assert await book.add(request, who, user_id=who.actor_id) == added
        await book.remove(added.account_id, who)

    with pytest.raises(TooManyAttempts):
        await book.add(requests[3], people[3], user_id=people[3].actor_id)
    clock.advance(timedelta(days=30))
    again = asked(clock, 9, owner_id=people[3].actor_id, method=Method.MICRO_DEPOSITS)
    await book.add(again, people[3], user_id=people[3].actor_id)


async def test_an_owner_asks_for_deposits_to_few_numbers(book: BankAccounts, clock: VirtualClock) -> None:
    for mark in range(1, 7):
        request = asked(clock, mark, account_number=f"5555000{mark}", method=Method.MICRO_DEPOSITS)
        await book.add(request, PAULA, user_id=PAULA.actor_id)

    last = asked(clock, 7, account_number="55550007", method=Method.MICRO_DEPOSITS)
    with pytest.raises(TooManyAttempts):
        await book.add(last, PAULA, user_id=PAULA.actor_id)


async def test_after_wrong_amounts_number_and_owner_wait_a_day(book: BankAccounts, clock: VirtualClock) -> None:
    eve = Actor(actor_id="usr_01kag2m8xw00000000000000ev")
    account = await book.add(asked(clock, 1, method=Method.MICRO_DEPOSITS), PAULA, user_id=PAULA.actor_id)
    await told_wrongly(book, account, PAULA)
    assert (await book.row(account.account_id)).value.state is AccountState.REFUSED

    same = asked(clock, 2, owner_id=eve.actor_id, method=Method.MICRO_DEPOSITS)
    other = asked(clock, 3, account_number="55555555", method=Method.MICRO_DEPOSITS)
    for request, who in ((same, eve), (other, PAULA)):
        with pytest.raises(TooManyAttempts):
            await book.add(request, who, user_id=who.actor_id)
    clock.advance(timedelta(days=1))
    for request, who in ((same, eve), (other, PAULA)):
        await book.add(request, who, user_id=who.actor_id)


async def test_a_new_account_takes_the_place_of_the_former_and_pauses_payouts(
    book: BankAccounts, clock: VirtualClock
) -> None:
    first = await book.add(asked(clock, 1), PAULA, user_id=PAULA.actor_id)
    clock.advance(timedelta(days=30))
    second = await verifying(book, clock, mark=2, account_number="55555555")
    used = await book.used(PROVIDER, Purpose.PAYOUT)

    assert used is not None
    assert used.account_id == second.account_id
    assert used.payable_from() is None
    verified = await book.verified(second.account_id, BANK)
    assert verified.payable_from() == clock.now() + PAUSE
    assert [each.account_id for each in await book.of(PROVIDER, Purpose.PAYOUT, PAULA, user_id=PAULA.actor_id)] == [
        second.account_id,
        first.account_id,
    ]


async def test_a_removed_account_has_no_numbers_left(book: BankAccounts, clock: VirtualClock, table: Table) -> None:
    account = await verifying(book, clock)

    removed = await book.remove(account.account_id, OSCAR, reason="The owner asked for it.")
    await book.remove(account.account_id, PAULA)

    assert (removed.state, removed.numbers, removed.amounts) == (AccountState.REMOVED, b"", b"")
    assert await book.used(PROVIDER, Purpose.PAYOUT) is None
    assert await book.of(PROVIDER, Purpose.PAYOUT, OSCAR, user_id=PAULA.actor_id) == []
    assert (await facts(table, account.account_id))[-1] == "BankAccountRemoved"
    with pytest.raises(NotUsable):
        await book.opened(account.account_id, BANK, why="payout")


async def test_a_correction_is_used_from_then_on_and_the_account_stays_verified(
    book: BankAccounts, clock: VirtualClock, table: Table
) -> None:
    account = await verifying(book, clock)
    await book.verified(account.account_id, BANK)
    told = Corrections(code="C06", account_number="777 123 4567", kind=AccountKind.SAVINGS)

    after = await book.corrected(account.account_id, told, BANK)
    await book.corrected(account.account_id, told, BANK)

    assert (after.state, after.last4, after.kind) == (AccountState.VERIFIED, "4567", AccountKind.SAVINGS)
    assert (await book.opened(account.account_id, BANK, why="payout")).account_number == "7771234567"
    assert after.fingerprint != account.fingerprint
    assert (await facts(table, account.account_id)).count("BankAccountCorrected") == 1


async def test_a_correction_that_is_wrong_itself_changes_nothing(book: BankAccounts, clock: VirtualClock) -> None:
    account = await verifying(book, clock)

    with pytest.raises(Invalid):
        await book.corrected(account.account_id, Corrections(code="C02", routing_number="021000022"), BANK)

    assert (await book.row(account.account_id)).value == account


async def test_every_fact_is_audited_and_names_four_digits_at_most(
    book: BankAccounts, clock: VirtualClock, table: Table
) -> None:
    account = await verifying(book, clock)
    await book.verification_failed(account.account_id, "R03", "No such account.", BANK)

    page = await table.query(f"BANK_ACCOUNT#{account.account_id}", Event, prefix="EVENT#")
    for event in page.values:
        assert event.audit == "approval"
        assert event.detail["last4"] == "7465"
        assert "398217465" not in repr(event.detail)


async def test_amounts_are_drawn_from_all_that_are_allowed(book: BankAccounts, clock: VirtualClock) -> None:
    drawn: set[int] = set()
    for mark in range(1, 20):
        owner = f"usr_{mark}"
        account = await book.add(
            asked(clock, mark, owner_id=owner, account_number=f"5555{mark:04}"), Actor(actor_id=owner), user_id=owner
        )
        drawn |= set(await book.amounts(account.account_id, BANK))

    assert min(drawn) < 33
    assert max(drawn) > 66


async def test_envelopes_of_an_account_are_under_the_key_of_bank_accounts(
    book: BankAccounts, clock: VirtualClock
) -> None:
    account = await verifying(book, clock)

    assert [read(kept.envelope).name for kept in account.envelopes().values()] == [BankAccount.named_key] * 2
    assert account.key_version() == 1
