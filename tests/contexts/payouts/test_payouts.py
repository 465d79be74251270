"""A payout goes down its table, whatever is told of it and in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ecosystem.contexts.payouts import (
    GIVEN_BACK,
    AskPayout,
    Destination,
    Origin,
    Payout,
    PayoutBook,
    PayoutId,
    PayoutNews,
    PayoutNotThere,
    PayoutStatus,
    PayoutUnderWay,
    Rail,
    Speed,
    Trouble,
    asked_later,
    begun,
    moved,
    payout_becomes,
    payout_made,
    tried_anew,
)
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.refusals import Conflict, Denied, IdReused, Invalid
from ecosystem.ports.table import Table

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWNER = Actor(actor_id="usr_owner")
OPERATOR = Actor(actor_id="usr_operator", groups=(Group.ADMINS,))
S = PayoutStatus


def intended(payout_id: str = "pyt_1", rail: Rail = Rail.ACH) -> Payout:
    return Payout(
        payout_id=PayoutId(payout_id),
        provider_id="prv_1",
        amount=Money(9_000, "USD"),
        fee=zero("USD"),
        destination=Destination(rail=rail, account_id="bac_1", last4="6789"),
        origin=Origin.ASKED,
        requested_by=OWNER.actor_id,
        rules=1,
        intended_at=NOON,
        send_at=NOON,
        ask_at=NOON,
    )


def heard(known: Payout, *statuses: PayoutStatus) -> Payout:
    for minutes, status in enumerate(statuses, start=1):
        known = moved(known, PayoutNews(status=status), NOON + timedelta(minutes=minutes))
    return known


@given(st.lists(st.sampled_from(list(PayoutStatus)), max_size=12))
def test_whatever_is_told_it_only_goes_down_its_table(told: list[PayoutStatus]) -> None:
    seen = [intended()]

    for status in told:
        try:
            seen.append(heard(seen[-1], status))
        except Conflict:
            continue

    statuses = [each.status for each in seen]
    entered = [now for before, now in pairwise(statuses) if now is not before]
    assert len(set(entered)) == len(entered)
    ended = [each for each in entered if each in GIVEN_BACK]
    assert len(ended) <= 1, "its money comes back once"
    assert not ended or entered[-1] is ended[0]
    assert (S.RETURNED not in entered) or (S.PAID in entered)


def test_late_news_is_no_news() -> None:
    paid = heard(intended(), S.SENT, S.PAID)

    assert heard(paid, S.SENT) is paid
    assert heard(paid, S.IN_TRANSIT) is paid


def test_it_is_called_off_until_somebody_begins_to_send_it() -> None:
    off = heard(intended(), S.CANCELLED)

    assert off.status is S.CANCELLED
    assert heard(off, S.CANCELLED) is off
    with pytest.raises(PayoutUnderWay):
        heard(begun(intended(rail=Rail.STRIPE), NOON), S.CANCELLED)
    with pytest.raises(PayoutUnderWay):
        heard(heard(intended(), S.SENT), S.CANCELLED)
    with pytest.raises(PayoutNotThere):
        heard(off, S.SENT)
    with pytest.raises(PayoutNotThere):
        begun(off, NOON)


def test_it_may_be_called_off_again_once_the_processor_said_that_nothing_moved() -> None:
    asked = begun(intended(rail=Rail.STRIPE), NOON)

    waits = tried_anew(asked, 1, NOON)

    assert not asked.may_be_cancelled
    assert heard(waits, S.CANCELLED).status is S.CANCELLED
    assert not begun(waits, NOON).may_be_cancelled, "it is asked for again: nobody knows yet"


def test_what_was_paid_fails_no_more_but_may_come_back() -> None:
    paid = heard(intended(), S.SENT, S.PAID)

    with pytest.raises(PayoutNotThere):
        heard(paid, S.FAILED)
    back = moved(paid, PayoutNews(status=S.RETURNED, trouble=Trouble(code="R03", words="No account.")), NOON)
    assert (back.status, back.trouble) == (S.RETURNED, Trouble(code="R03", words="No account."))


def test_the_same_request_is_the_same_payout_and_another_is_refused() -> None:
    known = intended()
    request = AskPayout(payout_id=known.payout_id, provider_id="prv_1", amount=known.amount)

    assert known.to(OWNER, request) is known
    for actor, other in (
        (OPERATOR, request),
        (OWNER, AskPayout(payout_id=known.payout_id, provider_id="prv_1", amount=Money(1, "USD"))),
        (
            OWNER,
            AskPayout(payout_id=known.payout_id, provider_id="prv_1", amount=known.amount, speed=Speed.INSTANT),
        ),
    ):
        with pytest.raises(IdReused):
            known.to(actor, other)


def test_the_rail_is_asked_less_and_less_often() -> None:
    pauses = [asked_later(intended(), NOON + timedelta(minutes=age)).ask_at for age in (0, 5, 30, 600, 6_000)]

    assert [at - NOON for at in pauses] == [
        timedelta(minutes=5),
        timedelta(minutes=10),
        timedelta(minutes=60),
        timedelta(minutes=1_200),
        timedelta(minutes=6_720),
    ]
    assert tried_anew(intended(), 1, NOON).attempt == 2
    assert tried_anew(replace(intended(), attempt=2), 1, NOON).attempt == 2, "that answer was heard before"


def test_a_reason_has_an_end() -> None:
    with pytest.raises(Invalid):
        Trouble(code="R03", words="x" * 501)


async def test_it_is_found_by_provider_month_status_and_the_rails_id(table: Table) -> None:
    book = PayoutBook(table)
    for number in range(3):
        await table.transact(*payout_made(intended(f"pyt_{number}"), OWNER, NOON))
    row = await book.row("pyt_1")
    sent = moved(row.value, PayoutNews(status=S.SENT, rail_id="091000010000001"), NOON)

    await table.transact(*payout_becomes(row, sent, OWNER, NOON))

    assert [each.payout_id for each in (await book.of_provider("prv_1")).values] == ["pyt_2", "pyt_1", "pyt_0"]
    assert len((await book.in_month(NOON, OPERATOR)).values) == 3
    assert [each.payout_id for each in (await book.in_status(S.INTENDED, Rail.ACH)).values] == ["pyt_0", "pyt_2"]
    assert [each.payout_id for each in await book.due(S.SENT, Rail.ACH, NOON + timedelta(days=1))] == ["pyt_1"]
    assert await book.due(S.SENT, Rail.ACH, NOON) == []
    found = await book.of_rail("091000010000001")
    assert found is not None
    assert found.payout_id == "pyt_1"
    assert await book.of_rail("0") is None
    with pytest.raises(Denied):
        await book.in_month(NOON, OWNER)
