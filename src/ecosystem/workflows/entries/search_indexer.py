"""`search-indexer`: keeps the search index true to what is on offer."""

from __future__ import annotations

import logging

from ecosystem.app import App
from ecosystem.ports.search import IndexDamaged
from ecosystem.workflows.triggers import Entry, OnChanges

log = logging.getLogger(__name__)


async def follow(market: App, trigger: OnChanges) -> int:
    """Take the next changes in; a damaged index is made anew from what is on offer."""
    try:
        return await market.indexer.follow(trigger.batch)
    except IndexDamaged:
        log.exception("the search index is damaged; it is built anew")
        await market.indexer.build_anew()
        return 1


ENTRY = Entry(changes=follow)
