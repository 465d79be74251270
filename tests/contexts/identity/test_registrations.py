from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contexts.identity.door import LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.identity import (
    AddressTaken,
    AlreadyConfirmed,
    Identity,
    LinkRefused,
    NotAnAddress,
    RegistrationGone,
    SignInRefused,
    SignUp,
    TooManyAttempts,
    WeakPassword,
)
from ecosystem.contexts.identity.keys import registration_key
from ecosystem.contexts.identity.registrations import Registration
from ecosystem.kernel.actor import Group
from ecosystem.kernel.refusals import IdReused, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Table


def wish(door: Door, **changes: str) -> SignUp:
    return replace(SignUp(user_id=door.id(), email="ana@example.com", password=PASSWORD, name="Ana"), **changes)


async def test_a_person_signs_up_answers_the_mail_and_signs_in(door: Door, identity: Identity, table: Table) -> None:
    invitation = await door.sign_up(" Ana@Example.com ", zone="Europe/Lisbon", locale="pt-PT")

    account = await identity.registrations.confirm(invitation.mailed.token)

    assert (account.email, account.address) == ("Ana@Example.com", "ana@example.com")
    assert account.groups == (Group.CUSTOMERS,)
    events = (await table.query(f"USER#{account.user_id}", Event, prefix="EVENT#")).values
    assert [(event.type, event.source, event.detail) for event in events] == [
        ("UserConfirmed", "identity", {"user_id": account.user_id})
    ]
    assert (await door.sign_in("ANA@example.com")).user_id == account.user_id


async def test_the_code_of_the_mail_confirms_as_well_as_its_link(door: Door, identity: Identity) -> None:
    invitation = await door.sign_up()
    code = invitation.mailed.code

    account = await identity.registrations.confirm_by_code(invitation.user_id, f" {code[:3]} {code[3:]}")

    assert account.user_id == invitation.user_id


async def test_nobody_signs_in_before_the_address_is_confirmed(door: Door) -> None:
    await door.sign_up()

    with pytest.raises(SignInRefused):
        await door.sign_in()


async def test_a_link_is_good_once(door: Door, identity: Identity) -> None:
    invitation = await door.sign_up()
    await identity.registrations.confirm(invitation.mailed.token)

    with pytest.raises(AlreadyConfirmed):
        await identity.registrations.confirm(invitation.mailed.token)
    with pytest.raises(AlreadyConfirmed):
        await identity.registrations.confirm_by_code(invitation.user_id, invitation.mailed.code)


async def test_a_link_followed_many_times_at_once_makes_one_account(door: Door, identity: Identity) -> None:
    invitation = await door.sign_up()

    outcomes = await asyncio.gather(
        *(identity.registrations.confirm(invitation.mailed.token) for _ in range(10)), return_exceptions=True
    )

    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert all(
        isinstance(outcome, LinkRefused | AlreadyConfirmed) for outcome in outcomes if isinstance(outcome, Exception)
    )


async def test_a_link_expires(door: Door, identity: Identity, clock: VirtualClock) -> None:
    invitation = await door.sign_up()
    clock.advance(timedelta(hours=24))

    with pytest.raises(LinkRefused):
        await identity.registrations.confirm(invitation.mailed.token)
    with pytest.raises(RegistrationGone):
        await identity.registrations.mail_again(invitation.user_id, PHONE)


async def test_a_later_mail_makes_the_earlier_ones_void(door: Door, identity: Identity, table: Table) -> None:
    first = await door.sign_up()
    again = await identity.registrations.mail_again(first.user_id, PHONE)
    await table.transact(*again.writes)

    assert again.outcome.mail_id != first.mail_id
    with pytest.raises(LinkRefused):
        await identity.registrations.confirm(first.mailed.token)
    with pytest.raises(LinkRefused):
        await identity.registrations.confirm_by_code(first.user_id, first.mailed.code)
    assert await identity.registrations.confirm(again.outcome.mailed.token)


@pytest.mark.parametrize(
    "token", ["", ".", "usr_x.", "nonsense", "usr_" + "0" * 26, "usr_" + "0" * 26 + ".x", "é.é", "x" * 9999]
)
async def test_what_is_no_link_is_refused(door: Door, identity: Identity, token: str) -> None:
    await door.sign_up()

    with pytest.raises((LinkRefused, Invalid)):
        await identity.registrations.confirm(token)


async def test_a_link_of_another_person_confirms_nothing(door: Door, identity: Identity) -> None:
    ana = await door.sign_up("ana@example.com")
    ben = await door.sign_up("ben@example.com")
    crossed = f"{ana.user_id}.{ben.mailed.token.partition('.')[2]}"

    with pytest.raises(LinkRefused):
        await identity.registrations.confirm(crossed)


