from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from contexts.notifications.samples import ANA_ID, BRAND, HERSELF, OPERATOR, message
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.contexts.notifications import (
    Audience,
    Kind,
    LetterStatus,
    LetterView,
    NothingToRepeat,
    Notifications,
    Recipient,
)
from ecosystem.contexts.notifications.letters import BACK_OFF, Letter
from ecosystem.contexts.notifications.postman import LEASE
from ecosystem.ports.mail import Mail, MailRefused, MailUnavailable
from ecosystem.ports.table import Table

SECRET = "http://127.0.0.1:8000/reset?token=usr_1.secret"


@dataclass
class Server:
    """A mail server in a few lines: takes, refuses for good, is away, or never answers."""

    taken: list[Mail] = field(default_factory=list)
    away: bool = False
    refuses: bool = False
    hangs: bool = False
    asked: int = 0

    async def send(self, mail: Mail) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.away:
            raise MailUnavailable
        if self.refuses:
            raise MailRefused("The mail server refused: 550 No such mailbox")
        self.taken.append(mail)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def notifications(table: Table, clock: VirtualClock, server: Server) -> Notifications:
    return Notifications.of(table, clock, press=MjmlPress(), mailer=server, brand=BRAND)


async def only(notifications: Notifications) -> LetterView:
    (letter,) = await notifications.outbox.latest(OPERATOR)
    return letter


async def test_a_due_letter_is_sent_once(notifications: Notifications, server: Server, clock: VirtualClock) -> None:
    await notifications.tell(message())

    assert await notifications.postman.step() == 1
    assert await notifications.postman.step() == 0

    (mail,) = server.taken
    letter = await only(notifications)
    assert mail.mail_id == letter.mail_id
    assert "€59.40" in mail.html
    assert (letter.status, letter.attempts, letter.settled_at) == (LetterStatus.SENT, 1, clock.now())


async def test_without_a_mail_server_letters_stay_in_the_outbox(table: Table, clock: VirtualClock) -> None:
    kept = Notifications.of(table, clock, press=MjmlPress(), mailer=None, brand=BRAND)
    await kept.tell(message())

    assert await kept.postman.step() == 0

    assert (await only(kept)).status is LetterStatus.KEPT


async def test_letters_kept_before_there_was_a_server_stay_kept(
    table: Table, clock: VirtualClock, notifications: Notifications, server: Server
) -> None:
    await Notifications.of(table, clock, press=MjmlPress(), mailer=None, brand=BRAND).tell(message())

    assert await notifications.postman.step() == 0
    await notifications.outbox.send_again((await only(notifications)).mail_id, OPERATOR)
    assert await notifications.postman.step() == 1

    assert len(server.taken) == 1


async def test_a_server_that_is_away_is_tried_again_ever_later_and_given_up(
    notifications: Notifications, server: Server, clock: VirtualClock
) -> None:
    server.away = True
    await notifications.tell(message())

    for wait in BACK_OFF:
        assert await notifications.postman.step() == 1
        letter = await only(notifications)
        assert (letter.status, letter.due_at) == (LetterStatus.QUEUED, clock.now() + wait)
        clock.advance(wait - timedelta(seconds=1))
        assert await notifications.postman.step() == 0
        clock.advance(timedelta(seconds=1))
    assert await notifications.postman.step() == 1

    letter = await only(notifications)
    assert (letter.status, letter.attempts) == (LetterStatus.FAILED, len(BACK_OFF) + 1)
    clock.advance(timedelta(days=1))
    assert await notifications.postman.step() == 0


async def test_a_letter_that_waited_is_sent_when_the_server_is_back(
    notifications: Notifications, server: Server, clock: VirtualClock
) -> None:
    server.away = True
    await notifications.tell(message())
    await notifications.postman.step()
    server.away = False
    clock.advance(BACK_OFF[0])

    await notifications.postman.step()

    assert (await only(notifications)).status is LetterStatus.SENT
    assert len(server.taken) == 1


