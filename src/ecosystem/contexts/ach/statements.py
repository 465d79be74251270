"""The bank's statement of a day, in BAI2: what moved on our account, line by line, and the balances around it.

Cash Management Balance Reporting Specifications, version 2 (BAI, 2005). Of it we read: 01 and 99 around the file, 02
and 98 around a group, 03 with opening and closing ledger balance (010, 015), 16 for each line, 49; 88 continues the
record before. Amounts are in cents. The record counts and control totals must be right: a statement with others is
refused whole.

| type | line | its customer reference |
| --- | --- | --- |
| 466, 166 | settlement of a batch of ours: money out, money in | `261120A/1`: date and modifier of the file, the batch |
| 257, 557 | an entry of ours came back: money in, money out | its original trace number |
| 142 | money from elsewhere, such as the card processor | what the sender wrote |
| 698 | a fee | - |

Any other type is money in from 100 to 399, and out from 400 to 699, as the specification has them: it is kept, and
reconciliation finds it, since our books have nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from msgspec import Struct

from ecosystem.contexts.ach import keys
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.table import Cursor, Index, Key, Put, Stored, Table, Write

LINES_MAX = 100_000
IN, OUT = range(100, 400), range(400, 700)
"""The type codes of what comes and of what goes (Appendix A of the specification)."""
_FUNDS_FIELDS = {"S": 3, "V": 2}
"""How many fields a funds type brings with it before the references: three availabilities, or a date and a time."""
SETTLEMENTS = frozenset({"166", "466"})
RETURNED = frozenset({"257", "557"})
FEES = frozenset({"698"})


class StatementRefused(Invalid):
    """This statement does not add up, or is no statement."""


class StatementLine(Stored, frozen=True, kw_only=True):
    """One line. `cents` is above nothing; `is_in` says which way. References are the bank's and ours."""

    entity: ClassVar[str] = "bank-statement-line"

    day: date
    number: int
    type_code: str
    is_in: bool
    cents: int
    bank_reference: str
    customer_reference: str
    text: str


def fee_id(line: StatementLine) -> str:
    """What names a fee in our books: a bank gives it no reference of ours, so the day and the line's place do."""
    return f"bank-fee-{line.day}-{line.number}"


class BankStatement(Stored, frozen=True, kw_only=True):
    """The head of a day's statement. Balances are in cents and may be below nothing."""

    entity: ClassVar[str] = "bank-statement"

    day: date
    currency: str
    account_last4: str
    opening_cents: int
    closing_cents: int
    lines: int
    inbound_id: str = ""


class Parsed(Struct, frozen=True, kw_only=True):
    statement: BankStatement
    lines: Sequence[StatementLine]


def parsed(content: bytes, inbound_id: str = "") -> Parsed:
    """The statement in these bytes. Raises `StatementRefused`."""
    records = list(_records(content))
    if len(records) < 6 or [records[0][0], records[1][0], records[-2][0], records[-1][0]] != ["01", "02", "98", "99"]:
        raise StatementRefused("A statement begins with 01 and 02 and ends with 98 and 99.")
    try:
        return _parsed(records, inbound_id)
    except (ValueError, IndexError) as broken:
        raise StatementRefused("A field of the statement is missing or no number.") from broken


