"""One act of the processor: what a request, a timer or a challenge reads, changes and tells, before any of it is kept.

Nothing is written while an act decides: it gathers its changes, and the store writes them all or, when the act was
refused, none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, cast

import msgspec

from ecosystem.sandbox.refusals import Refused, missing
from ecosystem.sandbox.shapes import EVENT, Body

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHARACTERS = bytes(_ALPHABET[byte % 62] for byte in range(256))
"""A byte as one of 62 characters: eight of them come a little more often, which costs 0.01 bit of 5.95."""

NAMES = {
    "acct": "account",
    "pi": "payment_intent",
    "ch": "charge",
    "re": "refund",
    "pm": "payment_method",
    "dp": "dispute",
    "cus": "customer",
    "evt": "event",
    "txn": "balance_transaction",
}
"""What an id's prefix stands for."""


@dataclass(slots=True)
class Record:
    """A thing of the processor: the object that is shown, and beside it what is never shown."""

    seq: int
    id: str
    kind: str
    body: Body
    inside: Body = field(default_factory=dict[str, Any])

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


class Books(Protocol):
    """What was kept, as an act reads it."""

    def record(self, record_id: str) -> Record | None: ...

    def linked(self, name: str, value: str, limit: int) -> Sequence[Record]: ...

    def page(self, asked: Asked) -> Sequence[Record]: ...

    def answer(self, key: str) -> Answer | None: ...

    def balance(self, today: int) -> Sequence[tuple[str, int, int]]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Which things of a kind are asked for: linked to a value or all, between two of them, created in a range."""

    kind: str
    limit: int
    link: tuple[str, str] | None = None
    before: int | None = None
    after: int | None = None
    since: int = 0
    until: int = 1 << 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, kept under its idempotency key with a fingerprint of the request."""

    status: int
    body: bytes
    fingerprint: bytes = b""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Money moved, or was let go: the log by which a test proves that something happened once."""

    what: str
    subject: str
    amount: int
    currency: str
    idempotency_key: str | None
    request_id: str
    at: int


@dataclass(slots=True)
class Act:
    """One act: reads through, gathers changes. `random` gives bytes for ids and secrets.

    `moment` is unix time to the millisecond, `at` the whole second, as objects carry it.
    """

    books: Books
    moment: float
    random: Callable[[int], bytes]
    sequence: Callable[[], int]
    origin: str
    request_id: str = ""
    idempotency_key: str | None = None
    afterwards_s: float = 0.0
    seen: dict[str, Record] = field(default_factory=dict[str, Record])
    changed: dict[str, Record] = field(default_factory=dict[str, Record])
    links: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    events: list[Record] = field(default_factory=list[Record])
    timers: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    rung: list[int] = field(default_factory=list[int])
    effects: list[Effect] = field(default_factory=list[Effect])
    banked: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    answers: list[tuple[str, Answer]] = field(default_factory=list[tuple[str, Answer]])
    at: int = field(init=False)

    def __post_init__(self) -> None:
        self.at = int(self.moment)

    def mint(self, prefix: str) -> str:
        """A new id: the prefix, the second in base 62 so that ids sort by time, and 17 random characters."""
        return f"{prefix}_1{_second(self.at)}{self.secret(17)}"

    def secret(self, length: int) -> str:
        """Random characters that cannot be guessed."""
        return self.random(length).translate(_CHARACTERS).decode()

    def get(self, kind: str, record_id: str) -> Record | None:
        known = self.seen.get(record_id)
        if known is None:
            known = self.books.record(record_id)
            if known is None:
                return None
            self.seen[record_id] = known
        return known if known.kind == kind else None

    def need(self, kind: str, record_id: str, *, param: str | None = None) -> Record:
        """The thing of that id. Raises `Refused` as the API does when there is none."""
        if found := self.get(kind, record_id):
            return found
        raise missing(kind, record_id, param=param)

    def linked(self, name: str, value: str, limit: int = 100) -> list[Record]:
        """Things linked to a value, newest first, those of this very act included."""
        found = {record.id: self.seen.setdefault(record.id, record) for record in self.books.linked(name, value, limit)}
        for linked_name, linked_value, seq in self.links:
            if (linked_name, linked_value) == (name, value):
                found |= {record.id: record for record in self.changed.values() if record.seq == seq}
        return sorted(found.values(), key=lambda record: -record.seq)

    def add(
        self, kind: str, body: Body, *, inside: Body | None = None, links: Iterable[tuple[str, str]] = ()
    ) -> Record:
        """A new thing. `links` are the names and values it is found by."""
        record = Record(seq=self.sequence(), id=body["id"], kind=kind, body=body, inside=inside or {})
        self.seen[record.id] = self.changed[record.id] = record
        self.links.extend((name, value, record.seq) for name, value in links)
        return record

    def link(self, record: Record, name: str, value: str) -> None:
        self.links.append((name, value, record.seq))

    def change(self, record: Record, **changes: Any) -> None:
        """Change what is shown."""
        record.body.update(changes)
        self.changed[record.id] = record

    def note(self, record: Record, **changes: Any) -> None:
        """Change what is not shown."""
        record.inside.update(changes)
        self.changed[record.id] = record

    def tell(self, kind: str, record: Record, previous: Body | None = None) -> None:
        """An event about the thing as it is now; `previous` holds the former values of what changed."""
        detail: Body = {"object": msgspec.Raw(msgspec.json.encode(record.body))}
        if previous is not None:
            detail["previous_attributes"] = previous
        event = {
            **EVENT,
            "id": self.mint("evt"),
            "created": self.at,
            "data": detail,
            "request": {"id": self.request_id or None, "idempotency_key": self.idempotency_key},
            "type": kind,
        }
        if record.kind == "account":
            event["account"] = record.id
        self.events.append(self.add("event", event))

    def log(self, what: str, record: Record, amount: int) -> None:
        self.effects.append(
            Effect(
                what=what,
                subject=record.id,
                amount=amount,
                currency=record["currency"],
                idempotency_key=self.idempotency_key,
                request_id=self.request_id,
                at=self.at,
            )
        )

    def later(self, what: str, record: Record, after_s: float) -> None:
        """Have the timer of that name run on the thing, once, after a while."""
        self.timers.append((what, record.id, self.moment + after_s))

    def afterwards(self, what: str, record: Record) -> None:
        """Have the timer of that name run on the thing once the world has had time to turn."""
        self.later(what, record, self.afterwards_s)

    def bank(self, currency: str, net: int, available_on: int) -> None:
        """Add to the balance, available from that day on."""
        self.banked.append((currency, available_on // 86400, net))


def expand(act: Act, body: Body, paths: Sequence[str]) -> Body:
    """The object with the named ids replaced by the things they name. Raises `Refused` for what is no such id."""
    for path in paths:
        body = _expanded(act, body, path.split("."), path)
    return body


def _expanded(act: Act, value: Any, path: list[str], whole: str) -> Any:
    if isinstance(value, list):
        return [_expanded(act, one, path, whole) for one in cast("list[Any]", value)]
    if not path:
        return _thing(act, value, whole)
    held = cast("Body", value) if isinstance(value, dict) else {}
    if path[0] not in held or len(path) > 4:
        raise Refused(f"This property cannot be expanded ({whole[:120]}).", param="expand")
    inner = held[path[0]]
    if inner is None:
        return held
    if len(path) > 1 and isinstance(inner, str):
        inner = _thing(act, inner, whole)
    return {**held, path[0]: _expanded(act, inner, path[1:], whole)}


def _thing(act: Act, value: Any, whole: str) -> Any:
    if isinstance(value, dict):
        return cast("Body", value)
    kind = NAMES.get(value.partition("_")[0]) if isinstance(value, str) else None
    found = act.get(kind, value) if kind else None
    if found is None:
        raise Refused(f"This property cannot be expanded ({whole[:120]}).", param="expand")
    return found.body


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    """Unix time in base 62, of six characters: good until the year 3769."""
    places = (62**5, 62**4, 62**3, 62**2, 62, 1)
    return "".join(chr(_ALPHABET[at // place % 62]) for place in places)
