from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contexts.notifications.samples import (
    ANA,
    ANA_ID,
    BRAND,
    GUEST,
    HERSELF,
    NOON,
    OPERATOR,
    STRANGER,
    message,
)
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.contexts.notifications import (
    AlreadyTold,
    AlwaysMailed,
    Audience,
    Kind,
    LetterStatus,
    NoSuchLetter,
    Notifications,
    Recipient,
    Topic,
)
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.mail import CalendarMethod, CalendarPart
from ecosystem.ports.table import Table


@pytest.fixture
def notifications(table: Table, clock: VirtualClock) -> Notifications:
    return Notifications.of(table, clock, press=MjmlPress(), mailer=None, brand=BRAND)


async def told(notifications: Notifications, count: int) -> list[str]:
    for number in range(count):
        await notifications.tell(message(event_id=f"event {number}", at=NOON + timedelta(seconds=number)))
    return [notice.notice_id for notice in (await notifications.board.latest(ANA_ID, HERSELF, limit=1000)).notices]


async def test_a_message_becomes_a_notice_and_a_letter(notifications: Notifications) -> None:
    assert await notifications.tell(message()) == 1

    (notice,) = (await notifications.board.latest(ANA_ID, HERSELF)).notices
    assert notice.title == "You are booked, Ana"
    assert "16:10 to 17:10 (Lisbon time)" in notice.text
    assert (notice.link, notice.at, notice.read_at) == ("http://127.0.0.1:8000/bookings/bkg_1", NOON, None)
    assert await notifications.board.unread(ANA_ID, HERSELF) == 1
    (letter,) = await notifications.outbox.latest(OPERATOR)
    assert (letter.to, letter.status) == ("ana@example.com", LetterStatus.KEPT)


async def test_however_often_it_is_told_there_is_one_of_each(notifications: Notifications) -> None:
    news = await asyncio.gather(*(notifications.tell(message()) for _ in range(20)))

    assert sum(news) == 1
    assert await notifications.tell(message(), message(audience=Audience.PROVIDER), message()) == 1
    assert await notifications.board.unread(ANA_ID, HERSELF) == 2
    assert len(await notifications.outbox.latest(OPERATOR)) == 2


async def test_the_words_of_the_first_telling_stand(notifications: Notifications) -> None:
    await notifications.tell(message())
    await notifications.tell(message(recipient=Recipient(user_id=ANA_ID, email="new@example.com", name="Other")))

    (letter,) = await notifications.outbox.latest(OPERATOR)
    assert letter.to == "ana@example.com"


async def test_a_journey_commits_what_is_told_with_what_it_is_about(notifications: Notifications, table: Table) -> None:
    await table.transact(*notifications.telling(message()))

    with pytest.raises(AlreadyTold):
        await table.transact(*notifications.telling(message()))


async def test_a_guest_gets_mail_alone_and_somebody_without_mail_a_notice_alone(notifications: Notifications) -> None:
    await notifications.tell(message(recipient=GUEST))
    await notifications.tell(message(recipient=Recipient(user_id=ANA_ID, name="Ana")))

    assert [letter.to for letter in await notifications.outbox.latest(OPERATOR)] == ["guest@example.com"]
    assert len((await notifications.board.latest(ANA_ID, HERSELF)).notices) == 1


async def test_a_letter_can_be_read_as_the_mail_it_is(notifications: Notifications) -> None:
    part = CalendarPart(body="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", method=CalendarMethod.REQUEST)
    await notifications.tell(message(calendar=part))
    (listed,) = await notifications.outbox.to(" ANA@example.com", OPERATOR)

    view, mail = await notifications.outbox.read(listed.mail_id, OPERATOR)

    assert view == listed
    assert "€59.40" in mail.html
    assert "€59.40" in mail.text
    assert mail.calendar == part
    assert mail.headers == {"X-Kind": "booking-confirmed"}


async def test_letters_are_for_operators_alone(notifications: Notifications) -> None:
    await notifications.tell(message())
    mail_id = (await notifications.outbox.latest(OPERATOR))[0].mail_id

    for act in (
        notifications.outbox.latest(HERSELF),
        notifications.outbox.to("ana@example.com", HERSELF),
        notifications.outbox.read(mail_id, HERSELF),
        notifications.outbox.send_again(mail_id, HERSELF),
    ):
        with pytest.raises(Denied):
            await act
    with pytest.raises(NoSuchLetter):
        await notifications.outbox.read("mal_01kag2m8000000000000000000", OPERATOR)
    with pytest.raises(Invalid):
        await notifications.outbox.read("nonsense", OPERATOR)


async def test_letters_are_listed_newest_first_over_days_and_pages(
    notifications: Notifications, clock: VirtualClock
) -> None:
    for day in range(3):
        for number in range(4):
            await notifications.tell(message(event_id=f"{day} {number}", at=clock.now() + timedelta(minutes=number)))
        clock.advance(timedelta(days=1))

    first = await notifications.outbox.latest(OPERATOR, limit=5)
    second = await notifications.outbox.latest(OPERATOR, before=first[-1].mail_id, limit=5)
    third = await notifications.outbox.latest(OPERATOR, before=second[-1].mail_id, limit=5)

    seen = [letter.created_at for page in (first, second, third) for letter in page]
    assert len(seen) == 12
    assert seen == sorted(seen, reverse=True)


