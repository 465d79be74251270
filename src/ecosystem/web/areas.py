"""What stands in the side navigation of a provider's area and of the console, in one place."""

from __future__ import annotations

from msgspec import Struct


class Entry(Struct, frozen=True, kw_only=True):
    """A page of an area. `waiting` names the figure shown beside it, among the page's `counts`."""

    title: str
    path: str
    icon: str
    waiting: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """Pages that belong together."""

    title: str
    entries: tuple[Entry, ...]


PROVIDER = (
    Group(
        title="Work",
        entries=(
            Entry(title="Overview", path="/provider", icon="layout-dashboard"),
            Entry(title="Requests", path="/provider/requests", icon="inbox", waiting="requests"),
            Entry(title="Bookings", path="/provider/bookings", icon="calendar-check"),
            Entry(title="Availability", path="/provider/availability", icon="clock"),
        ),
    ),
    Group(
        title="Offer",
        entries=(
            Entry(title="Services", path="/provider/services", icon="store"),
            Entry(title="Public profile", path="/provider/profile", icon="circle-user"),
        ),
    ),
    Group(
        title="Money",
        entries=(
            Entry(title="Earnings", path="/provider/earnings", icon="wallet"),
            Entry(title="Payouts", path="/provider/payouts", icon="landmark"),
            Entry(title="Bank account", path="/provider/bank", icon="building-2"),
            Entry(title="Tax details", path="/provider/tax", icon="receipt-text"),
        ),
    ),
)

CONSOLE = (
    Group(
        title="Overview",
        entries=(
            Entry(title="Dashboard", path="/console", icon="layout-dashboard"),
            Entry(title="Bookings", path="/console/bookings", icon="calendar-check"),
            Entry(title="Disputes", path="/console/disputes", icon="gavel", waiting="disputes"),
            Entry(title="Fraud", path="/console/fraud", icon="shield-check", waiting="fraud"),
        ),
    ),
    Group(
        title="Money",
        entries=(
            Entry(title="Payments", path="/console/payments", icon="credit-card"),
            Entry(title="Failed refunds", path="/console/refunds", icon="undo-2", waiting="refunds"),
            Entry(title="Payouts", path="/console/payouts", icon="landmark"),
            Entry(title="Receivables", path="/console/receivables", icon="wallet"),
            Entry(title="Ledger", path="/console/ledger", icon="scale"),
            Entry(title="ACH files", path="/console/ach", icon="building-2", waiting="ach"),
            Entry(title="Reconciliation", path="/console/reconciliation", icon="list-checks", waiting="discrepancies"),
            Entry(title="Costs", path="/console/costs", icon="coins"),
        ),
    ),
    Group(
        title="Marketplace",
        entries=(
            Entry(title="People", path="/console/people", icon="users"),
            Entry(title="Providers", path="/console/providers", icon="store", waiting="providers"),
            Entry(title="Services", path="/console/services", icon="list-checks"),
        ),
    ),
    Group(
        title="System",
        entries=(
            Entry(title="Workflows", path="/console/workflows", icon="workflow"),
            Entry(title="Events", path="/console/events", icon="activity", waiting="events"),
            Entry(title="Mail", path="/console/mail", icon="mail", waiting="mail"),
            Entry(title="Webhooks", path="/console/webhooks", icon="webhook", waiting="webhooks"),
            Entry(title="Keys", path="/console/keys", icon="key-round"),
            Entry(title="Audit", path="/console/audit", icon="shield-check"),
            Entry(title="Settings", path="/console/settings", icon="settings"),
        ),
    ),
)
