"""What entries have to be: each field by itself, and what their class, their batch and their addenda ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecosystem.kernel.nacha.addenda import MANDATORY_INTERNATIONAL
from ecosystem.kernel.nacha.classes import CARD_TYPES, EntryClass
from ecosystem.kernel.nacha.countries import STATES
from ecosystem.kernel.nacha.fields import is_digits, is_routing_number, is_text, says_something, strange
from ecosystem.kernel.nacha.records import Category, Entry, Record
from ecosystem.kernel.nacha.refusals import Wrong
from ecosystem.kernel.nacha.transactions import TRANSACTIONS, Direction, Purpose, Transaction

INTERNATIONAL_REMITTANCES_MAX = 2
INTERNATIONAL_BANKS_MAX = 5
CARD_YEARS = range(18, 51)
_MANY = frozenset({"addenda_05", "addenda_17", "addenda_18"})
REMITTANCE_RETURNS = frozenset({"ATX", "CTX", "PPD", "TRX", "WEB"})


def record_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the fields that every kind of entry has."""
    if record.raw("transaction_code") not in TRANSACTIONS:
        yield Wrong("transaction_code", "transaction_code", record.raw("transaction_code"))
    nine = record.raw("rdfi_identification") + record.raw("check_digit")
    if not record["rdfi_identification"]:
        yield Wrong("rdfi_identification", "mandatory")
    elif not is_routing_number(nine):
        yield Wrong("check_digit", "check_digit", nine)
    if not is_digits(record["amount"]):
        yield Wrong("amount", "numeric", record["amount"])
    if not is_text(record.raw("dfi_account_number")):
        yield Wrong("dfi_account_number", "characters", strange(record["dfi_account_number"]))


def domestic_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the fields of an entry that is no advice and crosses no border."""
    yield from record_wrongs(record)
    if not record["dfi_account_number"]:
        yield Wrong("dfi_account_number", "mandatory")
    if not record["trace_number"]:
        yield Wrong("trace_number", "mandatory")
    for field in ("identification_number", "individual_name", "discretionary_data"):
        if not is_text(record.raw(field)):
            yield Wrong(field, "characters", strange(record[field]))


def iat_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the fields of an international entry."""
    yield from record_wrongs(record)
    for field in ("dfi_account_number", "trace_number"):
        if not record[field]:
            yield Wrong(field, "mandatory")
    if record.number("addenda_records") == 0:
        yield Wrong("addenda_records", "addenda_count", record["addenda_records"])
    if record["addenda_record_indicator"] != "1":
        yield Wrong("addenda_record_indicator", "addenda_indicator", record["addenda_record_indicator"])


def adv_wrongs(record: Record) -> Iterator[Wrong]:
    """What is wrong with the fields of an accounting advice."""
    yield from record_wrongs(record)
    for field in ("advice_routing_number", "ach_operator_routing_number"):
        if not record[field]:
            yield Wrong(field, "mandatory")
    for field in (
        "advice_routing_number",
        "individual_name",
        "discretionary_data",
        "ach_operator_routing_number",
    ):
        if not is_text(record.raw(field)):
            yield Wrong(field, "characters", strange(record[field]))
    if record.number("julian_day") == 0:
        yield Wrong("julian_day", "julian_day", record["julian_day"])
    if record.number("sequence_number") == 0:
        yield Wrong("sequence_number", "mandatory", record["sequence_number"])


def direction_wrongs(code: str, service_class: str) -> Iterator[Wrong]:
    """Whether an entry goes the way of its batch."""
    transaction = TRANSACTIONS.get(code)
    if transaction is None:
        return
    wanted = {"220": Direction.CREDIT, "225": Direction.DEBIT}.get(service_class)
    if wanted is not None and transaction.direction is not wanted:
        yield Wrong("transaction_code", "service_class_direction", code)


def class_wrongs(entry: Entry, kind: EntryClass, *, is_reversal: bool) -> Iterator[Wrong]:
    """What an entry's class asks of it and of its addenda. International ones and advices have functions of their own."""
    record = entry.record
    code = record.raw("transaction_code")
    transaction = TRANSACTIONS.get(code)
    if transaction is not None:
        if not _is_of_class(transaction, kind):
            yield Wrong("transaction_code", "transaction_code_of_class", code)
        only = kind.only
        if kind.code == "TEL":
            # What was agreed on the telephone are debits; only taking them back is a credit.
            only = Direction.CREDIT if is_reversal else Direction.DEBIT
        if only is not None and transaction.direction is not only:
            yield Wrong("transaction_code", f"{only.value}s_only", code)
        yield from _amount_wrongs(entry, kind, transaction.purpose)
    yield from _field_wrongs(record, kind)
    yield from _addenda_wrongs(entry, kind)


