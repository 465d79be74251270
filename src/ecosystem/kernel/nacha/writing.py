"""Writing: values in, bytes out, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecosystem.kernel.nacha.reading import Reading
from ecosystem.kernel.nacha.records import Entry, Item

RECORDS_A_BLOCK = 1_000


def written(items: Iterable[Item], reading: Reading | None = None) -> Iterator[bytes]:
    """The bytes of these records. What was read is written as it was; its reading knows how characters lay in them."""
    block: list[str] = []
    for item in items:
        if isinstance(item, Entry):
            block.append(item.record.written)
            block.extend([addenda.written for addenda in item.addenda])
        else:
            block.append(item.written)
        if len(block) >= RECORDS_A_BLOCK:
            yield _encoded(block, reading)
            block = []
    if block:
        yield _encoded(block, reading)


def _encoded(block: list[str], reading: Reading | None) -> bytes:
    return "".join(block).encode(reading.encoding if reading else "ascii", "surrogateescape")
