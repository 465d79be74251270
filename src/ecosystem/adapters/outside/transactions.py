"""Card transactions in the columns of the Fraud Detection Handbook, described by what came before.

Features are causal. Of a transaction at an instant they use the transaction itself, what came before it, and labels of
what lies at least `DELAY_S` before it; `tests/contexts/fraud` proves it by cutting files short. All of them are sums
over windows of one customer's or one terminal's transactions, found by bisection in one sorted array: a file of some
millions of lines takes seconds and a few hundred bytes a line.

Source of protocol and columns: Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card
Fraud Detection, chapters 3 and 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from ecosystem.adapters.outside.transactions_file import DAY_S, Numbers, Transactions

DELAY_S = 7 * DAY_S

RATIOS = (1, 1.5, 1.8, 2, 2.2, 2.4, 2.6, 2.8, 3, 3.2, 3.5, 4, 5, 6)
EXCESSES = (0.05, 0.4, 1, 2, 4)
PRIOR_COUNT = 20
"""Before so many that are alike are known, the part of fraud among them is taken near that of all."""

HIGH, CLEAN_MAX = 2.7, 2.5
"""From how many times the customer's mean an amount is high, and up to how many it counts for the mean."""
KNOWN_MIN = 3
"""Earlier amounts from which a customer's mean is believed; before that, high is what is above `Scale.high_cents`."""
SURE_MIN = 10
"""So many frauds of a week make an amount above which nothing was genuine a mark; fewer are chance."""
NO_AMOUNT = 2**62


class Scale(Struct, frozen=True, kw_only=True):
    """What a week of training says of its market: above which amount nothing was genuine, and what part was fraud."""

    high_cents: int
    part: float


def scale_of(cents: Numbers, frauds: Numbers) -> Scale:
    """The scale of those transactions, of which there is at least one. No amount is high when genuine ones are as high."""
    genuine = cents[frauds == 0]
    highest = int(genuine.max()) if len(genuine) else NO_AMOUNT
    is_mark = int((cents > highest).sum()) >= SURE_MIN
    return Scale(high_cents=highest if is_mark else NO_AMOUNT, part=float(frauds.mean()))


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
        self._since: dict[int, Numbers] = {}

    def since(self, seconds: int) -> Numbers:
        """The place of the entity's first transaction that is no more than so many seconds before."""
        if seconds not in self._since:
            self._since[seconds] = self._bisected(self.at_s - seconds, "left")
        return self._since[seconds]

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


class Sorted:
    """Transactions by customer and by terminal: what takes the longest, and is the same for every scale."""

    def __init__(self, known: Transactions) -> None:
        self.known = known
        self.customer, self.terminal = _Group(known.customers, known.at_s), _Group(known.terminals, known.at_s)


def features(by: Sorted, scale: Scale) -> Numbers:
    """A row of `FEATURES` for each transaction; `nan` for what is not known. `scale` is of what one learns from."""
    known, customer, terminal = by.known, by.customer, by.terminal
    amount = known.cents / 100.0
    is_high = known.cents > scale.high_cents
    usual = _usual(customer, amount, is_high)
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
    plain = (known.frauds == 1) & ~((usual.ratio > HIGH) | is_high)
    columns += _terminal(terminal, known.frauds, plain)
    excess_7d = columns[FEATURES.index("customer_excess_7d")]
    columns.append(_like_it(known, np.nan_to_num(usual.ratio, nan=1.0), excess_7d, is_high, scale.part))
    return np.column_stack(columns).astype(np.float32)


class _Usual(Struct, frozen=True, kw_only=True):
    """Amounts beside what the customer paid before, high ones left out. `high` are 0 and 1."""

    ratio: Numbers
    deviation: Numbers
    mean: Numbers
    high: Numbers


def _usual(customer: _Group, amount: Numbers, is_high: Numbers) -> _Usual:
    place, first = customer.place, customer.first
    sums = customer.sums(amount)
    rough = _mean(sums[place] - sums[first], place - first)
    odd = np.where(place - first >= KNOWN_MIN, amount > CLEAN_MAX * rough, is_high).astype(float)
    odd_before = customer.sums(odd)
    clean, squares = customer.sums(amount * (1 - odd)), customer.sums(amount * amount * (1 - odd))
    count = place - first - (odd_before[place] - odd_before[first])
    mean = _mean(clean[place] - clean[first], count)
    variance = _mean(squares[place] - squares[first], count) - mean * mean
    spread = np.where(count >= KNOWN_MIN, np.sqrt(np.maximum(variance, 1e-9)), np.nan)
    high = np.where(count >= KNOWN_MIN, amount > HIGH * mean, is_high).astype(float)
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


def _like_it(known: Transactions, ratio: Numbers, excess: Numbers, is_high: Numbers, part: float) -> Numbers:
    """The part of fraud among those before, of any customer, that were as far from usual and whose labels are known."""
    alike = (np.digitize(ratio, RATIOS) * (len(EXCESSES) + 1) + np.digitize(excess, EXCESSES)) * 2
    group = _Group(alike + is_high, known.at_s)
    until = np.minimum(group.until(DELAY_S), group.place)
    sums = group.sums(known.frauds)
    count, frauds = until - group.first, sums[until] - sums[group.first]
    return (frauds + part * PRIOR_COUNT) / (count + PRIOR_COUNT)


def _mean(total: Numbers, count: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)