def _is_of_class(transaction: Transaction, kind: EntryClass) -> bool:
    if kind.code == "COR":
        return transaction.purpose is Purpose.RETURN
    return transaction.purpose is not Purpose.ADVICE and (kind.codes is None or transaction.code in kind.codes)


def _amount_wrongs(entry: Entry, kind: EntryClass, purpose: Purpose) -> Iterator[Wrong]:
    cents = entry.amount_cents
    if kind.cents_max is not None and cents > kind.cents_max:
        yield Wrong("amount", "amount_max", str(cents))
    if kind.code == "MTE" and not cents:
        yield Wrong("amount", "amount_zero")
    elif kind.is_without_money and cents:
        yield Wrong("amount", "amount_not_zero", str(cents))
    elif entry.category is Category.CHANGE:
        if cents:
            yield Wrong("amount", "amount_not_zero", str(cents))
    elif entry.category is Category.FORWARD:
        if purpose is Purpose.PRENOTE:
            if cents:
                yield Wrong("amount", "amount_not_zero", str(cents))
        elif not cents and not _may_be_zero(entry, kind, purpose):
            yield Wrong("amount", "amount_zero")


def _may_be_zero(entry: Entry, kind: EntryClass, purpose: Purpose) -> bool:
    """Acknowledgements, and papers sent without money between companies."""
    if purpose is not Purpose.ZERO_DOLLAR:
        return False
    return kind.code in {"ACK", "ATX"} or (kind.code in {"CCD", "CTX"} and len(entry.addenda) > 0)


def _field_wrongs(record: Record, kind: EntryClass) -> Iterator[Wrong]:
    if kind.is_named and not says_something(record.raw("individual_name")):
        yield Wrong("individual_name", "individual_name")
    if kind.is_numbered and not says_something(record.raw("identification_number")):
        yield Wrong("identification_number", "identification_number")
    if kind.has_card_type and record.raw("discretionary_data") not in CARD_TYPES:
        yield Wrong("discretionary_data", "card_transaction_type", record.raw("discretionary_data"))
    if kind.has_card_expiry:
        expires = record.raw("identification_number")[:4]
        if not (is_digits(expires) and 1 <= int(expires[:2]) <= 12 and int(expires[2:]) in CARD_YEARS):
            yield Wrong("identification_number", "card_expiration_date", expires)
    if kind.has_control_fields:
        if not record.raw("individual_name")[:6].strip():
            yield Wrong("individual_name", "process_control")
        if not record.raw("individual_name")[6:].strip():
            yield Wrong("individual_name", "item_research_number")


def _addenda_wrongs(entry: Entry, kind: EntryClass) -> Iterator[Wrong]:
    names = [addenda.layout.name for addenda in entry.addenda]
    remittances = names.count("addenda_05")
    yield from _repeated(entry)
    if "addenda_02" in names and (kind.addenda != "terminal" or entry.category is not Category.FORWARD):
        yield _misplaced(entry, "02")
    if remittances and not _has_remittances(entry.category, kind):
        yield _misplaced(entry, "05")
    if kind.addenda == "terminal" and entry.category is Category.FORWARD:
        yield from _terminal_wrongs(entry)
    yield from _change_wrongs(entry, kind, names)
    if kind.addenda == "one" and remittances > 1:
        yield Wrong("addenda_type_code", "addenda_max", str(remittances), _last(entry, "05"))
    if remittances < kind.addenda_min:
        yield Wrong("addenda_type_code", "addenda_missing", "05")
    if kind.counts_addenda:
        yield from _count_wrongs(entry, kind, names)


def _change_wrongs(entry: Entry, kind: EntryClass, names: Sequence[str]) -> Iterator[Wrong]:
    """Changes come in batches of their class, whose entries have nothing else."""
    has_change = "addenda_98" in names or "addenda_98_refused" in names
    if kind.code == "COR" and not has_change:
        yield Wrong("addenda_type_code", "addenda_missing", "98")
    if has_change and (kind.code != "COR" or entry.category is not Category.CHANGE):
        yield _misplaced(entry, "98")
    if entry.category is Category.CHANGE and any(name.startswith("addenda_99") for name in names):
        yield _misplaced(entry, "99")


