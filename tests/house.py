"""The house as it stands on disk: its rooms, its modules, and what they name. For the tests in `rooms/`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "src" / "ecosystem"


def modules(*rooms: str) -> list[Path]:
    """Every module below these rooms (`contexts`, `adapters/aws`, `app.py`), or of the whole house."""
    places = [HOUSE / room for room in rooms] if rooms else [HOUSE]
    found = [path for place in places for path in ([place] if place.is_file() else place.rglob("*.py"))]
    return sorted(found)


def rooms(depth: int) -> list[str]:
    """Folders with code of their own, down to that depth: `contexts/booking`."""
    return sorted(
        folder.relative_to(HOUSE).as_posix()
        for folder in HOUSE.rglob("*")
        if folder.is_dir() and len(folder.relative_to(HOUSE).parts) <= depth and any(folder.glob("*.py"))
    )


def shown(path: Path, node: ast.AST | None = None) -> str:
    """Where something stands, as an editor finds it."""
    line = f":{node.lineno}" if node is not None and hasattr(node, "lineno") else ""
    return f"{path.relative_to(ROOT).as_posix()}{line}"


@lru_cache(maxsize=4096)
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every module it imports, in full (`ecosystem.ports.table`), wherever in the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node


def protocols(path: Path) -> list[str]:
    """The names of the protocols it defines."""
    return [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).split("[")[0] in {"Protocol", "typing.Protocol"} for base in node.bases)
    ]
