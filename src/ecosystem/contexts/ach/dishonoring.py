"""Dishonouring: an entry that tells the receiving bank that we do not accept its return, and why.

It goes out in the next file as any entry does, under a trace number of its own, and with it the money goes the way of
the returned entry once more. The receiving bank may contest it within two banking days (Nacha Operating Rules,
subsections 2.12.5 and 3.8.5; Appendix Four for the layout).
"""

from __future__ import annotations

from ecosystem.contexts.ach.entries import Dishonor, Entry, OriginateEntry, Purpose
from ecosystem.contexts.ach.receivers import Particulars
from ecosystem.contexts.ach.returns import ExceptionKind, Return
from ecosystem.kernel.banking import eastern_day
from ecosystem.kernel.nacha import AddendaDraft
from ecosystem.kernel.nacha.layouts import ADDENDA_99_DISHONORED

FIELDS = {ExceptionKind.WRONG_ACCOUNT: "01", ExceptionKind.WRONG_AMOUNT: "03"}
"""Which field is in error, for R69: 01 the account number, 03 the amount (Appendix Four, addenda information)."""


def dishonor_id(return_id: str) -> str:
    """The id of the entry that dishonours a return."""
    return f"{return_id}.dishonor"


def dishonoring(entry: Entry, particulars: Particulars, returned: Return, kind: ExceptionKind | None) -> OriginateEntry:
    """The request for the entry that dishonours the return of `entry`. It moves what the return moved."""
    return OriginateEntry(
        entry_id=dishonor_id(returned.return_id),
        purpose=Purpose.DISHONOR,
        direction=entry.direction,
        cause_id=returned.return_id,
        receiver=entry.receiver,
        particulars=particulars,
        cents=returned.cents,
        authorization=entry.authorization,
        identification=entry.identification,
        dishonors=Dishonor(
            code=returned.dishonor_code,
            return_code=returned.code,
            original_trace=returned.original_trace,
            return_trace=returned.trace_number,
            returned_on=eastern_day(returned.received_at),
            entry_class=entry.entry_class,
            description=entry.description,
            information=FIELDS.get(kind, "") if kind else "",
        ),
    )


def dishonored(entry: Entry, particulars: Particulars) -> AddendaDraft:
    """The addenda of an entry that dishonours a return."""
    told = entry.dishonors
    assert told is not None
    return AddendaDraft(
        layout=ADDENDA_99_DISHONORED,
        values={
            "dishonored_return_reason_code": told.code,
            "original_entry_trace_number": told.original_trace,
            "original_receiving_dfi_identification": particulars.routing_number[:8],
            "return_trace_number": told.return_trace,
            "return_settlement_date": f"{told.returned_on:%j}",
            "return_reason_code": told.return_code[1:],
            "addenda_information": told.information,
        },
    )