async def test_letters_are_not_kept_for_ever(notifications: Notifications, clock: VirtualClock) -> None:
    await notifications.tell(message())
    await notifications.tell(message(Kind.RESET_PASSWORD, Audience.PERSON, code="042917"))
    ids = {letter.kind: letter.mail_id for letter in await notifications.outbox.latest(OPERATOR)}

    clock.advance(timedelta(days=2))
    with pytest.raises(NoSuchLetter):
        await notifications.outbox.read(ids[Kind.RESET_PASSWORD], OPERATOR)
    await notifications.outbox.read(ids[Kind.BOOKING_CONFIRMED], OPERATOR)
    clock.advance(timedelta(days=88))
    with pytest.raises(NoSuchLetter):
        await notifications.outbox.read(ids[Kind.BOOKING_CONFIRMED], OPERATOR)


async def test_what_was_read_can_be_unread_again(notifications: Notifications) -> None:
    ids = await told(notifications, 3)

    marked = await notifications.board.read(ANA_ID, [ids[0], ids[0], ids[2]], HERSELF)
    assert sorted(marked) == sorted([ids[0], ids[2]])
    assert await notifications.board.unread(ANA_ID, HERSELF) == 1
    assert await notifications.board.read(ANA_ID, ids[:1], HERSELF) == []
    read_at = [notice.read_at for notice in (await notifications.board.latest(ANA_ID, HERSELF)).notices]
    assert read_at == [NOON, None, NOON]

    assert sorted(await notifications.board.unread_again(ANA_ID, marked, HERSELF)) == sorted(marked)
    assert await notifications.board.unread(ANA_ID, HERSELF) == 3


async def test_all_are_read_at_once_and_that_can_be_undone(notifications: Notifications) -> None:
    ids = await told(notifications, 120)
    await notifications.board.read(ANA_ID, ids[:1], HERSELF)

    marked = await notifications.board.read_all(ANA_ID, HERSELF)

    assert len(marked) == 119
    assert await notifications.board.unread(ANA_ID, HERSELF) == 0
    assert await notifications.board.read_all(ANA_ID, HERSELF) == []
    assert len(await notifications.board.unread_again(ANA_ID, marked, HERSELF)) == 119
    assert await notifications.board.unread(ANA_ID, HERSELF) == 119


async def test_pages_that_mark_at_the_same_moment_count_each_notice_once(notifications: Notifications) -> None:
    ids = await told(notifications, 6)

    marked = await asyncio.gather(*(notifications.board.read(ANA_ID, ids[at : at + 3], HERSELF) for at in range(4)))

    assert sorted(one for page in marked for one in page) == sorted(ids)
    assert await notifications.board.unread(ANA_ID, HERSELF) == 0


async def test_notices_are_their_owners(notifications: Notifications) -> None:
    ids = await told(notifications, 1)

    for act in (
        notifications.board.latest(ANA_ID, STRANGER),
        notifications.board.unread(ANA_ID, STRANGER),
        notifications.board.read(ANA_ID, ids, STRANGER),
        notifications.board.read_all(ANA_ID, STRANGER),
        notifications.preferences.set(ANA_ID, [], STRANGER),
    ):
        with pytest.raises(Denied):
            await act
    assert await notifications.board.read(STRANGER.actor_id, ids, STRANGER) == []
    with pytest.raises(Invalid):
        await notifications.board.read(ANA_ID, ["nonsense"], HERSELF)
    with pytest.raises(Invalid):
        await notifications.board.read(ANA_ID, ids * 51, HERSELF)


async def test_a_person_chooses_what_comes_by_mail(notifications: Notifications) -> None:
    await notifications.preferences.set(ANA_ID, [Topic.MONEY], HERSELF)

    await notifications.tell(message(Kind.REFUND_ISSUED), message(Kind.BOOKING_CONFIRMED))

    assert [letter.kind for letter in await notifications.outbox.latest(OPERATOR)] == [Kind.BOOKING_CONFIRMED]
    assert len((await notifications.board.latest(ANA_ID, HERSELF)).notices) == 2
    assert (await notifications.preferences.of(ANA_ID, HERSELF)).without_mail == (Topic.MONEY,)
    await notifications.preferences.set(ANA_ID, [], HERSELF)
    await notifications.tell(message(Kind.REFUND_ISSUED, event_id="later"))
    assert len(await notifications.outbox.latest(OPERATOR)) == 2


async def test_mails_that_protect_an_account_are_always_sent(notifications: Notifications) -> None:
    with pytest.raises(AlwaysMailed):
        await notifications.preferences.set(ANA_ID, [Topic.ACCOUNT], HERSELF)
    await notifications.preferences.set(ANA_ID, [Topic.BOOKINGS, Topic.MONEY], HERSELF)

    await notifications.tell(message(Kind.PASSWORD_CHANGED, Audience.PERSON, recipient=ANA))

    assert len(await notifications.outbox.latest(OPERATOR)) == 1
