from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.identity.door import LAPTOP, PHONE, Door
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.contexts.identity import (
    AccountLocked,
    Identity,
    NoSuchSession,
    Origin,
    SessionEnded,
    SignedIn,
)
from ecosystem.contexts.identity.keys import session_key, session_timeline
from ecosystem.contexts.identity.sessions import SESSIONS_MAX, Session
from ecosystem.kernel.actor import Group
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Table
from ecosystem.ports.tokens import TokenExpired, TokenRefused, TokenUse


async def test_an_access_token_says_who_sent_a_request(door: Door, identity: Identity, tokens: RsaTokens) -> None:
    account = await door.person()
    signed_in = await door.sign_in()

    who = await identity.sessions.identified(signed_in.access_token)

    assert (who.actor.actor_id, who.actor.groups, who.actor.impersonator) == (
        account.user_id,
        (Group.CUSTOMERS,),
        None,
    )
    assert who.session_id == signed_in.session_id
    claims = tokens.verified(signed_in.access_token, TokenUse.ACCESS)
    assert (claims.sub, claims.origin_jti, claims.groups) == (account.user_id, signed_in.session_id, ("Customers",))
    about = tokens.verified(signed_in.id_token, TokenUse.ID)
    assert (about.email, about.email_verified, about.name) == ("ana@example.com", True, "Ana")
    assert claims.jti != about.jti


async def test_only_an_access_token_identifies(door: Door, identity: Identity) -> None:
    await door.person()
    signed_in = await door.sign_in()
    guest = await identity.guests.welcome(Origin(address="127.0.0.1"))

    for token in (signed_in.id_token, signed_in.refresh_token, signed_in.device_token, guest.token, "", "a.b.c"):
        with pytest.raises(TokenRefused):
            await identity.sessions.identified(token)


async def test_an_access_token_lasts_minutes_and_a_refresh_brings_another(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    signed_in = await door.sign_in()
    clock.advance(timedelta(minutes=15))

    with pytest.raises(TokenExpired):
        await door.who(signed_in)
    again = await identity.sessions.refresh(signed_in.refresh_token, PHONE)

    assert again.session_id == signed_in.session_id
    assert again.refresh_token != signed_in.refresh_token
    assert (await door.who(again)).session_id == signed_in.session_id


async def test_a_refresh_token_that_was_replaced_ends_the_session_for_everybody(
    door: Door, identity: Identity, clock: VirtualClock, table: Table
) -> None:
    account = await door.person()
    stolen = await door.sign_in()
    owners = await identity.sessions.refresh(stolen.refresh_token, PHONE)
    other = await door.sign_in(origin=LAPTOP)
    clock.advance(timedelta(seconds=11))

    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(stolen.refresh_token, PHONE)

    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(owners.refresh_token, PHONE)
    with pytest.raises(SessionEnded):
        await door.who(owners)
    assert (await door.who(other)).actor.actor_id == account.user_id
    events = (await table.query(session_timeline(stolen.session_id), Event, prefix="EVENT#")).values
    assert [(event.type, event.detail["user_id"]) for event in events] == [("RefreshReused", account.user_id)]


async def test_tabs_that_refresh_at_the_same_moment_stay_signed_in(door: Door, identity: Identity) -> None:
    await door.person()
    signed_in = await door.sign_in()

    tabs = await asyncio.gather(*(identity.sessions.refresh(signed_in.refresh_token, PHONE) for _ in range(8)))

    assert len({tab.refresh_token for tab in tabs}) == 1
    assert (await identity.sessions.refresh(tabs[3].refresh_token, PHONE)).session_id == signed_in.session_id


async def test_the_grace_is_for_the_same_client_alone(door: Door, identity: Identity) -> None:
    await door.person()
    signed_in = await door.sign_in()
    await identity.sessions.refresh(signed_in.refresh_token, PHONE)

    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(signed_in.refresh_token, LAPTOP)


async def test_the_grace_is_for_the_generation_just_replaced_alone(door: Door, identity: Identity) -> None:
    await door.person()
    first = await door.sign_in()
    second = await identity.sessions.refresh(first.refresh_token, PHONE)
    await identity.sessions.refresh(second.refresh_token, PHONE)

    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(first.refresh_token, PHONE)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from([PHONE, LAPTOP]), st.integers(0, 12)), min_size=1, max_size=8
    )
)
async def test_however_tokens_are_brought_only_the_newest_goes_on(
    door: Door, clock: VirtualClock, steps: list[tuple[int, object, int]]
) -> None:
    account = await door.admitted(f"{door.id()}@example.com")
    issued = [(await door.identity.sessions.open(account, PHONE)).refresh_token]
    replaced_at, replaced_by, ended = clock.now(), None, False

    for back, origin, pause in steps:
        clock.advance(timedelta(seconds=pause))
        brought = max(0, len(issued) - 1 - back)
        newest = len(issued) - 1
        graced = brought == newest - 1 and origin is replaced_by and clock.now() - replaced_at < timedelta(seconds=10)
        if ended or not (brought == newest or graced):
            with pytest.raises(SessionEnded):
                await door.identity.sessions.refresh(issued[brought], origin)  # type: ignore[arg-type]
            ended = True
            continue
        got = await door.identity.sessions.refresh(issued[brought], origin)  # type: ignore[arg-type]
        if brought == newest:
            issued.append(got.refresh_token)
            replaced_at, replaced_by = clock.now(), origin
        else:
            assert got.refresh_token == issued[newest]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 10_000), sign=st.sampled_from("ABCxyz0189-_.é"))
