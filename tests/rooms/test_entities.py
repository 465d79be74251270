"""Each kind of stored item has a name of its own: a scan tells kinds apart by nothing else."""

import importlib
import pkgutil
from collections import defaultdict

import ecosystem
from ecosystem.ports.table import Stored


def test_no_two_kinds_of_stored_item_share_a_name() -> None:
    for module in pkgutil.walk_packages(ecosystem.__path__, "ecosystem."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds: dict[str, set[str]] = defaultdict(set)
    waiting = [Stored]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("ecosystem.") and hasattr(kind, "entity"):
            kinds[kind.entity].add(f"{kind.__module__}.{kind.__qualname__}")

    shared = {name: sorted(found) for name, found in kinds.items() if len(found) > 1}

    assert len(kinds) > 20
    assert shared == {}
