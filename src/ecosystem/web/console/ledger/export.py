"""A statement as a table for spreadsheets."""

from __future__ import annotations

import re

from ecosystem.kernel.money import exponent
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import sortable
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.console.desk import get
from ecosystem.web.console.ledger.routes import AskedAccount, span_of
from ecosystem.web.visit import Visit

# What a spreadsheet would take for a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@get("/console/ledger/account.csv")
async def export(request: Visit) -> Answer:
    """The statement as a table for spreadsheets: at most the latest ten thousand lines."""
    asked = request.query_of(AskedAccount).asked
    entry = await request.market.explorer.account(asked.id, request.actor)
    start_at, end_at = span_of(request, asked.month, entry.position.account)
    statement = await request.market.explorer.export(asked.id, request.actor, start_at=start_at, end_at=end_at)
    places = exponent(statement.ledger) if _is_currency(statement.ledger) else 0
    head = (
        "at",
        "transfer",
        "code",
        "counter_account",
        "reference",
        "state",
        "pending",
        "posted",
        "balance",
        "currency",
    )
    lines = [",".join(head)]
    for line in statement.lines:
        made = line.transfer
        cells = (
            sortable(made.at),
            made.transfer_id,
            str(made.code),
            line.counter_account_id,
            made.reference,
            made.state.value,
            _decimal(line.pending, places),
            _decimal(line.posted, places),
            "" if line.balance is None else _decimal(line.balance, places),
            statement.ledger,
        )
        lines.append(",".join(map(_cell, cells)))
    name = re.sub(r"[^A-Za-z0-9]+", "-", asked.id).strip("-")
    headers = (
        ("cache-control", "private, no-cache"),
        ("content-disposition", f'attachment; filename="{name}.csv"'),
    )
    body = ("\r\n".join(lines) + "\r\n").encode()
    return Drawn(status=200, headers=headers, body=body, media_type="text/csv; charset=utf-8").answer()


def _is_currency(name: str) -> bool:
    try:
        exponent(name)
    except Invalid:
        return False
    return True


def _decimal(units: int, places: int) -> str:
    whole, part = divmod(abs(units), 10**places)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def _cell(text: str) -> str:
    """A cell that no spreadsheet runs; numbers stay numbers."""
    if text.startswith(_FORMULA) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        text = f"'{text}"
    if any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
