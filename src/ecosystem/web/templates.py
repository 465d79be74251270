"""The template engine: every template read and checked at start, strict about what is undefined, escaping what it prints.

A template may use what stands in `_GLOBALS` and `_FILTERS` below, and `page`, an `Around`, which says who looks, at what
time, in which zone and words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from minijinja import Environment, safe
from msgspec import Struct

from ecosystem.contexts.identity import masked
from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.kernel.display import at_text, length_text, money_text, span_text
from ecosystem.kernel.money import Money, exponent
from ecosystem.kernel.time import Span, sortable
from ecosystem.web import areas, artwork, formats
from ecosystem.web.assets import Assets
from ecosystem.web.icons import Icons, category_icon
from ecosystem.web.texts import Words, load

ENDING = ".html"


class Site(Struct, frozen=True, kw_only=True):
    """What every page knows of the marketplace it belongs to."""

    name: str
    url: str
    currency: str
    cards_origin: str = ""
    trusted_proxies: int = 0
    zone: str = "UTC"

    @property
    def https(self) -> bool:
        return self.url.startswith("https://")


class Toast(Struct, frozen=True, kw_only=True):
    """A short notice of what just happened. `undo` is the path that takes it back, posted to."""

    text: str
    tone: str = "good"
    undo: str = ""


class Person(Struct, frozen=True, kw_only=True):
    """Who is signed in, as the page greets them."""

    name: str
    email: str = ""
    picture: str = ""
    zone: str = ""
    unread: int = 0


class Around(Struct, frozen=True, kw_only=True):
    """What stands around a page's own values: who looks, when, where, and under which protection."""

    site: Site
    words: Words
    now: datetime
    zone: str
    theme: str = "system"
    actor: Actor = VISITOR
    person: Person | None = None
    nonce: str = ""
    token: str = ""
    path: str = "/"
    query: str = ""
    toasts: tuple[Toast, ...] = ()
    trace: str = ""

    @property
    def address(self) -> str:
        """The page's own address within the site, to come back to."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Templates:
    """Renders by a template's name, its path under `web/`: `search/page.html`."""

    environment: Environment
    words: Words

    @classmethod
    def of(cls, assets: Assets, icons: Icons, extra: Mapping[str, str] | None = None) -> Templates:
        """Every template of the site. `extra` adds some by name (the tests' gallery)."""

        def asset(name: str) -> str:
            return safe(assets.url(name))

        sources = dict(_sources(files("ecosystem.web"))) | dict(extra or {})
        environment = Environment(
            templates=sources,
            globals=_GLOBALS | {"asset": asset, "icon": icons.icon},
            filters=_FILTERS,
            undefined_behavior="strict",
            debug=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return cls(environment=environment, words=load("en"))

    def render(self, name: str, around: Around, values: Mapping[str, Any]) -> str:
        return self.environment.render_template(name, page=around, **values)


def _sources(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "static":
            yield from _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(ENDING):
            yield prefix + entry.name, entry.read_text(encoding="utf-8")


F = TypeVar("F", bound=Callable[..., Any])


def _stateful(function: F) -> F:
    """Marked so that the engine passes its state first: `page` is then in reach, within imported macros too."""
    function.__dict__["__minijinja_pass_state__"] = True
    return function


def _around(state: Any) -> Around:
    around = state.lookup("page")
    assert isinstance(around, Around)
    return around


@_stateful
def _t(state: Any, text: str, /, **values: Any) -> str:
    return _around(state).words.say(text, **values)


@_stateful
def _n(state: Any, text: str, count: int, /, **values: Any) -> str:
    return _around(state).words.count(text, count, **values)


@_stateful
def _csrf(state: Any) -> str:
    return safe(f'<input type="hidden" name="csrf_token" value="{_around(state).token}">')


@_stateful
def _moment(state: Any, at: datetime, zone: str | None = None) -> str:
    around = _around(state)
    return formats.moment_text(at, zone or around.zone, seen_at=around.now)


@_stateful
def _at(state: Any, at: datetime, zone: str | None = None) -> str:
    around = _around(state)
    return at_text(at, zone or around.zone, seen_at=around.now)


@_stateful
def _date(state: Any, at: datetime, zone: str | None = None) -> str:
    around = _around(state)
    return formats.date_text(at, zone or around.zone, seen_at=around.now)


@_stateful
def _span(state: Any, span: Span, zone: str | None = None) -> str:
    around = _around(state)
    return span_text(span, zone or around.zone, seen_at=around.now)


@_stateful
def _age(state: Any, at: datetime) -> str:
    """The age of an instant as a <time> that the page's script keeps current."""
    said = formats.age_text(at, seen_at=_around(state).now)
    return safe(f'<time datetime="{sortable(at)}" data-age>{escape(said)}</time>')


@_stateful
def _left(state: Any, until: datetime) -> int:
    """Whole seconds from now until then, none below zero."""
    return max(0, round((until - _around(state).now).total_seconds()))


@_stateful
def _clock(state: Any, at: datetime, zone: str | None = None) -> str:
    return formats.clock_text(at, zone or _around(state).zone)


@_stateful
def _zone(state: Any, zone: str, at: datetime | None = None) -> str:
    return formats.zone_label(zone, at or _around(state).now)


def _attributes(given: Mapping[str, Any]) -> str:
    """HTML attributes: `True` stands for the name alone, `None` and `False` for none."""
    parts = (
        f" {name}" if value is True else f' {name}="{escape(str(value))}"'
        for name, value in given.items()
        if value is not None and value is not False
    )
    return safe("".join(parts))


def _json(value: Any) -> str:
    """JSON that is safe inside <script> and in attributes: `<`, `>`, `&` and quotes of HTML are written as escapes."""
    text = msgspec.json.encode(value, enc_hook=str).decode()
    for sign in "<>&'\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return safe(text)


def link(path: str, query: Mapping[str, Any] | None = None, /, **changed: Any) -> str:
    """The path with a query: the parameters given, changed by name; an empty value leaves its parameter out."""
    merged = dict(query or {}) | changed
    said = urlencode(
        {name: value for name, value in merged.items() if value not in (None, "", False, (), [])}, doseq=True
    )
    return f"{path}?{said}" if said else path


def _link(path: str, query: Mapping[str, Any] | None = None, /, **changed: Any) -> str:
    """`link` as markup: escaped here, since the engine would spell every slash as an entity."""
    return safe(escape(link(path, query, **changed), quote=True))


def _iso(at: datetime) -> str:
    return sortable(at)


def _whole_price(units: int, currency: str) -> str:
    """An amount in whole units of its currency, as a price tag has it: what a price slider stands for."""
    return formats.price_text(Money(units * 10 ** exponent(currency), currency))


def _scene_url(category: str, seed: str, variant: int = 0) -> str:
    """Where the drawn picture of a thing without a photograph is (art/routes.py)."""
    return safe(escape(f"/art/{category}/{seed}/{variant}.svg"))


_GLOBALS: dict[str, Any] = {
    "t": _t,
    "n": _n,
    "csrf": _csrf,
    "link": _link,
    "category_icon": category_icon,
    "scene_url": _scene_url,
    "whole_price": _whole_price,
    "exponent": exponent,
    "areas": {"provider": areas.PROVIDER, "console": areas.CONSOLE},
}
_FILTERS: dict[str, Any] = {
    "money": money_text,
    "price": formats.price_text,
    "units": formats.units_text,
    "percent": formats.percent_text,
    "figure": formats.figure_text,
    "moment": _moment,
    "at": _at,
    "date": _date,
    "span": _span,
    "age": _age,
    "clock": _clock,
    "zone": _zone,
    "duration": length_text,
    "minutes": formats.minutes_text,
    "took": formats.took_text,
    "distance": formats.distance_text,
    "device": formats.device_text,
    "left": _left,
    "iso": _iso,
    "attributes": _attributes,
    "tojson": _json,
    "initials": artwork.initials,
    "face": artwork.face,
    "masked": masked,
}