async def test_a_server_that_is_away_is_not_asked_for_every_letter(
    notifications: Notifications, server: Server
) -> None:
    server.away = True
    for number in range(30):
        await notifications.tell(message(event_id=f"event {number}"))

    assert await notifications.postman.step() == 4

    assert server.asked == 4


async def test_a_refusal_for_good_is_not_tried_again_until_an_operator_says_so(
    notifications: Notifications, server: Server, clock: VirtualClock
) -> None:
    server.refuses = True
    await notifications.tell(message())
    await notifications.postman.step()

    letter = await only(notifications)
    assert (letter.status, letter.reason) == (LetterStatus.FAILED, "The mail server refused: 550 No such mailbox")
    clock.advance(timedelta(days=1))
    assert await notifications.postman.step() == 0
    server.refuses = False
    await notifications.outbox.send_again(letter.mail_id, OPERATOR)
    assert await notifications.postman.step() == 1
    assert (await only(notifications)).status is LetterStatus.SENT


async def test_what_can_be_no_mail_fails_alone(notifications: Notifications, server: Server) -> None:
    await notifications.tell(
        message(recipient=Recipient(email="gus@example.com\r\nBcc: eve@example.com", name="Gus")), message()
    )

    await notifications.postman.step()

    statuses = Counter(letter.status for letter in await notifications.outbox.latest(OPERATOR))
    assert statuses == {LetterStatus.SENT: 1, LetterStatus.FAILED: 1}
    assert len(server.taken) == 1


async def test_two_postmen_send_each_letter_once(
    table: Table, clock: VirtualClock, notifications: Notifications, server: Server
) -> None:
    for number in range(20):
        await notifications.tell(message(event_id=f"event {number}"))
    other = Notifications.of(table, clock, press=MjmlPress(), mailer=server, brand=BRAND)

    await asyncio.gather(notifications.postman.step(), other.postman.step())

    assert len(server.taken) == len({mail.mail_id for mail in server.taken}) == 20


async def test_a_postman_who_dies_on_the_way_is_followed_by_another(
    notifications: Notifications, server: Server, clock: VirtualClock
) -> None:
    await notifications.tell(message())
    server.hangs = True
    dying = asyncio.create_task(notifications.postman.step())
    while not server.asked:
        await asyncio.sleep(0)
    dying.cancel()
    server.hangs = False

    assert await notifications.postman.step() == 0
    clock.advance(LEASE)
    assert await notifications.postman.step() == 1

    letter = await only(notifications)
    assert (letter.status, letter.attempts) == (LetterStatus.SENT, 2)


async def test_a_secret_is_not_kept_once_it_is_sent(notifications: Notifications, server: Server, table: Table) -> None:
    await notifications.tell(message(Kind.RESET_PASSWORD, Audience.PERSON, code="042917", link=SECRET))
    mail_id = (await only(notifications)).mail_id

    _, waiting = await notifications.outbox.read(mail_id, OPERATOR)
    await notifications.postman.step()
    _, afterwards = await notifications.outbox.read(mail_id, OPERATOR)

    assert SECRET in server.taken[0].text
    assert "042917" in server.taken[0].html
    for shown in (waiting, afterwards):
        assert SECRET not in shown.text + shown.html
        assert "042917" not in shown.text + shown.html
    stored = (await table.scan(Letter)).values
    assert not any(SECRET in repr(letter) or "042917" in repr(letter) for letter in stored)
    with pytest.raises(NothingToRepeat):
        await notifications.outbox.send_again(mail_id, OPERATOR)


async def test_where_the_outbox_is_all_there_is_an_operator_reads_the_secret(table: Table, clock: VirtualClock) -> None:
    kept = Notifications.of(table, clock, press=MjmlPress(), mailer=None, brand=BRAND)
    await kept.tell(message(Kind.RESET_PASSWORD, Audience.PERSON, code="042917", link=SECRET))

    _, mail = await kept.outbox.read((await only(kept)).mail_id, OPERATOR)

    assert SECRET in mail.text
    assert not (await kept.board.latest(ANA_ID, HERSELF)).notices
