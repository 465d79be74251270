"""What an operator does: each act says first what follows, does that once, and bears the operator's name."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
from tests.web.console.busy import FRAGMENT, Busy, act, dead_letter, said
from tests.web.shop import ANA, OLGA, PASSWORD, Shop, hidden, post, sign_in, token

from ecosystem.contexts.booking import BookingStatus
from ecosystem.contexts.catalogue import ProviderStatus
from ecosystem.contexts.ledger import chart
from ecosystem.kernel.actor import Group
from ecosystem.workflows.wiring import Wiring


async def sure(client: httpx.AsyncClient, path: str, **fields: str) -> tuple[httpx.Response, httpx.Response]:
    """Ask for an act and, once the page has said what follows, be sure."""
    asked = await act(client, path, **fields)
    assert asked.status_code == 200, asked.text
    expected = hidden(asked.text, "expected")
    given = {name: hidden(asked.text, name) for name in fields}
    proof = token(asked.text)
    done = await client.post(path, data={"csrf_token": proof, **given, "sure": "1", "expected": expected})
    return asked, done


async def test_cancelling_gives_back_the_chosen_share(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = f"/console/bookings/{happened.bookings['ahead']}/cancel"

    asked, done = await sure(olga, path, share="25,5", reason="The roof leaks")

    assert "Goes back to the customer €28.05" in said(asked)
    assert "The provider is paid €67.05" in said(asked)
    assert done.status_code == 303
    booking = (await happened.shop.market.app.bookings.row(happened.bookings["ahead"])).value
    assert (booking.status, booking.reason, booking.refund and booking.refund.share_bps) == (
        BookingStatus.CANCELLED, "The roof leaks", 2550,
    )  # fmt: skip
    page = said(await olga.get(f"/console/bookings/{booking.booking_id}"))
    assert "“The roof leaks”" in page
    assert "\N{MINUS SIGN}€28.05" in page
    await happened.settle()
    await happened.shop.market.verified()


async def test_giving_back_happens_once_for_one_form(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = f"/console/bookings/{happened.bookings['done']}/give-back"
    form = (await olga.get(path)).text
    fields = {"refund_id": hidden(form, "refund_id"), "amount": "20", "reason": "A broken lens"}
    asked = await olga.post(path, data={"csrf_token": token(form), **fields}, headers=FRAGMENT)
    confirmed = {"csrf_token": token(form), **fields, "sure": "1", "expected": hidden(asked.text, "expected")}

    answers = [await olga.post(path, data=confirmed) for _ in range(3)]

    assert re.search(r"The provider gives back [^€]*€18.00", said(asked))
    assert "<html" not in asked.text
    assert [answer.status_code for answer in answers] == [303] * 3
    refunds = await happened.shop.market.app.refunds.refunds_of(happened.bookings["done"])
    assert [(row.value.amount.minor, row.value.reason, row.value.requested_by) for row in refunds] == [
        (2_000, "A broken lens", happened.shop.people[OLGA])
    ]
    other = await olga.post(path, data=confirmed | {"amount": "30", "expected": "3000"})
    assert other.status_code == 409
    assert await happened.shop.market.balance(chart.provider(happened.provider_id, "EUR")) == 7_200
    await happened.settle()
    await happened.shop.market.verified()


async def test_more_than_is_left_cannot_be_given_back(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = f"/console/bookings/{happened.bookings['done']}/give-back"

    for amount in ("100.01", "0", "1.234", "1e9", "-5"):
        answer = await act(
            olga, path, refund_id=hidden((await olga.get(path)).text, "refund_id"), amount=amount, reason="x"
        )
        assert answer.status_code in {409, 422}, amount
        assert 'id="amount-wrong"' in answer.text, amount


async def test_a_sum_that_changed_meanwhile_is_asked_again(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = f"/console/bookings/{happened.bookings['ahead']}/cancel"
    asked = await act(olga, path, share="50", reason="x")
    fields = {"csrf_token": token(asked.text), "share": "50", "reason": "x", "sure": "1", "expected": "1"}

    answer = await olga.post(path, data=fields)

    assert answer.status_code == 409
    assert "Look at it again" in answer.text
    booking = (await happened.shop.market.app.bookings.row(happened.bookings["ahead"])).value
    assert booking.status is BookingStatus.CONFIRMED


async def test_a_dispute_is_decided_and_a_no_show_settled_and_a_booking_completed(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    app, ids = happened.shop.market.app, happened.bookings

    decided, first = await sure(olga, f"/console/bookings/{ids['disputed']}/conclude", share="40", reason="Half true")
    settled, second = await sure(olga, f"/console/bookings/{ids['missed']}/settle", reason="The neighbour saw it")
    done, third = await sure(olga, f"/console/bookings/{ids['running']}/complete", reason="Both say so")

    assert [first.status_code, second.status_code, third.status_code] == [303] * 3
    assert "Goes back to the customer €40.00" in said(decided)
    assert "The provider is paid €90.00" in said(settled)
    assert "The platform keeps €10.00" in said(done)
    statuses = [(await app.bookings.row(ids[name])).value.status for name in ("disputed", "missed", "running")]
    assert statuses == [BookingStatus.COMPLETED, BookingStatus.NO_SHOW, BookingStatus.COMPLETED]
    events = await app.timelines.of_booking(ids["running"], happened.operator)
    assert events[-1].detail["reason"] == "Both say so"
    again = await olga.get(f"/console/bookings/{ids['running']}/complete")
    assert "does not allow this" in again.text
    await happened.settle()
    await happened.shop.market.verified()


async def test_a_dispute_and_a_report_open_at_once(happened: Busy, olga: httpx.AsyncClient) -> None:
    opened = await act(olga, f"/console/bookings/{happened.bookings['done']}/dispute", reason="They called us")
    reported = await act(
        olga, f"/console/bookings/{happened.bookings['running']}/no-show", absent="provider", reason="They called us"
    )

    assert (opened.status_code, reported.status_code) == (303, 303)
    row = await happened.shop.market.app.bookings.row(happened.bookings["done"])
    assert row.value.status is BookingStatus.DISPUTED


async def test_locking_ends_sessions_and_can_be_undone(shop: Shop, olga: httpx.AsyncClient) -> None:
    ana, page = shop.people[ANA], f"/console/people/{shop.people[ANA]}"
    async with shop.client() as theirs:
        await sign_in(theirs, ANA)
        assert "Chrome" not in (await olga.get(page)).text
        locked = await post(olga, f"{page}/lock", seen_on=page, reason="Stolen card")
        shown = await olga.get(page)

        assert locked.status_code == 303
        assert "Stolen card" in shown.text
        assert f'action="/console/people/{ana}/unlock"' in shown.text
        assert (await theirs.get("/account")).status_code == 303
        assert (await post(theirs, "/sign-in", seen_on="/sign-in", email=ANA, password=PASSWORD)).status_code == 403
        await post(olga, f"{page}/unlock", seen_on=page)
        assert (await post(theirs, "/sign-in", seen_on="/sign-in", email=ANA, password=PASSWORD)).status_code == 303


async def test_groups_are_set_and_nobody_changes_their_own(shop: Shop, olga: httpx.AsyncClient) -> None:
    page = f"/console/people/{shop.people[ANA]}"

    answer = await post(olga, f"{page}/groups", seen_on=page, group=["Customers", "Admins"])
    own = await olga.post(
        f"/console/people/{shop.people[OLGA]}/groups",
        data={"csrf_token": token((await olga.get(page)).text), "group": "Customers"},
    )

    assert (answer.status_code, own.status_code) == (303, 403)
    operator = shop.market.app.identity.people
    async with shop.client() as theirs:
        await sign_in(theirs, ANA)
        assert (await theirs.get("/console")).status_code == 200
    assert Group.ADMINS in (await operator.person(shop.people[OLGA], _olga(shop))).groups


async def test_acting_as_somebody_shows_a_banner_records_both_and_leads_back(
    shop: Shop, olga: httpx.AsyncClient
) -> None:
    page = f"/console/people/{shop.people[ANA]}"
    await post(olga, f"{page}/act-as", seen_on=page, reason="They asked for help")
    home = await olga.get("/account")
    edited = await post(olga, "/account", seen_on="/account", name="Ana Maria", zone="Europe/Lisbon")
    password = await post(
        olga, "/account/password", seen_on="/account/security", password=PASSWORD, new="Another-Harbour-94"
    )
    stopped = await post(olga, "/acting/stop", seen_on="/account")
    back = await olga.get(page)

    assert "You act as Ana Ferreira" in home.text
    assert edited.status_code == 303
    assert password.status_code == 403
    assert stopped.headers["location"] == page
    assert back.status_code == 200
    assert "You act as" not in back.text
    events = (await shop.market.app.happenings.about(f"USER#{shop.people[ANA]}", _olga(shop))).values
    changed = next(event for event in events if event.type == "ProfileChanged")
    assert (changed.actor.actor_id, changed.actor.impersonator) == (shop.people[ANA], shop.people[OLGA])
    assert "by operator" in back.text


async def test_signing_out_while_acting_ends_the_operators_way_back_too(shop: Shop, olga: httpx.AsyncClient) -> None:
    page = f"/console/people/{shop.people[ANA]}"
    await post(olga, f"{page}/act-as", seen_on=page, reason="They asked for help")

    await post(olga, "/sign-out", seen_on="/account")

    assert not [name for name, value in olga.cookies.items() if name in {"desk", "refresh", "access"} and value]
    assert (await olga.get("/console")).status_code == 303


async def test_providers_are_suspended_and_reinstated_and_services_taken_off(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    app, page = happened.shop.market.app, f"/console/providers/{happened.provider_id}"

    suspended = await post(olga, f"{page}/suspend", seen_on=page, reason="Complaints")
    status = (await app.providers.load(happened.provider_id)).value.status
    reinstated = await post(olga, f"{page}/reinstate", seen_on=page)
    closed = await post(olga, f"/console/services/{happened.service_id}/close", seen_on=page)

    assert (suspended.status_code, reinstated.status_code, closed.status_code) == (303, 303, 303)
    assert status is ProviderStatus.SUSPENDED
    assert (await app.providers.load(happened.provider_id)).value.status is ProviderStatus.ACTIVE
    assert (await app.services.find(happened.service_id)).service.value.status == "closed"


async def test_a_dead_letter_is_replayed_or_given_up(happened: Busy, olga: httpx.AsyncClient) -> None:
    letter = await dead_letter(happened)
    wiring = Wiring.of(happened.shop.market.app)
    shown = await olga.get("/console/events/dead")
    fields = {"event_id": letter.event.event_id, "reaction": letter.rule}

    replayed = await post(olga, "/console/events/replay", seen_on="/console/events/dead", **fields)
    waiting = said(await olga.get("/console/events/retrying"))
    await wiring.relay.retry()
    after = said(await olga.get("/console/events/retrying"))
    again = await post(olga, "/console/events/replay", seen_on="/console/events", **fields)
    await dead_letter(happened)
    given_up = await post(olga, "/console/events/give-up", seen_on="/console/events/dead", **fields)

    assert "The mail was away." in shown.text
    assert re.search(r"Dead letters <span[^>]*>1</span>", shown.text)
    assert (replayed.status_code, again.status_code, given_up.status_code) == (303, 404, 303)
    assert letter.event.type in waiting
    assert "Nothing waits to be tried again" in after
    assert "Everything that happened was taken in" in said(await olga.get("/console/events/dead"))


async def test_rates_and_policies_are_set_for_later_bookings(happened: Busy, olga: httpx.AsyncClient) -> None:
    app = happened.shop.market.app
    page = (await olga.get("/console/settings")).text
    fields = {"share": "87.5", "surcharge": "5", "version": hidden(page, "version")}

    first = await olga.post("/console/settings/rates", data={"csrf_token": token(page), **fields})
    stale = await olga.post("/console/settings/rates", data={"csrf_token": token(page), **fields})
    policy = await act(
        olga, "/console/settings/policies/strict", version="1", reschedule="36.5", share_1="80", before_1="72",
        within_1="", share_2="10", before_2="", within_2="24",
    )  # fmt: skip

    assert (first.status_code, stale.status_code, policy.status_code) == (303, 409, 303)
    rates = await app.tariff.current()
    assert (rates.version, rates.provider_share_bps, rates.surcharge_bps) == (2, 8750, 500)
    strict = await app.policies.current("strict")
    assert strict.reschedule_min == 2190
    assert [(tier.share_bps, tier.before_min, tier.within_min) for tier in strict.tiers] == [
        (8000, 4320, None), (1000, 0, 1440),
    ]  # fmt: skip
    old = (await app.bookings.row(happened.bookings["ahead"])).value
    assert (old.rates.version, old.policy.version) == (1, 1)
    happened.shop.market.clock.advance(timedelta(hours=1))
    shown = said(await olga.get("/console/settings"))
    assert "87.5 % 5 %" in shown
    assert "80 % until 3 days before the start" in shown


def _olga(shop: Shop) -> object:
    from ecosystem.kernel.actor import Actor

    return Actor(actor_id=shop.people[OLGA], groups=(Group.CUSTOMERS, Group.ADMINS))
