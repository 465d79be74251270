"""What the provider earned: balances, what is held and when it comes, and the statement, on the page and as a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from io import StringIO
from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.ledger import Mark
from ecosystem.journeys.earnings import Balance, Entry
from ecosystem.journeys.earnings_years import Year
from ecosystem.journeys.tax import Told
from ecosystem.kernel.money import Money, currencies, decimal_text
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import local, midnight
from ecosystem.web import calendar
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.provider.area import Area, area, get
from ecosystem.web.visit import Visit

PER_PAGE = 25
PAYOUT = 70
EXPORT_DAYS_MAX = 3_700

KINDS = {
    20: ("Share released", "arrow-down"),
    40: ("Refund to a customer", "undo-2"),
    52: ("Taken back by the customer's bank", "undo-2"),
    62: ("Given back by the customer's bank", "arrow-down"),
    70: ("Payout", "landmark"),
    91: ("Written off", "scale"),
}
"""What a transfer on a provider's account is for, by its code in the chart of accounts."""
_BACK = "Payout that came back"
_OTHER = ("Correction", "scale")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Wanted(Struct, kw_only=True):
    currency: Annotated[str, Meta(max_length=3)] = ""
    after: Annotated[str, Meta(max_length=200)] = ""


class Period(Struct, kw_only=True):
    """Which part of the statement: from the first to the last day, both included.

    `full` asks for the whole tax number, to print; otherwise its last digits are shown.
    """

    currency: Annotated[str, Meta(max_length=3)] = ""
    first: date | None = None
    last: date | None = None
    full: bool = False


class OneYear(Struct, kw_only=True):
    currency: Annotated[str, Meta(max_length=3)] = ""
    year: int | None = None
    full: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """A line as the page shows it. `sign` stands before the amount."""

    entry: Entry
    kind: str
    icon: str
    sign: str
    amount: Money
    balance: Money
    owes: bool


@get("/provider/earnings")
async def show(request: Visit) -> Answer:
    """Balances, what comes next, and a page of the statement."""
    here, wanted = await area(request), request.query_of(Wanted).asked
    earnings, actor = request.market.earnings, request.actor
    earned = await earnings.summary(here.provider_id, actor, currency=request.kit.site.currency)
    currency = _currency(wanted.currency, earned.balances)
    after = Mark(wanted.after) if wanted.after else None
    account = await earnings.statement(here.provider_id, currency, actor, after=after, limit=PER_PAGE)
    today = local(request.at, here.zone).date()
    return here.page(
        "provider/earnings/page.html",
        balances=earned.balances,
        currency=currency,
        balance=next(each for each in earned.balances if each.currency == currency),
        releases=[each for each in earned.releases if each.share.currency == currency],
        rows=[_row(entry, currency) for entry in account.entries],
        after=wanted.after,
        next_after=account.next,
        query={"currency": currency},
        first=today.replace(day=1).isoformat(),
        last=today.isoformat(),
    )


@get("/provider/earnings/statement.csv")
async def statement(request: Visit) -> Answer:
    """The statement as a file for a spreadsheet (RFC 4180): times in the provider's zone, amounts as plain decimals."""
    here, asked = await area(request), request.query_of(Period).asked
    first, last = _period(here, asked)
    currency = asked.currency if asked.currency in currencies() else request.kit.site.currency
    entries = await request.market.earnings.export(
        here.provider_id,
        currency,
        request.actor,
        start_at=midnight(first, here.zone),
        end_at=midnight(last + timedelta(days=1), here.zone),
    )
    name = f"statement-{currency}-{first.isoformat()}-{last.isoformat()}.csv"
    headers = (("content-disposition", f'attachment; filename="{name}"'), ("cache-control", "private, no-store"))
    body = _csv(entries, currency, here.zone).encode("utf-8-sig")  # the mark tells spreadsheets that it is UTF-8
    return Drawn(status=200, headers=headers, body=body, media_type="text/csv; charset=utf-8").answer()


@get("/provider/earnings/statement")
async def printed(request: Visit) -> Answer:
    """The statement of a period, to read and to print: the balance before, each movement, the balance after."""
    here, asked = await area(request), request.query_of(Period).asked
    first, last = _period(here, asked)
    currency = asked.currency if asked.currency in currencies() else request.kit.site.currency
    period = await request.market.earnings_years.period(
        here.provider_id,
        currency,
        request.actor,
        first=first,
        last=last,
        zone=here.zone,
        end_at=midnight(last + timedelta(days=1), here.zone),
    )
    tax = await request.market.tax.of(here.provider_id, request.actor)
    return here.page(
        "provider/earnings/statement.html",
        period=period,
        rows=[_row(entry, currency) for entry in period.entries],
        opening=_signed(period.opening, currency),
        closing=_signed(period.closing, currency),
        tax=tax.details if tax else None,
        tax_number=_tax_number(tax, full=asked.full),
        full=asked.full,
        whole=f"/provider/earnings/statement?currency={currency}&first={first}&last={last}&full=1",
    )