def _parsed(records: Sequence[Sequence[str]], inbound_id: str) -> Parsed:
    day = datetime.strptime(records[1][4], "%y%m%d").date()  # noqa: DTZ007 - a date alone
    currency = records[1][6] or "USD"
    head = records[2]
    if head[0] != "03":
        raise StatementRefused("A group has one account, 03.")
    balances = {head[at]: int(head[at + 1]) for at in range(3, len(head) - 1, 4)}
    lines = [_line(day, number, record) for number, record in enumerate(records[3:-3], start=1)]
    control = records[-3]
    if control[0] != "49" or len(lines) > LINES_MAX:
        raise StatementRefused("An account ends with 49.")
    total = sum(balances.values()) + sum(line.cents for line in lines)
    counted = {
        "account": (int(control[1]), int(control[2])) == (total, len(lines) + 2),
        "group": (int(records[-2][1]), int(records[-2][2]), int(records[-2][3])) == (total, 1, len(lines) + 4),
        "file": (int(records[-1][1]), int(records[-1][2]), int(records[-1][3])) == (total, 1, len(lines) + 6),
    }
    if not all(counted.values()):
        wrong = next(name for name, right in counted.items() if not right)
        raise StatementRefused(f"The control totals of the {wrong} are not what it holds.")
    opening, closing = balances.get("010", 0), balances.get("015", 0)
    if opening + sum(line.cents if line.is_in else -line.cents for line in lines) != closing:
        raise StatementRefused("Opening balance and lines do not make the closing balance.")
    statement = BankStatement(
        day=day,
        currency=currency,
        account_last4=head[1][-4:],
        opening_cents=opening,
        closing_cents=closing,
        lines=len(lines),
        inbound_id=inbound_id,
    )
    return Parsed(statement=statement, lines=lines)


def _line(day: date, number: int, record: Sequence[str]) -> StatementLine:
    if record[0] != "16":
        raise StatementRefused(f"Line {number} is no line of an account: {record[0]!r}.")
    kind = int(record[1])
    if kind not in IN and kind not in OUT:
        raise StatementRefused(f"Line {number} has a type that is neither money in nor money out: {record[1]!r}.")
    at = 4 + (1 + 2 * int(record[4]) if record[3] == "D" else _FUNDS_FIELDS.get(record[3], 0))
    return StatementLine(
        day=day,
        number=number,
        type_code=record[1],
        is_in=kind in IN,
        cents=int(record[2]),
        bank_reference=record[at],
        customer_reference=record[at + 1],
        text=",".join(record[at + 2 :]),
    )


def _records(content: bytes) -> Iterator[list[str]]:
    """Logical records as their fields: continued by 88, ended by `/`. The text of a 16 may hold commas."""
    held = ""
    for line in content.decode("ascii", "replace").splitlines():
        text = line.strip()
        if text.startswith("88,"):
            held = held.removesuffix("/") + "," + text[3:]
            continue
        if held:
            yield _fields(held)
        held = text
    if held:
        yield _fields(held)


def _fields(record: str) -> list[str]:
    return record.removesuffix("/").split(",")


def kept(made: Parsed) -> list[list[Write]]:
    """The writes that keep a statement, in groups small enough to commit: lines first, its head last."""
    writes: list[Write] = [
        Put(key=keys.statement_line(line.day.isoformat(), line.number), value=line) for line in made.lines
    ]
    groups = [writes[start : start + 90] for start in range(0, len(writes), 90)]
    day = made.statement.day.isoformat()
    head = Put(key=keys.statement(day), value=made.statement, index={Index.STATUS: Key(keys.statements(), day)})
    return [*groups, [head]]


@dataclass(frozen=True, slots=True)
class BankStatements:
    """Finds what the bank's statements show."""

    table: Table

    async def day(self, day: date) -> BankStatement | None:
        row = await self.table.get(keys.statement(day.isoformat()), BankStatement)
        return row.value if row else None

    async def lines(self, day: date) -> list[StatementLine]:
        """The lines of a day's statement, in order."""
        found: list[StatementLine] = []
        after: Cursor | None = None
        for _ in range(LINES_MAX // 1000 + 1):
            page = await self.table.query(
                keys.statement_partition(day.isoformat()), StatementLine, prefix="LINE#", after=after, limit=1000
            )
            found += page.values
            after = page.next
            if after is None:
                break
        return found

    async def statements(self, *, limit: int = 60) -> list[BankStatement]:
        """The latest statements, newest first."""
        page = await self.table.query(
            keys.statements(), BankStatement, index=Index.STATUS, descending=True, limit=limit
        )
        return page.values
