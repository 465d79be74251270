"""Lists: newest first, in pages that begin after or end before a thing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ecosystem.sandbox.acts import SEEN_BY_ALL, Act, Asked
from ecosystem.sandbox.refusals import Refused, missing
from ecosystem.sandbox.shapes import Body

DEFAULT = 10
PAGES_MAX = 100


def page(act: Act, kind: str, url: str, given: dict[str, Any], link: tuple[str, str] | None = None) -> Body:
    """A page of the things of a kind, of those linked to a value when a link is given."""
    limit = given.get("limit", DEFAULT)
    start, end = given.get("starting_after"), given.get("ending_before")
    if start and end:
        raise Refused("You can only provide one of starting_after and ending_before.", param="starting_after")
    since, until = bounds(given.get("created", {}))
    asked = Asked(
        kind=kind,
        limit=limit + 1,
        account="" if kind in SEEN_BY_ALL else act.account,
        link=link,
        before=act.need(kind, start, param="starting_after").seq if start else None,
        after=act.need(kind, end, param="ending_before").seq if end else None,
        since=since,
        until=until,
    )
    found = list(act.books.page(asked))
    more = len(found) > limit
    kept = (found[-limit:] if end else found[:limit]) if more else found
    for record in kept:
        act.seen.setdefault(record.id, record)
    return {"object": "list", "data": [record.body for record in kept], "has_more": more, "url": url}


def bounds(given: dict[str, int]) -> tuple[int, int]:
    """The first and the last second of a range of instants."""
    since = max(given.get("gte", 0), given.get("gt", -1) + 1)
    return since, min(given.get("lte", 1 << 40), given.get("lt", 1 << 40) - 1)


def slice_of(things: list[Body], url: str, given: dict[str, Any]) -> Body:
    """A page of few things that are all at hand."""
    ids = [thing["id"] for thing in things]
    limit, first, last = given.get("limit", DEFAULT), 0, len(things)
    for name, place in (("starting_after", 1), ("ending_before", 0)):
        if name in given:
            if given[name] not in ids:
                raise missing("object", given[name], param=name)
            first, last = (ids.index(given[name]) + 1, last) if place else (first, ids.index(given[name]))
    kept = things[first:last]
    shown = kept[-limit:] if "ending_before" in given else kept[:limit]
    return {"object": "list", "data": shown, "has_more": len(kept) > limit, "url": url}


def filtered(
    act: Act,
    kind: str,
    url: str,
    given: dict[str, Any],
    fits: Callable[[Body], bool],
    link: tuple[str, str] | None = None,
) -> Body:
    """A page of the things that fit, looked for among the nearest ones, hundred after hundred."""
    limit = given.get("limit", DEFAULT)
    backwards = "ending_before" in given
    asked: dict[str, Any] = {**given, "limit": 100}
    kept: list[Body] = []
    for _ in range(PAGES_MAX):
        found = page(act, kind, url, asked, link)
        fitting = [body for body in found["data"] if fits(body)]
        kept = [*fitting, *kept] if backwards else [*kept, *fitting]
        if len(kept) > limit or not found["has_more"]:
            break
        if backwards:
            asked["ending_before"] = found["data"][0]["id"]
        else:
            asked["starting_after"] = found["data"][-1]["id"]
    shown = kept[-limit:] if backwards else kept[:limit]
    return {"object": "list", "data": shown, "has_more": len(kept) > limit, "url": url}


_CLAUSE = re.compile(r"""\s*(metadata\[["']([^"'\]]{1,40})["']\]|status)\s*:\s*["']([^"']{0,500})["']\s*""")


def search(act: Act, kind: str, url: str, given: dict[str, Any]) -> Body:
    """Things that fit all clauses of a query such as `metadata["order"]:"1" AND status:"succeeded"`."""
    clauses: list[tuple[str, str, str]] = []
    for part in re.split(r"\bAND\b|\band\b", given["query"]):
        matched = _CLAUSE.fullmatch(part)
        if matched is None:
            raise Refused(
                "The search query is not understood: this sandbox takes metadata[...] and status clauses with AND.",
                param="query",
            )
        clauses.append((matched[1].partition("[")[0], matched[2] or "", matched[3]))
    named = next((clause for clause in clauses if clause[0] == "metadata"), None)
    if named is None:
        raise Refused("The search query has to name a metadata key.", param="query")
    limit = given.get("limit", DEFAULT)
    found = [
        record.body
        for record in act.linked(f"{kind}.metadata.{named[1]}", named[2], limit=1000)
        if record.kind == kind and all(_fits(record.body, clause) for clause in clauses)
    ]
    return {
        "object": "search_result",
        "data": found[:limit],
        "has_more": len(found) > limit,
        "next_page": None,
        "url": url,
    }


def _fits(body: Body, clause: tuple[str, str, str]) -> bool:
    field, key, value = clause
    return (body["metadata"].get(key) if field == "metadata" else body.get(field)) == value
