"""What the bank and the banks behind it do with entries and files: by the account number, or by a seeded chance.

| account number | what happens |
| --- | --- |
| begins with 99 and two digits | it comes back under that code: `9901...` is R01, `9910...` is R10 on the 59th day |
| begins with 98 and two digits | its bank corrects it: `9801...` is C01 |
| begins with 97 | our own bank takes it out of its batch: the rest settles, and nothing comes back |
| 000111111113, 000111111116 | closed (R02); no such account (R03) |
| 000222222227 | debits come back for want of money (R01) |
| anything else | settles, unless the plan's chance says otherwise |
"""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from ecosystem.kernel.nacha import CHANGES, RETURNS, TRANSACTIONS, Direction, Of, Step

_KNOWN = {"000111111113": "R02", "000111111116": "R03", "000222222227": "R01"}
PULLED = "97"
"""How account numbers begin whose entries the bank takes out of their batch."""
LATE_RETURN_DAYS = 59
LATE_BANKING_DAYS = 10
ROUTING_AFTER = "021000021"
"""What banks say is right when they correct a routing number."""


class Plan(Struct, frozen=True, kw_only=True):
    """How often things go wrong, as shares of 1, each decided by the seed and what it is about.

    `wrong` are returns as they must not be: `twice`, `late` by ten banking days, `misstated` by a cent.
    `returns` and `changes` are by code, of entries; the others of files. `late_hours` is how long a late file lies
    before the bank takes it. `contests` tells that the other banks contest whatever is dishonoured. The bank takes
    `return_fee_cents` for each entry that comes back with money.
    """

    seed: int = 1
    returns: dict[str, float] = {}
    changes: dict[str, float] = {}
    rejected: float = 0.0
    late: float = 0.0
    late_hours: int = 6
    truncated: float = 0.0
    duplicated: float = 0.0
    silent: float = 0.0
    contests: bool = False
    wrong: dict[str, float] = {}
    return_fee_cents: int = 200


class Outcome(Struct, frozen=True, kw_only=True):
    """What becomes of an entry: a return under `code` or a change, and after how many days of which kind."""

    code: str
    banking_days: int = 1
    calendar_days: int = 0

    @property
    def is_change(self) -> bool:
        return self.code.startswith("C")


def chance(plan: Plan, what: str) -> float:
    """A number from 0 up to 1 that is the same for the same thing under the same seed."""
    return int.from_bytes(sha256(f"{plan.seed}:{what}".encode()).digest()[:6]) / 2**48


def happens(plan: Plan, share: float, what: str) -> bool:
    return share > 0 and chance(plan, what) < share


def outcome(plan: Plan, account: str, transaction_code: str, trace: str) -> Outcome | None:
    """What becomes of an entry to that account; None when it settles and stays."""
    code = _coded(account) or _drawn(plan, trace)
    if code is None or not _may(code, transaction_code):
        return None
    if code in RETURNS and RETURNS[code].calendar_days:
        return Outcome(code=code, banking_days=0, calendar_days=LATE_RETURN_DAYS)
    return Outcome(
        code=code,
        banking_days=1 + (LATE_BANKING_DAYS if happens(plan, plan.wrong.get("late", 0), f"late:{trace}") else 0),
    )


def corrected(code: str, account: str, transaction_code: str) -> str:
    """The corrected data of a notification of change, in the columns of its code."""
    right = f"10{account[4:]}" if account.startswith("98") else f"{account[:-1]}7"
    other = {"2": "3", "3": "2"}.get(transaction_code[0], "2") + transaction_code[1]
    data = {
        "C01": right,
        "C02": ROUTING_AFTER,
        "C03": f"{ROUTING_AFTER}   {right}",
        "C04": "ANOTHER NAME",
        "C05": other,
        "C06": f"{right.ljust(17)}   {other}",
        "C07": f"{ROUTING_AFTER}{right.ljust(17)}{other}",
    }
    return data.get(code, "SEE THE ADDENDA")


def _coded(account: str) -> str | None:
    if account in _KNOWN:
        return _KNOWN[account]
    kind = {"99": "R", "98": "C"}.get(account[:2])
    code = f"{kind}{account[2:4]}" if kind and len(account) >= 8 else ""
    return code if code in RETURNS or code in CHANGES else None


def _drawn(plan: Plan, trace: str) -> str | None:
    left = chance(plan, f"entry:{trace}")
    for code, share in sorted({**plan.returns, **plan.changes}.items()):
        left -= share
        if left < 0:
            return code
    return None


def _may(code: str, transaction_code: str) -> bool:
    """Whether such an entry can come back under the code: credits do not for want of money."""
    if code.startswith("C"):
        return not CHANGES[code].is_refusal
    reason, direction = RETURNS[code], TRANSACTIONS[transaction_code].direction
    if reason.step is not Step.RETURN:
        return False
    return reason.of is Of.BOTH or (reason.of is Of.DEBITS) == (direction is Direction.DEBIT)
