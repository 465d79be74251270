"""Files of the Automated Clearing House to try the codec on, made by the codec: one of every entry class and step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ecosystem.kernel.nacha import AddendaDraft, BatchDraft, EntryDraft, FileDraft, composed, written
from ecosystem.kernel.nacha.layouts import (
    ADDENDA_02,
    ADDENDA_05,
    ADDENDA_10,
    ADDENDA_11,
    ADDENDA_12,
    ADDENDA_13,
    ADDENDA_14,
    ADDENDA_15,
    ADDENDA_16,
    ADDENDA_17,
    ADDENDA_18,
    ADDENDA_98,
    ADDENDA_98_REFUSED,
    ADDENDA_99,
    ADDENDA_99_CONTESTED,
    ADDENDA_99_DISHONORED,
    IAT_ADDENDA_98,
    Layout,
)

ODFI = "07640125"
BANKS = ("231380104", "121042882", "091400606", "031300012")
MADE_AT = datetime(2026, 11, 20, 9, 5, tzinfo=ZoneInfo("America/New_York"))
EFFECTIVE_ON = date(2026, 11, 23)


def file(*batches: BatchDraft, ending: str = "\n") -> bytes:
    """A file of these batches."""
    draft = FileDraft(
        destination="076401251",
        origin="1234567890",
        created_at=MADE_AT,
        destination_name="Harbour Bank",
        origin_name="Ecosystem",
        batches=batches,
    )
    return b"".join(written(composed(draft, ending=ending)))


def batch(entry_class: str, service_class: str, *entries: EntryDraft) -> BatchDraft:
    """A batch of these entries, with what its class asks of a heading."""
    descriptions = {"ENR": "AUTOENROLL", "RCK": "REDEPCHECK"}
    return BatchDraft(
        entry_class=entry_class,
        service_class=service_class,
        company_name="Ecosystem",
        company_identification="1234567890",
        description=descriptions.get(entry_class, "PAYOUT"),
        effective_on=None if entry_class == "ENR" else EFFECTIVE_ON,
        odfi=ODFI,
        status={"ADV": "0", "DNE": "2"}.get(entry_class, "1"),
        entries=entries,
    )


def entry(code: str = "22", cents: int = 12_345, sequence: int = 1, **changed: object) -> EntryDraft:
    """An entry of somebody at one of some banks."""
    made = EntryDraft(
        transaction_code=code,
        routing_number=BANKS[sequence % len(BANKS)],
        account_number=f"{81_967_038_518 + sequence}",
        cents=cents,
        sequence=sequence,
        name=f"Person {sequence}",
        identification=f"pay-{sequence}",
    )
    return replace(made, **changed)


def addenda(layout: Layout, **values: str | int) -> AddendaDraft:
    return AddendaDraft(layout=layout, values=values)


def remittance(text: str = "booking 1") -> AddendaDraft:
    return addenda(ADDENDA_05, payment_related_information=text)


def terminal() -> AddendaDraft:
    return addenda(
        ADDENDA_02,
        reference_information_one="REFONEA",
        reference_information_two="REF",
        terminal_identification_code="TERM02",
        transaction_serial_number="100049",
        transaction_date="1113",
        authorization_code_or_expire_date="123456",
        terminal_location="Target Store 0049",
        terminal_city="PHILADELPHIA",
        terminal_state="PA",
    )


def returned(code: str, **more: str | int) -> AddendaDraft:
    return addenda(ADDENDA_99, return_code=code, original_trace=f"{ODFI}0000001", original_dfi="23138010", **more)


def changed(code: str, data: str) -> AddendaDraft:
    return addenda(
        ADDENDA_98, change_code=code, original_trace=f"{ODFI}0000001", original_dfi="23138010", corrected_data=data
    )


INTERNATIONAL: Sequence[AddendaDraft] = (
    addenda(
        ADDENDA_10, transaction_type_code="ANN", foreign_payment_amount=100_000, foreign_trace_number="928", name="BEK"
    ),
    addenda(ADDENDA_11, originator_name="BEK Solutions", originator_street_address="15 West Place Street"),
    addenda(ADDENDA_12, originator_city_state_province="Jacobstown*PA\\", originator_country_postal_code="US*19305\\"),
    addenda(
        ADDENDA_13,
        odfi_name="Harbour Bank",
        odfi_id_number_qualifier="01",
        odfi_identification="076401251",
        odfi_branch_country_code="US",
    ),
    addenda(
        ADDENDA_14,
        rdfi_name="Citadel Bank",
        rdfi_id_number_qualifier="01",
        rdfi_identification="231380104",
        rdfi_branch_country_code="CA",
    ),
    addenda(ADDENDA_15, receiver_id_number="987465493213987", receiver_street_address="2121 Front Street"),
    addenda(ADDENDA_16, receiver_city_state_province="Lettertown*AB\\", receiver_country_postal_code="CA*80014\\"),
)


def international(entry_class: str, indicator: str, *entries: EntryDraft) -> BatchDraft:
    """A batch that crosses a border."""
    return replace(
        batch(entry_class, "200", *entries),
        company_name=indicator,
        more={
            "foreign_exchange_indicator": "FF",
            "foreign_exchange_reference_indicator": "3",
            "iso_destination_country_code": "CA",
            "iso_originating_currency_code": "CAD",
            "iso_destination_currency_code": "USD",
        },
    )


def _payments() -> Iterator[tuple[str, BatchDraft]]:
    yield "ACK", batch("ACK", "220", entry("24", 0, addenda=[remittance("acknowledged")]))
    yield (
        "ADV",
        batch(
            "ADV",
            "280",
            *(
                entry(
                    code,
                    5_000 * sequence,
                    sequence,
                    account_number="744-5678-99",
                    more={
                        "advice_routing_number": "121042882",
                        "file_identification": "11131",
                        "ach_operator_routing_number": "01100001",
                        "julian_day": 50,
                    },
                )
                for sequence, code in enumerate(("81", "82"), start=1)
            ),
        ),
    )
    yield "ARC", batch("ARC", "225", entry("27", 250_000, identification="123879654"))
    two = [remittance("one"), remittance("two")]
    yield "ATX", batch("ATX", "220", entry("24", 0, name="0002Receiver & Co", addenda=two))
    yield "BOC", batch("BOC", "225", entry("27", 250_000))
    yield "CCD", batch("CCD", "200", entry(), entry("27", 5_000, 2, addenda=[remittance()]), entry("23", 0, 3))
    yield "CIE", batch("CIE", "220", entry("22", 100, name="A Consumer", addenda=[remittance()]))
    yield "CTX", batch("CTX", "225", entry("27", 100_000, name="0002Receiver & Co", addenda=two))
    yield "DNE", batch("DNE", "220", entry("23", 0, addenda=[remittance("DATE OF DEATH*010226*CUSTOMERSSN*1")]))
    yield "ENR", batch("ENR", "220", entry("23", 0, addenda=[remittance("22*12200004*3*123987654321*1*DOE*JOHN*1\\")]))
    yield "IAT", international("IAT", "", entry("22", 100_000, addenda=INTERNATIONAL))
    more = [
        *INTERNATIONAL,
        addenda(ADDENDA_17, payment_related_information="a payment"),
        addenda(ADDENDA_17, payment_related_information="from one country to another"),
        addenda(
            ADDENDA_18,
            foreign_correspondent_bank_name="Bank of Turkey",
            foreign_correspondent_bank_id_number_qualifier="01",
            foreign_correspondent_bank_id_number="12312345678910",
            foreign_correspondent_bank_branch_country_code="TR",
        ),
    ]
    yield "IAT with all addenda", international("IAT", "", entry("27", 2_000, addenda=more))
    yield "MTE", batch("MTE", "225", entry("27", 10_000, name="Jane Doe", addenda=[terminal()]))
    yield "POP", batch("POP", "225", entry("27", 250_500, identification="1234567  PHILPA"))
    yield "POS", batch("POS", "225", entry("27", 1_000, discretionary="01", addenda=[terminal()]))
    yield "PPD", batch("PPD", "200", entry(), entry("27", 7, 2), entry("32", 8, 3, addenda=[remittance()]))
    yield "prenotes", batch("PPD", "200", entry("23", 0), entry("28", 0, 2), entry("33", 0, 3), entry("38", 0, 4))
    yield "RCK", batch("RCK", "225", entry("27", 2_400))
    yield (
        "SHR",
        batch(
            "SHR",
            "225",
            entry("27", 1_000, identification="072812345678910", discretionary="01", addenda=[terminal()]),
        ),
    )
    yield "TEL", batch("TEL", "225", entry("27", 2_000))
    yield "TEL, taken back", replace(batch("TEL", "220", entry("22", 2_000)), description="REVERSAL")
    yield "TRC", batch("TRC", "225", entry("27", 2_500, name="CHECK1RESEARCH12"))
    yield "TRX", batch("TRX", "225", entry("27", 2_500, name="0001Receiver & Co", addenda=[remittance()]))
    yield "WEB", batch("WEB", "225", entry("27", 6_342), entry("37", 1, 2, addenda=[remittance()]))
    yield "XCK", batch("XCK", "225", entry("27", 2_500, name="CHECK1RESEARCH12"))


def _answers() -> Iterator[tuple[str, BatchDraft]]:
    """What comes back: returns, what follows them, changes and their refusal."""
    yield "return", batch("PPD", "220", entry("21", 5_000, addenda=[returned("R01")]))
    yield "return of a prenote", batch("CCD", "225", entry("26", 0, addenda=[returned("R03")]))
    yield (
        "return of a death",
        batch("PPD", "220", entry("21", 5_000, addenda=[returned("R15", date_of_death="260801")])),
    )
    kept = [remittance(), returned("R31")]
    yield "return of a CTX", batch("CTX", "225", entry("26", 5_000, name="0002Receiver & Co", addenda=kept))
    dishonored = addenda(
        ADDENDA_99_DISHONORED,
        dishonored_return_reason_code="R68",
        original_entry_trace_number=f"{ODFI}0000001",
        original_receiving_dfi_identification="23138010",
        return_trace_number="231380100000009",
        return_settlement_date="327",
        return_reason_code="01",
        addenda_information="Untimely Return",
    )
    yield "dishonoured return", batch("PPD", "225", entry("26", 5_000, addenda=[dishonored]))
    contested = addenda(
        ADDENDA_99_CONTESTED,
        contested_return_code="R73",
        original_entry_trace_number=f"{ODFI}0000001",
        date_original_entry_returned="261120",
        original_receiving_dfi_identification="23138010",
        original_settlement_date="325",
        return_trace_number="231380100000009",
        return_settlement_date="327",
        return_reason_code="01",
        dishonored_return_trace_number=f"{ODFI}0000002",
        dishonored_return_settlement_date="329",
        dishonored_return_reason_code="68",
    )
    yield "contested return", batch("PPD", "220", entry("21", 5_000, addenda=[contested]))
    yield "change", batch("COR", "200", entry("21", 0, addenda=[changed("C01", "1918171614")]))
    refused = addenda(
        ADDENDA_98_REFUSED,
        refused_change_code="C64",
        original_trace=f"{ODFI}0000001",
        original_dfi="23138010",
        corrected_data="1918171614",
        change_code="C01",
        trace_sequence_number="0000009",
    )
    yield "refused change", batch("COR", "200", entry("26", 0, addenda=[refused]))
    yield "international return", international("IAT", "", entry("21", 9, addenda=[*INTERNATIONAL, returned("R80")]))
    foreign = addenda(
        IAT_ADDENDA_98,
        change_code="C08",
        original_trace=f"{ODFI}0000001",
        original_dfi="23138010",
        corrected_data="12345678901234567890123456789012345",
    )
    yield (
        "international change",
        international("COR", "IATCOR", entry("21", 0, more={"addenda_records": 1}, addenda=[foreign])),
    )


def samples() -> Mapping[str, bytes]:
    """A small file for each, by what it shows; every one is right."""
    return {name: file(drafted) for name, drafted in (*_payments(), *_answers())}


def payouts(count: int) -> Iterable[bytes]:
    """A file of that many payouts, a block at a time, so that files of any size can be made."""
    entries = (entry(sequence=sequence, cents=1_000 + sequence % 90_000) for sequence in range(1, count + 1))
    draft = FileDraft(
        destination="076401251",
        origin="1234567890",
        created_at=MADE_AT,
        destination_name="Harbour Bank",
        origin_name="Ecosystem",
        batches=[replace(batch("PPD", "220"), entries=entries)],
    )
    return written(composed(draft))
