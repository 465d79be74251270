from __future__ import annotations

from datetime import timedelta

import pytest
from pyotp.totp import TOTP

from contexts.identity.door import LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.contexts.identity import (
    AlreadyEnabled,
    CodeRefused,
    CodeWanted,
    Identity,
    NotEnabled,
    NotForImpersonators,
    SignedIn,
    SignIn,
    TooManyAttempts,
    WrongPassword,
)
from ecosystem.contexts.identity.keys import second_factor_key
from ecosystem.contexts.identity.second_factors import SecondFactor, recovery_codes
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Table

RIGHT = SignIn(email="ana@example.com", password=PASSWORD)


async def wanted(identity: Identity) -> CodeWanted:
    outcome = await identity.sign_ins.sign_in(RIGHT, PHONE)
    assert isinstance(outcome, CodeWanted)
    return outcome


async def test_an_app_is_set_up_with_its_first_code(
    door: Door, identity: Identity, clock: VirtualClock, table: Table
) -> None:
    account = await door.person()
    who = await door.who(await door.sign_in())

    enrolment = await identity.second_factors.enrol(PASSWORD, who.actor)
    assert isinstance(await identity.sign_ins.sign_in(RIGHT, PHONE), SignedIn)
    codes = await identity.second_factors.enable(TOTP(enrolment.secret).at(clock.now()), who.actor)

    assert enrolment.address.startswith("otpauth://totp/Ecosystem:ana%40example.com")
    assert enrolment.picture.startswith("<svg")
    assert len(set(codes)) == 10
    assert isinstance(await identity.sign_ins.sign_in(RIGHT, PHONE), CodeWanted)
    events = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values
    assert events[-1].type == "SecondFactorEnabled"


async def test_the_secret_is_sealed_and_the_recovery_codes_are_hashed(
    door: Door, identity: Identity, table: Table, clock: VirtualClock
) -> None:
    account = await door.person()
    who = await door.who(await door.sign_in())
    enrolment = await identity.second_factors.enrol(PASSWORD, who.actor)
    codes = await identity.second_factors.enable(TOTP(enrolment.secret).at(clock.now()), who.actor)

    row = await table.get(second_factor_key(account.user_id), SecondFactor)

    assert row
    assert enrolment.secret.encode() not in row.value.secret
    assert not any(code in repr(row) or code.replace("-", "") in repr(row) for code in codes)
    assert door.identity.second_factors.seal.opened(row.value.secret, place=f"totp:{account.user_id}").decode() == (
        enrolment.secret
    )


async def test_it_counts_only_after_a_right_code(door: Door, identity: Identity) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    with pytest.raises(NotEnabled):
        await identity.second_factors.enable("000000", who.actor)
    await identity.second_factors.enrol(PASSWORD, who.actor)

    with pytest.raises(CodeRefused) as refused:
        await identity.second_factors.enable("000000", who.actor)

    assert refused.value.field == "code"
    assert isinstance(await identity.sign_ins.sign_in(RIGHT, PHONE), SignedIn)


async def test_setting_up_wants_the_password_and_the_person(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    who = await door.who(await door.sign_in())
    acting = await door.who(await identity.people.act_as(account.user_id, "Asked for help", LAPTOP, operator))

    with pytest.raises(WrongPassword):
        await identity.second_factors.enrol("Porto-Tram-28", who.actor)
    for actor in (acting.actor, operator):
        if actor is operator:
            continue
        with pytest.raises(NotForImpersonators):
            await identity.second_factors.enrol(PASSWORD, actor)


async def test_an_app_that_counts_is_not_replaced_by_another_tab(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    app, _ = await door.second_factor(who)

    with pytest.raises(AlreadyEnabled):
        await identity.second_factors.enrol(PASSWORD, who.actor)
    with pytest.raises(AlreadyEnabled):
        await identity.second_factors.enable(app.at(clock.now()), who.actor)

    assert await identity.sign_ins.complete((await wanted(identity)).token, app.at(clock.now()), PHONE)


async def test_the_code_that_enabled_it_signs_nobody_in(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    app, _ = await door.second_factor(who)

    with pytest.raises(CodeRefused):
        await identity.sign_ins.complete(
            (await wanted(identity)).token, app.at(clock.now() - timedelta(seconds=30)), PHONE
        )


async def test_a_recovery_code_stands_in_once(door: Door, identity: Identity, table: Table) -> None:
    account = await door.person()
    _, codes = await door.second_factor(await door.who(await door.sign_in()))

    signed_in = await identity.sign_ins.complete((await wanted(identity)).token, codes[3], PHONE)
    with pytest.raises(CodeRefused):
        await identity.sign_ins.complete((await wanted(identity)).token, codes[3], PHONE)

    who = await door.who(signed_in)
    assert await identity.second_factors.recovery_left(who.actor) == 9
    events = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values
    assert (events[-1].type, events[-1].detail["left"]) == ("RecoveryCodeUsed", 9)
    spoken = codes[4].upper().replace("-", " ").replace("0", "O").replace("1", "I")
    assert await identity.sign_ins.complete((await wanted(identity)).token, spoken, PHONE)


async def test_new_recovery_codes_make_the_former_ones_void(door: Door, identity: Identity) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    with pytest.raises(NotEnabled):
        await identity.second_factors.renew_recovery(PASSWORD, who.actor)
    _, former = await door.second_factor(who)

    codes = await identity.second_factors.renew_recovery(PASSWORD, who.actor)

    with pytest.raises(CodeRefused):
        await identity.sign_ins.complete((await wanted(identity)).token, former[0], PHONE)
    assert await identity.sign_ins.complete((await wanted(identity)).token, codes[0], PHONE)


async def test_turning_it_off_wants_password_and_code(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    app, _ = await door.second_factor(who)

    with pytest.raises(WrongPassword):
        await identity.second_factors.disable("Porto-Tram-28", app.at(clock.now()), who.actor)
    with pytest.raises(CodeRefused):
        await identity.second_factors.disable(PASSWORD, "000000", who.actor)
    await identity.second_factors.disable(PASSWORD, app.at(clock.now()), who.actor)

    assert isinstance(await identity.sign_ins.sign_in(RIGHT, PHONE), SignedIn)
    with pytest.raises(NotEnabled):
        await identity.second_factors.disable(PASSWORD, app.at(clock.now()), who.actor)


async def test_enabling_is_guessed_few_times(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    who = await door.who(await door.sign_in())
    enrolment = await identity.second_factors.enrol(PASSWORD, who.actor)
    for guess in range(5):
        with pytest.raises(CodeRefused):
            await identity.second_factors.enable(f"00000{guess}", who.actor)

    with pytest.raises(TooManyAttempts):
        await identity.second_factors.enable(TOTP(enrolment.secret).at(clock.now()), who.actor)


def test_recovery_codes_are_long_and_speakable() -> None:
    codes = recovery_codes(SeededEntropy(3))

    assert all(len(code) == 29 and code.count("-") == 5 for code in codes)
    assert not set("".join(codes)) & set("oilu")
