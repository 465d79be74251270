"""How a write of the port becomes an operation of DynamoDB, and what its failed condition means.

DynamoDB keeps an item for hours after its time, so each condition says what an expired item counts as: none. Two things
no expression can say: a put replaces counters whose names it does not know, and an add to an expired item begins anew.
For these the condition lets the operation fail; the item that the failure shows then decides whether the write is
refused, or is sent again for just that item.

A put without an expectation is an update, not a put: its version is the former one plus one, which only the item knows,
and an update takes it from there in one go. Reading first and putting on the condition that nothing changed would let
callers who write the same item fail each other, though none of them expects anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from hashlib import blake2b

import msgspec
from msgspec import Struct

from ecosystem.adapters.aws.table_items import (
    COUNTED,
    EXPIRES_AT,
    EXPIRES_US,
    PARTITION,
    VERSION,
    Attributes,
    address,
    counter,
    counters,
    counters_of,
    expiry,
    is_live,
    keys_of,
    micros,
    number,
    put_item,
    texts,
    value_of,
    version_of,
)
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports import table_codec, table_limits
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import (
    ABSENT,
    Absent,
    Add,
    At,
    Counter,
    Delete,
    Expected,
    Index,
    Key,
    Put,
    Stale,
    Unfit,
    Write,
)

TOKENS_KEPT = timedelta(minutes=10)
TOKEN_PARTITION = "~transact-token#"  # noqa: S105 — the beginning of a key
_NOTE = "transact-token"
_COUNTER = value_of(Counter.entity, Counter.schema, table_codec.encode(Counter()))
_INDEX_KEYS = [name for index in Index for name in keys_of(index)]


class Operation(Struct, frozen=True):
    """One operation: `Put`, `Update`, `Delete` or `ConditionCheck`, with its parameters but for the table's name."""

    kind: str
    parameters: Attributes


def operation(write: Write, body: bytes, seen: Attributes | None, now: int) -> Operation:
    """The operation for a write, at `now` in microseconds.

    `seen` is the item that an earlier try met, if its condition failed though the write is not refused.
    """
    if isinstance(write, Put):
        return _put(write, body, seen, now)
    if isinstance(write, Add):
        return _add(write, seen, now)
    words = _Words()
    kind = "Delete" if isinstance(write, Delete) else "ConditionCheck"
    return Operation(kind, {"Key": address(write.key)} | words.conditions(_expected(words, write.expected, now)))


def unmet(write: Write, item: Attributes | None, now: int) -> Refusal | None:
    """The refusal that the write raises when this item stands at its key; None when it may be carried out."""
    live = item if item is not None and is_live(item, now) else None
    if not _met(write.expected, live):
        return _refusal(write, f"{table_limits.shown(write.key)} is not as expected: somebody else changed it first.")
    return _passed(write, live) if isinstance(write, Add) else None


def noted(token: str, done: bytes, clock: Clock) -> Operation:
    """The note that the writes of that fingerprint were carried out under this token, committed with them.

    DynamoDB's own token is of no use here: it compares whole requests, and the time is part of ours. The note lies under
    a key of its own; nobody who follows the changes sees it.
    """
    words, now = _Words(), clock.now()
    item = address(Key(TOKEN_PARTITION + _digest(token.encode()).hex(), "~")) | value_of(_NOTE, 1, done)
    item |= {VERSION: number(1)} | expiry(now + TOKENS_KEPT)
    return Operation("Put", {"Item": item} | words.conditions(_expected(words, ABSENT, micros(now))))


def fingerprint(writes: Sequence[Write], bodies: Sequence[bytes]) -> bytes:
    """A digest of what the writes do; the refusals they stand for are not part of it."""
    parts: list[bytes] = []
    for write, body in zip(writes, bodies, strict=True):
        plain = {name: getattr(write, name) for name in write.__struct_fields__ if name not in {"otherwise", "value"}}
        entity = write.value.entity if isinstance(write, Put) else ""
        parts.append(msgspec.msgpack.encode((type(write).__name__, entity, body, plain), order="sorted"))
    return _digest(msgspec.msgpack.encode(parts))


