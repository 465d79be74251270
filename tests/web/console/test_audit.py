"""The audit log in the console: what was done is there, found, proven, downloaded, and verified."""

from __future__ import annotations

import re

import httpx
from tests.web.console.busy import Busy, said

from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.contexts.audit import proving


async def entered(happened: Busy) -> None:
    app = happened.shop.market.app
    await app.audit.caught_up()
    await app.audit.seal()


async def test_what_was_done_stands_in_the_log(happened: Busy, olga: httpx.AsyncClient) -> None:
    await entered(happened)

    page = await olga.get("/console/audit")
    money = await olga.get("/console/audit?kind=money")
    about = await olga.get(f"/console/audit?about={happened.bookings['done']}")

    assert "TransferPosted" in said(page)
    assert "BookingPlaced" in said(page)
    assert set(re.findall(r'text-muted-foreground">(\w+)<span class="md:hidden"', money.text)) == {"Money"}
    assert about.text.count("row-link") >= 2


async def test_an_entry_shows_its_proof_and_the_file_is_checked_without_us(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    await entered(happened)

    page = await olga.get("/console/audit/entries/0")
    file = await olga.get("/console/audit/entries/0/proof.json")
    shown = proving.checked(proving.read(file.content), Ed25519Signatures())

    assert "In the log" in said(page)
    assert "What the entry commits to" in said(page)
    assert shown.index == 0
    assert shown.content is not None
    assert file.headers["content-disposition"] == 'attachment; filename="audit-entry-0.json"'


async def test_an_entry_that_is_not_signed_yet_says_so(happened: Busy, olga: httpx.AsyncClient) -> None:
    app = happened.shop.market.app
    await olga.get(f"/console/bookings/{happened.bookings['done']}")
    await app.audit.caught_up()
    newest = (await app.audit.lag()).size - 1

    page = await olga.get(f"/console/audit/entries/{newest}")

    assert page.status_code == 200
    assert "no signed checkpoint covers it yet" in page.text


async def test_what_an_operator_reads_is_in_the_log_too(happened: Busy, olga: httpx.AsyncClient) -> None:
    await olga.get(f"/console/bookings/{happened.bookings['done']}")
    await entered(happened)

    page = await olga.get(f"/console/audit?kind=access&by={happened.operator.actor_id}")

    assert "BookingRead" in said(page)


async def test_days_that_are_none_and_places_that_are_none_are_refused(happened: Busy, olga: httpx.AsyncClient) -> None:
    assert (await olga.get("/console/audit?start=2026-02-31")).status_code in {400, 422}
    assert (await olga.get("/console/audit/entries/99999")).status_code == 404
    assert happened.bookings


async def test_entries_of_a_day_are_found_and_those_of_another_are_not(happened: Busy, olga: httpx.AsyncClient) -> None:
    await entered(happened)
    today = happened.shop.market.clock.now().date()

    found = await olga.get(f"/console/audit?start={today}")
    none = await olga.get("/console/audit?end=2001-01-01")

    assert "Nothing found" in said(none)
    assert found.status_code == 200


async def test_checkpoints_are_listed_with_the_key_that_verifies_them(happened: Busy, olga: httpx.AsyncClient) -> None:
    await entered(happened)

    page = await olga.get("/console/audit/checkpoints")
    keys = await happened.shop.market.app.ports.keys.signers()

    assert "Told" in said(page)
    assert len(keys) == 1


async def test_only_operators_find_the_log(happened: Busy) -> None:
    async with happened.shop.client() as visitor:
        for path in ("/console/audit", "/console/audit/entries/0", "/console/audit/checkpoints"):
            assert (await visitor.get(path)).status_code == 303
