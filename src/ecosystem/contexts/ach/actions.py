"""What follows each code: the named action for the money, for the account, and who is told.

The codes are the network's (`kernel.nacha`); what we do about them is ours, and stands here once. Journeys carry the
actions out; a test holds each code to an action, and each action to what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ecosystem.contexts.ach.entries import Direction, Entry, Purpose
from ecosystem.kernel.nacha import CHANGES, RETURNS, Of, Reason, Step


class MoneyAction(StrEnum):
    """What a return does to the ledger.

    `give-payout-back`: the payout's money goes back to the provider. `take-debit-back`: the customer's money goes back
    out of escrow, or after the release as a chargeback does. `refund-failed`: the money of a refund goes back to where it
    was taken from. `present-again`: nothing yet, the debit is presented once more. `micro-back`: the cents of a micro-entry leave the costs. `none`: no money moved. `hold`: the money stays in
    clearing, since we do not accept the return.
    """

    GIVE_PAYOUT_BACK = "give-payout-back"
    TAKE_DEBIT_BACK = "take-debit-back"
    REFUND_FAILED = "refund-failed"
    PRESENT_AGAIN = "present-again"
    MICRO_BACK = "micro-back"
    HOLD = "hold"
    NONE = "none"


class AccountAction(StrEnum):
    """What a code does to the bank account.

    `close`: it is not used again until its owner says another. `fail-verification`: it is not theirs, or not right.
    `end-authorization`: it is not debited again without a new authorization. `stop-debits`: the receiver stopped this
    one; not presented again. `pause-credits`: the receiver refuses money; nothing is paid there until its owner adds it
    anew. `correct`: what the
    bank says is right takes the place of what we had. `keep`: nothing.
    """

    CLOSE = "close"
    FAIL_VERIFICATION = "fail-verification"
    END_AUTHORIZATION = "end-authorization"
    STOP_DEBITS = "stop-debits"
    PAUSE_CREDITS = "pause-credits"
    CORRECT = "correct"
    KEEP = "keep"


class Told(StrEnum):
    """Who is told. `owner` is the provider or customer whose account it is; operators see every return on their page."""

    OWNER = "owner"
    OPERATORS = "operators"
    BOTH = "both"


class Rule(Struct, frozen=True, kw_only=True):
    """What follows a return code besides the money, which depends on what the entry was for."""

    account: AccountAction
    told: Told
    repair: str = ""
    """What an operator is offered to do about it; empty where nothing is left to do."""


_CLOSED = Rule(account=AccountAction.CLOSE, told=Told.BOTH)
_UNAUTHORIZED = Rule(
    account=AccountAction.END_AUTHORIZATION,
    told=Told.BOTH,
    repair="Ask the customer; show the bank the authorization if they gave it.",
)
_OURS = Rule(
    account=AccountAction.KEEP,
    told=Told.OPERATORS,
    repair="The file or the entry was wrong: correct the cause, then originate it again.",
)
_FUNDS = Rule(account=AccountAction.KEEP, told=Told.OWNER)
_STRANGE = Rule(
    account=AccountAction.KEEP,
    told=Told.OPERATORS,
    repair="We send no entries of this class: ask the bank what it means, then close this.",
)
_CONTESTED = Rule(
    account=AccountAction.KEEP,
    told=Told.OPERATORS,
    repair="The receiving bank stands by its return: the return now holds. What is left to say is said bank to bank.",
)
_DISHONORED = Rule(
    account=AccountAction.KEEP,
    told=Told.OPERATORS,
    repair="Only we dishonour returns: such an entry cannot be for us. Ask the bank.",
)

RULES: Mapping[str, Rule] = {
    "R01": _FUNDS,
    "R02": _CLOSED,
    "R03": Rule(account=AccountAction.FAIL_VERIFICATION, told=Told.BOTH),
    "R04": Rule(account=AccountAction.FAIL_VERIFICATION, told=Told.BOTH),
    "R05": _UNAUTHORIZED,
    "R06": Rule(account=AccountAction.KEEP, told=Told.OPERATORS, repair="We asked for it: look what the request was."),
    "R07": _UNAUTHORIZED,
    "R08": Rule(account=AccountAction.STOP_DEBITS, told=Told.BOTH),
    "R09": _FUNDS,
    "R10": _UNAUTHORIZED,
    "R11": Rule(
        account=AccountAction.END_AUTHORIZATION,
        told=Told.BOTH,
        repair="It may be corrected and sent once more within 60 days, without another authorization (2.13.6).",
    ),
    "R12": _CLOSED,
    "R13": Rule(account=AccountAction.FAIL_VERIFICATION, told=Told.BOTH),
    "R14": Rule(account=AccountAction.CLOSE, told=Told.OPERATORS, repair="Somebody died: write to the estate by hand."),
    "R15": Rule(account=AccountAction.CLOSE, told=Told.OPERATORS, repair="Somebody died: write to the estate by hand."),
    "R16": Rule(
        account=AccountAction.CLOSE, told=Told.OPERATORS, repair="Frozen, or sanctioned: look before any payment."
    ),
    "R17": Rule(
        account=AccountAction.FAIL_VERIFICATION,
        told=Told.OPERATORS,
        repair="If the addenda say QUESTIONABLE the bank suspects fraud: look at the owner.",
    ),
    "R18": _OURS,
    "R19": _OURS,
    "R20": Rule(account=AccountAction.CLOSE, told=Told.OWNER),
    "R21": _OURS,
    "R22": _OURS,
    "R23": Rule(account=AccountAction.PAUSE_CREDITS, told=Told.BOTH, repair="Ask the receiver why they refuse it."),
    "R24": Rule(
        account=AccountAction.KEEP,
        told=Told.OPERATORS,
        repair="Look for the other entry before anything is sent again.",
    ),
    "R25": _OURS,
    "R26": _OURS,
    "R27": _OURS,
    "R28": _OURS,
    "R29": _UNAUTHORIZED,
    "R30": _STRANGE,
    "R31": Rule(account=AccountAction.KEEP, told=Told.OPERATORS, repair="We agreed to it, or R70 is due in five days."),
    "R32": _OURS,
    "R33": _STRANGE,
    "R34": Rule(account=AccountAction.CLOSE, told=Told.BOTH),
    "R35": _OURS,
    "R36": _OURS,
    **dict.fromkeys(("R37", "R38", "R39"), _STRANGE),
    **dict.fromkeys((f"R{number}" for number in range(40, 48)), _STRANGE),
    **dict.fromkeys((f"R{number}" for number in range(50, 54)), _STRANGE),
    **dict.fromkeys(("R61", "R62", "R67", "R68", "R69", "R70"), _DISHONORED),
    **dict.fromkeys((f"R{number}" for number in range(71, 78)), _CONTESTED),
    **dict.fromkeys((f"R{number}" for number in range(80, 86)), _STRANGE),
    "R90": Rule(
        account=AccountAction.CLOSE, told=Told.OPERATORS, repair="Sanctions forbid it: stop all payments to this owner."
    ),
}
"""The rule of each of the 71 codes."""

PRESENTED_AGAIN = frozenset({"R01", "R09"})
"""Want of money: the only returns after which the rules let a debit be presented again as it is (2.13.4.1)."""

_MONEY = {
    Purpose.PAYOUT: MoneyAction.GIVE_PAYOUT_BACK,
    Purpose.DEBIT: MoneyAction.TAKE_DEBIT_BACK,
    Purpose.REFUND: MoneyAction.REFUND_FAILED,
    Purpose.PRENOTE: MoneyAction.NONE,
    Purpose.MICRO_CREDIT: MoneyAction.MICRO_BACK,
    Purpose.MICRO_DEBIT: MoneyAction.MICRO_BACK,
    Purpose.DISHONOR: MoneyAction.NONE,
}


def money_action(entry: Entry, code: str, *, may_present_again: bool, holds: bool = True) -> MoneyAction:
    """What a return of this entry under this code does to the ledger.

    `holds` is false for a return that we do not accept: its money stays in clearing until the banks have settled it.
    """
    if not holds:
        return MoneyAction.HOLD if entry.moves_money else MoneyAction.NONE
    if entry.purpose is Purpose.DEBIT and code in PRESENTED_AGAIN and may_present_again:
        return MoneyAction.PRESENT_AGAIN
    return _MONEY[entry.purpose]


def money_back(entry: Entry) -> MoneyAction:
    """What gives an entry's money back when its file was refused."""
    return _MONEY[entry.purpose]


