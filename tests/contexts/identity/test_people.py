from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contexts.identity.door import LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.contexts.identity import (
    AddressTaken,
    Admission,
    EditProfile,
    Identity,
    LinkRefused,
    NoSuchPerson,
    NotAnotherOperator,
    NotYourself,
    Origin,
    SessionEnded,
    SignUp,
    Standing,
    WeakPassword,
)
from ecosystem.contexts.identity.keys import profile_key, session_timeline
from ecosystem.contexts.identity.profiles import Profile
from ecosystem.kernel.actor import VISITOR, Actor, Group, system
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Table
from ecosystem.ports.tokens import TokenExpired, TokenRefused, TokenUse


async def test_only_operators_see_and_change_people(door: Door, identity: Identity) -> None:
    account = await door.person()
    themselves = Actor(actor_id=account.user_id, groups=account.groups)
    people = identity.people

    for actor in (themselves, VISITOR, Actor(actor_id="gst_1"), replace(themselves, groups=(Group.PROVIDERS,))):
        for act in (
            people.people(actor),
            people.person(account.user_id, actor),
            people.lock(account.user_id, "why", actor),
            people.unlock(account.user_id, actor),
            people.set_groups(account.user_id, [Group.ADMINS], actor),
            people.act_as(account.user_id, "why", PHONE, actor),
        ):
            with pytest.raises(Denied):
                await act


