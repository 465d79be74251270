"""What the bank writes: acknowledgements, files of returns and changes, statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from ecosystem.kernel.nacha import (
    TRANSACTIONS,
    AddendaDraft,
    BatchDraft,
    Direction,
    EntryDraft,
    FileDraft,
    Layout,
    composed,
    written,
)
from ecosystem.kernel.nacha.layouts import ADDENDA_98, ADDENDA_99, ADDENDA_99_CONTESTED
from ecosystem.sandbank.books import Line

_RETURNED = {"2": {Direction.CREDIT: "21", Direction.DEBIT: "26"}, "3": {Direction.CREDIT: "31", Direction.DEBIT: "36"}}
ACK_HEADER = "file,sha256,result,reason,entries,debit_cents,credit_cents,received_at"


def acknowledgement(told: dict[str, Any]) -> bytes:
    """What the bank says of a file."""
    row = ",".join(str(told[name]) for name in ACK_HEADER.split(","))
    return f"{ACK_HEADER}\n{row}\n".encode()


def returns(items: Sequence[dict[str, Any]], made_at: datetime, modifier: str) -> bytes:
    """A file of returns, changes and contested returns. `items` are the entries that come back, with their headers."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for item in items:
        is_change = item["code"].startswith("C")
        direction = _direction(item)
        key = (
            item["routing"][:8],
            "COR" if is_change else item["entry_class"],
            item["description"],
            "change" if is_change else "contested" if item.get("contested") else "return",
            direction,
        )
        groups.setdefault(key, []).append(item)
    first = items[0]
    batches = [
        BatchDraft(
            entry_class=key[1],
            service_class="220" if key[4] == "credit" else "225",
            company_name=members[0]["company_name"],
            company_identification=members[0]["company"],
            description=key[2],
            effective_on=made_at.date(),
            odfi=key[0],
            entries=[_entry(member) for member in sorted(members, key=lambda each: each["number"])],
        )
        for key, members in groups.items()
    ]
    draft = FileDraft(
        destination=first["odfi_routing"],
        origin=first["destination"],
        created_at=made_at,
        modifier=modifier,
        destination_name="SANDBANK",
        origin_name="SANDBANK",
        batches=batches,
    )
    return b"".join(written(composed(draft)))


def _direction(item: dict[str, Any]) -> str:
    return TRANSACTIONS[item["transaction_code"]].direction.value


def _entry(item: dict[str, Any]) -> EntryDraft:
    code = _RETURNED[item["transaction_code"][0]][Direction(_direction(item))]
    return EntryDraft(
        transaction_code=code,
        routing_number=item["odfi_routing"],
        account_number=item["account"],
        cents=0 if item["code"].startswith("C") else item["cents"],
        sequence=item["number"],
        name=item["name"],
        identification=item["identification"],
        addenda=[_addenda(item)],
        more={"discretionary_data": item.get("discretionary", "")},
    )


def _addenda(item: dict[str, Any]) -> AddendaDraft:
    layout: Layout
    if item["code"].startswith("C"):
        layout, values = ADDENDA_98, {"change_code": item["code"], "corrected_data": item["corrected"]}
        named = {"original_trace": item["trace"], "original_dfi": item["routing"][:8]}
    elif item.get("contested"):
        layout = ADDENDA_99_CONTESTED
        values = {
            "contested_return_code": item["contested"],
            "return_trace_number": item["return_trace"],
            "return_reason_code": item["code"][1:],
            "dishonored_return_trace_number": item["dishonored_trace"],
            "dishonored_return_reason_code": item["dishonored"][1:],
        }
        named = {
            "original_entry_trace_number": item["trace"],
            "original_receiving_dfi_identification": item["routing"][:8],
        }
    else:
        layout, values = ADDENDA_99, {"return_code": item["code"], "addenda_information": item.get("words", "")}
        named = {"original_trace": item["trace"], "original_dfi": item["routing"][:8]}
    return AddendaDraft(layout=layout, values={**values, **named})


def statement(day: date, account: str, opening: int, lines: Sequence[Line], number: int) -> bytes:
    """A day's statement in BAI2 (Cash Management Balance Reporting Specifications, version 2)."""
    closing = opening + sum(line.cents if line.is_in else -line.cents for line in lines)
    total = opening + closing + sum(line.cents for line in lines)
    stamp = f"{day:%y%m%d}"
    records = [
        f"01,SANDBANK,ECOSYSTEM,{stamp},2359,{number},94,,2/",
        f"02,ECOSYSTEM,SANDBANK,1,{stamp},2359,USD,2/",
        f"03,{account},USD,010,{opening},,,015,{closing},,/",
        *(f"16,{line.type},{line.cents},Z,{line.reference},{line.ours},{line.words}/" for line in lines),
        f"49,{total},{len(lines) + 2}/",
        f"98,{total},1,{len(lines) + 4}/",
        f"99,{total},1,{len(lines) + 6}/",
    ]
    return "".join(f"{record}\n" for record in records).encode()
