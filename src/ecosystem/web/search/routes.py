"""The start: search with its filters in the address, and the finds."""

from __future__ import annotations

from typing import Any

from litestar import get
from msgspec.structs import replace

from ecosystem.contexts.catalogue import LANGUAGES, categories
from ecosystem.kernel.money import exponent
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.search import Answer as Found
from ecosystem.ports.search import Facets, Prices
from ecosystem.web.answers import Answer
from ecosystem.web.forms import Form
from ecosystem.web.search import wishes
from ecosystem.web.search.wishes import Wish
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import link
from ecosystem.web.visit import Visit

MORE = "more"
LANGUAGES_SHOWN = 8


@get("/")
async def find(request: Visit) -> Answer:
    """The finds for what the address says; further ones when htmx asks for `more`."""
    form = request.query_of(Wish)
    try:
        wish = form.asked
        found = await request.market.ports.search.find(wishes.query(wish, request.kit.site.currency))
    except Refusal as no:
        return request.answer(
            "search/page.html",
            "search/_finder.html",
            status=status_of(no),
            surcharge_bps=0,
            **_nothing(request, form.refused(no)),
        )
    values: dict[str, Any] = shown(request, form, wish, found)
    values["surcharge_bps"] = (await request.market.tariff.current()).surcharge_bps
    if request.arrival.target == MORE:
        return request.fragment("search/_more.html", **values)
    if request.arrival.wants_fragment:
        headers = {"HX-Push-Url": values["here"]}
        return request.fragment("search/_finder.html", headers=headers, **values)
    return request.page("search/page.html", **values)


def shown(request: Visit, form: Form[Wish], wish: Wish, found: Found) -> dict[str, Any]:
    """What the templates need to show finds."""
    currency = request.kit.site.currency
    facets = found.facets or Facets()
    prices = _slider(facets.prices, wish, currency)
    if prices and wish.price is not None and wish.price >= prices["most"]:
        wish = replace(wish, price=None)  # a slider at its end limits nothing
    said = wishes.address(wish)
    tree = categories()
    path = tree.path(wish.category) if wish.category in tree else ()
    return {
        "form": form,
        "wish": wish,
        "query": said,
        "here": link("/", said, after=""),
        "found": found,
        "facets": facets,
        "path": path,
        # The open category first: on a phone the row of them is cut off.
        "roots": sorted(tree.roots(), key=lambda root: not path or root.slug != path[0].slug),
        "children": tree.children(path[-1].slug) if path else (),
        "chosen": wishes.chosen(wish, currency),
        "prices": prices,
        "modes": [
            (mode, words, wishes.MODE_ICONS[mode], facets.modes.get(mode, 0)) for mode, words in wishes.MODES.items()
        ],
        "badges": [(badge, words, facets.badges.get(badge, 0)) for badge, words in wishes.BADGES.items()],
        "ratings": [(rating, words, facets.ratings.get(float(rating), 0)) for rating, words in wishes.RATINGS.items()],
        "languages": _languages(facets, wish),
        "sorts": [(sort.value, words) for sort, words in wishes.SORTS.items() if sort != "distance" or wish.near],
        "distances": [("", "Any distance"), *((str(km), f"Within {km} km") for km in wishes.DISTANCES_KM)],
        "is_start": not said,
        "q": wish.q,
    }


def _nothing(request: Visit, form: Form[Wish]) -> dict[str, Any]:
    """The empty finds of an address that asks for what there cannot be."""
    return shown(request, form, Wish(), Found(hits=(), total=0))


def _slider(prices: Prices | None, wish: Wish, currency: str) -> dict[str, Any] | None:
    """The price slider in whole units of the currency, and the bars above it; none where all prices are one."""
    if prices is None or prices.currency != currency or prices.lowest == prices.highest:
        return None
    unit = 10 ** exponent(currency)
    least, most = prices.lowest // unit, -(-prices.highest // unit)
    at = most if wish.price is None else max(least, min(wish.price, most))
    tallest = max(prices.steps) or 1
    return {"least": least, "most": most, "at": at, "bars": [round(34 * count / tallest, 1) for count in prices.steps]}


def _languages(facets: Facets, wish: Wish) -> list[tuple[str, str, int]]:
    """The languages most spoken among the finds, those chosen in any case: code, name, count."""
    most = sorted(facets.languages, key=lambda code: (-facets.languages[code], code))[:LANGUAGES_SHOWN]
    codes = dict.fromkeys([*wish.language, *most])
    return [(code, LANGUAGES[code], facets.languages.get(code, 0)) for code in codes if code in LANGUAGES]
