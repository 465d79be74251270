"""The smaller parts: words, amounts, times, icons, pictures, files, buckets."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from ecosystem.contexts.catalogue import categories
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Invalid
from ecosystem.web import artwork, calendar, formats, texts
from ecosystem.web.answers import is_local, packed, unpacked
from ecosystem.web.arrival import arrival
from ecosystem.web.assets import Assets
from ecosystem.web.icons import Icons, category_icon
from ecosystem.web.limits import BUCKETS_MAX, Buckets, Rate, neighbourhood
from ecosystem.web.templates import Templates, Toast

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WEB = Path(formats.__file__).parent


def test_prices_lose_decimals_that_say_nothing() -> None:
    tags = [formats.price_text(Money(*price)) for price in ((5500, "EUR"), (5550, "EUR"), (1250, "JPY"), (1000, "KWD"))]

    assert tags == ["€55", "€55.50", "¥1,250", "KWD\u00a01"]


def test_moments_are_told_by_the_visitor_s_own_day() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

    assert formats.moment_text(late, "UTC", seen_at=NOON) == "Today 23:30"
    assert formats.moment_text(late, "Europe/Berlin", seen_at=NOON) == "Tomorrow 00:30"
    assert formats.moment_text(NOON + timedelta(days=5), "UTC", seen_at=NOON) == "Wed 25 Nov 12:00"
    assert formats.moment_text(NOON + timedelta(days=60), "UTC", seen_at=NOON) == "Tue 19 Jan 2027 12:00"


def test_ages_and_zones_are_told_in_words() -> None:
    assert formats.age_text(NOON - timedelta(minutes=5), seen_at=NOON) == "5 minutes ago"
    assert formats.age_text(NOON + timedelta(days=1), seen_at=NOON) == "in 1 day"
    assert formats.age_text(NOON, seen_at=NOON) == "just now"
    assert formats.zone_label("Europe/Lisbon", NOON) == "Lisbon time (WET, UTC+0)"
    assert formats.zone_label("Asia/Kolkata", NOON) == "Kolkata time (IST, UTC+5:30)"
    assert formats.zone_label("America/Sao_Paulo", NOON) == "Sao Paulo time (UTC-3)"
    assert formats.zone_label("UTC", NOON) == "UTC"
    assert [formats.minutes_text(minutes) for minutes in (45, 60, 90, 1440, 0)] == [
        "45 min",
        "1 h",
        "1 h 30 min",
        "1 day",
        "0 min",
    ]


def test_plurals_follow_the_count_and_markup_stays_safe() -> None:
    words = texts.load("en")

    assert words.count("{count} reviews", 1) == "1 review"
    assert words.count("{count} reviews", 1200) == "1,200 reviews"
    assert words.say("Hello {name}", name="<b>") == "Hello <b>"


def test_every_plural_that_a_template_uses_has_its_singular() -> None:
    used = {found for page in WEB.rglob("*.html") for found in re.findall(r"\bn\('([^']+)'", page.read_text())}

    assert used <= texts.load("en").plurals.keys()


def test_every_icon_that_a_template_names_is_drawn() -> None:
    drawn = Icons.load().drawn
    named = {
        found for page in WEB.rglob("*.html") for found in re.findall(r"""icon\('([a-z0-9-]+)'""", page.read_text())
    }

    assert named <= drawn.keys()
    assert {category_icon(each.slug, each.parent) for each in categories().by_slug.values()} <= drawn.keys()


def test_every_template_is_well_formed() -> None:
    templates = Templates.of(Assets.load(), Icons.load())

    for page in WEB.rglob("*.html"):
        templates.environment.add_template(page.relative_to(WEB).as_posix(), page.read_text())


def test_a_scene_is_the_same_every_day_and_well_formed() -> None:
    first, again, other = (artwork.scene(seed, "<path d='M0 0'/>") for seed in ("svc_1", "svc_1", "svc_2"))

    assert first == again != other
    assert ET.fromstring(first).tag.endswith("svg")
    assert artwork.scene("svc_1", "", variant=1) != artwork.scene("svc_1", "", variant=2)
    assert [artwork.initials(name) for name in ("Teresa Maria Sousa", "ecosystem", "É")] == ["TS", "Ec", "É"]


async def test_files_are_kept_for_ever_under_their_fingerprint(browser_less: httpx.AsyncClient) -> None:
    url = Assets.load().url("app.css")

    hashed = await browser_less.get(url, headers={"accept-encoding": "gzip, br"})
    plain = await browser_less.get("/static/app.css", headers={"accept-encoding": "identity"})

    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-encoding"] == "br"
    assert plain.headers["cache-control"] == "public, max-age=3600"
    assert "content-encoding" not in plain.headers
    again = await browser_less.get(url, headers={"if-none-match": hashed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await browser_less.get("/static/app.0000000000.css")).status_code == 404
    assert (await browser_less.get("/static/..%2fforms.py")).status_code == 404


async def test_pictures_are_drawn_for_known_categories_only(browser_less: httpx.AsyncClient) -> None:
    picture = await browser_less.get("/art/photography-of-nothing/svc_1/0.svg")
    drawn = await browser_less.get("/art/event-photography/svc_1/0.svg")

    assert picture.status_code == 404
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in drawn.headers["content-security-policy"]


async def test_pages_are_compressed_for_who_takes_it(browser_less: httpx.AsyncClient) -> None:
    page = await browser_less.get("/gallery", headers={"accept-encoding": "gzip"})
    plain = await browser_less.get("/gallery", headers={"accept-encoding": "identity"})

    assert page.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "HX-Request-Type" in page.headers["vary"]


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    buckets = Buckets(Rate(2, 3))

    taken = [buckets.take("ana", NOON) for _ in range(4)]

    assert taken[:3] == [0, 0, 0]
    assert taken[3] == pytest.approx(0.5)
    assert buckets.take("ana", NOON + timedelta(seconds=0.5)) == 0
    assert buckets.take("rui", NOON) == 0


def test_buckets_are_bounded_in_number() -> None:
    buckets = Buckets(Rate(1, 1))

    for at in range(BUCKETS_MAX + 10):
        buckets.take(str(at), NOON)

    assert len(buckets._full_at) == BUCKETS_MAX


def test_neighbours_in_one_network_share_a_bucket_and_loopback_has_none() -> None:
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9")
    assert neighbourhood("::ffff:203.0.113.9") == neighbourhood("203.0.113.9") == "203.0.113.9"
    assert neighbourhood("127.0.0.1") == neighbourhood("::1") == ""
    assert neighbourhood("nonsense") == "unknown"


@pytest.mark.parametrize(
    ("trusted", "address"), [(0, "10.0.0.1"), (1, "198.51.100.2"), (2, "203.0.113.1"), (9, "evil")]
)
def test_forwarded_addresses_count_only_from_proxies_that_are_trusted(trusted: int, address: str) -> None:
    headers = [(b"x-forwarded-for", b"evil, 203.0.113.1, 198.51.100.2")]
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": headers, "client": ("10.0.0.1", 1)}

    assert arrival(scope, trusted_proxies=trusted).address == address


def test_the_way_back_stays_on_the_site() -> None:
    assert is_local("/bookings?x=1")
    assert not any(
        is_local(path) for path in ("//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nb")
    )


def test_toasts_travel_in_a_cookie_and_strange_ones_are_dropped() -> None:
    assert unpacked(packed(Toast(text="Saved.", undo="/undo"))) == (Toast(text="Saved.", undo="/undo"),)
    assert unpacked("nonsense") == unpacked("e30=") == unpacked("") == ()
    assert unpacked(packed(Toast(text="Saved.", undo="//evil.example"))) == ()


def test_a_month_shows_no_past_weeks_and_leads_no_further_than_there_are_times() -> None:
    today = date(2026, 11, 20)

    shown = calendar.month(
        date(2026, 11, 1), {date(2026, 11, 24): 3}, today=today, last=date(2026, 11, 30), chosen=None
    )

    assert [[day.number if day else None for day in week] for week in shown.weeks] == [
        [16, 17, 18, 19, 20, 21, 22],
        [23, 24, 25, 26, 27, 28, 29],
        [30, None, None, None, None, None, None],
    ]
    assert (shown.before, shown.after, shown.title) == ("", "", "November 2026")
    with pytest.raises(Invalid):
        calendar.first_of("2026-13")
