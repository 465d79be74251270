"""What happens by itself when money becomes available: its owner is told, and paid out if that is the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ecosystem.sandbox import balances, external_accounts, payouts
from ecosystem.sandbox.acts import Act, Asked, Record

DAY_S = 86400
TAKEN_ALONG_S = 45 * DAY_S
"""How old an entry may be that an automatic payout takes along."""
ENTRIES_MAX = 10_000
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def mature(act: Act, holder: Record) -> None:
    """Money that was pending is available from today on: a timer's act."""
    act.announce("balance.available", balances.balance(act, {}), act.account)
    payday(act, holder)


def payday(act: Act, holder: Record) -> None:
    """Pay out what is available, on a day on which that is the schedule: a timer's act."""
    schedule = holder["settings"]["payouts"]["schedule"]
    if schedule["interval"] == "manual" or (holder.kind == "account" and not holder["payouts_enabled"]):
        return
    if (day := next_day(schedule, act.at)) > act.at // DAY_S:
        act.timers.append(("payday", holder.id, float(day * DAY_S)))
        return
    for currency, available, _ in act.books.balance(act.account, act.at // DAY_S):
        collects = available < 0 and holder["settings"]["payouts"]["debit_negative_balances"]
        if available <= 0 and not collects:
            continue
        destination = external_accounts.default_of(act, holder, currency)
        if destination is None or destination.body.get("status") == "errored":
            continue
        payout = payouts.made(act, destination, available, 0, {"currency": currency}, automatic=True)
        _take_along(act, payout)


def next_day(schedule: dict[str, object], at: int) -> int:
    """The day, counted from 1970, on which the schedule pays out next, today included."""
    today = datetime.fromtimestamp(at, UTC).date()
    day = today
    if schedule["interval"] == "weekly":
        anchor = WEEKDAYS.index(str(schedule.get("weekly_anchor", "monday")))
        day = today + timedelta(days=(anchor - today.weekday()) % 7)
    elif schedule["interval"] == "monthly":
        anchor = int(str(schedule.get("monthly_anchor", 1)))
        while day.day != anchor and not (anchor > 28 and (day + timedelta(days=1)).day == 1):
            day += timedelta(days=1)
    return (day - datetime.fromtimestamp(0, UTC).date()).days


def _take_along(act: Act, payout: Record) -> None:
    """Note which entries the payout pays out: those available by now that none has taken."""
    asked = Asked(kind="balance_transaction", limit=ENTRIES_MAX, account=act.account, since=act.at - TAKEN_ALONG_S)
    for entry in act.books.page(asked):
        known = act.seen.setdefault(entry.id, entry)
        fits = known["currency"] == payout["currency"] and known["available_on"] <= act.at
        if fits and not known.inside.get("taken"):
            act.note(known, taken=True)
            act.link(known, "balance_transaction.payout", payout.id)
    own = act.need("balance_transaction", payout["balance_transaction"])
    act.link(own, "balance_transaction.payout", payout.id)
    act.note(own, taken=True)
