"""Keys and rotation on their page: seen, rotated, and retired once nothing needs a version."""

from __future__ import annotations

from datetime import timedelta

import httpx
from tests.web.console.busy import Busy, said
from tests.web.shop import OLGA, post, sign_in

from ecosystem.kernel.actor import system
from ecosystem.ports.keys import KeyName, State


async def test_every_key_is_shown_with_its_versions(happened: Busy, olga: httpx.AsyncClient) -> None:
    page = await olga.get("/console/keys")

    for name in KeyName:
        assert f'id="key-{name}"' in page.text
    assert said(page).count("Wraps") == 5


async def test_a_key_is_rotated_rewrapped_and_its_former_version_retired(
    happened: Busy, olga: httpx.AsyncClient
) -> None:
    rings = happened.shop.market.app.key_rings

    done = await post(olga, "/console/keys/bank-accounts/rotate", seen_on="/console/keys")
    going = await olga.get("/console/keys")
    again = await post(olga, "/console/keys/bank-accounts/rotate", seen_on="/console/keys")
    while await rings.go_on(system("workflow-orchestrator")):
        pass
    after = await olga.get("/console/keys")
    early = await post(olga, "/console/keys/bank-accounts/1/retire", seen_on="/console/keys")
    happened.shop.market.clock.advance(timedelta(days=8))
    await sign_in(olga, OLGA)
    due = await olga.get("/console/keys")
    retired = await post(olga, "/console/keys/bank-accounts/1/retire", seen_on="/console/keys")

    assert early.status_code == 409
    assert "--now" in said(early)
    assert "Retire version 1 of bank-accounts" not in after.text
    assert "Retire version 1 of bank-accounts" in due.text
    assert done.status_code == retired.status_code == 303
    assert "is taking over" in said(going)
    assert again.status_code == 409
    assert "is taking over" not in said(after)
    ring = await rings.ring(KeyName.BANK_ACCOUNTS, happened.operator)
    assert [each.version.state for each in ring.versions] == [State.CURRENT, State.RETIRED]


async def test_no_such_key_or_version_is_not_found(happened: Busy, olga: httpx.AsyncClient) -> None:
    unknown = await post(olga, "/console/keys/front-door/rotate", seen_on="/console/keys")
    version = await post(olga, "/console/keys/audit/7/retire", seen_on="/console/keys")

    assert [answer.status_code for answer in (unknown, version)] == [404, 404]
