"""Rules, the archive, replays and dead letters: the bus as operators see it."""

from __future__ import annotations

import httpx
from tests.web.console.busy import FRAGMENT, Busy, act, dead_letter, said
from tests.web.shop import post

from ecosystem.journeys.happenings import Wanted
from ecosystem.workflows.archive import Replays
from ecosystem.workflows.bindings import rules
from ecosystem.workflows.relay import Relay
from ecosystem.workflows.rules import Rules

CONFIRMED = '{"detail-type": ["BookingConfirmed"], "detail": {"metadata": {"actor": {"id": [{"prefix": "gst_"}]}}}}'
WINDOW = {"start": "2026-11-19T00:00", "end": "2026-11-21T00:00"}


async def event_id(happened: Busy, kind: str) -> str:
    found = await happened.shop.market.app.happenings.latest(happened.operator, Wanted(types=(kind,)), limit=1)
    return found.events[0].event_id


async def test_each_rule_is_shown_with_its_pattern_and_its_dead_letters(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    await dead_letter(happened)

    page = said(await olga.get("/console/events/rules"))

    for rule in rules(happened.shop.market.app):
        assert rule.name in page
    assert "1 dead" in page


async def test_a_pattern_that_is_tried_says_which_field_did_not_hold(happened: Busy, olga: httpx.AsyncClient) -> None:
    placed = await event_id(happened, "BookingCancelled")

    page = said(await olga.get("/console/events/rules", params={"pattern": CONFIRMED, "event_id": placed}))

    assert "The pattern does not match this event." in page
    assert 'detail-type wants ["BookingConfirmed"] , has "BookingCancelled"'.replace('"', "&quot;") in page
    assert "the event goes to" in page
    assert "refund-processor" in page.partition("the event goes to")[2]


async def test_a_pasted_event_that_fits_is_said_to_match(olga: httpx.AsyncClient) -> None:
    event = (
        '{"detail-type": "BookingConfirmed", "source": "booking", "detail": {"metadata": {"actor": {"id": "gst_1"}}}}'
    )
    form = {"pattern": CONFIRMED, "event": event}

    fragment = await olga.get("/console/events/rules", params=form, headers=FRAGMENT)

    assert "The pattern matches this event." in said(fragment)
    assert "<html" not in fragment.text


async def test_a_pattern_that_cannot_be_is_refused_beside_its_field(happened: Busy, olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/events/rules", params={"pattern": '{"source": "booking"}', "event": "{}"})

    assert page.status_code == 422
    assert "What may stand in a field is a list" in said(page)


async def test_fields_that_hold_in_different_elements_of_a_list_are_said_to_be_torn(olga: httpx.AsyncClient) -> None:
    pattern = '{"detail": {"lines": {"kind": ["fee"], "minor": [5]}}}'
    event = '{"detail": {"lines": [{"kind": "fee", "minor": 1}, {"kind": "price", "minor": 5}]}}'

    page = said(await olga.get("/console/events/rules", params={"pattern": pattern, "event": event}))

    assert "Each field holds, but not in one element of the same list" in page


async def test_a_window_is_counted_before_it_is_replayed_and_a_replay_tells_how_far_it_is(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    market = happened.shop.market
    pattern = '{"detail-type": ["BookingConfirmed"]}'
    seen = said(await olga.get("/console/events/archive", params=WINDOW | {"pattern": pattern}))
    assert "5 events match" in seen

    begun = await act(
        olga, "/console/events/archive", **WINDOW, pattern=pattern, rule="notification-handler", name="again-1"
    )
    assert begun.headers["location"] == "/console/events/archive/again-1"
    under_way = await olga.get("/console/events/archive/again-1")
    assert 'hx-trigger="every 1s"' in under_way.text
    relay = Relay(market.app.ports.table, market.clock, rules(market.app))
    replays = Replays(market.app.ports.table, market.clock, Rules(rules(market.app)))
    while await replays.step(relay):
        pass

    done = await olga.get("/console/events/archive/again-1", headers=FRAGMENT)
    assert "100 % of the window" in said(done)
    assert "hx-trigger" not in done.text
    assert "again-1" in said(await olga.get("/console/events/archive"))


async def test_a_replay_is_cancelled(happened: Busy, olga: httpx.AsyncClient) -> None:
    await act(olga, "/console/events/archive", **WINDOW, pattern="", rule="", name="again-2")

    cancelled = await post(olga, "/console/events/archive/again-2/cancel", seen_on="/console/events/archive/again-2")

    assert cancelled.status_code == 303
    assert "Cancelled" in said(await olga.get("/console/events/archive/again-2"))


async def test_a_window_that_ends_before_it_starts_is_refused_beside_its_field(olga: httpx.AsyncClient) -> None:
    backwards = {"start": WINDOW["end"], "end": WINDOW["start"]}

    page = await olga.get("/console/events/archive", params=backwards)

    assert page.status_code == 422
    assert "A window ends after its start." in said(page)
    assert "data-open-now" not in page.text


async def test_a_name_that_was_used_opens_the_dialog_again(happened: Busy, olga: httpx.AsyncClient) -> None:
    await act(olga, "/console/events/archive", **WINDOW, pattern="", rule="", name="again-3")

    again = await act(olga, "/console/events/archive", **WINDOW, pattern="", rule="profile-events", name="again-3")

    assert again.status_code == 409
    assert "data-open-now" in again.text
    assert "That name was given to another replay." in said(again)


async def test_all_dead_letters_of_a_rule_are_replayed_at_once(happened: Busy, olga: httpx.AsyncClient) -> None:
    await dead_letter(happened)
    page = await olga.get("/console/events/dead", params={"rule": "notification-handler"})
    assert "Replay all of notification-handler" in said(page)

    answered = await post(
        olga, "/console/events/replay-all", seen_on="/console/events/dead", rule="notification-handler"
    )

    assert answered.status_code == 303
    assert "Everything that happened was taken in." in said(await olga.get("/console/events/dead"))
    await happened.settle()
    assert "Nothing waits to be tried again." in said(await olga.get("/console/events/retrying"))


async def test_the_function_table_is_a_page(happened: Busy, olga: httpx.AsyncClient) -> None:
    await dead_letter(happened)

    page = await olga.get("/console/workflows/functions")

    assert 'id="notification-handler"' in page.text
    assert "1 dead" in said(page)
    assert "stripe&#x2f;webhook" in page.text
    assert "iso-matcher" in said(page)
