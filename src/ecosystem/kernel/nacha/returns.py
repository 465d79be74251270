"""Return reason codes: why an entry came back, who may say so, and until when.

NACHA Operating Rules, Appendix Four; the times as banks publish them from it. All 71: returns, and what follows a return when it is not accepted: the dishonoured
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


class By(StrEnum):
    """Who returns an entry under a code."""

    RDFI = "receiving bank"
    OPERATOR = "operator"
    ODFI = "originating bank"
    GATEWAY = "gateway"
    AGENCY = "federal agency"


class Of(StrEnum):
    """Which entries a code returns."""

    DEBITS = "debits"
    CREDITS = "credits"
    BOTH = "both"


class Reason(Struct, frozen=True, kw_only=True):
    """A return reason code.

    `banking_days` or `calendar_days` after settlement is the time until the entry is back at the originating bank;
    `is_next_file` tells that the operator gives it back with its next file; neither, where the rules leave it open.
    `is_unauthorized` counts to the unauthorized return rate, `is_administrative` to the administrative one; all returns
    of debits count to the overall rate.
    """

    code: str
    meaning: str
    step: Step = Step.RETURN
    by: By = By.RDFI
    of: Of = Of.BOTH
    banking_days: int | None = None
    calendar_days: int | None = None
    is_next_file: bool = False
    is_unauthorized: bool = False
    is_administrative: bool = False


def _two_days(code: str, meaning: str, of: Of = Of.BOTH, *, administrative: bool = False) -> Reason:
    return Reason(code=code, meaning=meaning, of=of, banking_days=2, is_administrative=administrative)


def _sixty_days(code: str, meaning: str, *, unauthorized: bool = False) -> Reason:
    return Reason(code=code, meaning=meaning, of=Of.DEBITS, calendar_days=60, is_unauthorized=unauthorized)


def _next_file(code: str, meaning: str, of: Of = Of.BOTH) -> Reason:
    return Reason(code=code, meaning=meaning, by=By.OPERATOR, of=of, is_next_file=True)


def _open(code: str, meaning: str, by: By = By.RDFI, of: Of = Of.BOTH) -> Reason:
    return Reason(code=code, meaning=meaning, by=by, of=of)


def _dishonored(code: str, meaning: str) -> Reason:
    return Reason(code=code, meaning=meaning, step=Step.DISHONORED, by=By.ODFI, banking_days=5)


def _contested(code: str, meaning: str) -> Reason:
    return Reason(code=code, meaning=meaning, step=Step.CONTESTED, banking_days=2)


ALL: Sequence[Reason] = (
    _two_days("R01", "there is not enough money on the account", Of.DEBITS),
    _two_days("R02", "the account was closed", administrative=True),
    _two_days("R03", "no such account, or not the receiver's", administrative=True),
    _two_days("R04", "the account number is not one of this bank's", administrative=True),
    _sixty_days("R05", "a corporate debit of a consumer's account was not authorized", unauthorized=True),
    _open("R06", "the originating bank asked for it"),
    _sixty_days("R07", "the receiver took the authorization back", unauthorized=True),
    _two_days("R08", "the receiver stopped the payment", Of.DEBITS),
    _two_days("R09", "the money on the account is not collected yet", Of.DEBITS),
    _sixty_days("R10", "the receiver does not know the originator, or did not authorize the debit", unauthorized=True),
    _sixty_days("R11", "the debit is not as the authorization says", unauthorized=True),
    _two_days("R12", "the branch belongs to another bank now"),
    _next_file("R13", "the receiving bank does not take part"),
    _two_days("R14", "the representative payee died or can no longer act"),
    _two_days("R15", "the beneficiary or the account holder died"),
    _two_days("R16", "the account is frozen, or sanctions forbid the entry"),
    _two_days("R17", "fields cannot be processed, or the entry is questionable"),
    _next_file("R18", "the effective entry date is improper"),
    _next_file("R19", "the amount field is improper"),
    _two_days("R20", "the account does not take such entries"),
    _two_days("R21", "the company identification is not valid"),
    _two_days("R22", "the individual identification is not valid"),
    _open("R23", "the receiver refused the credit", of=Of.CREDITS),
    _two_days("R24", "the entry is a duplicate"),
    _next_file("R25", "the addenda are improper"),
    _next_file("R26", "a mandatory field is improper"),
    _next_file("R27", "the trace number is improper"),
    _next_file("R28", "the check digit of the routing number is wrong"),
    Reason(
        code="R29",
        meaning="the corporate receiver did not authorize the debit",
        of=Of.DEBITS,
        banking_days=2,
        is_unauthorized=True,
    ),
    _next_file("R30", "the receiving bank does not take part in check truncation", Of.DEBITS),
    _open("R31", "the originating bank agreed to a late return of CCD or CTX", of=Of.DEBITS),
    _next_file("R32", "the receiving bank cannot settle"),
    _sixty_days("R33", "an XCK entry is returned"),
    _next_file("R34", "a supervisor limits the receiving bank's part"),
    _next_file("R35", "debits are not allowed for this class or account", Of.DEBITS),
    _next_file("R36", "credits are not allowed for this class", Of.CREDITS),
    _sixty_days("R37", "the source document was presented for payment"),
    _sixty_days("R38", "payment of the source document was stopped"),
    _two_days("R39", "the source document is improper", Of.DEBITS),
    _open("R40", "a federal agency returns the enrolment", By.AGENCY),
    _open("R41", "the transaction code of the enrolment is not valid", By.AGENCY),
    _open("R42", "the routing number of the enrolment is not valid", By.AGENCY),
    _open("R43", "the account number of the enrolment is not valid", By.AGENCY),
    _open("R44", "the identification of the enrolment is not valid", By.AGENCY),
    _open("R45", "the name of the enrolment is not valid", By.AGENCY),
    _open("R46", "the payee indicator of the enrolment is not valid", By.AGENCY),
    _open("R47", "the enrolment is a duplicate", By.AGENCY),
    _two_days("R50", "the law of the state does not take RCK entries", Of.DEBITS),
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
    _open("R80", "the codes of the IAT entry are wrong", By.GATEWAY),
    _open("R81", "the gateway has no agreement for IAT entries", By.GATEWAY),
    _open("R82", "the foreign receiving bank is not valid", By.GATEWAY),
    _open("R83", "the foreign receiving bank cannot settle", By.GATEWAY),
    _open("R84", "the gateway did not process the entry", By.GATEWAY),
    _open("R85", "the outbound international payment bears another class than IAT", By.GATEWAY),
    _open("R90", "sanctions forbid the entry"),
)

RETURNS: Mapping[str, Reason] = {reason.code: reason for reason in ALL}
DISHONORED_RETURNS = frozenset(reason.code for reason in ALL if reason.step is Step.DISHONORED)
CONTESTED_RETURNS = frozenset(reason.code for reason in ALL if reason.step is Step.CONTESTED)
