"""Presenting a debit again after it came back for want of money.

Nacha Operating Rules, subsection 2.13.4: after R01 or R09 it may be presented twice more, within 180 days of the first
settlement, under the description `RETRY PYMT` with company and amount unchanged. After a stop or for want of an
authorization it is not, before the receiver agrees anew. We wait some banking days, since salaries come on Fridays.
"""

from __future__ import annotations

from datetime import date, time, timedelta

from ecosystem.contexts.ach.actions import PRESENTED_AGAIN
from ecosystem.contexts.ach.entries import Direction, Entry, OriginateEntry, Purpose
from ecosystem.contexts.ach.receivers import Particulars
from ecosystem.kernel.banking import banking_days_after, eastern

PRESENTMENTS_MAX = 3
WITHIN = timedelta(days=180)
PAUSE_BANKING_DAYS = 3


def may_present_again(entry: Entry, code: str, first_settled_on: date, today: date) -> bool:
    """Whether the rules let this debit be presented once more after that return."""
    return (
        entry.purpose is Purpose.DEBIT
        and entry.direction is Direction.DEBIT
        and code in PRESENTED_AGAIN
        and entry.presentment < PRESENTMENTS_MAX
        and presented_again_on(today) <= first_settled_on + WITHIN
    )


def presented_again_on(today: date) -> date:
    """The banking day on which a debit that came back today is presented again."""
    return banking_days_after(today, PAUSE_BANKING_DAYS)


def presented_again(entry: Entry, particulars: Particulars, today: date) -> OriginateEntry:
    """The request for the next presentment of a debit: the same but for its id, its description and its count."""
    first = entry.presents or entry.entry_id
    return OriginateEntry(
        entry_id=f"{first}.retry{entry.presentment}",
        purpose=entry.purpose,
        direction=entry.direction,
        cause_id=entry.cause_id,
        receiver=entry.receiver,
        particulars=particulars,
        cents=entry.cents,
        same_day=False,
        not_before=eastern(presented_again_on(today), time(0)),
        authorization=entry.authorization,
        identification=entry.identification,
        presents=first,
        presentment=entry.presentment + 1,
    )
