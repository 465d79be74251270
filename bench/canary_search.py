"""Looking for a card number in bytes, in every form in which one gets about.

A number is looked for as digits, with blanks and dashes between its groups, percent-encoded, as hexadecimal and base64
(at each of its three offsets, in both alphabets), as UTF-16, escaped in JSON, and as an integer of eight bytes. SQLite
files are searched as they lie on disk, which holds freed pages too, and value by value.
"""

from __future__ import annotations

import base64
import gzip
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

CHUNK_BYTES = 8 << 20
INFLATED_MOST = 64 << 20


class Hit(Struct, frozen=True, kw_only=True):
    """A form of a number, and where it was. Numbers are named by their last four digits."""

    number: str
    form: str
    where: str


class Searched(Struct, frozen=True, kw_only=True):
    """A place, how much of it was searched, and what was found."""

    place: str
    size_bytes: int
    hits: tuple[Hit, ...] = ()


def forms(number: str) -> Mapping[bytes, str]:
    """How the number might be written, each with its name."""
    groups = [number[at : at + 4] for at in range(0, len(number), 4)]
    found = {
        number.encode(): "digits",
        " ".join(groups).encode(): "with blanks",
        "-".join(groups).encode(): "with dashes",
        "+".join(groups).encode(): "with blanks, in a form",
        "%20".join(groups).encode(): "with blanks, percent-encoded",
        "\u00a0".join(groups).encode(): "with blanks that do not break",
        ".".join(groups).encode(): "with dots",
        "".join(f"%3{digit}" for digit in number).encode(): "percent-encoded",
        "".join(f"\\u003{digit}" for digit in number).encode(): "escaped",
        number.encode("utf-16-le"): "UTF-16",
        number.encode("utf-16-be"): "UTF-16, big end first",
        number.encode().hex().encode(): "hexadecimal",
        int(number).to_bytes(8, "little"): "integer",
        int(number).to_bytes(8, "big"): "integer, big end first",
        number[::-1].encode(): "backwards",
    }
    for offset in range(3):
        for spelled in (number, " ".join(groups)):
            encoded = base64.b64encode(b"\0" * offset + spelled.encode())
            # What the bytes before and after share with ours is not ours alone.
            first = (offset * 8 + 5) // 6
            last = (offset + len(spelled)) * 8 // 6
            found[encoded[first:last]] = f"base64 at offset {offset}"
    return found


class Needles:
    """All forms of some numbers, looked for together."""

    def __init__(self, numbers: tuple[str, ...]) -> None:
        self._forms = [(needle, number[-4:], form) for number in numbers for needle, form in forms(number).items()]
        self.longest = max(len(needle) for needle, _, _ in self._forms)

    @property
    def count(self) -> int:
        return len(self._forms)

    def within(self, content: bytes, where: str) -> Iterator[Hit]:
        for needle, number, form in self._forms:
            if needle in content:
                yield Hit(number=number, form=form, where=where)


def in_bytes(needles: Needles, place: str, content: bytes, where: str = "") -> Searched:
    """What is found in these bytes, and in what unpacks from them."""
    hits = [*needles.within(content, where or place)]
    for unpacked in _unpacked(content):
        hits += needles.within(unpacked, f"{where or place}, unpacked")
    return Searched(place=place, size_bytes=len(content), hits=tuple(hits))


def in_file(needles: Needles, place: str, path: Path, where: str) -> Searched:
    """What is found in the file, a chunk at a time."""
    hits: dict[Hit, None] = {}
    size = 0
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            size += len(chunk)
            hits |= dict.fromkeys(needles.within(before + chunk, where))
            before = chunk[-needles.longest :]
    return Searched(place=place, size_bytes=size, hits=tuple(hits))


def in_folder(needles: Needles, place: str, folder: Path) -> Searched:
    """What is found in every file below the folder, as it lies there, unpacked, and by value where it is SQLite."""
    size, hits = 0, list[Hit]()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        where = str(path.relative_to(folder))
        found = in_file(needles, place, path, where)
        size += found.size_bytes
        hits += found.hits
        with path.open("rb") as file:
            start = file.read(16)
        if start == b"SQLite format 3\0":
            hits += _in_database(needles, path, where)
        elif found.size_bytes < INFLATED_MOST:
            for unpacked in _unpacked(path.read_bytes()):
                hits += needles.within(unpacked, f"{where}, unpacked")
    return Searched(place=place, size_bytes=size, hits=tuple(hits))


def in_memory(needles: Needles, place: str, pid: int) -> Searched:
    """What is found in the memory that the process may write to. Raises `PermissionError` where it may not be read."""
    hits: dict[Hit, None] = {}
    size = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_, name = line.split(maxsplit=5) if line.count(" ") > 4 else [*line.split(), ""]
            if not rights.startswith("rw") or name.startswith("[v"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            before = b""
            for at in range(start, end, CHUNK_BYTES):
                try:
                    memory.seek(at)
                    chunk = memory.read(min(CHUNK_BYTES, end - at))
                except (OSError, OverflowError, ValueError):
                    break  # The mapping is gone, or was never backed by anything.
                size += len(chunk)
                hits |= dict.fromkeys(needles.within(before + chunk, name.strip() or "heap"))
                before = chunk[-needles.longest :]
    return Searched(place=place, size_bytes=size, hits=tuple(hits))


def together(place: str, *parts: Searched) -> Searched:
    """Some places as one."""
    hits = tuple(dict.fromkeys(hit for part in parts for hit in part.hits))
    return Searched(place=place, size_bytes=sum(part.size_bytes for part in parts), hits=hits)


def _in_database(needles: Needles, path: Path, where: str) -> Iterator[Hit]:
    line = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in line.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            try:
                rows = line.execute(f'SELECT * FROM "{table}"')
            except sqlite3.OperationalError:
                continue  # A virtual table of an extension that is not here: its own tables are searched.
            for row in rows:
                for value in row:
                    content = value if isinstance(value, bytes) else str(value).encode()
                    yield from needles.within(content, f"{where}: {table}")
                    for unpacked in _unpacked(content):
                        yield from needles.within(unpacked, f"{where}: {table}, unpacked")
    finally:
        line.close()


def _unpacked(content: bytes) -> Iterator[bytes]:
    """What is packed into these bytes from their start."""
    try:
        if content.startswith(b"\x1f\x8b"):
            yield gzip.decompress(content)
        elif content[:1] == b"\x78" and content[1:2] in b"\x01\x5e\x9c\xda":
            yield zlib.decompressobj().decompress(content, INFLATED_MOST)
    except (OSError, EOFError, zlib.error):
        return