def _last(entry: Entry, kind: str) -> Record | None:
    """The last addenda of this type. Some may be of no type that is known, and so have no fields to ask for."""
    return next((each for each in reversed(entry.addenda) if each.text[1:3] == kind), None)


def _misplaced(entry: Entry, kind: str) -> Wrong:
    return Wrong("addenda_type_code", "addenda_category", kind, _last(entry, kind))


def _repeated(entry: Entry) -> Iterator[Wrong]:
    seen: set[str] = set()
    for addenda in entry.addenda:
        name = addenda.layout.name
        if name in seen and name not in _MANY:
            yield Wrong("addenda_type_code", "addenda_repeated", name, addenda)
        seen.add(name)


def _terminal_wrongs(entry: Entry) -> Iterator[Wrong]:
    terminal = next((each for each in entry.addenda if each.layout.name == "addenda_02"), None)
    if terminal is None:
        yield Wrong("addenda_type_code", "addenda_missing", "02")
    elif terminal["terminal_state"].upper() not in STATES:
        yield Wrong("terminal_state", "terminal_state", terminal["terminal_state"], terminal)


def _has_remittances(category: Category, kind: EntryClass) -> bool:
    """Whether an entry may have remittance addenda; what came back brings them with it in some classes only."""
    if category is Category.FORWARD:
        return kind.addenda in {"one", "many"}
    if category is Category.RETURN:
        return kind.code == "CTX"
    return category is not Category.CHANGE and kind.code in REMITTANCE_RETURNS


def _count_wrongs(entry: Entry, kind: EntryClass, names: Sequence[str]) -> Iterator[Wrong]:
    counted = {"addenda_05"} if kind.code != "CTX" else {"addenda_05", "addenda_98", "addenda_99"}
    count = sum(name in counted for name in names)
    said = entry.record.raw("individual_name")[:4].strip()
    if count != (int(said) if is_digits(said) else 0):
        yield Wrong("individual_name", "addenda_count", said)


def sequence_wrongs(entry: Entry, trace_tail: str) -> Iterator[Wrong]:
    """Whether addenda are numbered, and end with the tail of their entry's trace number."""
    last: dict[str, int] = {}
    for addenda in entry.addenda:
        spans = addenda.layout.spans
        if "entry_detail_sequence_number" not in spans:
            continue
        of_entry = addenda["entry_detail_sequence_number"]
        if of_entry.rjust(7, "0") != trace_tail:
            yield Wrong("entry_detail_sequence_number", "addenda_trace", of_entry, addenda)
        if "sequence_number" in spans:
            number = addenda.number("sequence_number")
            if number < last.get(addenda.layout.name, 0):
                yield Wrong("sequence_number", "addenda_sequence", addenda["sequence_number"], addenda)
            last[addenda.layout.name] = number


def international_wrongs(entry: Entry, *, is_change_batch: bool) -> Iterator[Wrong]:
    """What an international entry asks of its addenda; a change of one has to stand in a batch for changes."""
    names = [addenda.layout.name for addenda in entry.addenda]
    kinds = [name.removeprefix("addenda_") for name in names]
    yield from _repeated(entry)
    for kind, most in (("17", INTERNATIONAL_REMITTANCES_MAX), ("18", INTERNATIONAL_BANKS_MAX)):
        if kinds.count(kind) > most:
            yield Wrong("addenda_type_code", "addenda_max", kind, _last(entry, kind))
    if "98" in kinds:
        transaction = TRANSACTIONS.get(entry.transaction_code)
        if not is_change_batch:
            yield Wrong("addenda_type_code", "iat_change", "", _last(entry, "98"))
        if transaction is not None and transaction.purpose is not Purpose.RETURN:
            yield Wrong("transaction_code", "transaction_code_of_class", entry.transaction_code)
        return
    for missing in [kind for kind in MANDATORY_INTERNATIONAL if kind not in kinds]:
        yield Wrong("addenda_type_code", "addenda_missing", missing)
    if entry.category is Category.RETURN and ("17" in kinds or "18" in kinds):
        yield _misplaced(entry, "17" if "17" in kinds else "18")


def advice_wrongs(entry: Entry) -> Iterator[Wrong]:
    """What an accounting advice asks: codes of its own, at most a return besides."""
    transaction = TRANSACTIONS.get(entry.transaction_code)
    if entry.category is Category.FORWARD and transaction is not None and transaction.purpose is not Purpose.ADVICE:
        yield Wrong("transaction_code", "transaction_code_of_class", entry.transaction_code)
    yield from _repeated(entry)
