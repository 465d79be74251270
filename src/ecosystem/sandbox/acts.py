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
    "tr": "transfer",
    "trr": "transfer_reversal",
    "po": "payout",
    "py": "charge",
    "ba": "bank_account",
    "card": "card",
    "seti": "setup_intent",
    "setatt": "setup_attempt",
    "mandate": "mandate",
    "fee": "application_fee",
    "tu": "topup",
    "file": "file",
    "prv": "review",
    "price": "price",
    "prod": "product",
    "sub": "subscription",
    "in": "invoice",
}
"""What an id's prefix stands for."""

SEEN_BY_ALL = frozenset({"account", "bank_account", "card", "person", "platform"})
"""Kinds that the platform and the connected account they belong to both see."""


@dataclass(slots=True)
class Record:
    """A thing of the processor: the object that is shown, and beside it what is never shown.

    `account` is the connected account that it belongs to; empty for what is the platform's own.
    """

    seq: int
    id: str
    kind: str
    body: Body
    inside: Body = field(default_factory=dict[str, Any])
    account: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def owner(self) -> str:
        """The connected account that learns what happens to it; empty for the platform."""
        if self.kind == "account":
            return self.id
        return self.account or self.inside.get("account", "")


class Books(Protocol):
    """What was kept, as an act reads it."""

    def record(self, record_id: str) -> Record | None: ...

    def linked(self, name: str, value: str, limit: int) -> Sequence[Record]: ...

    def page(self, asked: Asked) -> Sequence[Record]: ...

    def answer(self, key: str, since: int) -> Answer | None: ...

    def balance(self, account: str, today: int) -> Sequence[tuple[str, int, int]]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Which things of an account's and of a kind: linked to a value or all, between two of them, created in a range."""

    kind: str
    limit: int
    account: str = ""
    link: tuple[str, str] | None = None
    before: int | None = None
    after: int | None = None
    since: int = 0
    until: int = 1 << 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered, kept under its idempotency key with a fingerprint of the request.

    `should_retry` is what the answer says of itself, where it is not told by its status.
    """

    status: int
    body: bytes
    fingerprint: bytes = b""
    request_id: str = ""
    should_retry: bool | None = None


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

    `moment` is unix time to the millisecond, `at` the whole second, as objects carry it. `account` is the connected
    account on whose behalf the act is, empty for the platform itself. `client` is the address and the agent of a browser.
    """

    books: Books
    moment: float
    random: Callable[[int], bytes]
    sequence: Callable[[], int]
    origin: str
    request_id: str = ""
    idempotency_key: str | None = None
    afterwards_s: float = 0.0
    account: str = ""
    platform: str = ""
    client: tuple[str, str] = ("", "")
    seen: dict[str, Record] = field(default_factory=dict[str, Record])
    changed: dict[str, Record] = field(default_factory=dict[str, Record])
    links: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    events: list[Record] = field(default_factory=list[Record])
    timers: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    rung: list[int] = field(default_factory=list[int])
    effects: list[Effect] = field(default_factory=list[Effect])
    banked: list[tuple[str, str, int, int]] = field(default_factory=list[tuple[str, str, int, int]])
    rerouted: bool = False
    before: dict[str, Body] = field(default_factory=dict[str, Body])
    answers: list[tuple[str, Answer]] = field(default_factory=list[tuple[str, Answer]])
    at: int = field(init=False)

    def __post_init__(self) -> None:
        self.at = int(self.moment)

    def drop(self) -> None:
        """Forget all that was decided: what was refused has changed nothing."""
        for gathered in (self.links, self.events, self.timers, self.effects, self.banked):
            gathered.clear()
        for known in (self.seen, self.changed, self.before):
            known.clear()

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
        if (
            known.kind != kind
            or known.inside.get("deleted")
            or (known.account != self.account and kind not in SEEN_BY_ALL)
        ):
            return None
        return known

    def need(self, kind: str, record_id: str, *, param: str | None = None) -> Record:
        """The thing of that id. Raises `Refused` as the API does when there is none."""
        if found := self.get(kind, record_id):
            return found
        raise missing(kind, record_id, param=param)

    def holder(self, account: str | None = None) -> Record:
        """The account whose balance is meant: that one, or the act's; the platform's own when there is none."""
        of = self.account if account is None else account
        return self.need("account", of) if of else self.need("platform", self.platform)

    def linked(self, name: str, value: str, limit: int = 100) -> list[Record]:
        """Things linked to a value, newest first, those of this very act included."""
        found = {record.id: self.seen.setdefault(record.id, record) for record in self.books.linked(name, value, limit)}
        for linked_name, linked_value, seq in self.links:
            if (linked_name, linked_value) == (name, value):
                found |= {record.id: record for record in self.changed.values() if record.seq == seq}
        seen = (one for one in found.values() if one.account == self.account or one.kind in SEEN_BY_ALL)
        return sorted(seen, key=lambda record: -record.seq)

    def add(
        self,
        kind: str,
        body: Body,
        *,
        inside: Body | None = None,
        links: Iterable[tuple[str, str]] = (),
        account: str | None = None,
    ) -> Record:
        """A new thing, of the act's account unless another is named. `links` are the names and values it is found by."""
        of = self.account if account is None else account
        if kind in SEEN_BY_ALL:
            of = ""
        record = Record(seq=self.sequence(), id=body["id"], kind=kind, body=body, inside=inside or {}, account=of)
        self.seen[record.id] = self.changed[record.id] = record
        self.links.extend((name, value, record.seq) for name, value in links)
        return record

    def link(self, record: Record, name: str, value: str) -> None:
        self.links.append((name, value, record.seq))

    def change(self, record: Record, **changes: Any) -> None:
        """Change what is shown. What was shown before the act is kept for the events that tell of the change."""
        body = record.body
        if record.id in self.changed or record.id in self.before:
            before = self.before.get(record.id)
        else:
            before = self.before.setdefault(record.id, {})
        if before is not None:
            for name in changes:
                before.setdefault(name, body.get(name))
        body.update(changes)
        self.changed[record.id] = record

    def note(self, record: Record, **changes: Any) -> None:
        """Change what is not shown."""
        if record.id not in self.changed:
            self.before.setdefault(record.id, {})
        record.inside.update(changes)
        self.changed[record.id] = record

    def tell(self, kind: str, record: Record) -> None:
        """An event about the thing as it is now, with the former values of what changed where the type is of an update."""
        previous = differing(self.before.get(record.id, {}), record.body) if kind.endswith("updated") else None
        self.announce(kind, record.body, record.owner, previous)

    def announce(self, kind: str, thing: Body, account: str, previous: Body | None = None) -> None:
        """An event about an object, for the platform or for what happened in a connected account."""
        detail: Body = {"object": msgspec.Raw(msgspec.json.encode(thing))}
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
        if account:
            event["account"] = account
        self.events.append(self.add("event", event, account=account))

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

    def bank(self, account: str, currency: str, net: int, available_on: int) -> None:
        """Add to an account's balance, available from that day on."""
        self.banked.append((account, currency, available_on // 86400, net))

    def funds(self, account: str, currency: str) -> tuple[int, int]:
        """What an account has in the currency: available, and pending. What this act moved counts."""
        today = self.at // 86400
        kept = next((row[1:] for row in self.books.balance(account, today) if row[0] == currency), (0, 0))
        moved = [(day, net) for of, kind, day, net in self.banked if (of, kind) == (account, currency)]
        available = kept[0] + sum(net for day, net in moved if day <= today)
        return available, kept[1] + sum(net for day, net in moved if day > today)


def differing(before: Body, now: Body) -> Body:
    """The former values of what is another now; of an object only the fields that are."""
    found: Body = {}
    for name, value in before.items():
        held = now.get(name)
        if value == held:
            continue
        if isinstance(value, dict) and isinstance(held, dict):
            kept, new = cast("Body", value), cast("Body", held)
            found[name] = differing({**dict.fromkeys(new), **kept}, new)
        else:
            found[name] = value
    return found


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
