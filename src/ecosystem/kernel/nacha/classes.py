"""Standard Entry Class codes: what each allows and asks of its batches and entries.

NACHA Operating Rules, Article Two (each class's section) and Appendix Three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ecosystem.kernel.nacha.transactions import Direction


class EntryClass(Struct, frozen=True, kw_only=True):
    """One Standard Entry Class.

    `addenda` says what a payment of it carries besides: nothing, "one" or "many" of type 05, or "terminal" (type 02).
    `counts_addenda` are those whose entries say how many addenda follow, before the receiver's name.
    """

    code: str
    meaning: str
    addenda: str = "none"
    addenda_min: int = 0
    counts_addenda: bool = False
    only: Direction | None = None
    codes: frozenset[str] | None = None
    cents_max: int | None = None
    is_without_money: bool = False
    is_named: bool = True
    is_numbered: bool = False
    has_card_type: bool = False
    has_card_expiry: bool = False
    has_control_fields: bool = False
    description: str | None = None
    service_classes: frozenset[str] = frozenset({"200", "220", "225"})


_DEBITS = frozenset({"200", "225"})
_CREDITS = frozenset({"200", "220"})

ALL: Sequence[EntryClass] = (
    EntryClass(
        code="ACK",
        meaning="a corporate payment (CCD) was received",
        addenda="one",
        codes=frozenset({"24", "34"}),
        is_without_money=True,
        is_named=False,
    ),
    EntryClass(
        code="ADV",
        meaning="accounting advices of an operator",
        service_classes=frozenset({"280"}),
        is_named=False,
    ),
    EntryClass(
        code="ARC",
        meaning="a check received by mail, made a debit",
        only=Direction.DEBIT,
        cents_max=2_500_000,
        service_classes=_DEBITS,
    ),
    EntryClass(
        code="ATX",
        meaning="a corporate exchange (CTX) was received",
        addenda="many",
        counts_addenda=True,
        codes=frozenset({"21", "24", "34"}),
        is_without_money=True,
        is_named=False,
    ),
    EntryClass(
        code="BOC",
        meaning="a check made a debit in the back office",
        only=Direction.DEBIT,
        cents_max=2_500_000,
        service_classes=_DEBITS,
    ),
    EntryClass(code="CCD", meaning="a payment between companies", addenda="one", is_named=False),
    EntryClass(
        code="CIE",
        meaning="a bill paid by a consumer",
        addenda="one",
        only=Direction.CREDIT,
        service_classes=_CREDITS,
    ),
    EntryClass(code="COR", meaning="a notification of change, or its refusal", is_named=False),
    EntryClass(
        code="CTX",
        meaning="a payment between companies with its papers",
        addenda="many",
        counts_addenda=True,
        is_named=False,
    ),
    EntryClass(
        code="DNE",
        meaning="a federal agency's notice of a death",
        addenda="one",
        addenda_min=1,
        codes=frozenset({"23", "33"}),
        is_without_money=True,
    ),
    EntryClass(
        code="ENR",
        meaning="enrolment for payments of a federal agency",
        addenda="many",
        codes=frozenset({"21", "23", "31", "33"}),
        is_without_money=True,
        description="AUTOENROLL",
    ),
    EntryClass(code="IAT", meaning="a payment that crosses a border", is_named=False),
    EntryClass(code="MTE", meaning="cash from a machine", addenda="terminal", is_numbered=True),
    EntryClass(
        code="POP",
        meaning="a check made a debit at the till",
        only=Direction.DEBIT,
        cents_max=2_500_000,
        service_classes=_DEBITS,
    ),
    EntryClass(code="POS", meaning="a card at a terminal", addenda="terminal", has_card_type=True),
    EntryClass(code="PPD", meaning="an arranged payment or deposit of a consumer", addenda="one"),
    EntryClass(
        code="RCK",
        meaning="a returned check, presented again",
        only=Direction.DEBIT,
        cents_max=250_000,
        description="REDEPCHECK",
        service_classes=_DEBITS,
    ),
    EntryClass(
        code="SHR",
        meaning="a card at a terminal of a shared network",
        addenda="terminal",
        has_card_type=True,
        has_card_expiry=True,
    ),
    EntryClass(code="TEL", meaning="a debit agreed on the telephone"),
    EntryClass(
        code="TRC",
        meaning="a check kept by the bank that took it",
        only=Direction.DEBIT,
        is_named=False,
        has_control_fields=True,
        service_classes=_DEBITS,
    ),
    EntryClass(
        code="TRX",
        meaning="many checks kept by the bank that took them",
        addenda="many",
        counts_addenda=True,
        only=Direction.DEBIT,
        is_named=False,
        service_classes=_DEBITS,
    ),
    EntryClass(code="WEB", meaning="a payment agreed on the Internet", addenda="one"),
    EntryClass(
        code="XCK",
        meaning="a check that was destroyed",
        only=Direction.DEBIT,
        cents_max=250_000,
        is_named=False,
        has_control_fields=True,
        service_classes=_DEBITS,
    ),
)

CLASSES: Mapping[str, EntryClass] = {each.code: each for each in ALL}

# Card transaction types of POS and SHR entries.
CARD_TYPES = frozenset({"01", "02", "03", "11", "12", "13", "21", "99"})

# Why money crosses the border: Transaction Type Codes of the first addenda of IAT entries.
TRANSACTION_TYPES = frozenset(
    "ANN BUS DEP LOA MIS MOR PEN REM RLS SAL TAX ARC BOC IAT MTE POP POS RCK SHR TEL WEB".split()
)
