"""The console is for operators: whoever else asks finds nothing, and nonsense gets a clear answer."""

from __future__ import annotations

import re

import httpx
import pytest
from litestar.handlers import HTTPRouteHandler
from tests.web.console.busy import Busy, act
from tests.web.shop import ANA, OLGA, PEDRO, Shop, sign_in, token

from ecosystem.contexts.booking import BookingStatus
from ecosystem.journeys.explorer import AccountKind
from ecosystem.journeys.happenings import Wanted
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.refusals import Denied
from ecosystem.web.console.routes import PARTS

ROUTES = sorted(
    (method, path)
    for part in PARTS
    for handler in vars(part).values()
    if isinstance(handler, HTTPRouteHandler)
    for method in handler.http_methods
    for path in handler.paths
    if method in {"GET", "POST"} and path.startswith("/console")
)


def filled(path: str) -> str:
    """The route's address with an id of the right form in each place."""
    kinds = {"booking_id": "bkg", "user_id": "usr", "provider_id": "prv", "service_id": "svc", "mail_id": "mal"}

    def one(found: re.Match[str]) -> str:
        name = found[1]
        if found[2] == "int":
            return "7"
        return f"{kinds[name]}_01kag2m8xw0000000000000000" if name in kinds else "strict"

    return re.sub(r"\{(\w+):(str|int)\}", one, path)


def test_there_are_routes() -> None:
    assert len(ROUTES) > 45


async def test_every_route_refuses_customers_and_providers_as_if_it_were_not_there(shop: Shop) -> None:
    for email in (ANA, PEDRO):
        async with shop.client() as client:
            await sign_in(client, email)
            proof = token((await client.get("/account")).text)
            nowhere = await client.get("/console-of-somebody-else")
            for method, path in ROUTES:
                answer = await client.request(
                    method, filled(path), data={"csrf_token": proof} if method == "POST" else None
                )
                assert (answer.status_code, method, path) == (404, method, path)
                assert "/console/" not in answer.text, path
                assert (
                    re.search(r"<p class=\"mt-3[^>]*>([^<]+)", answer.text)[1]
                    == re.search(  # type: ignore[index]
                        r"<p class=\"mt-3[^>]*>([^<]+)", nowhere.text
                    )[1]
                ), path  # type: ignore[index]


async def test_visitors_are_asked_to_sign_in_and_see_nothing(shop: Shop) -> None:
    async with shop.client() as client:
        proof = token((await client.get("/sign-in")).text)
        for method, path in ROUTES:
            answer = await client.request(
                method, filled(path), data={"csrf_token": proof} if method == "POST" else None
            )
            assert (answer.status_code, path) == (303, path)
            assert answer.headers["location"].startswith("/sign-in")


async def test_an_operator_who_acts_as_somebody_is_no_operator_meanwhile(shop: Shop, olga: httpx.AsyncClient) -> None:
    await olga.get("/console")
    answer = await act(olga, f"/console/people/{shop.people[ANA]}", reason="x")
    assert answer.status_code == 405
    page = f"/console/people/{shop.people[ANA]}"
    began = await olga.post(f"{page}/act-as", data={"csrf_token": token((await olga.get(page)).text), "reason": "Help"})

    assert began.status_code == 303
    assert (await olga.get("/console")).status_code == 404


async def test_a_post_needs_the_pages_token(shop: Shop, olga: httpx.AsyncClient) -> None:
    answer = await olga.post(f"/console/people/{shop.people[ANA]}/lock", data={"reason": "x"})

    assert answer.status_code == 403
    person = await shop.market.app.identity.people.person(
        shop.people[ANA], Actor(actor_id="usr_o", groups=(Group.ADMINS,))
    )
    assert person.standing == "active"


async def test_the_services_below_refuse_too(shop: Shop) -> None:
    app = shop.market.app
    ana = Actor(actor_id=shop.people[ANA], groups=(Group.CUSTOMERS,))

    for asked in (
        app.figures.now(ana),
        app.happenings.latest(ana, Wanted()),
        app.happenings.event("BOOKING#x:1:Y", ana),
        app.explorer.platform(ana),
        app.explorer.escrows(BookingStatus.CONFIRMED, ana),
        app.lookups.find("ana", ana),
        app.inspections.latest(ana),
        app.hearing.waiting(ana),
        app.hearing.replay("evt_1", ana),
        app.notifications.outbox.queued(ana),
        app.notifications.outbox.among(["mal_1"], ana),
        app.identity.sessions.of(shop.people[OLGA], ana),
        app.ach.overview.files(ana),
        app.ach.overview.file("2026-11-20-1-first", ana),
        app.ach.overview.entries("2026-11-20-1-first", ana),
        app.ach.overview.inbound(ana),
        app.ach.overview.returns(ana),
        app.ach.overview.changes(ana),
        app.ach.overview.exceptions(ana),
        app.ach.overview.originator(ana),
        app.ach.overview.rates(ana),
    ):
        with pytest.raises(Denied):
            await asked
    assert list(AccountKind)