@get("/provider/earnings/year")
async def year(request: Visit) -> Answer:
    """A year, month by month."""
    here, asked = await area(request), request.query_of(OneYear).asked
    found = await _year(here, asked)
    tax = await request.market.tax.of(here.provider_id, request.actor)
    return here.page(
        "provider/earnings/year.html",
        found=found,
        months=[calendar_month(each.month) for each in found.months],
        this_year=local(request.at, here.zone).year,
        tax=tax.details if tax else None,
        tax_number=_tax_number(tax, full=asked.full),
        full=asked.full,
        whole=f"/provider/earnings/year?currency={found.currency}&year={found.year}&full=1",
        written=partial(_signed, currency=found.currency),
    )


@get("/provider/earnings/year.csv")
async def year_file(request: Visit) -> Answer:
    """The same as a file for a spreadsheet (RFC 4180)."""
    here, asked = await area(request), request.query_of(OneYear).asked
    found = await _year(here, asked)
    written = StringIO()
    table = csv.writer(written)
    table.writerow(["month", "gross", "refunds", "fees", "net", "paid out", "currency"])
    for each in (*found.months, found.total):
        amounts = (each.gross, each.refunds, each.fees, each.net, each.paid_out)
        name = f"{found.year}-{each.month:02d}" if each.month else str(found.year)
        table.writerow([name, *(_signed(units, found.currency) for units in amounts), found.currency])
    headers = (
        ("content-disposition", f'attachment; filename="earnings-{found.currency}-{found.year}.csv"'),
        ("cache-control", "private, no-store"),
    )
    body = written.getvalue().encode("utf-8-sig")
    return Drawn(status=200, headers=headers, body=body, media_type="text/csv; charset=utf-8").answer()


def _tax_number(told: Told | None, *, full: bool) -> str:
    """The number as the page has it: by its last digits, unless all of it was asked for."""
    if told is None:
        return ""
    return told.details.number if full else f"•••• {told.record.last4}"


async def _year(here: Area, asked: OneYear) -> Year:
    number = asked.year or local(here.request.at, here.zone).year
    if number not in calendar.YEARS:
        raise Invalid("That year is too far away.", field="year")
    currency = asked.currency if asked.currency in currencies() else here.request.kit.site.currency
    return await here.request.market.earnings_years.year(
        here.provider_id, currency, number, here.zone, here.request.actor
    )


def calendar_month(number: int) -> str:
    """The month's name in English, to be translated."""
    return date(2000, number, 1).strftime("%B")


def _currency(asked: str, balances: Sequence[Balance]) -> str:
    known = [each.currency for each in balances]
    return asked if asked in known else next((each.currency for each in balances if each.units or each.held), known[0])


def _period(here: Area, asked: Period) -> tuple[date, date]:
    today = local(here.request.at, here.zone).date()
    last = asked.last or today
    first = asked.first or last.replace(day=1)
    if first.year not in calendar.YEARS or last.year not in calendar.YEARS:
        raise Invalid("That date is too far away.", field="first")
    if not 0 <= (last - first).days <= EXPORT_DAYS_MAX:
        raise Invalid("The last day comes after the first, at most ten years later.", field="last")
    return first, last


def _row(entry: Entry, currency: str) -> Row:
    kind, icon = KINDS.get(entry.line.transfer.code, _OTHER)
    if entry.line.transfer.code == PAYOUT and entry.line.posted > 0:
        kind = _BACK
    balance = entry.line.balance or 0
    return Row(
        entry=entry,
        kind=kind,
        icon=icon,
        sign="+" if entry.line.posted >= 0 else "\N{MINUS SIGN}",
        amount=Money(abs(entry.line.posted), currency),
        balance=Money(abs(balance), currency),
        owes=balance < 0,
    )


def _csv(entries: Sequence[Entry], currency: str, zone: str) -> str:
    written = StringIO()
    table = csv.writer(written)
    table.writerow(["time", "zone", "kind", "service", "booking", "amount", "balance", "currency", "transfer"])
    for entry in entries:
        line, row = entry.line, _row(entry, currency)
        table.writerow(
            [
                local(line.transfer.at, zone).isoformat(timespec="seconds"),
                zone,
                row.kind,
                _plain(entry.booking.offer.title if entry.booking else ""),
                line.transfer.reference,
                _signed(line.posted, currency),
                _signed(line.balance or 0, currency),
                currency,
                line.transfer.transfer_id,
            ]
        )
    return written.getvalue()


def _signed(units: int, currency: str) -> str:
    return f"{'-' if units < 0 else ''}{decimal_text(Money(abs(units), currency))}"


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
