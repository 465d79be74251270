"""The rows of a file to import, from CSV or JSON: each as named cells of text, with what is wrong with its form.

A file that is no table at all is refused whole. Anything less is one row's matter: the others are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, cast

import msgspec
from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

BYTES_MAX = 64 * 1024 * 1024
ROWS_MAX = 100_000
CELL_MAX = 20_000
COLUMNS_MAX = 60


class FileUnreadable(Invalid):
    """This file cannot be read as a table of rows."""


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"


class Kind(StrEnum):
    """What a row describes, in the order in which rows are taken in: services refer to providers, plans too."""

    PROVIDER = "provider"
    SERVICE = "service"
    PLAN = "plan"


class Problem(Struct, frozen=True):
    """Why a row is refused: the column at fault, and the reason."""

    column: str
    reason: str


class Row(Struct, frozen=True, kw_only=True):
    """A row: its number in the file, and its cells by column. A column that the file lacks is not among them.

    `kind` is None when the row does not tell a known one. In CSV the header is row 1; in JSON each list counts from 1.
    """

    number: int
    kind: Kind | None
    cells: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def rows(content: bytes, form: Format) -> Iterator[Row]:
    """The rows of the file. Raises `FileUnreadable` when it is no table, or too large a one."""
    if len(content) > BYTES_MAX:
        raise FileUnreadable(
            f"The file has more than {BYTES_MAX // 1024 // 1024} MB: import it in parts.", field="file"
        )
    if not content.strip():
        raise FileUnreadable("The file is empty.", field="file")
    read = _csv_rows(content) if form is Format.CSV else _json_rows(content)
    for count, row in enumerate(read):
        if count >= ROWS_MAX:
            raise FileUnreadable(f"The file has more than {ROWS_MAX:,} rows: import it in parts.", field="file")
        yield row


def _csv_rows(content: bytes) -> Iterator[Row]:
    if b"\0" in content.split(b"\n", 1)[0] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileUnreadable("The file is no text.", field="file")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    # Bytes that are not text become marks, which the row they stand in is refused for.
    text = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors="surrogateescape", newline="")
    try:
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=_delimiter(first), strict=True)
        header = _header(next(reader, list[str]()))
    except (csv.Error, UnicodeError) as unreadable:
        raise FileUnreadable(f"The first line is no header: {unreadable}.", field="file") from unreadable
    number = 1
    while True:
        number, began = number + 1, reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeError) as unreadable:
            yield _broken(number, began, reader.line_num, unreadable)
            if isinstance(unreadable, UnicodeError):
                return
            continue
        if any(fields):
            yield _csv_row(number, header, fields)


def _delimiter(first: str) -> str:
    """What parts the columns: the one of comma, semicolon and tab that the header has most of."""
    return max(",;\t", key=first.count)


def _header(columns: Sequence[str]) -> list[str]:
    header = [column.strip().lower().replace(" ", "_") for column in columns]
    if len(header) > COLUMNS_MAX:
        raise FileUnreadable(f"The first line names more than {COLUMNS_MAX} columns.", field="file")
    for needed in ("kind", "key"):
        if needed not in header:
            raise FileUnreadable(f"The first line names no column {needed!r}.", field=needed)
    twice = {column for column in header if column and header.count(column) > 1}
    if twice:
        raise FileUnreadable(f"The first line names {min(twice)!r} twice.", field="file")
    return header


def _broken(number: int, began: int, ended: int, unreadable: Exception) -> Row:
    lines = f"line {began}" if ended <= began else f"lines {began} to {ended}"
    problem = Problem("", f"This is no well-formed row ({lines}): {unreadable}.")
    return Row(number=number, kind=None, cells={}, problems=(problem,))


def _csv_row(number: int, header: Sequence[str], fields: Sequence[str]) -> Row:
    cells = {column: field for column, field in zip(header, fields, strict=False) if column}
    problems: list[Problem] = []
    if len(fields) != len(header):
        problems.append(Problem("", f"It has {len(fields)} fields where the header names {len(header)} columns."))
    nameless = [field for column, field in zip(header, fields, strict=False) if not column and field.strip()]
    if nameless:
        problems.append(Problem("", "It has a value in a column without a name."))
    return _row(number, cells.pop("kind", ""), cells, problems)


def _json_rows(content: bytes) -> Iterator[Row]:
    try:
        # Numbers stay as they are written: 12.10 is no binary fraction.
        table: Any = msgspec.json.Decoder(float_hook=str).decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as unreadable:
        raise FileUnreadable(f"This is no JSON: {unreadable}.", field="file") from unreadable
    if isinstance(table, list):
        for number, row in enumerate(cast("list[Any]", table), 1):
            yield _json_row(number, None, row)
        return
    if not isinstance(table, dict):
        raise FileUnreadable("The file is neither a list of rows nor an object of lists.", field="file")
    lists = {f"{kind}s": kind for kind in Kind}
    for name, listed in cast("dict[str, Any]", table).items():
        if name not in lists or not isinstance(listed, list):
            raise FileUnreadable(f"{name[:40]!r} is not one of the lists {', '.join(lists)}.", field="file")
    for name, kind in lists.items():
        for number, row in enumerate(cast("dict[str, list[Any]]", table).get(name, []), 1):
            yield _json_row(number, kind, row)


def _json_row(number: int, kind: Kind | None, row: object) -> Row:
    if not isinstance(row, dict):
        return Row(number=number, kind=kind, cells={}, problems=(Problem("", "This is no object."),))
    cells: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in cast("dict[str, Any]", row).items():
        text = _text(value)
        if text is None:
            problems.append(Problem(name[:60], "It is neither text, a number, yes or no, nor a list of these."))
        cells[name.strip().lower()] = text or ""
    told = cells.pop("kind", kind or "")
    if kind is not None and told != kind:
        problems.append(Problem("kind", f"It stands among the {kind}s."))
    return _row(number, kind or told, cells, problems)


def _text(value: object) -> str | None:
    """The value as it would stand in a CSV cell; None for what has no such form."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case list():
            parts = [_text(part) for part in cast("list[object]", value) if not isinstance(part, list)]
            whole = len(parts) == len(cast("list[object]", value)) and None not in parts
            return "; ".join(part or "" for part in parts) if whole else None
        case _:
            return None


def _row(number: int, told: str, cells: Mapping[str, str], problems: list[Problem]) -> Row:
    kind = next((kind for kind in Kind if kind == told.strip().lower()), None)
    if kind is None:
        problems.append(Problem("kind", f"It is one of {', '.join(Kind)}."))
    for column, cell in cells.items():
        if len(cell) > CELL_MAX:
            problems.append(Problem(column, f"It has {len(cell):,} characters; at most {CELL_MAX:,} fit."))
        elif not cell.isascii() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            problems.append(Problem(column, "It holds bytes that are not UTF-8."))
    fit = {column: cell for column, cell in cells.items() if column not in {problem.column for problem in problems}}
    return Row(number=number, kind=kind, cells=fit, problems=tuple(problems))