NONSENSE = (
    "/console?days=31",
    "/console?days=30&currency=GOLD",
    "/console/bookings?status=nonsense",
    "/console/bookings?after=nonsense",
    "/console/bookings?after=2026-99-99~",
    "/console/bookings?status=confirmed&after=%00",
    "/console/bookings?q=%F0%9F%A6%84",
    "/console/bookings/nonsense",
    "/console/bookings/bkg_01kag2m8xw0000000000000000",
    "/console/bookings/bkg_01kag2m8xw0000000000000000/cancel",
    "/console/bookings/bkg_01kag2m8xw0000000000000000/nonsense",
    "/console/people?after=nonsense",
    "/console/people/nonsense",
    "/console/people/usr_01kag2m8xw0000000000000000",
    "/console/providers?status=nonsense",
    "/console/providers?after=%F0%9F%A6%84",
    "/console/providers/nonsense",
    "/console/services/nonsense",
    "/console/services?status=gone",
    "/console/ledger?kind=nonsense",
    "/console/ledger?kind=providers&status=nonsense",
    "/console/ledger?kind=escrow&after=nonsense",
    "/console/ledger/account",
    "/console/ledger/account?id=nobody",
    "/console/ledger/account?id=processor:EUR&month=2026-13",
    "/console/ledger/account?id=processor:EUR&after=nonsense",
    "/console/ledger/account.csv?id=nobody",
    "/console/ledger/transfer?id=nothing",
    "/console/ledger/transfer",
    "/console/ledger/verifications/nonsense",
    "/console/events?type=%3Cscript%3E",
    "/console/events?after=nonsense",
    "/console/events/detail?id=nonsense",
    "/console/events/detail?id=BOOKING%23x:1:Y",
    "/console/events/dead?after=nonsense",
    "/console/mail?after=nonsense",
    "/console/mail?only=everything",
    "/console/mail/nonsense",
    "/console/mail/nonsense/html",
    "/console/mail/mal_01kag2m8xw0000000000000000",
    "/console/webhooks?after=nonsense",
    "/console/webhooks/nonsense",
    "/console/settings/policies/nonsense",
    f"/console/find?q={'x' * 500}",
)


async def test_nonsense_gets_a_clear_answer(happened: Busy, olga: httpx.AsyncClient) -> None:
    for path in NONSENSE:
        answer = await olga.get(path)
        assert answer.status_code in {200, 404, 422}, (path, answer.status_code)
        assert "Our fault" not in answer.text, path
    for path, fields in (
        ("/console/events/replay", {"event_id": "x", "reaction": "y"}),
        ("/console/events/give-up", {"event_id": "x", "reaction": "y", "page": "nonsense"}),
        ("/console/webhooks/nonsense/replay", {}),
        ("/console/mail/nonsense/send", {}),
        ("/console/providers/nonsense/approve", {}),
        ("/console/services/nonsense/close", {}),
        ("/console/people/nonsense/lock", {"reason": "x"}),
        (f"/console/people/{happened.shop.people[ANA]}/groups", {"group": "Kings"}),
        (f"/console/people/{happened.shop.people[ANA]}/groups", {}),
        (f"/console/people/{happened.shop.people[ANA]}/lock", {"reason": ""}),
        (f"/console/people/{happened.shop.people[OLGA]}/lock", {"reason": "Me"}),
        (f"/console/people/{happened.shop.people[ANA]}/act-as", {"reason": "x" * 600}),
        (f"/console/providers/{happened.provider_id}/suspend", {"reason": ""}),
        ("/console/settings/rates", {"share": "200", "surcharge": "-1", "version": "x"}),
        ("/console/settings/policies/strict", {"version": "1", "reschedule": "soon"}),
        (f"/console/bookings/{happened.bookings['ahead']}/give-back", {"amount": "all", "reason": "x"}),
        (f"/console/bookings/{happened.bookings['ahead']}/cancel", {"share": "101", "reason": "x"}),
        (f"/console/bookings/{happened.bookings['ahead']}/complete", {"reason": "x"}),
        (f"/console/bookings/{happened.bookings['ahead']}/complete", {"reason": "x", "extra": "1"}),
    ):
        proof = token((await olga.get("/console/settings")).text)
        answer = await olga.post(path, data={"csrf_token": proof, **fields})
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