async def test_a_refresh_token_with_any_sign_changed_is_refused_and_ends_nothing(
    door: Door, position: int, sign: str
) -> None:
    account = await door.admitted(f"{door.id()}@example.com")
    token = (await door.identity.sessions.open(account, PHONE)).refresh_token
    at = position % len(token)
    changed = token[:at] + sign + token[at + 1 :]

    if changed != token:
        with pytest.raises(SessionEnded):
            await door.identity.sessions.refresh(changed, PHONE)

    assert await door.identity.sessions.refresh(token, PHONE)


async def test_a_session_ends_when_it_is_not_used_and_at_its_term(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    await door.person()
    idle, busy = await door.sign_in(), await door.sign_in(origin=LAPTOP)

    clock.advance(timedelta(days=29))
    busy = await identity.sessions.refresh(busy.refresh_token, LAPTOP)
    clock.advance(timedelta(days=1))

    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(idle.refresh_token, PHONE)
    for _ in range(2):
        clock.advance(timedelta(days=28))
        busy = await identity.sessions.refresh(busy.refresh_token, LAPTOP)
    clock.advance(timedelta(days=4))
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(busy.refresh_token, LAPTOP)


async def test_an_operators_session_ends_the_same_day(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.operator()
    signed_in = await door.sign_in("operator@example.com")
    assert signed_in.session_expires_at == clock.now() + timedelta(hours=12)
    clock.advance(timedelta(hours=11, minutes=55))
    last = await identity.sessions.refresh(signed_in.refresh_token, PHONE)

    assert last.expires_at == signed_in.session_expires_at
    clock.advance(timedelta(minutes=5))
    with pytest.raises(TokenExpired):
        await door.who(last)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(last.refresh_token, PHONE)


async def test_a_person_sees_their_sessions_and_ends_one(door: Door, identity: Identity, clock: VirtualClock) -> None:
    await door.person()
    phone = await door.sign_in(origin=PHONE)
    clock.advance(timedelta(minutes=1))
    laptop = await door.sign_in(origin=LAPTOP)
    who = await door.who(laptop)

    seen = await identity.sessions.sessions(who)
    await identity.sessions.revoke(phone.session_id, who.actor)

    assert [(view.device, view.network, view.current) for view in seen] == [
        ("Laptop", "198.51.100.9", True),
        ("Phone", "203.0.113.7", False),
    ]
    with pytest.raises(SessionEnded):
        await door.who(phone)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(phone.refresh_token, PHONE)
    assert len(await identity.sessions.sessions(who)) == 1
    with pytest.raises(NoSuchSession):
        await identity.sessions.revoke(phone.session_id, who.actor)


async def test_nobody_ends_the_session_of_another(door: Door, identity: Identity) -> None:
    await door.person()
    await door.person("ben@example.com")
    ana, ben = await door.sign_in(), await door.sign_in("ben@example.com")

    with pytest.raises(NoSuchSession):
        await identity.sessions.revoke(ana.session_id, (await door.who(ben)).actor)

    assert await door.who(ana)


async def test_signing_out_everywhere_ends_all_sessions_at_once(door: Door, identity: Identity, table: Table) -> None:
    account = await door.person()
    sessions: list[SignedIn] = [await door.sign_in(origin=origin) for origin in (PHONE, LAPTOP, PHONE)]

    await identity.sessions.sign_out_everywhere((await door.who(sessions[0])).actor)

    for ended in sessions:
        with pytest.raises(SessionEnded):
            await door.who(ended)
        with pytest.raises(SessionEnded):
            await identity.sessions.refresh(ended.refresh_token, PHONE)
        assert await table.get(session_key(account.user_id, ended.session_id), Session) is None
    assert await door.sign_in()


async def test_a_session_of_a_former_epoch_is_dead_though_its_item_is_there(
    door: Door, identity: Identity, table: Table
) -> None:
    account = await door.person()
    signed_in = await door.sign_in()
    row = await table.get(session_key(account.user_id, signed_in.session_id), Session)
    assert row
    await identity.sessions.sign_out_everywhere((await door.who(signed_in)).actor)
    late = await identity.sessions.begin(account, replace(row.value, epoch=account.epoch))

    with pytest.raises(SessionEnded):
        await door.who(late)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(late.refresh_token, PHONE)


async def test_what_an_account_loses_counts_at_the_next_request(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    signed_in = await door.sign_in()

    await identity.people.set_groups(account.user_id, [Group.PROVIDERS, Group.CUSTOMERS], operator)
    assert (await door.who(signed_in)).actor.groups == (Group.CUSTOMERS, Group.PROVIDERS)
    await identity.people.lock(account.user_id, "Asked by their bank", operator)

    with pytest.raises((AccountLocked, SessionEnded)):
        await door.who(signed_in)


async def test_a_person_has_so_many_sessions_and_the_oldest_makes_way(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    account = await door.person()
    opened: list[SignedIn] = []
    for _ in range(SESSIONS_MAX + 2):
        opened.append(await identity.sessions.open(account, PHONE))
        clock.advance(timedelta(seconds=1))

    living = await identity.sessions.sessions(await door.who(opened[-1]))

    assert len(living) == SESSIONS_MAX
    assert opened[0].session_id not in {view.session_id for view in living}


async def test_an_operator_in_a_persons_place_does_not_end_their_sessions(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    own = await door.sign_in()
    acting = await identity.people.act_as(account.user_id, "They asked for help", LAPTOP, operator)
    who = await door.who(acting)

    for ending in (
        identity.sessions.revoke(own.session_id, who.actor),
        identity.sessions.sign_out_everywhere(who.actor),
    ):
        with pytest.raises(Denied):
            await ending

    await identity.sessions.revoke(acting.session_id, who.actor)
    assert await door.who(own)
    with pytest.raises(SessionEnded):
        await door.who(acting)