def repair_of(code: str) -> str:
    """What an operator is offered to do about a code; a plain word when the code offers nothing."""
    known = RULES.get(code) or CORRECTIONS.get(code)
    return (known.repair if known else "") or "Look at what the bank says, and close this."


def account_action(entry: Entry, code: str) -> AccountAction:
    """What the code does to the bank account. A test of the account that comes back has failed, whatever the code."""
    action = RULES[code].account
    if entry.purpose in {Purpose.PRENOTE, Purpose.MICRO_CREDIT, Purpose.MICRO_DEBIT}:
        return AccountAction.CLOSE if action is AccountAction.CLOSE else AccountAction.FAIL_VERIFICATION
    return action


def fits(reason: Reason, entry: Entry) -> bool:
    """Whether such an entry can come back under that code."""
    if reason.step is not Step.RETURN:
        return False
    return reason.of is Of.BOTH or (reason.of is Of.DEBITS) == (entry.direction is Direction.DEBIT)


class Correction(Struct, frozen=True, kw_only=True):
    """What a notification of change does."""

    account: AccountAction
    told: Told
    repair: str = ""


_REFUSED = Correction(
    account=AccountAction.KEEP,
    told=Told.OPERATORS,
    repair="We refused no notification: this one is not for us. Ask the bank.",
)

CORRECTIONS: Mapping[str, Correction] = {
    **dict.fromkeys(
        ("C01", "C02", "C03", "C05", "C06", "C07"), Correction(account=AccountAction.CORRECT, told=Told.OWNER)
    ),
    "C04": Correction(
        account=AccountAction.KEEP,
        told=Told.OPERATORS,
        repair="The bank knows the holder by another name: ask the owner, then correct the account.",
    ),
    "C08": Correction(account=AccountAction.KEEP, told=Told.OPERATORS, repair="We send no IAT entries: ask the bank."),
    "C09": Correction(account=AccountAction.KEEP, told=Told.OPERATORS, repair="Correct the receiver's identification."),
    "C13": Correction(account=AccountAction.KEEP, told=Told.OPERATORS, repair="We send no addenda: ask the bank."),
    "C14": Correction(
        account=AccountAction.CLOSE, told=Told.OPERATORS, repair="The money leaves the country: pay it another way."
    ),
    **dict.fromkeys((code for code, change in CHANGES.items() if change.is_refusal), _REFUSED),
}
"""What follows each of the 20 change codes."""

assert RULES.keys() == RETURNS.keys()
assert CORRECTIONS.keys() == CHANGES.keys()
