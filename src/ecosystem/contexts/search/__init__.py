"""Search: keeps the index of what is on offer true to it. What customers ask goes to the port itself."""

from ecosystem.contexts.search.indexing import BESIDE, Drift, Indexer, Rebuilt, Source

__all__ = ["BESIDE", "Drift", "Indexer", "Rebuilt", "Source"]
