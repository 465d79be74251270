"""What the rows of one movement say: do they agree, is it still on its way, and if they differ, how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.reconciliation.differences import Kind
from ecosystem.contexts.reconciliation.rows import (
    EARLY_DAYS,
    LATE_AFTER_DAYS,
    ROUTES,
    Movement,
    Row,
    Side,
    expected_account,
)

_DUPLICATE: Final = {
    Side.LEDGER: Kind.DUPLICATE_IN_LEDGER,
    Side.PROCESSOR: Kind.DUPLICATE_AT_PROCESSOR,
    Side.BANK: Kind.DUPLICATE_AT_BANK,
}
_UNBOOKED: Final = {
    Movement.FEE: Kind.FEE_UNBOOKED,
    Movement.BANK_FEE: Kind.FEE_UNBOOKED,
    Movement.REFUND: Kind.REFUND_UNBOOKED,
    Movement.REFUND_FAILED: Kind.REFUND_UNBOOKED,
    Movement.CHARGEBACK: Kind.CHARGEBACK_UNBOOKED,
    Movement.CHARGEBACK_RETURNED: Kind.CHARGEBACK_UNBOOKED,
    Movement.TRANSFER_REVERSED: Kind.FAILURE_UNBOOKED,
    Movement.WITHDRAWAL_RETURNED: Kind.FAILURE_UNBOOKED,
    Movement.TOP_UP_RETURNED: Kind.FAILURE_UNBOOKED,
    Movement.CREDIT_RETURNED: Kind.RETURN_UNBOOKED,
    Movement.DEBIT_RETURNED: Kind.RETURN_UNBOOKED,
}
_FEES: Final = frozenset({Movement.FEE, Movement.BANK_FEE})


class Item(Struct, frozen=True, kw_only=True):
    """One movement, with the rows that tell of it and what was found. No kinds: it agrees, or is on its way.

    `agreed_amount` is there when the sides had agreed before these rows came: all of them are then once too often.
    `missing` are the sides that should tell of it and do not. `beside` are keys of movements it is entangled with.
    """

    key: str
    rows: tuple[Row, ...]
    agreed_amount: int | None = None
    kinds: tuple[Kind, ...] = ()
    missing: tuple[Side, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def on(self) -> date:
        return min(row.on for row in self.rows)

    @property
    def movement(self) -> Movement:
        """What moved: by the word of another side, if one has it, for that is where the money is."""
        return leading(self.rows).movement

    def of(self, side: Side) -> tuple[Row, ...]:
        """The side's rows of the movement itself; an entry's handing over is not among them."""
        return tuple(row for row in self.rows if row.side is side and row.movement is not Movement.ORIGINATED)

    @property
    def originated(self) -> Row | None:
        return next((row for row in self.rows if row.movement is Movement.ORIGINATED), None)

    @property
    def amount(self) -> int:
        """How much it is about, as our books have it if they do."""
        return (self.of(Side.LEDGER) or self.rows)[0].amount

    @property
    def currency(self) -> str:
        return (self.of(Side.LEDGER) or self.rows)[0].currency


def agrees(rows: Sequence[Row]) -> bool:
    """Whether each side that should tell of the movement has told once, and all of them the same."""
    ours: Row | None = None
    others: list[Row] = []
    originated: Row | None = None
    for row in rows:
        if row.movement is Movement.ORIGINATED:
            if originated is not None:
                return False
            originated = row
        elif row.side is Side.LEDGER:
            if ours is not None:
                return False
            ours = row
        else:
            others.append(row)
    if ours is None or ours.account != expected_account(ours.side, ours.movement):
        return False
    route = ROUTES[ours.movement]
    if len(others) != len(route) - 1 or len({row.side for row in others}) != len(others):
        return False
    if originated is not None and not _same(ours, originated, handed_over=True):
        return False
    return all(row.side in route and row.account == row.side and _same(ours, row) for row in others)


def judged(item: Item, as_of: date) -> Item:
    """The item with what is found on looking at it alone."""
    kinds: dict[Kind, None] = {}
    missing: list[Side] = []
    if item.agreed_amount is not None:
        for row in item.rows:
            kinds[_DUPLICATE[row.side]] = None
            if row.amount != item.agreed_amount:
                kinds[Kind.AMOUNT] = None
        return replace(item, kinds=tuple(kinds))
    lead = leading(item.rows)
    chosen: dict[Side, Row] = {}
    for side in Side:
        rows = item.of(side)
        if rows:
            chosen[side], found = _one_of(rows, _told_elsewhere(item, side))
            kinds |= dict.fromkeys(found)
        elif side in ROUTES[lead.movement]:
            missing.append(side)
    overdue = as_of > item.on + timedelta(days=LATE_AFTER_DAYS[lead.movement])
    if missing and overdue:
        kinds |= dict.fromkeys(_absent(item, lead.movement, missing))
    kinds |= dict.fromkeys(_differing(item, chosen))
    return replace(item, kinds=tuple(kinds), missing=tuple(missing))


def leading(rows: Sequence[Row]) -> Row:
    """The row that says what moved: another side's, if there is one."""
    others = [row for row in rows if row.side is not Side.LEDGER]
    settled = [row for row in rows if row.movement is not Movement.ORIGINATED]
    return (others or settled or rows)[0]