async def test_five_wrong_codes_shut_the_code_but_not_the_link(door: Door, identity: Identity) -> None:
    invitation = await door.sign_up()
    wrong = f"{(int(invitation.mailed.code) + 1) % 1_000_000:06d}"

    for _ in range(5):
        with pytest.raises(LinkRefused):
            await identity.registrations.confirm_by_code(invitation.user_id, wrong)

    with pytest.raises(TooManyAttempts):
        await identity.registrations.confirm_by_code(invitation.user_id, invitation.mailed.code)
    assert await identity.registrations.confirm(invitation.mailed.token)


async def test_neither_password_link_nor_code_is_stored(door: Door, table: Table) -> None:
    invitation = await door.sign_up()

    row = await table.get(registration_key(invitation.user_id), Registration)

    assert row is not None
    kept = repr(row)
    for secret in (
        PASSWORD,
        invitation.mailed.code,
        invitation.mailed.token,
        invitation.mailed.token.partition(".")[2],
    ):
        assert secret not in kept


async def test_a_known_address_is_answered_like_an_unknown_one(door: Door, identity: Identity, table: Table) -> None:
    account = await door.person("ana@example.com", name="Ana")

    known = await identity.registrations.sign_up(wish(door, email="ANA@example.com", name="Mallory"), LAPTOP)
    unknown = await identity.registrations.sign_up(wish(door, email="ben@example.com"), LAPTOP)

    assert known.outcome
    assert unknown.outcome
    assert (known.outcome.known, unknown.outcome.known) == (True, False)
    assert [type(write) for write in known.writes] == [type(write) for write in unknown.writes]
    # The mail goes to the owner of the address, and says nothing that a stranger wrote.
    assert known.outcome.name == account.name
    await table.transact(*known.writes)
    for confirming in (
        identity.registrations.confirm(known.outcome.mailed.token),
        identity.registrations.confirm_by_code(known.outcome.user_id, known.outcome.mailed.code),
    ):
        with pytest.raises(AddressTaken):
            await confirming
    assert (await door.sign_in()).user_id == account.user_id


async def test_of_two_registrations_the_first_one_confirmed_has_the_address(door: Door, identity: Identity) -> None:
    strangers = await door.sign_up("ana@example.com", "Stranger-Thing-9")
    own = await door.sign_up("ana@example.com", PASSWORD)

    account = await identity.registrations.confirm(own.mailed.token)

    with pytest.raises(AddressTaken):
        await identity.registrations.confirm(strangers.mailed.token)
    assert (await door.sign_in()).user_id == account.user_id
    with pytest.raises(SignInRefused):
        await door.sign_in(password="Stranger-Thing-9")


async def test_the_same_wish_twice_is_one(door: Door, identity: Identity, table: Table) -> None:
    request = wish(door)
    first = await identity.registrations.sign_up(request, PHONE)
    await table.transact(*first.writes)

    again = await identity.registrations.sign_up(request, PHONE)

    assert again.outcome is None
    assert again.writes == ()
    for other in (replace(request, email="ben@example.com"), replace(request, password="Another-Tram-28")):
        with pytest.raises(IdReused):
            await identity.registrations.sign_up(other, PHONE)


async def test_the_id_of_an_account_is_not_taken_again(door: Door, identity: Identity) -> None:
    account = await door.person()

    with pytest.raises(IdReused):
        await identity.registrations.sign_up(wish(door, user_id=account.user_id, email="ben@example.com"), PHONE)


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"email": "nobody"}, NotAnAddress, "email"),
        ({"password": "short"}, WeakPassword, "password"),
        ({"password": "Ana.1234!"}, WeakPassword, "password"),
        ({"name": "  "}, Invalid, "name"),
        ({"name": "A" * 81}, Invalid, "name"),
        ({"name": "A\u202eb"}, Invalid, "name"),
        ({"zone": "Mars/Olympus"}, Invalid, "zone"),
        ({"locale": "english"}, Invalid, "locale"),
        ({"user_id": "usr_1"}, Invalid, "user_id"),
        ({"user_id": "bkg_01kag2m8000000000000000000"}, Invalid, "user_id"),
    ],
)
async def test_a_wish_that_is_not_in_order_names_the_field(
    door: Door, identity: Identity, changes: dict[str, str], refusal: type[Invalid], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        await identity.registrations.sign_up(wish(door, **changes), PHONE)
    assert refused.value.field == field


async def test_one_address_gets_few_mails_in_an_hour(door: Door, clock: VirtualClock) -> None:
    for _ in range(5):
        await door.sign_up("ana@example.com")

    with pytest.raises(TooManyAttempts) as refused:
        await door.sign_up("ANA@example.com")

    assert 0 < refused.value.retry_after_s <= 3600
    await door.sign_up("ben@example.com")
    clock.advance(timedelta(hours=1))
    await door.sign_up("ana@example.com")


async def test_one_network_signs_up_few_people_in_an_hour(door: Door, identity: Identity) -> None:
    for person in range(60):
        await identity.registrations.throttles.take((identity.registrations.limits.sign_up_network, "203.0.113.7"))
        del person

    with pytest.raises(TooManyAttempts):
        await door.sign_up("someone@example.com")
    assert await identity.registrations.sign_up(wish(door), LAPTOP)
