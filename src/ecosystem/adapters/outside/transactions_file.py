"""A file of card transactions in the columns of the Fraud Detection Handbook: CSV, plain or gzip.

The first line names the columns, in any order and beside others. A file that is as it should be is read by one call of
numpy; any other is read line by line, which forgives what is plainly meant (a blank line, `5716.0`) and names line and
column of the first thing that is not.
"""

from __future__ import annotations

import csv
import gzip
import warnings
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ecosystem.kernel.refusals import Invalid, NotFound

DAY_S = 86_400
COLUMNS = ("TRANSACTION_ID", "TX_TIME_SECONDS", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT_CENTS", "TX_FRAUD")
LIMITS = ((-(2**62), 2**62), (0, 10**10), (0, 2**62), (0, 2**62), (0, 10**12), (0, 1))
"""The least and the most of each column: times reach 300 years, amounts ten billion."""
DELIMITERS = (",", ";", "\t")
GZIP = b"\x1f\x8b"
SHOWN_MAX = 40
Numbers = NDArray[Any]


class NoSuchFile(NotFound):
    """That file cannot be read."""


class NotTransactions(Invalid):
    """That is no file of transactions."""


class Transactions(Struct, frozen=True, kw_only=True):
    """Transactions in order of time, a column each. `at_s` counts from the file's first day, 2018-04-01 by its columns."""

    ids: Numbers
    at_s: Numbers
    customers: Numbers
    terminals: Numbers
    cents: Numbers
    frauds: Numbers

    @property
    def days(self) -> Numbers:
        return self.at_s // DAY_S

    def before(self, at_s: int) -> Transactions:
        """Those before that instant."""
        count = int(np.searchsorted(self.at_s, at_s))
        return Transactions(**{name: getattr(self, name)[:count] for name in self.__struct_fields__})


class _Header(Struct, frozen=True):
    delimiter: str
    places: Sequence[int]


def read(path: Path) -> Transactions:
    """The transactions of a CSV file, plain or gzip. Raises `NoSuchFile`, `NotTransactions` naming what is wrong."""
    try:
        table = _at_once(path)
        if table is None:
            table = _line_by_line(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as cut:
        raise NotTransactions(f"{path} is packed, and cut off or damaged: {cut}.") from cut
    except OSError as broken:
        raise NoSuchFile(f"{path} cannot be read: {broken.strerror or broken}.") from broken
    except UnicodeDecodeError as broken:
        raise NotTransactions(f"{path} is no text in UTF-8: {broken.reason} at byte {broken.start}.") from broken
    except csv.Error as broken:
        raise NotTransactions(f"{path} is no CSV: {broken}.") from broken
    return _ordered(table)


@contextmanager
def _opened(path: Path) -> Generator[IO[str]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP
    # A byte order mark, which spreadsheets put at the beginning, is no part of the first name.
    if packed:
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as lines:
            yield lines
    else:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines


def _header(lines: IO[str]) -> _Header:
    line = lines.readline()
    delimiter = max(DELIMITERS, key=line.count)
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), list[str]())]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise NotTransactions(f"Line 1 names the columns, and lacks {', '.join(missing)}.")
    if double := [name for name in COLUMNS if names.count(name) > 1]:
        raise NotTransactions(f"Line 1 names {double[0]} twice.")
    return _Header(delimiter, [names.index(name) for name in COLUMNS])


def _at_once(path: Path) -> Numbers | None:
    """All of the file, if every line is whole numbers within their limits; None when it has to be looked at."""
    with _opened(path) as lines, warnings.catch_warnings():
        header = _header(lines)
        warnings.simplefilter("error")  # numpy only warns of what it could not read, and of an empty file.
        try:
            table = np.loadtxt(
                lines, delimiter=header.delimiter, dtype=np.int64, usecols=header.places, ndmin=2, comments=None
            )
        except UnicodeDecodeError:
            raise
        except (ValueError, OverflowError, UserWarning, DeprecationWarning):
            return None
    within = all(
        low <= column.min() and column.max() <= high for column, (low, high) in zip(table.T, LIMITS, strict=True)
    )
    return table if within else None


def _line_by_line(path: Path) -> Numbers:
    """All of the file. Raises `NotTransactions` naming line and column of the first thing that is wrong."""
    with _opened(path) as lines:
        header = _header(lines)
        reader = csv.reader(lines, delimiter=header.delimiter)
        rows = [_row(cells, header, reader.line_num + 1) for cells in reader if any(cell.strip() for cell in cells)]
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(COLUMNS))


def _row(cells: Sequence[str], header: _Header, line: int) -> list[int]:
    row: list[int] = []
    for name, place, limits in zip(COLUMNS, header.places, LIMITS, strict=True):
        if place >= len(cells):
            raise NotTransactions(f"Line {line} ends after {len(cells)} columns; {name} would be column {place + 1}.")
        row.append(_whole(cells[place].strip(), name, limits, line))
    return row


def _whole(text: str, name: str, limits: tuple[int, int], line: int) -> int:
    shown = f"Line {line}, {name}: {text[:SHOWN_MAX]!r}"
    try:
        number = int(text)
    except ValueError:
        try:
            real = float(text)
        except ValueError:
            raise NotTransactions(f"{shown} is no whole number.") from None
        if not real.is_integer():
            raise NotTransactions(f"{shown} is no whole number.") from None
        number = int(real)
    low, high = limits
    if not low <= number <= high:
        raise NotTransactions(f"{shown} does not lie between {low} and {high}.")
    return number


def _ordered(table: Numbers) -> Transactions:
    if not len(table):
        raise NotTransactions("There are no transactions in it.")
    ids, counts = np.unique(table[:, 0], return_counts=True)
    if len(ids) != len(table):
        raise NotTransactions(f"TRANSACTION_ID {ids[counts > 1][0]} stands on more than one line.")
    order = np.lexsort((table[:, 0], table[:, 1]))
    return Transactions(**dict(zip(Transactions.__struct_fields__, table[order].T, strict=True)))
