from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from contexts.identity.door import CHEAP, LAPTOP, PASSWORD, PHONE, Door
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.credentials import Argon2Passwords, TotpCodes
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.contexts.identity import Identity, SessionEnded, SignUp
from ecosystem.contexts.notifications import Brand, Kind, Notifications
from ecosystem.journeys.access import Access
from ecosystem.kernel.actor import Actor, system
from ecosystem.ports.bus import Event
from ecosystem.ports.mail import Mail
from ecosystem.ports.table import Table
from ecosystem.ports.table_codec import decoded

NEW = "Porto-Funicular-7"
SYSTEM = system("tests")


@pytest.fixture
async def access(table: Table, clock: VirtualClock, tmp_path: Path) -> Access:
    entropy = SystemEntropy()
    secrets = FileSecrets(tmp_path / "secrets")
    identity = Identity.of(
        table,
        clock,
        entropy,
        passwords=await Argon2Passwords.open(entropy, CHEAP),
        codes=TotpCodes(entropy),
        tokens=await RsaTokens.open(secrets, clock, entropy, issuer="http://127.0.0.1:8000", client_id="web"),
        seal=await KeyedSeal.open(secrets, await FileKeys.open(secrets, clock, entropy), entropy),
    )
    brand = Brand(name="Ecosystem", url="http://127.0.0.1:8000")
    return Access(table, identity, Notifications.of(table, clock, press=MjmlPress(), mailer=None, brand=brand))


@pytest.fixture
def door(access: Access, table: Table, clock: VirtualClock) -> Door:
    return Door(access.identity, table, clock, access.identity.registrations.passwords)  # type: ignore[arg-type]


def wish(door: Door, email: str = "ana@example.com", name: str = "Ana") -> SignUp:
    return SignUp(user_id=door.id(), email=email, password=PASSWORD, name=name, zone="Europe/Lisbon")


async def mails(access: Access, to: str = "ana@example.com") -> list[tuple[Kind, Mail]]:
    listed = await access.notifications.outbox.to(to, SYSTEM)
    return [(view.kind, (await access.notifications.outbox.read(view.mail_id, SYSTEM))[1]) for view in listed]


def token_of(mail: Mail, path: str) -> str:
    (url,) = [url for url in re.findall(r"https?://\S+", mail.text) if urlsplit(url).path == path]
    return parse_qs(urlsplit(url).query)["token"][0]


def code_of(mail: Mail) -> str:
    (code,) = re.findall(r"^ {4}(\d{6})$", mail.text, re.MULTILINE)
    return code


async def events(table: Table) -> list[Event]:
    changed = await table.changes(None)
    return [decoded(change.new, Event) for change in changed if change.new and change.new.entity == "event"]


async def test_the_mail_after_a_sign_up_leads_in(access: Access, door: Door) -> None:
    await access.sign_up(wish(door), PHONE)

    ((kind, mail),) = await mails(access)
    account = await access.identity.registrations.confirm(token_of(mail, "/confirm"))

    assert kind is Kind.CONFIRM_ADDRESS
    assert "12:00 (Lisbon time)" in mail.text
    assert token_of(mail, "/confirm") in mail.html.replace("&#x3d;", "=")
    assert (await door.sign_in()).user_id == account.user_id


async def test_the_code_in_the_mail_leads_in_too(access: Access, door: Door) -> None:
    request = wish(door)
    await access.sign_up(request, PHONE)
    ((_, mail),) = await mails(access)

    assert await access.identity.registrations.confirm_by_code(request.user_id, code_of(mail))


async def test_the_same_wish_is_mailed_once_even_at_the_same_moment(access: Access, door: Door) -> None:
    request = wish(door)

    await asyncio.gather(*(access.sign_up(request, PHONE) for _ in range(4)))

    assert len(await mails(access)) == 1


