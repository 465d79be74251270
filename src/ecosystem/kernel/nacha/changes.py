"""Change codes: what a notification of change corrects, and why one was refused.

NACHA Operating Rules, Appendix Five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Change(Struct, frozen=True, kw_only=True):
    """A change code. `corrects` are the fields that its corrected data gives; none where it refuses a notification."""

    code: str
    meaning: str
    corrects: Sequence[str] = ()
    is_refusal: bool = False


def _change(code: str, meaning: str, *corrects: str) -> Change:
    return Change(code=code, meaning=meaning, corrects=corrects)


def _refusal(code: str, meaning: str) -> Change:
    return Change(code=code, meaning=meaning, is_refusal=True)


ALL: Sequence[Change] = (
    _change("C01", "the account number is wrong", "dfi_account_number"),
    _change("C02", "the routing number is wrong", "routing_number"),
    _change("C03", "routing and account number are wrong", "routing_number", "dfi_account_number"),
    _change("C04", "the receiver's name is wrong", "individual_name"),
    _change("C05", "the transaction code is wrong", "transaction_code"),
    _change("C06", "account number and transaction code are wrong", "dfi_account_number", "transaction_code"),
    _change(
        "C07",
        "routing number, account number and transaction code are wrong",
        "routing_number",
        "dfi_account_number",
        "transaction_code",
    ),
    _change("C08", "the receiving bank's number of an IAT entry is wrong", "rdfi_identification"),
    _change("C09", "the receiver's identification is wrong", "identification_number"),
    _change("C13", "the addenda are not in their format"),
    _change("C14", "an outbound international payment bears another class than IAT"),
    _refusal("C61", "the notification went to the wrong bank"),
    _refusal("C62", "its trace number is wrong"),
    _refusal("C63", "its company identification is wrong"),
    _refusal("C64", "its identification of the receiver is wrong"),
    _refusal("C65", "its corrected data are not in their format"),
    _refusal("C66", "its discretionary data are wrong"),
    _refusal("C67", "its routing number is not that of the entry"),
    _refusal("C68", "its account number is not that of the entry"),
    _refusal("C69", "its transaction code is wrong"),
)

CHANGES: Mapping[str, Change] = {change.code: change for change in ALL}
REFUSED_CHANGES = frozenset(change.code for change in ALL if change.is_refusal)
