from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from contexts.identity.door import LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.credentials import Argon2Cost, Argon2Passwords, TotpCodes
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.contexts.identity import (
    AccountLocked,
    CodeRefused,
    CodeWanted,
    Identity,
    NotAnAddress,
    Origin,
    SessionEnded,
    SignedIn,
    SignIn,
    SignInRefused,
    TooManyAttempts,
)
from ecosystem.contexts.identity.accounts import PasswordHash
from ecosystem.contexts.identity.keys import password_key
from ecosystem.contexts.identity.throttles import network
from ecosystem.ports.table import Table

RIGHT = SignIn(email="ana@example.com", password=PASSWORD)
WRONG = SignIn(email="ana@example.com", password="Porto-Tram-28")


async def test_every_failure_at_the_door_sounds_the_same(door: Door, identity: Identity) -> None:
    await door.person()
    await door.sign_up("unconfirmed@example.com")

    said: set[tuple[str, str]] = set()
    for request in (
        WRONG,
        replace(RIGHT, email="nobody@example.com"),
        replace(RIGHT, email="unconfirmed@example.com"),
        replace(RIGHT, password=""),
    ):
        with pytest.raises(SignInRefused) as refused:
            await identity.sign_ins.sign_in(request, PHONE)
        said.add((refused.value.name, refused.value.message))

    assert len(said) == 1