async def test_another_mail_brings_another_link(access: Access, door: Door, clock: VirtualClock) -> None:
    request = wish(door)
    await access.sign_up(request, PHONE)
    await access.mail_again(request.user_id, PHONE)

    letters = [mail for _, mail in await mails(access)]

    assert len({token_of(mail, "/confirm") for mail in letters}) == 2


async def test_a_known_address_is_told_by_mail_alone_and_not_what_was_typed(access: Access, door: Door) -> None:
    await door.person(name="Ana")

    await access.sign_up(wish(door, "ANA@example.com", name="Win a prize at evil.example"), LAPTOP)

    ((kind, mail),) = await mails(access)
    assert kind is Kind.SIGN_UP_ATTEMPTED
    assert "evil" not in mail.text + mail.html + mail.subject + mail.to_name
    assert "token" not in mail.text
    assert not re.search(r"^ {4}\d{6}$", mail.text, re.MULTILINE)


async def test_a_reset_goes_to_known_addresses_alone(access: Access, door: Door) -> None:
    await door.person()

    await access.ask_reset("Ana@example.com", PHONE)
    await access.ask_reset("nobody@example.com", PHONE)

    ((kind, mail),) = await mails(access)
    assert kind is Kind.RESET_PASSWORD
    assert await mails(access, "nobody@example.com") == []
    await access.identity.passwords.reset(token_of(mail, "/reset-password"), NEW)
    assert await door.sign_in(password=NEW)


async def test_the_code_of_a_reset_works_too(access: Access, door: Door) -> None:
    await door.person()
    await access.ask_reset("ana@example.com", PHONE)
    ((_, mail),) = await mails(access)

    await access.identity.passwords.reset_by_code("ana@example.com", code_of(mail), NEW)

    assert await door.sign_in(password=NEW)


async def test_a_person_is_told_of_what_happens_to_their_account(
    access: Access, door: Door, table: Table, clock: VirtualClock
) -> None:
    operator = await door.operator()
    account = await door.person()
    who = await door.who(await door.sign_in())
    _, codes = await door.second_factor(who)
    await access.identity.second_factors.proven(account.user_id, codes[0])
    copied = await access.identity.sessions.open(account, PHONE)
    await access.identity.sessions.refresh(copied.refresh_token, PHONE)
    with pytest.raises(SessionEnded):
        await access.identity.sessions.refresh(copied.refresh_token, LAPTOP)
    await access.identity.second_factors.disable(PASSWORD, codes[1], who.actor)
    await access.identity.passwords.change(PASSWORD, NEW, who)
    await access.identity.people.lock(account.user_id, "Asked by their bank", operator)
    await access.identity.people.unlock(account.user_id, operator)

    told = [event for event in await events(table) if event.type in Access.TOLD]
    for event in (*told, *told):
        await access.tell(event)

    assert {kind for kind, _ in await mails(access)} == {
        Kind.SECOND_FACTOR_ENABLED,
        Kind.SECOND_FACTOR_DISABLED,
        Kind.SESSION_COPIED,
        Kind.PASSWORD_CHANGED,
        Kind.ACCOUNT_LOCKED,
        Kind.ACCOUNT_UNLOCKED,
    }
    assert len(await mails(access)) == len(told)
    themselves = Actor(actor_id=account.user_id)
    assert await access.notifications.board.unread(account.user_id, themselves) == len(told) - 1


async def test_a_person_is_told_when_a_recovery_code_signed_them_in(access: Access, door: Door, table: Table) -> None:
    await door.person()
    _, codes = await door.second_factor(await door.who(await door.sign_in()))
    account, used_up = await access.identity.second_factors.proven(
        (await door.identity.profiles.addressee((await events(table))[0].detail["user_id"])).user_id, codes[0]
    )
    await table.transact(*used_up)

    for event in await events(table):
        if event.type == "RecoveryCodeUsed":
            await access.tell(event)

    (kind, mail) = (await mails(access))[0]
    assert kind is Kind.RECOVERY_CODE_USED
    assert "You have 9 left" in mail.text
    assert account.name in mail.to_name
