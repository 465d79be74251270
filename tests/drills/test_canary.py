"""The search of the canary: `python -m bench.canary` types numbers in a browser, and looks for them like this."""

from __future__ import annotations

import base64
import gzip
import os
import sqlite3
import urllib.parse
from pathlib import Path

import pytest
from bench.canary import made_up
from bench.canary_search import Needles, in_bytes, in_file, in_folder, in_memory

from ecosystem.sandbox.cards import is_number

NUMBER = made_up()
SPACED = " ".join(NUMBER[at : at + 4] for at in range(0, 16, 4))


def test_a_number_that_is_made_up_could_be_a_cards() -> None:
    assert len(NUMBER) == 16
    assert is_number(NUMBER)


@pytest.mark.parametrize(
    "content",
    [
        NUMBER.encode(),
        SPACED.encode(),
        SPACED.replace(" ", "-").encode(),
        urllib.parse.quote_plus(SPACED).encode(),
        urllib.parse.quote(SPACED).encode(),
        "".join(f"%{ord(digit):x}" for digit in NUMBER).encode(),
        NUMBER.encode().hex().encode(),
        NUMBER.encode("utf-16-le"),
        int(NUMBER).to_bytes(8, "little"),
        gzip.compress(f"a note: {NUMBER}".encode()),
        *(base64.b64encode(b"x" * before + f"{NUMBER} and more".encode()) for before in range(6)),
        *(base64.urlsafe_b64encode(b"\xff" * before + f"{SPACED}!".encode()) for before in range(6)),
    ],
    ids=iter(range(22)),  # the number is another in each process
)
def test_a_number_is_found_however_it_is_written(content: bytes) -> None:
    found = in_bytes(Needles((NUMBER,)), "here", b"before " + content if not content.startswith(b"\x1f") else content)

    assert [hit.number for hit in found.hits][:1] == [NUMBER[-4:]]


def test_what_is_not_there_is_not_found() -> None:
    found = in_bytes(Needles((NUMBER,)), "here", os.urandom(1 << 20) + NUMBER[:-1].encode())

    assert found.hits == ()


def test_files_are_searched_across_chunks_and_databases_by_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.canary_search.CHUNK_BYTES", 100)
    (tmp_path / "log").write_bytes(b"." * 95 + NUMBER.encode() + b"." * 300)
    line = sqlite3.connect(tmp_path / "kept.sqlite")
    line.execute("CREATE TABLE items (value BLOB)")
    line.execute("INSERT INTO items VALUES (?)", [gzip.compress(NUMBER.encode())])
    line.commit()
    line.close()
    needles = Needles((NUMBER,))

    assert len(in_file(needles, "log", tmp_path / "log", "log").hits) == 1
    assert {hit.where for hit in in_folder(needles, "all", tmp_path).hits} == {"log", "kept.sqlite: items, unpacked"}


def test_memory_is_searched() -> None:
    held = bytearray(SPACED.encode())

    found = in_memory(Needles((NUMBER,)), "memory", os.getpid())

    assert len(held) == 19
    assert found.size_bytes > 1_000_000
    assert "with blanks" in {hit.form for hit in found.hits}