def _told_elsewhere(item: Item, side: Side) -> int | None:
    """The amount that the other sides tell of, if any does."""
    for other in Side:
        if other is not side and (rows := item.of(other)):
            return rows[0].amount if len(rows) == 1 or len({row.amount for row in rows}) == 1 else None
    return item.originated.amount if item.originated else None


def _one_of(rows: Sequence[Row], told: int | None) -> tuple[Row, list[Kind]]:
    """The row that stands for its side, and what the others beside it are: once too often, or parts of it."""
    if len(rows) == 1:
        return rows[0], []
    side, amounts = rows[0].side, [row.amount for row in rows]
    if told is not None and sum(amounts) == told:
        return replace(rows[0], amount=told), [Kind.SPLIT]
    if told is None or told in amounts:
        base = told if told is not None else amounts[0]
        first = next(row for row in rows if row.amount == base)
        found = [_DUPLICATE[side]]
        return first, found if all(amount == base for amount in amounts) else [*found, Kind.AMOUNT]
    if len(set(amounts)) == 1:
        return rows[0], [_DUPLICATE[side]]
    return replace(rows[0], amount=sum(amounts)), [Kind.SPLIT]


def _absent(item: Item, movement: Movement, missing: Sequence[Side]) -> Iterator[Kind]:
    """What it is called that these sides do not tell of the movement, though they should by now."""
    if Side.LEDGER in missing and item.originated is not None:
        yield Kind.STALE_CLEARING if Side.BANK in missing else Kind.SETTLEMENT_UNBOOKED
        return
    for side in missing:
        match side:
            case Side.LEDGER:
                yield _UNBOOKED.get(movement, Kind.MISSING_IN_LEDGER)
            case Side.PROCESSOR:
                yield Kind.MISSING_AT_PROCESSOR
            case Side.BANK:
                yield Kind.MISSING_AT_BANK


def _differing(item: Item, chosen: dict[Side, Row]) -> Iterator[Kind]:
    """How the rows that stand for their sides differ from each other, and from what was handed over."""
    rows = list(chosen.values())
    base = chosen.get(Side.LEDGER) or (rows[0] if rows else None)
    if any(row.account != expected_account(row.side, item.movement) for row in rows):
        yield Kind.ACCOUNT
    if item.originated is not None and base is not None:
        yield from _against(base, item.originated, handed_over=True)
    if base is None:
        return
    for row in rows:
        if row is not base:
            yield from _against(base, row)


def _against(base: Row, row: Row, *, handed_over: bool = False) -> Iterator[Kind]:
    if row.amount != base.amount:
        flipped = (row.amount < 0) != (base.amount < 0)
        if flipped:
            yield Kind.SIGN
        if not flipped or row.amount != -base.amount:
            yield Kind.FEE_DIFFERS if base.movement in _FEES else Kind.AMOUNT
    if row.currency != base.currency:
        yield Kind.CURRENCY
    if not handed_over and row.movement is not base.movement:
        yield Kind.MOVEMENT
    if row.party and base.party and row.party != base.party:
        yield Kind.PARTY
    yield from _when(base, row, handed_over=handed_over)


def _when(base: Row, row: Row, *, handed_over: bool) -> Iterator[Kind]:
    days = (row.on - base.on).days
    if handed_over:
        if -days > LATE_AFTER_DAYS[Movement.ORIGINATED]:
            yield Kind.LATE
    elif days > LATE_AFTER_DAYS[base.movement]:
        yield Kind.LATE
    elif base.side is Side.LEDGER and -days > EARLY_DAYS[base.movement]:
        yield Kind.EARLY


def _same(base: Row, row: Row, *, handed_over: bool = False) -> bool:
    return next(_against(base, row, handed_over=handed_over), None) is None
