"""Return reason codes: why an entry came back, who may say so, and until when.

NACHA Operating Rules, Appendix Four. All 71: returns, and what follows a return when it is not accepted: the dishonoured
return of the originating bank and the contested one of the receiving bank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct


class Step(StrEnum):
    """Which step of the exchange a code belongs to."""

    RETURN = "return"
    DISHONORED = "dishonored"
    CONTESTED = "contested"


class Reason(Struct, frozen=True, kw_only=True):
    """A return reason code.

    `banking_days` or `calendar_days` after settlement is the time until the entry is back at the originating bank;
    neither, where the rules leave it open. `is_unauthorized` counts to the unauthorized return rate,
    `is_administrative` to the administrative one; all returns of debits count to the overall rate.
    """

    code: str
    meaning: str
    step: Step = Step.RETURN
    banking_days: int | None = None
    calendar_days: int | None = None
    is_unauthorized: bool = False
    is_administrative: bool = False


def _two_days(code: str, meaning: str, *, administrative: bool = False) -> Reason:
    return Reason(code=code, meaning=meaning, banking_days=2, is_administrative=administrative)


def _sixty_days(code: str, meaning: str, *, unauthorized: bool = False) -> Reason:
    return Reason(code=code, meaning=meaning, calendar_days=60, is_unauthorized=unauthorized)


def _open(code: str, meaning: str) -> Reason:
    return Reason(code=code, meaning=meaning)


def _dishonored(code: str, meaning: str) -> Reason:
    return Reason(code=code, meaning=meaning, step=Step.DISHONORED, banking_days=5)


def _contested(code: str, meaning: str) -> Reason:
    return Reason(code=code, meaning=meaning, step=Step.CONTESTED, banking_days=2)


ALL: Sequence[Reason] = (
    _two_days("R01", "there is not enough money on the account"),
    _two_days("R02", "the account was closed", administrative=True),
    _two_days("R03", "no such account, or not the receiver's", administrative=True),
    _two_days("R04", "the account number is not one of this bank's", administrative=True),
    _sixty_days("R05", "a corporate debit of a consumer's account was not authorized", unauthorized=True),
    _open("R06", "the originating bank asked for it"),
    _sixty_days("R07", "the receiver took the authorization back", unauthorized=True),
    _two_days("R08", "the receiver stopped the payment"),
    _two_days("R09", "the money on the account is not collected yet"),
    _sixty_days("R10", "the receiver does not know the originator, or did not authorize the debit", unauthorized=True),
    _sixty_days("R11", "the debit is not as the authorization says", unauthorized=True),
    _two_days("R12", "the branch belongs to another bank now"),
    _two_days("R13", "the receiving bank does not take part"),
    _two_days("R14", "the representative payee died or can no longer act"),
    _two_days("R15", "the beneficiary or the account holder died"),
    _two_days("R16", "the account is frozen, or sanctions forbid the entry"),
    _two_days("R17", "fields cannot be processed, or the entry is questionable"),
    _two_days("R18", "the effective entry date is improper"),
    _two_days("R19", "the amount field is improper"),
    _two_days("R20", "the account does not take such entries"),
    _two_days("R21", "the company identification is not valid"),
    _two_days("R22", "the individual identification is not valid"),
    _open("R23", "the receiver refused the credit"),
    _two_days("R24", "the entry is a duplicate"),
    _two_days("R25", "the addenda are improper"),
    _two_days("R26", "a mandatory field is improper"),
    _two_days("R27", "the trace number is improper"),
    _two_days("R28", "the check digit of the routing number is wrong"),
    Reason(
        code="R29",
        meaning="the corporate receiver did not authorize the debit",
        banking_days=2,
        is_unauthorized=True,
    ),
    _two_days("R30", "the receiving bank does not take part in check truncation"),
    _open("R31", "the originating bank agreed to a late return of CCD or CTX"),
    _two_days("R32", "the receiving bank cannot settle"),
    _sixty_days("R33", "an XCK entry is returned"),
    _two_days("R34", "a supervisor limits the receiving bank's part"),
    _two_days("R35", "debits are not allowed for this class or account"),
    _two_days("R36", "credits are not allowed for this class"),
    _sixty_days("R37", "the source document was presented for payment"),
    _sixty_days("R38", "payment of the source document was stopped"),
    _two_days("R39", "the source document is improper"),
    _open("R40", "a federal agency returns the enrolment"),
    _open("R41", "the transaction code of the enrolment is not valid"),
    _open("R42", "the routing number of the enrolment is not valid"),
    _open("R43", "the account number of the enrolment is not valid"),
    _open("R44", "the identification of the enrolment is not valid"),
    _open("R45", "the name of the enrolment is not valid"),
    _open("R46", "the payee indicator of the enrolment is not valid"),
    _open("R47", "the enrolment is a duplicate"),
    _two_days("R50", "the law of the state does not take RCK entries"),
    _sixty_days("R51", "the check behind the RCK entry is not eligible, or the entry improper", unauthorized=True),
    _sixty_days("R52", "payment of the check behind the RCK entry was stopped"),
    _sixty_days("R53", "the RCK entry and its check were both presented"),
    _dishonored("R61", "the return went to the wrong bank"),
    _dishonored("R62", "the return left a reversal or an error without its money"),
    _dishonored("R67", "the return is a duplicate"),
    _dishonored("R68", "the return is too late"),
    _dishonored("R69", "fields of the return are wrong"),
    _dishonored("R70", "the return was not asked for, or not agreed to"),
    _contested("R71", "the dishonoured return went to the wrong bank"),
    _contested("R72", "the dishonoured return is too late"),
    _contested("R73", "the return was in time"),
    _contested("R74", "the return, corrected"),
    _contested("R75", "the return was not a duplicate"),
    _contested("R76", "the return had no errors"),
    _contested("R77", "the dishonoured return R62 is not accepted"),
    _two_days("R80", "the codes of the IAT entry are wrong"),
    _two_days("R81", "the gateway has no agreement for IAT entries"),
    _two_days("R82", "the foreign receiving bank is not valid"),
    _two_days("R83", "the foreign receiving bank cannot settle"),
    _two_days("R84", "the gateway did not process the entry"),
    _two_days("R85", "the outbound international payment bears another class than IAT"),
    _open("R90", "sanctions forbid the entry"),
)

RETURNS: Mapping[str, Reason] = {reason.code: reason for reason in ALL}
DISHONORED_RETURNS = frozenset(reason.code for reason in ALL if reason.step is Step.DISHONORED)
CONTESTED_RETURNS = frozenset(reason.code for reason in ALL if reason.step is Step.CONTESTED)
