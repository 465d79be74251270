"""What is left over, looked at together: wrong references, references swapped, several movements in one line.

A side that misses a movement and a side that has one nobody knows are often the same movement under another reference.
How alike two rows are is counted in points; the most alike go together first, and each only once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from itertools import combinations
from typing import Final

from msgspec.structs import replace

from ecosystem.contexts.reconciliation.differences import Kind
from ecosystem.contexts.reconciliation.judging import Item, judged, leading
from ecosystem.contexts.reconciliation.rows import LATE_AFTER_DAYS, ROUTES, Row, Side

POINTS_MIN: Final = 8
"""Out of 13: two rows are the same movement when they are at least so much alike."""

POINTS_ALONE: Final = 7
"""Where neither is so much like any other."""

CANDIDATES_MAX: Final = 200
"""Rows that share one mark, such as an amount: of more than that, the mark tells nothing."""

EDITS_MAX: Final = 3
MARK: Final = 9
"""Characters at either end of a reference that find one that was written wrongly elsewhere."""

PART: Final = 6
"""Characters within a reference that slips at both ends leave as they were."""

SWAPPED_DAYS: Final = 2


def paired(items: Sequence[Item], as_of: date) -> list[Item]:
    """The items, those put together that are one movement, and those named that are entangled."""
    whole = _rejoined(items, as_of)
    whole = _swapped(whole)
    return _merged(whole)


def _rejoined(items: Sequence[Item], as_of: date) -> list[Item]:
    """Items without our side, each with the item that lacks just that side, where they are alike enough."""
    strangers = [item for item in items if _is_stranger(item)]
    wanting = [item for item in items if item.missing and not _is_lone(item) and item.agreed_amount is None]
    index = _index(wanting, _marks)
    scored: list[tuple[int, str, str]] = []
    for stranger in strangers:
        near_by = {id(one): one for mark in _marks(stranger) for one in _few(index.get(mark, ()))}
        scored += [
            (_alike(stranger, one), one.key, stranger.key)
            for one in near_by.values()
            if one is not stranger and _may_be_one(stranger, one)
        ]
    by_key = {item.key: item for item in items}
    gone: set[str] = set()
    made: dict[str, Item] = {}
    rivals = Counter(name for points, *names in scored if points >= POINTS_ALONE for name in names)
    for points, key, other in sorted(scored, key=lambda each: (-each[0], each[1], each[2])):
        alone = rivals[key] == rivals[other] == 1
        if key in gone or other in gone or points < (POINTS_ALONE if alone else POINTS_MIN):
            continue
        gone |= {key, other}
        made[key] = _joined(by_key[key], by_key[other], as_of)
    return [made.get(item.key, item) for item in items if item.key in made or item.key not in gone]


def _is_stranger(item: Item) -> bool:
    """Whether other sides tell of it, and our books do not."""
    return (
        item.agreed_amount is None and not item.of(Side.LEDGER) and bool(item.of(Side.PROCESSOR) or item.of(Side.BANK))
    )


def _may_be_one(stranger: Item, item: Item) -> bool:
    """Whether both have waited long enough for what they lack, or their references are alike."""
    return bool(stranger.kinds and item.kinds) or near(leading(stranger.rows).key, item.key)


def _is_lone(item: Item) -> bool:
    """Whether only one other side tells of it."""
    return _is_stranger(item) and len({row.side for row in item.rows}) == 1


def _joined(item: Item, stranger: Item, as_of: date) -> Item:
    whole = judged(replace(item, rows=item.rows + stranger.rows), as_of)
    return replace(whole, kinds=(Kind.REFERENCE, *whole.kinds), beside=(stranger.key,))


def _marks(item: Item) -> list[Hashable]:
    """What finds rows like the item's: its amount, who is at the other end, the ends of its reference."""
    row = item.rows[0]
    found: list[Hashable] = [
        (row.currency, abs(item.amount), item.rows[0].on.toordinal() // 8 + away) for away in (-1, 0, 1)
    ]
    if row.party:
        found.append(("party", row.party))
    found += [("head", item.key[:MARK]), ("tail", item.key[-MARK:])]
    if not item.key.isdecimal():  # Trace numbers follow each other: their parts tell nothing.
        found += [("part", item.key[at : at + PART]) for at in range(3, len(item.key) - PART + 1)]
    return found


def _alike(stranger: Item, item: Item) -> int:
    """How alike they are, in points.

    Reference 4, amount 3, counterparty 2 more or less; direction, movement, day, and whether each side has told then 1
    each; another currency 1 less. Nothing if a side would tell twice, or if amount and counterparty are both other.
    """
    theirs, ours = leading(stranger.rows), (item.of(Side.LEDGER) or item.rows)[0]
    told = {row.side for row in _settled(stranger)}
    route = ROUTES[theirs.movement] | ROUTES[ours.movement]
    if not told <= set(item.missing) or told & {row.side for row in _settled(item)}:
        return 0
    points = 4 * near(theirs.key, ours.key) + 3 * (abs(ours.amount) == abs(theirs.amount))
    if theirs.party and ours.party:
        points += 2 if theirs.party == ours.party else -2
        if theirs.party != ours.party and abs(ours.amount) != abs(theirs.amount):
            return 0
    points += ((theirs.amount < 0) == (ours.amount < 0)) + (theirs.movement is ours.movement)
    points += abs((theirs.on - ours.on).days) <= LATE_AFTER_DAYS[ours.movement]
    points += route <= told | {row.side for row in _settled(item)}
    return points - (theirs.currency != ours.currency)


def _settled(item: Item) -> list[Row]:
    return [row for side in Side for row in item.of(side)]


def near(one: str, other: str) -> bool:
    """Whether a reference is the other with up to three slips: a sign more, less, other, or two of them turned round.

    A reference that is whole in the other, at least nine characters of it, is near too.
    """
    short, long = sorted((one, other), key=len)
    if len(short) >= MARK and short in long:
        return True
    if len(long) - len(short) > EDITS_MAX or len(short) < MARK:
        return False
    return _edits(one, other) <= EDITS_MAX


def _edits(one: str, other: str) -> int:
    """The slips between them (Damerau and Levenshtein, optimal string alignment), counted up to a few."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for at, sign in enumerate(one, 1):
        here = [at]
        for place, theirs in enumerate(other, 1):
            least = min(above[place] + 1, here[-1] + 1, above[place - 1] + (sign != theirs))
            if at > 1 and place > 1 and sign == other[place - 2] and one[at - 2] == theirs:
                least = min(least, before[place - 2] + 1)
            here.append(least)
        if min(here) > EDITS_MAX:
            return EDITS_MAX + 1
        before, above = above, here
    return above[-1]


def _swapped(items: Sequence[Item]) -> list[Item]:
    """Two items whose rows of one side would each fit the other: they stand under each other's reference."""
    found: dict[str, Item] = {}
    for side in (Side.PROCESSOR, Side.BANK, Side.LEDGER):
        index: dict[Hashable, list[Item]] = defaultdict(list)
        torn = [item for item in items if item.key not in found and _differs_at(item, side)]
        for item in torn:
            index[_face(item.of(side)[0])].append(item)
        for item in torn:
            if item.key in found:
                continue
            wanted = _face_of_others(item, side)
            for other in index.get(wanted, ()):
                if (
                    other is not item
                    and other.key not in found
                    and abs((other.of(side)[0].on - item.of(side)[0].on).days) <= SWAPPED_DAYS
                    and _face_of_others(other, side) == _face(item.of(side)[0])
                ):
                    for one, beside in ((item, other), (other, item)):
                        found[one.key] = replace(one, kinds=_named_swapped(one), beside=(beside.key,))
                    break
    return [found.get(item.key, item) for item in items]


def _differs_at(item: Item, side: Side) -> bool:
    """Whether the side tells of it once, and other than the rest."""
    mine = item.of(side)
    others = {_face(row) for other in Side if other is not side for row in item.of(other)}
    if len(mine) != 1 or len(others) != 1 or _face(mine[0]) in others:
        return False
    # Without a counterparty the amount alone must tell one from the other.
    return bool(mine[0].party) or abs(mine[0].amount) != abs(_rest(item, side).amount)


def _face(row: Row) -> Hashable:
    return (abs(row.amount), row.currency, row.party, row.movement)


def _face_of_others(item: Item, side: Side) -> Hashable:
    return _face(_rest(item, side))


def _rest(item: Item, side: Side) -> Row:
    return next(row for other in Side if other is not side for row in item.of(other))


_BY_SWAP = frozenset(
    {Kind.AMOUNT, Kind.SIGN, Kind.CURRENCY, Kind.PARTY, Kind.MOVEMENT, Kind.FEE_DIFFERS, Kind.LATE, Kind.EARLY}
)


def _named_swapped(item: Item) -> tuple[Kind, ...]:
    """The item's kinds with the swap in the place of what follows from it."""
    return (Kind.SWAPPED, *(kind for kind in item.kinds if kind not in _BY_SWAP))


def _merged(items: Sequence[Item]) -> list[Item]:
    """Items with too much at the bank, and those that lack just that there: one line of the statement holds them all."""
    found: dict[str, Item] = {}
    bank = Side.BANK
    lacking = _index(
        [item for item in items if bank in item.missing and item.of(Side.LEDGER) and item.agreed_amount is None],
        lambda item: [(item.currency, item.movement)],
    )
    for item in items:
        ours, lines = item.of(Side.LEDGER), item.of(bank)
        if item.key in found or not _TOO_MUCH & set(item.kinds) or len(lines) != 1 or not ours:
            continue
        pool = [one for one in lacking.get((lines[0].currency, lines[0].movement), ()) if one.key not in found]
        parts = _that_add_up(lines[0].amount - ours[0].amount, pool, ours[0])
        if parts:
            kinds = (Kind.MERGED, *(kind for kind in item.kinds if kind not in _TOO_MUCH))
            found[item.key] = replace(item, kinds=kinds, beside=tuple(part.key for part in parts))
            for part in parts:
                found[part.key] = replace(part, kinds=_without_absence(part), beside=(item.key,))
    return [found.get(item.key, item) for item in items]


_TOO_MUCH = frozenset({Kind.AMOUNT, Kind.FEE_DIFFERS})


def _that_add_up(wanted: int, pool: Sequence[Item], ours: Row) -> tuple[Item, ...]:
    """The items, one or two of them and of about that day, whose amounts add up to what is wanted; or none."""
    close = [one for one in pool if abs((one.of(Side.LEDGER)[0].on - ours.on).days) <= 1 and one.key != ours.key]
    close.sort(key=lambda one: (abs((one.of(Side.LEDGER)[0].on - ours.on).days), one.key))
    single = next((one for one in close if one.amount == wanted), None)
    if single is not None:
        return (single,)
    few = [one for one in close if abs(one.amount) < abs(wanted)][:CANDIDATES_MAX]
    return next(((one, two) for one, two in combinations(few, 2) if one.amount + two.amount == wanted), ())


def _without_absence(item: Item) -> tuple[Kind, ...]:
    return (Kind.MERGED, *(kind for kind in item.kinds if kind is not Kind.MISSING_AT_BANK))


def _index(items: Iterable[Item], marks: Callable[[Item], list[Hashable]]) -> dict[Hashable, list[Item]]:
    made: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        for mark in marks(item):
            made[mark].append(item)
    return made


def _few(items: Sequence[Item]) -> Sequence[Item]:
    return items if len(items) <= CANDIDATES_MAX else ()
