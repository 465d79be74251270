"""Card transactions in the columns of the Fraud Detection Handbook: read from CSV, and described by what came before.

Features are causal. Of a transaction at an instant they use the transaction itself, what came before it, and labels of
what lies at least `DELAY_S` before it; `tests/contexts/fraud` proves it by cutting files short. All of them are sums
over windows of one customer's or one terminal's transactions, found by bisection in one sorted array: a file of some
millions of lines takes seconds and a few hundred bytes a line.

Source of protocol and columns: Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card
Fraud Detection, chapters 3 and 4.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ecosystem.kernel.refusals import Invalid, NotFound

DAY_S = 86_400
DELAY_S = 7 * DAY_S
COLUMNS = ("TRANSACTION_ID", "TX_TIME_SECONDS", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT_CENTS", "TX_FRAUD")
CENTS_MAX = 10**12
GZIP = b"\x1f\x8b"
Numbers = NDArray[Any]

RATIOS = (1, 1.5, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.2, 3.5, 4, 5, 6)
EXCESSES = (0.05, 0.4, 1, 2, 4)
PRIOR, PRIOR_COUNT = 0.008, 20
"""Before much is known of those that are alike, the part of fraud is near that of all."""

HIGH, CLEAN_MAX = 2.7, 2.5
"""From how many times the customer's mean an amount is high, and up to how many it counts for the mean."""
KNOWN_MIN = 3
"""Earlier amounts from which a customer's mean is believed; before that, high is what is more than `HIGH_CENTS`."""
HIGH_CENTS = 22_000


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


def read(path: Path) -> Transactions:
    """The transactions of a CSV file, plain or gzip. Raises `NoSuchFile`, `NotTransactions` naming what is wrong."""
    try:
        with path.open("rb") as opened:
            packed = opened.read(2) == GZIP
        with gzip.open(path, "rt", encoding="ascii") if packed else path.open(encoding="ascii") as lines:
            header = [name.strip().strip('"') for name in lines.readline().lstrip("\ufeff").rstrip("\r\n").split(",")]
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise NotTransactions(f"The first line lacks the column {missing[0]}.")
            places = [header.index(name) for name in COLUMNS]
            table = np.loadtxt(lines, delimiter=",", dtype=np.int64, usecols=places, ndmin=2, comments=None)
    except OSError as broken:
        raise NoSuchFile(f"{path} cannot be read: {broken.strerror or broken}.") from broken
    except (ValueError, EOFError) as broken:
        raise NotTransactions(f"{path} holds what is no whole number: {broken}.") from broken
    return _ordered(table)


def _ordered(table: Numbers) -> Transactions:
    if not len(table):
        raise NotTransactions("There are no transactions in it.")
    _, at_s, customers, terminals, cents, frauds = table.T
    for column, name in ((at_s, "TX_TIME_SECONDS"), (customers, "CUSTOMER_ID"), (terminals, "TERMINAL_ID")):
        if column.min() < 0:
            raise NotTransactions(f"{name} is never negative.")
    if cents.min() < 0 or cents.max() > CENTS_MAX:
        raise NotTransactions("TX_AMOUNT_CENTS lies between 0 and ten billion.")
    if not np.isin(frauds, (0, 1)).all():
        raise NotTransactions("TX_FRAUD is 0 or 1.")
    if len(np.unique(table[:, 0])) != len(table):
        raise NotTransactions("TRANSACTION_ID is another for each line.")
    order = np.lexsort((table[:, 0], at_s))
    return Transactions(
        ids=table[order, 0],
        at_s=at_s[order],
        customers=customers[order],
        terminals=terminals[order],
        cents=cents[order],
        frauds=frauds[order],
    )


