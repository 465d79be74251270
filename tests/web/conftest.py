"""The site's frame with a page that shows every component, over ASGI for most tests and in a browser for some."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from litestar import Litestar, get, post
from msgspec import Meta, Struct
from playwright.sync_api import Browser
from tests.web.browser import chromium
from tests.web.console.workflows.histories import execution, through_everything
from tests.web.console.workflows.machines import document, showing_everything

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.kernel.actor import Actor, Group
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Denied, NotFound, Refusal, Unavailable
from ecosystem.kernel.time import Span
from ecosystem.ports.search import Document, Point
from ecosystem.ports.workflows import ExecutionStatus
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.arrival import Arrival
from ecosystem.web.calendar import month
from ecosystem.web.console.workflows.graph import graph
from ecosystem.web.console.workflows.steps import story
from ecosystem.web.errors import handlers
from ecosystem.web.fields import Verbatim
from ecosystem.web.gate import Gate
from ecosystem.web.kit import Kit
from ecosystem.web.limits import Rate, Rates
from ecosystem.web.pages import pages
from ecosystem.web.templates import Person, Site, Toast
from ecosystem.web.visit import Visit

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Taken(Conflict):
    """Somebody was faster."""


class Sample(Struct, kw_only=True):
    email: Annotated[
        str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", description="An address such as ana@example.org.")
    ]
    password: Verbatim
    seats: Annotated[int, Meta(ge=1, le=10)] = 1
    about: str = ""
    category: str = ""
    price: str = ""
    instant: bool = False
    where: str = "remote"


class Somebody:
    """A doorkeeper for tests: whoever the cookie names is let in as that."""

    async def admit(self, arrival: Arrival) -> None:
        name = arrival.cookies.get("who", "")
        if name:
            groups = {"ana": (), "pedro": (Group.PROVIDERS,), "olga": (Group.ADMINS,)}[name]
            arrival.actor = Actor(actor_id=f"usr_{name}", groups=groups)
            arrival.session = f"ses_{name}"
            arrival.person = Person(name=f"{name.title()} Ferreira", email=f"{name}@example.org")


def cards() -> list[Document]:
    wanted = [
        ("Portuguese for newcomers", "language-lessons", "lessons", "Mateus Haddad", "Arroios, Lisbon", 3200, 438, 100),
        (
            "Event coverage, same-night preview",
            "event-photography",
            "media",
            "Teresa Sousa",
            "Avenidas Novas",
            5500,
            1072,
            232,
        ),
        ("Python and data, one to one", "programming-tutoring", "lessons", "Mei Nunes", "Chiado", 5550, 0, 0),
        ("Balcony makeover", "landscaping", "garden", "Marta Leal", "Alvalade", 9000, 1577, 337),
        ("A haircut that grows out well", "hair-styling", "beauty", "João Prata", "Graça", 2800, 90, 19),
        (
            "Boiler check and service with a very long title that wraps over several lines",
            "hvac",
            "home",
            "Rui Tavares",
            "Benfica",
            7500,
            50,
            11,
        ),
    ]
    return [
        Document(
            service_id=f"svc_{at}", provider_id=f"prv_{at}", version=1, title=title, slug=f"s-{at}", description="",
            path=(parent, category), path_titles=(parent, category), provider_name=who, provider_slug=f"p-{at}",
            place=place, zone="Europe/Lisbon", at=Point(38.7, -9.1), badges=("identity",) if at % 2 else (),
            price=Money(price, "EUR"), duration_min=30 + 30 * at, capacity=1 if at else 6, mode="remote" if at == 2 else "at_provider",
            instant=at != 0, rating_total=total, rating_count=count, published_at=NOON,
        )
        for at, (title, category, parent, who, place, price, total, count) in enumerate(wanted)
    ]  # fmt: skip


def workflow() -> dict[str, Any]:
    """A machine with an execution under way."""
    told = story(execution(ExecutionStatus.RUNNING), through_everything(), frozenset({"AskOperator"}))
    return {
        "graph": graph(document(showing_everything()), told.standings, told.taken), "drawing_of": "booking-lifecycle",
        "chosen": "AskOperator", "state_path": "/gallery/workflow", "live": True,
    }  # fmt: skip


def values() -> dict[str, Any]:
    """What the gallery shows."""
    today = NOON.date()
    free = {today + timedelta(days=away): 3 + away % 4 for away in (2, 3, 4, 5, 8, 10)}
    refused = forms.decode(
        Sample, [("email", "ana"), ("password", "x"), ("seats", "40"), ("about", "Hello"), ("instant", "1")]
    )
    starts = [NOON + timedelta(days=4, minutes=45 * at) for at in range(7)]
    return {
        "title": "Gallery", "cards": cards(), "blank": forms.blank(Sample, where="remote"), "refused": refused,
        "month": month(date(2026, 11, 1), free, today=today, last=today + timedelta(days=60), chosen=date(2026, 11, 24)),
        "slots": [Span(start, start + timedelta(minutes=45)) for start in starts], "chosen": starts[1],
        "lines": [("Balcony makeover", Money(9000, "EUR")), ("Guest fee (10 %)", Money(900, "EUR"), "Not charged when you sign in.")],
        "total": Money(9900, "EUR"), "until": NOON + timedelta(minutes=14, seconds=20), "soon": NOON + timedelta(seconds=80),
        "span": Span(NOON, NOON + timedelta(hours=1)), "now": NOON, "yen": Money(1250, "JPY"), "dinar": Money(1250, "KWD"),
        "steps": [
            {"title": "Requested", "at": NOON - timedelta(days=1), "words": "", "state": "done"},
            {"title": "Accepted and paid", "at": NOON - timedelta(hours=2), "words": "", "state": "done"},
            {"title": "Session", "at": NOON + timedelta(days=4), "words": "Bring nothing.", "state": "now"},
            {"title": "Confirm and review", "at": None, "words": "", "state": "next"},
        ],
        "states": ["awaiting_payment", "awaiting_provider", "confirmed", "in_progress", "completed", "declined", "cancelled", "no_show", "expired", "disputed"],
        **workflow(),
        "series": [3, 5, 4, 8, 6, 9, 12, 7, 11, 13],
    }  # fmt: skip


@get("/gallery")
async def gallery(request: Visit) -> Answer:
    return request.page("gallery.html", toast=Toast(text="Saved.", undo="/gallery/undo"), **values())


@get("/gallery/{layout:str}")
async def framed(request: Visit) -> Answer:
    layout = request.path_params["layout"]
    return request.page(f"gallery_{layout}.html", **values())


@get("/gallery/form")
async def shown(request: Visit) -> Answer:
    return request.page("gallery_form.html", form=forms.blank(Sample))


@post("/gallery/form")
async def sent(request: Visit) -> Answer:
    form = await request.form_of(Sample)
    try:
        if form.asked.email == "taken@example.org":
            raise Taken(field="email")
    except Refusal as no:
        return request.again("gallery_form.html", "_gallery_form.html", form.refused(no))
    return request.redirect("/gallery", toast=Toast(text="Thank you."))


@get("/gallery/refuse/{name:str}")
async def refuse(request: Visit) -> Answer:
    raised: dict[str, Exception] = {
        "denied": Denied(), "missing": NotFound("Nothing of that name."), "conflict": Taken(), "away": Unavailable(),
        "fault": RuntimeError("secret detail"),
    }  # fmt: skip
    raise raised[request.path_params["name"]]


@get("/gallery/mine")
async def mine(request: Visit) -> Answer:
    return request.page("gallery_plain.html", **values(), who=request.user_id)


def kit(clock: VirtualClock, **changed: Any) -> Kit:
    templates = {f"{path.stem}.html": path.read_text() for path in (HERE / "gallery").glob("*.html")}
    site = Site(
        name="Ecosystem", url=changed.pop("url", "http://testserver"), currency="EUR",
        cards_origin="http://127.0.0.1:8001", zone="Europe/Lisbon", trusted_proxies=changed.pop("trusted_proxies", 1),
    )  # fmt: skip
    rates = Rates(writes_by_address=Rate(1, 8), reads_by_address=Rate(50, 300))
    return Kit.of(site, clock=clock, entropy=SeededEntropy(7), door=Somebody(), rates=rates, templates=templates)


def site(clock: VirtualClock, **changed: Any) -> Gate:
    routes = pages(gallery, framed, shown, sent, refuse, mine)
    inner = Litestar(
        route_handlers=[routes],
        request_class=Visit,
        exception_handlers=handlers(),
        openapi_config=None,
        logging_config=None,
    )
    return Gate(inner, kit(clock, **changed))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    with chromium() as opened:
        yield opened


@pytest.fixture
async def browser_less(clock: VirtualClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks to the site without a network."""
    transport = httpx.ASGITransport(app=site(clock), client=("203.0.113.9", 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The site, served on loopback for a real browser."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        site(VirtualClock(NOON), url=f"http://127.0.0.1:{port}"),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)
