"""Every root field with who answers it, from all contexts."""

from __future__ import annotations

from ecosystem.api import (
    bank_accounts,
    booking,
    catalogue,
    disputes,
    identity,
    ledger,
    notifications,
    payments,
    payouts,
    rails,
    search,
    workflows,
)
from ecosystem.api.roots import Root

ROOTS: tuple[Root, ...] = tuple(
    root
    for context in (
        search,
        catalogue,
        booking,
        disputes,
        payments,
        bank_accounts,
        ledger,
        payouts,
        rails,
        identity,
        notifications,
        workflows,
    )
    for root in context.ROOTS.fields
)