class _Group:
    """Transactions by one entity, each entity's in order, so that a window of it is a stretch of one array."""

    def __init__(self, entities: Numbers, at_s: Numbers) -> None:
        self.at_s = at_s
        self.span = int(at_s[-1]) + 1
        self.entity = np.unique(entities, return_inverse=True)[1].astype(np.int64)
        self.order = np.lexsort((np.arange(len(at_s)), self.entity))
        self.place = np.empty(len(at_s), np.int64)
        self.place[self.order] = np.arange(len(at_s))
        self.keys = self.entity[self.order] * self.span + at_s[self.order]
        self.first = np.searchsorted(self.keys, self.entity * self.span)

    def since(self, seconds: int) -> Numbers:
        """The place of the entity's first transaction that is no more than so many seconds before."""
        return self._bisected(self.at_s - seconds, "left")

    def until(self, seconds: int) -> Numbers:
        """The place after the entity's last transaction that is at least so many seconds before."""
        return self._bisected(self.at_s - seconds, "right")

    def sums(self, numbers: Numbers) -> Numbers:
        """Sums of the numbers of all before each place: the sum over a stretch is the difference of two."""
        made = np.zeros(len(numbers) + 1)
        np.cumsum(numbers[self.order], out=made[1:])
        return made

    def _bisected(self, instants: Numbers, side: Any) -> Numbers:
        found = np.searchsorted(self.keys, self.entity * self.span + np.maximum(instants, 0), side)
        return np.where(instants < 0, self.first, found)


FEATURES: tuple[str, ...] = (
    "amount",
    "amount_to_mean",
    "amount_deviation",
    "customer_mean",
    "customer_mean_7d",
    *(f"customer_high_{days}d" for days in (1, 3, 7, 14)),
    *(f"customer_excess_{days}d" for days in (3, 7, 14)),
    "days_since_high",
    "terminal_frauds_30d",
    "terminal_risk_14d",
    "terminal_risk_30d",
    "terminal_run",
    "terminal_run_days",
    "terminal_genuine_days",
    "like_it",
)
"""In order: the amount; beside the customer's usual ones; the customer's high amounts lately; what is known of the
terminal: frauds and their part, the run of frauds since the last genuine one, its age, and the age of that one; at last
what part of all known transactions with a like amount, of customers with like amounts lately, was fraud."""


def features(known: Transactions) -> Numbers:
    """A row of `FEATURES` for each transaction; `nan` for what is not known."""
    amount, at_s = known.cents / 100.0, known.at_s
    customer, terminal = _Group(known.customers, at_s), _Group(known.terminals, at_s)
    usual = _usual(customer, amount, known.cents)
    columns = [amount, usual.ratio, usual.deviation, usual.mean]
    amounts = customer.sums(amount)
    week = customer.since(7 * DAY_S)
    columns.append(_mean(amounts[customer.place] - amounts[week], customer.place - week))
    high = customer.sums(usual.high)
    columns += [high[customer.place] - high[customer.since(days * DAY_S)] for days in (1, 3, 7, 14)]
    excess = customer.sums(np.clip(np.nan_to_num(usual.ratio, nan=1.0) - 2, 0, 4))
    columns += [excess[customer.place] - excess[customer.since(days * DAY_S)] for days in (3, 7, 14)]
    columns.append(_days_since_high(customer, np.nan_to_num(usual.ratio, nan=1.0) > HIGH))
    # A fraud with a high amount says something about the card, not about the terminal.
    plain = (known.frauds == 1) & ~((usual.ratio > HIGH) | (known.cents > HIGH_CENTS))
    columns += _terminal(terminal, known.frauds, plain)
    columns.append(_like_it(known, np.nan_to_num(usual.ratio, nan=1.0), columns[FEATURES.index("customer_excess_7d")]))
    return np.column_stack(columns).astype(np.float32)


class _Usual(Struct, frozen=True, kw_only=True):
    """Amounts beside what the customer paid before, high ones left out. `high` are 0 and 1."""

    ratio: Numbers
    deviation: Numbers
    mean: Numbers
    high: Numbers


