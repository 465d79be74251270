"""The pages of workflows, asked for without a browser."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.console.busy import FRAGMENT, said
from tests.web.console.workflows.running import MACHINE, Running, running
from tests.web.shop import ANA, OLGA, Shop, hidden, open_shop, post, sign_in

from ecosystem.ports.workflows import ExecutionStatus
from ecosystem.web.console.workflows import listing


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def olga(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        await sign_in(client, OLGA)
        yield client


async def test_an_empty_marketplace_says_what_will_stand_there(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/workflows")

    assert page.status_code == 200
    assert "Nothing has run yet" in page.text


async def test_a_filter_that_fits_nothing_says_so(olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/workflows?status=FAILED&since=2026-11-01&until=2026-11-20&q=bkg_nobody")

    assert "Nothing found" in page.text
    assert 'value="2026-11-01"' in page.text


async def test_nobody_but_operators_finds_them(shop: Shop) -> None:
    async with shop.client() as client:
        await sign_in(client, ANA)

        for path in ("", "/a:b", "/machines/a", "/functions", "/schedules"):
            assert (await client.get(f"/console/workflows{path}")).status_code == 404


async def test_an_execution_that_is_not_there_is_a_page_not_found(olga: httpx.AsyncClient) -> None:
    assert (await olga.get("/console/workflows/nothing:of-that-name")).status_code == 404


@pytest.fixture
async def ran(shop: Shop, olga: httpx.AsyncClient) -> Running:
    return await running(shop)


def at(execution_id: str, rest: str = "") -> str:
    return f"/console/workflows/{execution_id}{rest}"


async def test_executions_are_listed_and_found_by_machine_status_and_name(
    ran: Running, olga: httpx.AsyncClient
) -> None:
    everything = await olga.get("/console/workflows")
    failed = await olga.get("/console/workflows", params={"status": "FAILED", "machine": MACHINE})
    later = await olga.get("/console/workflows", params={"since": "2027-01-01"})
    by_name = await olga.get("/console/workflows", params={"q": ran.executions["asked"].partition(":")[2]})

    assert all(execution_id in everything.text for execution_id in ran.executions.values())
    assert said(everything).count("Awaits answer") == 1
    assert ran.executions["broken"] in failed.text
    assert ran.executions["paid"] not in failed.text
    assert "Nothing found" in later.text
    assert by_name.headers["location"] == at(ran.executions["asked"])


async def test_a_page_holds_some_executions_and_leads_to_the_next(
    ran: Running, olga: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    seen: list[str] = []
    path: str | None = "/console/workflows"
    while path:
        page = await olga.get(path)
        seen += [each for each in ran.executions.values() if each in page.text]
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = html.unescape(found[1]) if found else None

    assert sorted(seen) == sorted(ran.executions.values())


async def test_an_execution_is_told_with_its_graph_its_steps_and_what_it_is_about(
    ran: Running, olga: httpx.AsyncClient
) -> None:
    page = await olga.get(at(ran.executions["paid"]))
    words = said(page)

    assert 'aria-label="Charge, Task, Succeeded, 2 retries"' in page.text
    assert 'aria-label="LetGo, Task, Not reached"' in page.text
    assert "Unavailable : The processor does not answer." in words
    assert f'href="/console/bookings/{ran.booking_id}"' in page.text
    assert f"escrow%3A{ran.booking_id}" in page.text
    assert f'href="/console/providers/{ran.provider_id}"' in page.text
    assert "ada@example.org" in words


async def test_steps_can_be_narrowed_to_one_state(ran: Running, olga: httpx.AsyncClient) -> None:
    page = await olga.get(at(ran.executions["paid"]), params={"state": "HowIsIt"})

    assert "Steps of HowIsIt" in said(page)
    assert page.text.count('<details id="step-') == 2


async def test_neither_tokens_nor_secrets_are_ever_shown(ran: Running, olga: httpx.AsyncClient) -> None:
    page = await olga.get(at(ran.executions["asked"]))

    (token,) = ran.functions.tokens.values()
    assert token not in html.unescape(page.text)
    assert token.partition(".")[0] not in page.text
    assert "pi_123_secret_456" not in page.text


async def test_an_operator_accepts_and_the_execution_goes_on_with_their_reason(
    ran: Running, olga: httpx.AsyncClient
) -> None:
    path = at(ran.executions["asked"])
    page = await olga.get(path)
    sent = {"task_id": hidden(page.text, "task_id"), "verdict": "accept", "reason": "The bank confirmed by telephone."}

    answered = await post(olga, f"{path}/answer", seen_on=path, **sent, output='{"refund_minor": 100}')
    await ran.go_on()

    assert answered.status_code == 303
    after = said(await olga.get(path))
    assert "The bank confirmed by telephone." in html.unescape(after)
    assert (await ran.engine.describe(ran.executions["asked"])).status is ExecutionStatus.SUCCEEDED
    assert "waits for an answer" not in after


async def test_an_answer_without_a_reason_is_refused_beside_its_field(ran: Running, olga: httpx.AsyncClient) -> None:
    path = at(ran.executions["asked"])
    sent = {"task_id": hidden((await olga.get(path)).text, "task_id"), "verdict": "reject", "reason": " "}

    refused = await post(olga, f"{path}/answer", seen_on=path, **sent)
    garbled = await post(
        olga, f"{path}/answer", seen_on=path, **sent | {"verdict": "accept", "reason": "Yes", "output": "{"}
    )

    assert refused.status_code == 422
    assert "Say why" in said(refused)
    assert "That is no JSON" in html.unescape(said(garbled))


async def test_a_rejected_task_is_caught_by_its_machine(ran: Running, olga: httpx.AsyncClient) -> None:
    path = at(ran.executions["asked"])
    sent = {"task_id": hidden((await olga.get(path)).text, "task_id"), "verdict": "reject", "reason": "A forgery."}

    await post(olga, f"{path}/answer", seen_on=path, **sent)
    await ran.go_on()

    page = await olga.get(path)
    assert 'aria-label="AskOperator, Task, Error caught"' in page.text
    assert "A forgery." in page.text
    twice = await post(olga, f"{path}/answer", seen_on=path, **sent)
    assert twice.status_code == 409


async def test_an_execution_is_stopped_with_a_reason_and_goes_on_from_there(
    ran: Running, olga: httpx.AsyncClient
) -> None:
    path = at(ran.executions["slow"])
    without = await post(olga, f"{path}/stop", seen_on=path, reason="")
    await post(olga, f"{path}/stop", seen_on=path, reason="The rail is down.")
    stopped = said(await olga.get(path))

    assert without.status_code == 422
    assert "The rail is down." in stopped
    assert "Go on from where it failed" in stopped
    again = await post(olga, f"{path}/redrive", seen_on=path)
    assert again.status_code == 303
    assert (await ran.engine.describe(ran.executions["slow"])).status is ExecutionStatus.RUNNING
    assert "Went on" in said(await olga.get(path))


async def test_a_page_that_shows_the_latest_is_told_nothing_and_one_that_does_not_is_drawn_anew(
    ran: Running, olga: httpx.AsyncClient
) -> None:
    page = await olga.get(at(ran.executions["slow"]))
    found = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page.text)
    assert found
    again = html.unescape(found[1])

    nothing = await olga.get(again, headers=FRAGMENT)
    await ran.go_on(40)
    news = await olga.get(again, headers=FRAGMENT)

    assert nothing.status_code == 204
    assert news.status_code == 200
    assert 'id="execution"' in news.text
    assert "<html" not in news.text


async def test_nobody_is_watched_for_ever(shop: Shop, ran: Running, olga: httpx.AsyncClient) -> None:
    long_ago = int(shop.market.clock.now().timestamp()) - 3_600

    page = await olga.get(at(ran.executions["slow"]), params={"since": str(long_ago)})

    assert 'hx-trigger="every' not in page.text
    assert "This page has stopped looking by itself." in said(page)
    assert 'hx-trigger="every' not in (await olga.get(at(ran.executions["paid"]))).text


async def test_a_machine_is_drawn_as_it_is_written(ran: Running, olga: httpx.AsyncClient) -> None:
    page = await olga.get(f"/console/workflows/machines/{MACHINE}")

    assert "payment-processing.asl.json" in said(page)
    assert "WaitForRail" in page.text
    assert ran.executions["slow"] in page.text


async def test_a_booking_leads_to_its_executions(ran: Running, olga: httpx.AsyncClient) -> None:
    page = await olga.get(f"/console/bookings/{ran.booking_id}")

    assert "Workflows about it" in said(page)
    assert f'href="{at(ran.executions["paid"])}"' in page.text
    assert ran.executions["declined"] not in page.text


async def test_the_palette_finds_executions_by_their_matter(ran: Running, olga: httpx.AsyncClient) -> None:
    name = ran.executions["asked"].partition(":")[2]

    found = await olga.get("/console/find", params={"q": name}, headers=FRAGMENT)

    assert f'href="{at(ran.executions["asked"])}"' in found.text
