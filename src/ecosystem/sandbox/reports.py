"""Reports: a balance's entries of some time as a file, made a while after they were asked for."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from ecosystem.sandbox import lists, uploads
from ecosystem.sandbox.acts import Act, Asked, Record
from ecosystem.sandbox.parameters import LISTED, Currency, Endpoint, Hash, Ignored, Integer, Later, Text
from ecosystem.sandbox.refusals import Refused, missing
from ecosystem.sandbox.shapes import OF, Body

RUN = "reporting.report_run"
TAKES_S = 60
ROWS_MAX = 1_000_000
_ITEMIZED = ("balance_transaction_id", "created", "available_on", "currency", "gross", "fee", "net",
             "reporting_category", "source_id", "description")  # fmt: skip
_SUMMARY = ("reporting_category", "currency", "count", "gross", "fee", "net")
COLUMNS = {"balance.summary.1": _SUMMARY, "balance_change_from_activity.itemized.3": _ITEMIZED}
_NAMES = {"balance.summary.1": "Balance summary", "balance_change_from_activity.itemized.3": "Itemized balance change"}

CREATE = Endpoint(
    {
        "report_type": Text(120),
        "parameters": Hash(
            {
                "columns": Later(),
                "connected_account": Text(120),
                "currency": Currency(),
                "interval_end": Integer(),
                "interval_start": Integer(),
                "payout": Later(),
                "reporting_category": Text(60),
                "timezone": Ignored(),
            }
        ),
    },
    required=("report_type",),
)
RETRIEVE = Endpoint()
LIST = Endpoint(LISTED)
TYPES = Endpoint()


def create(act: Act, given: dict[str, Any]) -> Body:
    kind, told = given["report_type"], given.get("parameters", {})
    if kind not in COLUMNS:
        raise Refused(f"No such report type: '{kind[:120]}'", code="resource_missing", param="report_type")
    for name in ("interval_start", "interval_end"):
        if name not in told:
            full = f"parameters[{name}]"
            raise Refused(f"Missing required param: {full}.", code="parameter_missing", param=full)
    if not told["interval_start"] < told["interval_end"] <= act.at:
        raise Refused(
            "The interval has to end after it starts, and by now: data is available up to then.",
            code="report_data_not_available" if told["interval_end"] > act.at else None,
            param="parameters[interval_end]",
        )
    if account := told.get("connected_account"):
        act.need("account", account, param="parameters[connected_account]")
    body: Body = {
        **OF[RUN],
        "id": act.mint("frr"),
        "created": act.at,
        "parameters": {name: value for name, value in told.items() if value is not None},
        "report_type": kind,
        "status": "pending",
    }
    run = act.add(RUN, body)
    act.later("report", run, TAKES_S)
    return run.body


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need(RUN, given["id"]).body


def listed(act: Act, given: dict[str, Any]) -> Body:
    return lists.page(act, RUN, "/v1/reporting/report_runs", given)


def report_type(act: Act, given: dict[str, Any]) -> Body:
    if given["id"] not in COLUMNS:
        raise missing("report type", given["id"])
    return _type(act, given["id"])


def report_types(act: Act, given: dict[str, Any]) -> Body:  # noqa: ARG001 — every endpoint is given its parameters
    data = [_type(act, name) for name in COLUMNS]
    return {"object": "list", "data": data, "has_more": False, "url": "/v1/reporting/report_types"}


def make(act: Act, run: Record) -> None:
    """The report is made: a timer's act."""
    if run["status"] != "pending":
        return
    rows = _rows(act, run["parameters"])
    told = _summed(rows) if run["report_type"] == "balance.summary.1" else [_row(body) for body in rows]
    written = io.StringIO()
    columns = COLUMNS[run["report_type"]]
    table = csv.writer(written)
    table.writerow(columns)
    table.writerows([row[name] for name in columns] for row in told)
    file = uploads.added(act, "finance_report_run", f"{run.id}.csv", written.getvalue().encode(), "csv")
    act.change(run, status="succeeded", succeeded_at=act.at, result=file.body)
    act.tell("reporting.report_run.succeeded", run)


def fail(act: Act, run: Record) -> None:
    """The report cannot be made."""
    if run["status"] != "pending":
        raise Refused(f"The report run {run.id} is {run['status']}.")
    act.change(run, status="failed", error="The report could not be generated. Try again later.")
    act.tell("reporting.report_run.failed", run)


def _type(act: Act, name: str) -> Body:
    return {
        **OF["reporting.report_type"],
        "id": name,
        "data_available_end": act.at,
        "data_available_start": 0,
        "default_columns": list(COLUMNS[name]),
        "name": _NAMES[name],
        "updated": act.at,
        "version": int(name.rpartition(".")[2]),
    }


def _rows(act: Act, told: Body) -> list[Body]:
    asked = Asked(
        kind="balance_transaction",
        limit=ROWS_MAX,
        account=told.get("connected_account", ""),
        since=told["interval_start"],
        until=told["interval_end"] - 1,
    )
    wanted = {name: told[name] for name in ("currency", "reporting_category") if name in told}
    found = [record.body for record in act.books.page(asked)]
    return [body for body in reversed(found) if all(body[name] == value for name, value in wanted.items())]


def _row(body: Body) -> Body:
    names = ("created", "available_on", "currency", "fee", "net", "reporting_category", "description")
    told = {name: body[name] for name in names}
    return {"balance_transaction_id": body["id"], "gross": body["amount"], "source_id": body["source"], **told}


def _summed(rows: list[Body]) -> list[Body]:
    sums: dict[tuple[str, str], Counter[str]] = {}
    for body in rows:
        sum_of = sums.setdefault((body["reporting_category"], body["currency"]), Counter())
        sum_of.update(count=1, gross=body["amount"], fee=body["fee"], net=body["net"])
    return [
        {"reporting_category": category, "currency": currency, **sum_of}
        for (category, currency), sum_of in sorted(sums.items())
    ]