def _usual(customer: _Group, amount: Numbers, cents: Numbers) -> _Usual:
    place, first = customer.place, customer.first
    sums = customer.sums(amount)
    rough = _mean(sums[place] - sums[first], place - first)
    odd = np.where(place - first >= KNOWN_MIN, amount > CLEAN_MAX * rough, cents > HIGH_CENTS).astype(float)
    odd_before = customer.sums(odd)
    clean, squares = customer.sums(amount * (1 - odd)), customer.sums(amount * amount * (1 - odd))
    count = place - first - (odd_before[place] - odd_before[first])
    mean = _mean(clean[place] - clean[first], count)
    variance = _mean(squares[place] - squares[first], count) - mean * mean
    spread = np.where(count >= KNOWN_MIN, np.sqrt(np.maximum(variance, 1e-9)), np.nan)
    high = np.where(count >= KNOWN_MIN, amount > HIGH * mean, cents > HIGH_CENTS).astype(float)
    return _Usual(ratio=_mean(amount, mean), deviation=(amount - mean) / spread, mean=mean, high=high)


def _days_since_high(customer: _Group, high: Numbers) -> Numbers:
    places = np.arange(len(high))
    last = np.maximum.accumulate(np.where(high[customer.order], places, -1))
    before = customer.place - 1
    found = np.where(before >= customer.first, last[np.maximum(before, 0)], -1)
    at_s = customer.at_s[customer.order]
    since = (customer.at_s - at_s[np.maximum(found, 0)]) / DAY_S
    return np.where(found >= customer.first, np.minimum(since, 60), np.nan)


def _terminal(terminal: _Group, frauds: Numbers, plain: Numbers) -> list[Numbers]:
    """What is known of the terminal by labels that are old enough."""
    until = np.minimum(terminal.until(DELAY_S), terminal.place)
    sums = terminal.sums(frauds)
    counts = [
        (until - since, sums[until] - sums[since])
        for since in map(terminal.since, (DELAY_S + 14 * DAY_S, DELAY_S + 30 * DAY_S))
    ]
    risks = [(some + 0.02) / (count + 2.0) for count, some in counts]
    places, day = np.arange(len(frauds)), (terminal.at_s // DAY_S)[terminal.order]
    first = terminal.first[terminal.order]
    genuine = np.maximum.accumulate(np.where(frauds[terminal.order] == 0, places, -1))
    genuine = np.where(genuine < first, -1, genuine)
    latest = np.where(until > terminal.first, until - 1, -1)
    last_genuine = np.where(latest >= 0, genuine[np.maximum(latest, 0)], -1)
    begins = np.where(last_genuine >= 0, last_genuine + 1, terminal.first)
    plain_sums = terminal.sums(plain.astype(float))
    run = np.where(latest >= 0, plain_sums[until] - plain_sums[np.minimum(begins, until)], 0.0)
    plain_places = np.flatnonzero(plain[terminal.order])
    today = terminal.at_s // DAY_S
    if len(plain_places):
        began = plain_places[np.minimum(np.searchsorted(plain_places, begins), len(plain_places) - 1)]
        run_days = np.where(run > 0, today - day[began], np.nan)
    else:
        run_days = np.full(len(frauds), np.nan)
    genuine_days = np.where(last_genuine >= 0, today - day[np.maximum(last_genuine, 0)], np.nan)
    return [counts[1][1], *risks, run, run_days, genuine_days]


def _like_it(known: Transactions, ratio: Numbers, excess: Numbers) -> Numbers:
    """The part of fraud among those before, of any customer, that were as far from usual and whose labels are known."""
    alike = (np.digitize(ratio, RATIOS) * (len(EXCESSES) + 1) + np.digitize(excess, EXCESSES)) * 2
    group = _Group(alike + (known.cents > HIGH_CENTS), known.at_s)
    until = np.minimum(group.until(DELAY_S), group.place)
    sums = group.sums(known.frauds)
    count, frauds = until - group.first, sums[until] - sums[group.first]
    return (frauds + PRIOR * PRIOR_COUNT) / (count + PRIOR_COUNT)


def _mean(total: Numbers, count: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)
