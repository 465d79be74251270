"""What an execution is about: the pages that the ids in its input lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ecosystem.contexts.ledger import chart
from ecosystem.journeys.executions import ids
from ecosystem.web.templates import link

MATTERS_MAX = 12

_PAGES = {
    "bkg": ("Booking", "calendar-check", "/console/bookings/{}"),
    "hld": ("Hold", "clock", "/console/events?about={}"),
    "pay": ("Payment", "credit-card", "/console/bookings?q={}"),
    "rfd": ("Refund", "undo-2", "/console/bookings?q={}"),
    "prv": ("Provider", "store", "/console/providers/{}"),
    "svc": ("Service", "list-checks", "/console/services/{}"),
    "usr": ("Person", "user", "/console/people/{}"),
    "evt": ("Webhook", "webhook", "/console/webhooks/{}"),
}


class Matter(Struct, frozen=True):
    """Something an execution is about, and the page that shows it."""

    title: str
    icon: str
    id: str
    path: str


def matters(value: Any) -> Sequence[Matter]:
    """What the ids in it lead to; a booking leads to its account in the ledger too."""
    found: dict[str, Matter] = {}
    for kind, id_ in ids(value):
        if kind not in _PAGES or id_ in found or len(found) >= MATTERS_MAX:
            continue
        title, icon, path = _PAGES[kind]
        found[id_] = Matter(title, icon, id_, path.format(id_))
        if kind == "bkg":
            account = chart.escrow(id_)
            found[account] = Matter("Ledger", "scale", account, link("/console/ledger/account", {"id": account}))
    named = dict(ids(value))
    if "dsp" in named and "bkg" in named:
        path = f"/console/disputes/{named['bkg']}/{named['dsp']}"
        found[named["dsp"]] = Matter("Dispute", "gavel", named["dsp"], path)
    return list(found.values())