class _Words:
    """The names and values of one operation's expressions. Each name is an alias: DynamoDB reserves 573 words."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: Attributes = {}

    def name(self, attribute: str) -> str:
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def value(self, value: Attributes) -> str:
        alias = f":{len(self._values)}"
        self._values[alias] = value
        return alias

    def sets(self, attributes: Attributes) -> list[str]:
        return [f"{self.name(name)} = {self.value(value)}" for name, value in attributes.items()]

    def next_version(self) -> str:
        version = self.name(VERSION)
        return f"{version} = if_not_exists({version}, {self.value(number(0))}) + {self.value(number(1))}"

    def conditions(self, clauses: Iterable[str]) -> Attributes:
        """The parameters of an operation on these conditions: last of all, when every word has been said."""
        condition = " AND ".join(clauses)
        parameters: Attributes = {"ConditionExpression": condition} if condition else {}
        if self._names:
            parameters["ExpressionAttributeNames"] = {alias: name for name, alias in self._names.items()}
        if self._values:
            parameters["ExpressionAttributeValues"] = self._values
        if condition:
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return parameters


def _put(write: Put, body: bytes, seen: Attributes | None, now: int) -> Operation:
    words = _Words()
    if isinstance(write.expected, At):
        former, clauses = write.expected.version, _expected(words, write.expected, now)
    elif seen is not None:
        former, clauses = version_of(seen), [*_expected(words, write.expected, now), _at(words, version_of(seen))]
    elif isinstance(write.expected, Absent):
        former, clauses = 0, [_nothing(words)]
    else:
        return _update(write, body, now)
    return Operation("Put", {"Item": put_item(write, body, former + 1)} | words.conditions(clauses))


def _update(write: Put, body: bytes, now: int) -> Operation:
    words = _Words()
    becomes = put_item(write, body, 0)
    del becomes[VERSION]
    for name in address(write.key):
        del becomes[name]
    gone = [name for name in (*_INDEX_KEYS, COUNTED, EXPIRES_US, EXPIRES_AT) if name not in becomes]
    expression = f"SET {', '.join([words.next_version(), *words.sets(becomes)])}"
    if gone:
        expression += f" REMOVE {', '.join(map(words.name, gone))}"
    counted = words.name(COUNTED)
    same = (
        f"({_nothing(words)} OR {counted} = {words.value(texts(write.counters))})"
        if write.counters
        else f"attribute_not_exists({counted})"
    )
    parameters = {"Key": address(write.key), "UpdateExpression": expression}
    return Operation("Update", parameters | words.conditions([*_expected(words, write.expected, now), same]))


def _add(write: Add, seen: Attributes | None, now: int) -> Operation:
    words = _Words()
    if seen is not None and not is_live(seen, now):
        anew = address(write.key) | _COUNTER | counters(write.by) | {VERSION: number(version_of(seen) + 1)}
        clauses = [*_expected(words, ABSENT, now), _at(words, version_of(seen))]
        return Operation("Put", {"Item": anew} | words.conditions(clauses))
    match write.expected:
        case None:
            clauses = [_live(words, now)]
        case Absent():
            clauses = [_nothing(words)]
        case _:
            clauses = _expected(words, write.expected, now)
    clauses += _bounds(words, write)
    clauses.append(_room(words, write, seen))
    # An item that is there keeps what it holds; one that is not becomes a counter.
    made = [
        f"{words.name(name)} = if_not_exists({words.name(name)}, {words.value(_COUNTER[name])})" for name in _COUNTER
    ]
    adds = [f"{words.name(counter(name))} {words.value(number(by))}" for name, by in write.by.items()]
    adds.append(f"{words.name(COUNTED)} {words.value(texts(write.by))}")
    expression = f"SET {', '.join([words.next_version(), *made])} ADD {', '.join(adds)}"
    return Operation("Update", {"Key": address(write.key), "UpdateExpression": expression} | words.conditions(clauses))


def _expected(words: _Words, expected: Expected | None, now: int) -> list[str]:
    match expected:
        case None:
            return []
        case Absent():
            return [f"({_nothing(words)} OR {words.name(EXPIRES_US)} <= {words.value(number(now))})"]
        case At(version):
            return [_at(words, version), _live(words, now)]
        case _:
            return [f"attribute_exists({words.name(PARTITION)})", _live(words, now)]


def _nothing(words: _Words) -> str:
    return f"attribute_not_exists({words.name(PARTITION)})"


def _live(words: _Words, now: int) -> str:
    expires = words.name(EXPIRES_US)
    return f"(attribute_not_exists({expires}) OR {expires} > {words.value(number(now))})"


def _at(words: _Words, version: int) -> str:
    return f"{words.name(VERSION)} = {words.value(number(version))}"


def _bounds(words: _Words, write: Add) -> list[str]:
    """What each counter must be before, so that it lies within its bounds, and in 64 bits, after."""
    clauses: list[str] = []
    for name in dict.fromkeys((*write.by, *write.at_least, *write.at_most)):
        by, low, high = write.by.get(name, 0), write.at_least.get(name), write.at_most.get(name)
        from_nothing = (low is None or by >= low) and (high is None or by <= high)
        low = low if by >= 0 else max(table_limits.COUNTER_MIN, low if low is not None else table_limits.COUNTER_MIN)
        high = (
            high if by <= 0 else min(table_limits.COUNTER_MAX, high if high is not None else table_limits.COUNTER_MAX)
        )
        attribute, parts = words.name(counter(name)), list[str]()
        if low is not None and high is not None and low <= high:
            parts.append(f"{attribute} BETWEEN {words.value(number(low - by))} AND {words.value(number(high - by))}")
        else:
            parts += [f"{attribute} >= {words.value(number(low - by))}"] if low is not None else []
            parts += [f"{attribute} <= {words.value(number(high - by))}"] if high is not None else []
        if parts and from_nothing:
            clauses.append(f"(attribute_not_exists({attribute}) OR {' AND '.join(parts)})")
        else:
            clauses += parts
    return clauses


def _room(words: _Words, write: Add, seen: Attributes | None) -> str:
    """No more counters than an item may have. Whether names are new no expression tells; the item seen does."""
    counted = words.name(COUNTED)
    if seen is not None and COUNTED in seen:
        return f"{counted} = {words.value(seen[COUNTED])}"
    room = words.value(number(table_limits.COUNTERS_MAX - len(write.by)))
    return f"(attribute_not_exists({counted}) OR size({counted}) <= {room})"


def _met(expected: Expected | None, live: Attributes | None) -> bool:
    match expected:
        case None:
            return True
        case Absent():
            return live is None
        case At(version):
            return live is not None and version_of(live) == version
        case _:
            return live is not None


def _passed(write: Add, live: Attributes | None) -> Refusal | None:
    values = counters_of(live) if live is not None else {}
    shown = table_limits.shown(write.key)
    try:
        for name, by in write.by.items():
            values[name] = table_limits.counter(write.key, name, values.get(name, 0) + by)
        for name, bound in write.at_least.items():
            if values.get(name, 0) < bound:
                return _refusal(write, f"The counter {name} of {shown} would fall below {bound}.")
        for name, bound in write.at_most.items():
            if values.get(name, 0) > bound:
                return _refusal(write, f"The counter {name} of {shown} would rise above {bound}.")
        table_limits.counters(write.key, values)
    except Unfit as unfit:
        return unfit
    return None


def _refusal(write: Write, sentence: str) -> Refusal:
    # One refusal may stand for many attempts; it must not carry the traceback of each.
    return write.otherwise.with_traceback(None) if write.otherwise else Stale(sentence)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
