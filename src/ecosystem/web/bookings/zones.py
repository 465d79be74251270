"""In which zone a page shows its times, and which others there are to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import zone
from ecosystem.web.formats import zone_label
from ecosystem.web.service.booker import PLACES
from ecosystem.web.visit import Visit


def chosen(request: Visit, otherwise: str) -> str:
    """The zone that the address asks for, if it is one, else the other."""
    return known(request.query_params.get("zone", ""), otherwise)


def known(name: str, otherwise: str) -> str:
    """The zone of that name, if there is one, else the other."""
    try:
        return zone(name).key if name else otherwise
    except Invalid:
        return otherwise


def choices(request: Visit, *first: str) -> Sequence[tuple[str, str]]:
    """Zones to choose from by name and label: these, the visitor's own, and one for each other clock."""
    names = dict.fromkeys([*first, request.zone, "UTC", *PLACES])
    return [(name, zone_label(name, request.at)) for name in names]
