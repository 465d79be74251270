from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contexts.identity.door import LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.identity import (
    CodeWanted,
    Identity,
    LinkRefused,
    NotAnAddress,
    NotForImpersonators,
    SessionEnded,
    SignIn,
    SignInRefused,
    TooManyAttempts,
    WeakPassword,
    WrongPassword,
)
from ecosystem.contexts.identity.accounts import PasswordHash
from ecosystem.contexts.identity.keys import password_key, reset_key
from ecosystem.contexts.identity.passwords import Reset
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Put, Table

NEW = "Porto-Funicular-7"


async def test_a_password_is_changed_by_who_knows_the_present_one(door: Door, identity: Identity, table: Table) -> None:
    account = await door.person()
    here, elsewhere = await door.sign_in(), await door.sign_in(origin=LAPTOP)

    await identity.passwords.change(PASSWORD, NEW, await door.who(here))

    assert await door.sign_in(password=NEW)
    with pytest.raises(SignInRefused):
        await door.sign_in()
    # The session it was done in goes on; all others have ended.
    assert await door.who(here)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(elsewhere.refresh_token, LAPTOP)
    kept = await table.get(password_key(account.user_id), PasswordHash)
    assert kept
    assert NEW not in kept.value.encoded
    events = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values
    assert (events[-1].type, events[-1].detail) == ("PasswordChanged", {"user_id": account.user_id, "by_mail": False})


async def test_an_open_session_alone_changes_no_password(door: Door, identity: Identity) -> None:
    await door.person()
    who = await door.who(await door.sign_in())

    for _ in range(5):
        with pytest.raises(WrongPassword):
            await identity.passwords.change("Porto-Tram-28", NEW, who)
    with pytest.raises(TooManyAttempts):
        await identity.passwords.change(PASSWORD, NEW, who)

    assert await door.sign_in()


async def test_a_weak_new_password_is_refused_and_nothing_changes(door: Door, identity: Identity) -> None:
    await door.person()
    who = await door.who(await door.sign_in())

    with pytest.raises(WeakPassword):
        await identity.passwords.change(PASSWORD, "Password1!", who)

    assert await door.sign_in()


async def test_an_operator_in_a_persons_place_changes_no_password(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    acting = await door.who(await identity.people.act_as(account.user_id, "Asked for help", LAPTOP, operator))

    with pytest.raises(NotForImpersonators):
        await identity.passwords.change(PASSWORD, NEW, acting)


async def test_a_password_is_reset_by_the_mailed_link_once(door: Door, identity: Identity) -> None:
    await door.person()
    before = await door.sign_in()
    mailed = await door.reset_mail(" ANA@example.com")

    await identity.passwords.reset(mailed.token, NEW)

    assert await door.sign_in(password=NEW)
    with pytest.raises(SessionEnded):
        await door.who(before)
    for again in (
        identity.passwords.reset(mailed.token, PASSWORD),
        identity.passwords.reset_by_code("ana@example.com", mailed.code, PASSWORD),
    ):
        with pytest.raises(LinkRefused):
            await again


async def test_a_password_is_reset_by_the_mailed_code(door: Door, identity: Identity) -> None:
    await door.person()
    mailed = await door.reset_mail()

    await identity.passwords.reset_by_code("Ana@Example.com", mailed.code, NEW)

    assert await door.sign_in(password=NEW)


async def test_a_link_used_many_times_at_once_resets_once(door: Door, identity: Identity) -> None:
    await door.person()
    mailed = await door.reset_mail()
    others = [f"Porto-Funicular-{n}" for n in range(6)]

    outcomes = await asyncio.gather(
        *(identity.passwords.reset(mailed.token, other) for other in others), return_exceptions=True
    )

    assert [outcome for outcome in outcomes if not isinstance(outcome, Exception)] == [None]
    assert all(isinstance(outcome, LinkRefused) for outcome in outcomes if outcome)


async def test_a_reset_expires_and_a_later_one_replaces_it(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    first = await door.reset_mail()
    second = await door.reset_mail()

    with pytest.raises(LinkRefused):
        await identity.passwords.reset(first.token, NEW)
    clock.advance(timedelta(hours=1))
    with pytest.raises(LinkRefused):
        await identity.passwords.reset(second.token, NEW)
    assert await door.sign_in()


async def test_a_weak_password_leaves_the_link_good(door: Door, identity: Identity) -> None:
    await door.person()
    mailed = await door.reset_mail()

    with pytest.raises(WeakPassword):
        await identity.passwords.reset(mailed.token, "Password1!")

    await identity.passwords.reset(mailed.token, NEW)


async def test_a_reset_does_not_pass_the_second_factor_by(door: Door, identity: Identity) -> None:
    await door.person()
    await door.second_factor(await door.who(await door.sign_in()))
    mailed = await door.reset_mail()

    await identity.passwords.reset(mailed.token, NEW)

    wanted = await identity.sign_ins.sign_in(SignIn(email="ana@example.com", password=NEW), PHONE)
    assert isinstance(wanted, CodeWanted)


async def test_asking_for_a_reset_does_the_same_for_an_unknown_address(door: Door, identity: Identity) -> None:
    account = await door.person()

    known = await identity.passwords.ask_reset("ana@example.com", PHONE)
    unknown = await identity.passwords.ask_reset("nobody@example.com", PHONE)

    assert known.outcome
    assert unknown.outcome is None
    assert known.outcome.user_id == account.user_id
    writes = [[type(write) for write in prepared.writes] for prepared in (known, unknown)]
    assert writes == [[Put], [Put]]
    sizes = [
        len(repr(write.value)) for prepared in (known, unknown) for write in prepared.writes if isinstance(write, Put)
    ]
    assert abs(sizes[0] - sizes[1]) < 200
    with pytest.raises(NotAnAddress):
        await identity.passwords.ask_reset("nobody", PHONE)


async def test_one_address_gets_few_resets_whether_known_or_not(door: Door, identity: Identity) -> None:
    await door.person()

    for email in ("ana@example.com", "nobody@example.com"):
        for _ in range(3):
            await identity.passwords.ask_reset(email, PHONE)
        with pytest.raises(TooManyAttempts):
            await identity.passwords.ask_reset(email, PHONE)


async def test_wrong_codes_sound_and_count_the_same_for_an_unknown_address(door: Door, identity: Identity) -> None:
    await door.person()
    mailed = await door.reset_mail()
    wrong = f"{(int(mailed.code) + 1) % 1_000_000:06d}"

    said: set[str] = set()
    for email in ("ana@example.com", "nobody@example.com"):
        for _ in range(5):
            with pytest.raises(LinkRefused) as refused:
                await identity.passwords.reset_by_code(email, wrong, NEW)
            said.add(refused.value.message)
        with pytest.raises(TooManyAttempts):
            await identity.passwords.reset_by_code(email, mailed.code, NEW)

    assert len(said) == 1


async def test_a_reset_is_stored_without_its_secrets(door: Door, table: Table) -> None:
    account = await door.person()
    mailed = await door.reset_mail()

    row = await table.get(reset_key(account.user_id), Reset)

    assert row is not None
    assert mailed.code not in repr(row)
    assert mailed.token.partition(".")[2] not in repr(row)