async def test_people_are_listed_newest_first_and_found_by_their_address(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    operator = await door.operator()
    for name in ("ana", "anatol", "ben"):
        clock.advance(timedelta(seconds=1))
        await door.person(f"{name}@example.com", name=name.title())

    listed, more = await identity.people.people(operator, limit=3)
    found, _ = await identity.people.people(operator, beginning=" ANA")

    assert [person.name for person in listed] == ["Ben", "Anatol", "Ana"]
    assert more
    rest, _ = await identity.people.people(operator, after=more)
    assert [person.email for person in rest] == ["operator@example.com"]
    assert [person.name for person in found] == ["Ana", "Anatol"]


async def test_a_locked_person_is_out_until_unlocked(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    signed_in = await door.sign_in()

    locked = await identity.people.lock(account.user_id, "Asked by their bank", operator)
    again = await identity.people.lock(account.user_id, "Another reason", operator)

    assert (locked.standing, locked.lock_reason) == (Standing.LOCKED, "Asked by their bank")
    assert again == locked
    with pytest.raises(SessionEnded):
        await door.who(signed_in)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(signed_in.refresh_token, PHONE)
    assert (await identity.people.unlock(account.user_id, operator)).standing is Standing.ACTIVE
    with pytest.raises(SessionEnded):
        await door.who(signed_in)
    assert await door.sign_in()


async def test_operators_neither_lock_nor_regroup_themselves(door: Door, identity: Identity) -> None:
    operator = await door.operator()

    for act in (
        identity.people.lock(operator.actor_id, "why", operator),
        identity.people.set_groups(operator.actor_id, [Group.CUSTOMERS], operator),
    ):
        with pytest.raises(NotYourself):
            await act


async def test_groups_stand_in_order_of_precedence_and_change_is_told(
    door: Door, identity: Identity, table: Table
) -> None:
    operator = await door.operator()
    account = await door.person()

    person = await identity.people.set_groups(
        account.user_id, [Group.PROVIDERS, Group.CUSTOMERS, Group.PROVIDERS], operator
    )

    assert person.groups == (Group.CUSTOMERS, Group.PROVIDERS)
    events = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values
    assert (events[-1].type, events[-1].actor.actor_id) == ("GroupsChanged", operator.actor_id)
    with pytest.raises(Invalid):
        await identity.people.set_groups(account.user_id, [], operator)
    with pytest.raises(NoSuchPerson):
        await identity.people.set_groups(door.id(), [Group.ADMINS], operator)


async def test_who_becomes_an_operator_signs_in_anew(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    account = await door.person()
    signed_in = await door.sign_in()

    await identity.people.set_groups(account.user_id, [Group.CUSTOMERS, Group.ADMINS], operator)

    with pytest.raises(SessionEnded):
        await door.who(signed_in)
    assert (await door.who(await door.sign_in())).actor.is_operator


async def test_a_journey_makes_a_person_a_provider_but_never_an_operator(
    door: Door, identity: Identity, table: Table
) -> None:
    account = await door.person()
    signed_in = await door.sign_in()
    actor = (await door.who(signed_in)).actor

    await table.transact(*await identity.people.joining(account.user_id, Group.PROVIDERS, actor))

    assert (await door.who(signed_in)).actor.groups == (Group.CUSTOMERS, Group.PROVIDERS)
    assert await identity.people.joining(account.user_id, Group.PROVIDERS, actor) == []
    with pytest.raises(Denied):
        await identity.people.joining(account.user_id, Group.ADMINS, actor)
    with pytest.raises(Denied):
        await identity.people.joining(account.user_id, Group.PROVIDERS, Actor(actor_id=door.id()))


async def test_acting_in_a_persons_place_records_both(
    door: Door, identity: Identity, table: Table, tokens: RsaTokens
) -> None:
    operator = await door.operator()
    account = await door.person()

    acting = await identity.people.act_as(account.user_id, " They asked  for help ", LAPTOP, operator)

    who = await door.who(acting)
    assert (who.actor.actor_id, who.actor.impersonator) == (account.user_id, operator.actor_id)
    assert not who.actor.is_operator
    claims = tokens.verified(acting.access_token, TokenUse.ACCESS)
    assert claims.act
    assert claims.act.sub == operator.actor_id
    assert acting.device_token == ""
    events = (await table.query(session_timeline(acting.session_id), Event, prefix="EVENT#")).values
    assert [(event.type, event.actor.actor_id, event.detail["reason"]) for event in events] == [
        ("ActedAs", operator.actor_id, "They asked for help")
    ]
    seen = await identity.sessions.sessions(await door.who(await door.sign_in()))
    assert [view.acted_by_operator for view in seen].count(True) == 1


async def test_acting_ends_after_an_hour_and_with_the_operators_rights(
    door: Door, identity: Identity, clock: VirtualClock
) -> None:
    operator, chief = await door.operator(), await door.operator("chief@example.com")
    account = await door.person()
    first = await identity.people.act_as(account.user_id, "Help", LAPTOP, operator)
    clock.advance(timedelta(minutes=50))
    first = await identity.sessions.refresh(first.refresh_token, LAPTOP)
    clock.advance(timedelta(minutes=10))

    with pytest.raises((SessionEnded, TokenExpired)):
        await door.who(first)
    second = await identity.people.act_as(account.user_id, "Help", LAPTOP, operator)
    await identity.people.set_groups(operator.actor_id, [Group.CUSTOMERS], chief)
    with pytest.raises(SessionEnded):
        await door.who(second)


async def test_nobody_acts_in_an_operators_place_or_from_within_another(door: Door, identity: Identity) -> None:
    operator = await door.operator()
    chief = await door.operator("chief@example.com")
    account = await door.person()
    acting = await door.who(await identity.people.act_as(account.user_id, "Help", LAPTOP, operator))

    with pytest.raises(NotAnotherOperator):
        await identity.people.act_as(chief.actor_id, "Help", LAPTOP, operator)
    with pytest.raises(Denied):
        await identity.people.act_as(account.user_id, "Help", LAPTOP, acting.actor)
    with pytest.raises(Invalid):
        await identity.people.act_as(account.user_id, " ", LAPTOP, operator)


async def test_one_address_is_one_account_however_it_comes(door: Door, identity: Identity, table: Table) -> None:
    await door.person("ana@example.com")
    admission = Admission(
        user_id=door.id(), email="ANA@example.com", password=await door.passwords.hashed(PASSWORD), name="Other"
    )

    with pytest.raises(AddressTaken):
        await table.transact(*identity.people.admitting(admission, system("import")))
    with pytest.raises(Denied):
        identity.people.admitting(admission, VISITOR)


async def test_the_trigger_makes_the_profile_once(door: Door, identity: Identity, table: Table) -> None:
    account = await door.person(name=" Ana  Silva ", zone="Europe/Lisbon", locale="pt-PT")
    event = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values[0]

    await identity.post_confirmation.handle(event)
    first = await table.get(profile_key(account.user_id), Profile)
    await identity.post_confirmation.handle(event)

    row = await table.get(profile_key(account.user_id), Profile)
    assert row == first
    assert row
    assert row.version == 1
    assert (row.value.name, row.value.locale, row.value.zone) == ("Ana Silva", "pt-PT", "Europe/Lisbon")


async def test_a_profile_can_be_read_and_edited_before_the_trigger_has_run(
    door: Door, identity: Identity, table: Table
) -> None:
    account = await door.person()
    actor = Actor(actor_id=account.user_id)
    event = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values[0]

    assert (await identity.profiles.of(account.user_id, actor)).name == "Ana"
    edited = await identity.profiles.edit(
        account.user_id, EditProfile(name="Ana S.", zone="Asia/Kolkata", phone="+351 912-345 (678)"), actor
    )
    await identity.post_confirmation.handle(event)

    assert (edited.name, edited.phone) == ("Ana S.", "+351912345678")
    assert await identity.profiles.of(account.user_id, actor) == edited
    addressee = await identity.profiles.addressee(account.user_id)
    assert (addressee.email, addressee.name, addressee.zone) == ("ana@example.com", "Ana S.", "Asia/Kolkata")


async def test_a_profile_is_its_owners(door: Door, identity: Identity) -> None:
    account = await door.person()
    ben = await door.person("ben@example.com")
    stranger = Actor(actor_id=ben.user_id, groups=ben.groups)

    with pytest.raises(Denied):
        await identity.profiles.of(account.user_id, stranger)
    with pytest.raises(Denied):
        await identity.profiles.edit(account.user_id, EditProfile(name="Ben"), stranger)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (EditProfile(name=""), "name"),
        (EditProfile(locale="xx_YY"), "locale"),
        (EditProfile(zone="../etc/passwd"), "zone"),
        (EditProfile(phone="0912"), "phone"),
        (EditProfile(phone="+351 91x"), "phone"),
    ],
)
async def test_an_edit_that_is_not_in_order_names_the_field(
    door: Door, identity: Identity, edit: EditProfile, field: str
) -> None:
    account = await door.person()

    with pytest.raises(Invalid) as refused:
        await identity.profiles.edit(account.user_id, edit, Actor(actor_id=account.user_id))
    assert refused.value.field == field


async def test_a_guest_is_known_again_by_their_token(identity: Identity, clock: VirtualClock) -> None:
    guest = await identity.guests.welcome(Origin(address="127.0.0.1"))
    other = await identity.guests.welcome(Origin(address="127.0.0.1"))

    who = identity.guests.identified(guest.token)

    assert (who.actor.actor_id, who.session_id) == (guest.guest_id, None)
    assert who.actor.is_guest
    assert guest.guest_id != other.guest_id
    clock.advance(timedelta(days=90))
    with pytest.raises(TokenExpired):
        identity.guests.identified(guest.token)


async def test_a_persons_token_is_no_guests(door: Door, identity: Identity) -> None:
    await door.person()
    signed_in = await door.sign_in()

    for token in (signed_in.access_token, signed_in.id_token, signed_in.device_token, "x"):
        with pytest.raises(TokenRefused):
            identity.guests.identified(token)


async def test_the_first_operator_comes_by_a_link_that_is_good_once(door: Door, identity: Identity) -> None:
    token = await identity.first_operators.invite()
    assert token
    request = SignUp(user_id=door.id(), email="olga@example.com", password=PASSWORD, name="Olga")

    with pytest.raises(WeakPassword):
        await identity.first_operators.claim(token, replace(request, password="Password1!"))
    account = await identity.first_operators.claim(token, request)

    assert account.is_operator
    assert (await door.who(await door.sign_in("olga@example.com"))).actor.is_operator
    with pytest.raises(LinkRefused):
        await identity.first_operators.claim(token, replace(request, user_id=door.id(), email="m@example.com"))
    assert await identity.first_operators.invite() is None


async def test_a_later_start_makes_the_former_link_void(door: Door, identity: Identity, clock: VirtualClock) -> None:
    former, token = await identity.first_operators.invite(), await identity.first_operators.invite()
    assert former
    assert token
    request = SignUp(user_id=door.id(), email="olga@example.com", password=PASSWORD, name="Olga")

    for wrong in (former, "", "x", "\ud800"):
        with pytest.raises(LinkRefused):
            await identity.first_operators.claim(wrong, request)
    clock.advance(timedelta(days=1))
    with pytest.raises(LinkRefused):
        await identity.first_operators.claim(token, request)


async def test_where_operators_came_otherwise_no_link_is_made(identity: Identity) -> None:
    token = await identity.first_operators.invite()
    await identity.first_operators.close()

    assert token
    assert await identity.first_operators.invite() is None
    with pytest.raises(LinkRefused):
        await identity.first_operators.claim(
            token, SignUp(user_id="usr_x", email="o@example.com", password=PASSWORD, name="O")
        )
