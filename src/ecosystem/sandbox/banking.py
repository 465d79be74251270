"""Bank accounts of those who are paid out to: in which currency by country, which numbers can be, and the test ones.

A number is looked at once and never kept: what stays is its last four digits, and how payouts to it behave.
"""

from __future__ import annotations

import re

_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"
CURRENCIES = {
    **dict.fromkeys(_EURO.split(), "eur"),
    "AU": "aud", "BG": "bgn", "BR": "brl", "CA": "cad", "CH": "chf", "CZ": "czk", "DK": "dkk", "GB": "gbp",
    "GI": "gbp", "HK": "hkd", "HU": "huf", "IN": "inr", "JP": "jpy", "LI": "chf", "MX": "mxn", "MY": "myr",
    "NO": "nok", "NZ": "nzd", "PL": "pln", "RO": "ron", "SE": "sek", "SG": "sgd", "TH": "thb", "US": "usd",
}  # fmt: skip
"""The countries in which accounts may be opened, with the currency they are paid out in."""
WITH_IBAN = frozenset([*_EURO.split(), "BG", "CH", "CZ", "DK", "GB", "GI", "HU", "LI", "NO", "PL", "RO", "SE"])

PAYOUTS_FAIL = {
    "000111111113": "account_closed",
    "000111111116": "no_account",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
    "DE62370400440532013001": "no_account",
    "DE89370400440532013002": "account_closed",
    "DE89370400440532013003": "insufficient_funds",
    "DE89370400440532013004": "debit_not_authorized",
    "DE89370400440532013005": "invalid_currency",
}
"""The published numbers to which payouts fail, and with which code. Some of the IBANs have no valid check digits."""
RETURNED_LATE = {"000888888883": "account_closed", "000888888886": "no_account"}
"""Numbers of this sandbox's own: a payout to them is paid, and comes back days later."""
NOT_INSTANT = frozenset({"000777777770"})
"""A number of this sandbox's own, whose bank takes no instant payouts."""


def behaviour(number: str) -> dict[str, object]:
    """What stays of a number: how payouts to it end, without a way back to it."""
    late = RETURNED_LATE.get(number, "")
    failure = PAYOUTS_FAIL.get(number, late)
    return {"failure": failure, "late": bool(late), "instant": number not in NOT_INSTANT}


def methods(number: str) -> list[str]:
    """How the account behind a number may be paid out to."""
    return ["standard"] if number in NOT_INSTANT else ["standard", "instant"]


def trouble_with_iban(number: str) -> str:
    """What is wrong with an IBAN (ISO 13616), in a sentence; empty when nothing is."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number):
        return "Enter an IBAN, such as DE89 3704 0044 0532 0130 00."
    if number in PAYOUTS_FAIL:
        return ""
    digits = "".join(str(int(sign, 36)) for sign in number[4:] + number[:4])
    return "" if int(digits) % 97 == 1 else "This IBAN has a slip in it: its check digits do not fit."


def trouble_with_routing(number: str) -> str:
    """What is wrong with an ABA routing number, in a sentence; empty when nothing is."""
    if not re.fullmatch(r"[0-9]{9}", number):
        return "A routing number has nine digits, such as 110000000."
    weighed = sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True))
    return "" if weighed % 10 == 0 else "This routing number has a slip in it: its check digit does not fit."


def trouble_with_number(number: str) -> str:
    """What is wrong with the number of an account without IBAN, in a sentence; empty when nothing is."""
    return "" if re.fullmatch(r"[0-9A-Z]{4,17}", number) else "Enter the number of the account, such as 000123456789."