async def test_an_unknown_person_costs_as_many_hashes_and_reads_as_a_known_one(
    door: Door, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.person()
    work: list[str] = []
    verify, get, transact = door.passwords._verify, type(door.table).get, type(door.table).transact
    monkeypatch.setattr(door.passwords, "_verify", lambda *a: work.append("hash") or verify(*a))
    monkeypatch.setattr(type(door.table), "get", lambda *a: work.append("get") or get(*a))
    monkeypatch.setattr(type(door.table), "transact", lambda *a, **k: work.append("transact") or transact(*a, **k))

    costs: list[list[str]] = []
    for email in ("ana@example.com", "nobody@example.com"):
        work.clear()
        with pytest.raises(SignInRefused):
            await identity.sign_ins.sign_in(SignIn(email=email, password="Wrong-Tram-28"), PHONE)
        costs.append(list(work))

    assert costs[0] == costs[1]
    assert costs[0].count("hash") == 1


async def test_what_is_no_address_names_the_field(identity: Identity) -> None:
    with pytest.raises(NotAnAddress):
        await identity.sign_ins.sign_in(SignIn(email="nobody", password=PASSWORD), PHONE)


async def test_the_sixth_wrong_password_is_not_looked_at_until_the_window_ends(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await identity.sign_ins.sign_in(WRONG, PHONE)

    for request in (WRONG, RIGHT, replace(RIGHT, email=" ANA@example.com ")):
        with pytest.raises(TooManyAttempts) as refused:
            await identity.sign_ins.sign_in(request, PHONE)
        assert "minutes" in refused.value.message

    assert refused.value.retry_after_s <= 15 * 60
    clock.advance(timedelta(seconds=refused.value.retry_after_s))
    assert await identity.sign_ins.sign_in(RIGHT, PHONE)


async def test_attempts_at_an_unknown_address_are_counted_alike(identity: Identity) -> None:
    nobody = SignIn(email="nobody@example.com", password=PASSWORD)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await identity.sign_ins.sign_in(nobody, PHONE)

    with pytest.raises(TooManyAttempts):
        await identity.sign_ins.sign_in(nobody, PHONE)


async def test_many_attempts_at_once_do_not_slip_past_the_limit(door: Door, identity: Identity) -> None:
    await door.person()

    outcomes = await asyncio.gather(
        *(identity.sign_ins.sign_in(WRONG, PHONE) for _ in range(40)), return_exceptions=True
    )

    looked_at = [outcome for outcome in outcomes if isinstance(outcome, SignInRefused)]
    assert len(looked_at) <= 5
    assert all(isinstance(outcome, SignInRefused | TooManyAttempts) for outcome in outcomes)


async def test_a_person_who_knows_the_password_never_meets_a_limit(door: Door, identity: Identity) -> None:
    await door.person()

    for _ in range(120):
        assert isinstance(await identity.sign_ins.sign_in(RIGHT, PHONE), SignedIn)


async def test_strangers_do_not_lock_an_owner_out(door: Door, identity: Identity) -> None:
    await door.person()
    own = await door.sign_in(origin=LAPTOP)
    for stranger in range(60):
        with pytest.raises((SignInRefused, TooManyAttempts)):
            await identity.sign_ins.sign_in(WRONG, Origin(address=f"192.0.2.{stranger}"))

    with pytest.raises(TooManyAttempts):
        await identity.sign_ins.sign_in(RIGHT, PHONE)

    known = Origin(address="192.0.2.1", device="Laptop", device_token=own.device_token)
    assert await identity.sign_ins.sign_in(RIGHT, known)


async def test_a_device_of_one_person_opens_no_door_to_another(door: Door, identity: Identity) -> None:
    await door.person()
    await door.person("ben@example.com")
    bens = await door.sign_in("ben@example.com", origin=LAPTOP)
    origin = Origin(address="192.0.2.9", device_token=bens.device_token)

    for _ in range(5):
        with pytest.raises(SignInRefused):
            await identity.sign_ins.sign_in(WRONG, origin)

    with pytest.raises(TooManyAttempts):
        await identity.sign_ins.sign_in(RIGHT, PHONE if origin is PHONE else origin)


async def test_a_known_device_has_few_attempts_too(door: Door, identity: Identity) -> None:
    await door.person()
    own = await door.sign_in()
    outcomes: list[type[Exception]] = []
    for place in range(8):
        with pytest.raises((SignInRefused, TooManyAttempts)) as refused:
            await identity.sign_ins.sign_in(WRONG, Origin(address=f"192.0.2.{place}", device_token=own.device_token))
        outcomes.append(type(refused.value))

    assert outcomes == [SignInRefused] * 5 + [TooManyAttempts] * 3


async def test_one_network_may_not_try_many_people(identity: Identity) -> None:
    for person in range(100):
        with pytest.raises(SignInRefused):
            await identity.sign_ins.sign_in(SignIn(email=f"p{person}@example.com", password=PASSWORD), PHONE)

    with pytest.raises(TooManyAttempts):
        await identity.sign_ins.sign_in(SignIn(email="another@example.com", password=PASSWORD), PHONE)
    with pytest.raises(SignInRefused):
        await identity.sign_ins.sign_in(SignIn(email="another@example.com", password=PASSWORD), LAPTOP)


async def test_a_restart_forgives_no_attempt(
    tmp_path: Path, clock: VirtualClock, passwords: Argon2Passwords, tokens: RsaTokens, seal: KeyedSeal
) -> None:
    def identity(table: Table) -> Identity:
        entropy = SystemEntropy()
        return Identity.of(
            table, clock, entropy, passwords=passwords, codes=TotpCodes(entropy), tokens=tokens, seal=seal
        )

    path = tmp_path / "kept.sqlite"
    before = await EmbeddedTable.open(path, clock)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await identity(before).sign_ins.sign_in(WRONG, PHONE)
    await before.close()

    after = await EmbeddedTable.open(path, clock)

    with pytest.raises(TooManyAttempts):
        await identity(after).sign_ins.sign_in(WRONG, PHONE)
    await after.close()


async def test_addresses_stand_in_no_counter(door: Door, identity: Identity, table: Table) -> None:
    with pytest.raises(SignInRefused):
        await identity.sign_ins.sign_in(WRONG, PHONE)

    changed = await table.changes(None)

    keys = [change.key.partition for change in changed if "THROTTLE" in change.key.partition]
    assert keys
    assert not any("ana" in key or "203.0.113" in key for key in keys)


async def test_a_locked_account_is_told_so_only_to_who_knows_the_password(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    await identity.people.lock(account.user_id, "Asked by their bank", operator)

    with pytest.raises(SignInRefused):
        await identity.sign_ins.sign_in(WRONG, PHONE)
    with pytest.raises(AccountLocked):
        await identity.sign_ins.sign_in(RIGHT, PHONE)


async def test_a_password_is_kept_anew_when_the_parameters_have_risen(
    door: Door, table: Table, clock: VirtualClock, tokens: RsaTokens, seal: KeyedSeal
) -> None:
    account = await door.person()
    before = await table.get(password_key(account.user_id), PasswordHash)
    entropy = SystemEntropy()
    dearer = await Argon2Passwords.open(entropy, Argon2Cost(memory_kib=128, passes=2))
    later = Identity.of(table, clock, entropy, passwords=dearer, codes=TotpCodes(entropy), tokens=tokens, seal=seal)

    await later.sign_ins.sign_in(RIGHT, PHONE)

    after = await table.get(password_key(account.user_id), PasswordHash)
    assert before
    assert after
    assert "m=128,t=2" in after.value.encoded
    assert after.value.changed_at == before.value.changed_at
    assert await later.sign_ins.sign_in(RIGHT, PHONE)


async def test_with_a_second_factor_the_password_alone_opens_nothing(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    app, _ = await door.second_factor(await door.who(await door.sign_in()))

    wanted = await identity.sign_ins.sign_in(RIGHT, PHONE)

    assert isinstance(wanted, CodeWanted)
    with pytest.raises(CodeRefused):
        await identity.sign_ins.complete(wanted.token, "000000", PHONE)
    signed_in = await identity.sign_ins.complete(wanted.token, app.at(clock.now()), PHONE)
    assert (await door.who(signed_in)).actor.actor_id == signed_in.user_id


async def test_a_code_is_good_once_even_for_two_at_the_same_moment(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    app, _ = await door.second_factor(await door.who(await door.sign_in()))
    code = app.at(clock.now())
    wanted = [await identity.sign_ins.sign_in(RIGHT, origin) for origin in (PHONE, LAPTOP)]

    outcomes = await asyncio.gather(
        *(identity.sign_ins.complete(one.token, code, PHONE) for one in wanted if isinstance(one, CodeWanted)),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CodeRefused", "SignedIn"]
    third = await identity.sign_ins.sign_in(RIGHT, PHONE)
    assert isinstance(third, CodeWanted)
    for earlier in (code, app.at(clock.now() - timedelta(seconds=30))):
        with pytest.raises(CodeRefused):
            await identity.sign_ins.complete(third.token, earlier, PHONE)


async def test_codes_are_guessed_few_times(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    app, _ = await door.second_factor(await door.who(await door.sign_in()))
    clock.advance(timedelta(minutes=15))
    wanted = await identity.sign_ins.sign_in(RIGHT, PHONE)
    assert isinstance(wanted, CodeWanted)
    for guess in range(5):
        with pytest.raises(CodeRefused):
            await identity.sign_ins.complete(wanted.token, f"00000{guess}", PHONE)

    with pytest.raises(TooManyAttempts):
        await identity.sign_ins.complete(wanted.token, app.at(clock.now()), PHONE)


async def test_the_wish_for_a_code_ends_with_time_and_with_the_epoch(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    own = await door.sign_in()
    app, _ = await door.second_factor(await door.who(own))
    stale = await identity.sign_ins.sign_in(RIGHT, PHONE)
    assert isinstance(stale, CodeWanted)
    await identity.sessions.sign_out_everywhere((await door.who(own)).actor)

    with pytest.raises(SessionEnded):
        await identity.sign_ins.complete(stale.token, app.at(clock.now()), PHONE)
    late = await identity.sign_ins.sign_in(RIGHT, PHONE)
    assert isinstance(late, CodeWanted)
    clock.advance(timedelta(minutes=5))
    with pytest.raises(SessionEnded):
        await identity.sign_ins.complete(late.token, app.at(clock.now()), PHONE)
    with pytest.raises(SessionEnded):
        await identity.sign_ins.complete(own.access_token, app.at(clock.now()), PHONE)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unix:", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_is_counted_by_the_network_one_client_owns(address: str, counted_as: str) -> None:
    assert network(address) == counted_as


async def test_what_holds_a_secret_shows_none_when_printed(door: Door, identity: Identity) -> None:
    invitation = await door.sign_up()
    await identity.registrations.confirm(invitation.mailed.token)
    signed_in = await door.sign_in()
    guest = await identity.guests.welcome(Origin(address="127.0.0.1"))

    printed = f"{RIGHT!r} {invitation!r} {invitation.mailed!r} {signed_in!r} {guest!r}"

    assert PASSWORD not in printed
    assert "example.com" not in printed
    for secret in (invitation.mailed.token, invitation.mailed.code, signed_in.refresh_token, guest.token):
        assert secret not in printed


async def test_one_network_brings_only_so_many_guests(identity: Identity, clock: VirtualClock) -> None:
    for _ in range(60):
        await identity.guests.welcome(Origin(address="192.0.2.1"))

    with pytest.raises(TooManyAttempts):
        await identity.guests.welcome(Origin(address="192.0.2.1"))
    await identity.guests.welcome(Origin(address="192.0.2.2"))
    for _ in range(70):
        await identity.guests.welcome(Origin(address="127.0.0.1"))
    clock.advance(timedelta(minutes=15))
    await identity.guests.welcome(Origin(address="192.0.2.1"))
