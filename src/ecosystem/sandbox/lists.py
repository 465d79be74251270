"""Lists: newest first, in pages that begin after or end before a thing."""

from __future__ import annotations

import re
from typing import Any

from ecosystem.sandbox.acts import Act, Asked
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import Body

DEFAULT = 10


def page(act: Act, kind: str, url: str, given: dict[str, Any], link: tuple[str, str] | None = None) -> Body:
    """A page of the things of a kind, of those linked to a value when a link is given."""
    limit = given.get("limit", DEFAULT)
    start, end = given.get("starting_after"), given.get("ending_before")
    if start and end:
        raise Refused("You can only provide one of starting_after and ending_before.", param="starting_after")
    created = given.get("created", {})
    asked = Asked(
        kind=kind,
        limit=limit + 1,
        link=link,
        before=act.need(kind, start, param="starting_after").seq if start else None,
        after=act.need(kind, end, param="ending_before").seq if end else None,
        since=max(created.get("gte", 0), created.get("gt", -1) + 1),
        until=min(created.get("lte", 1 << 40), created.get("lt", 1 << 40) - 1),
    )
    found = list(act.books.page(asked))
    more = len(found) > limit
    kept = (found[-limit:] if end else found[:limit]) if more else found
    for record in kept:
        act.seen.setdefault(record.id, record)
    return {"object": "list", "data": [record.body for record in kept], "has_more": more, "url": url}


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
