"""Payouts' corner of the table: each key with the access pattern it serves."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Key

SHARDS = 8
STRANDED = "stranded"
"""Where those stand whose money is neither at a bank nor back, beside the statuses."""

RULES = "VERSION#"
"""What the places of the versions of the rules begin with."""

_PROVIDER_ACCOUNT = "ACCOUNT#provider:"


def payout(payout_id: str) -> Key:
    """Access: one payout by its id."""
    return Key(payout_timeline(payout_id), "METADATA")


def payout_timeline(payout_id: str) -> str:
    """Access: the events of one payout."""
    return f"PAYOUT#{payout_id}"


def of_provider(provider_id: str) -> str:
    """Access (provider index): the payouts of a provider, in the order of time."""
    return f"PAYOUTS#{provider_id}"


def in_month(at: datetime) -> str:
    """Access (customer index): all payouts decided in a month, in the order of time."""
    return f"PAYOUTS#{at:%Y-%m}"


def in_status(status: str, rail: str) -> str:
    """Access (status index): the payouts of a rail in a status.

    Those that go on in the order in which they are to be looked at, those that have ended in the order of their end.
    """
    return f"PAYOUT#{status}#{rail}"


def by_rail_id(rail_id: str) -> str:
    """Access (slug index): the payout that the rail knows under that id."""
    return f"PAYOUT_RAIL#{rail_id}"


def plan(provider_id: str) -> Key:
    """Access: a provider's plan of payouts."""
    return Key(f"PROVIDER#{provider_id}", "PAYOUT_PLAN")


def plan_timeline(provider_id: str) -> str:
    """Access: the events of a provider's plan."""
    return f"PAYOUT_PLAN#{provider_id}"


def due_plans(shard: int) -> str:
    """Access (status index): plans that nothing pauses, in the order of their next dates."""
    return f"PAYOUT_PLAN#due#{shard}"


def rules_partition() -> str:
    """Access: every version of the rules (prefix `RULES`), newest last, and their events."""
    return "PAYOUT_RULES"


def rules(version: int) -> Key:
    """Access: one version of the rules."""
    return Key(rules_partition(), f"{RULES}{version:08d}")


def place(at: datetime, payout_id: str = "") -> str:
    """The place of a payout in an index, by an instant."""
    return f"{sortable(at)}#{payout_id}"


def shard(entry_id: str) -> int:
    return crc32(entry_id.encode()) % SHARDS


def withdrawal(withdrawal_id: str) -> Key:
    """Access: one withdrawal of our own money; its partition holds its events too."""
    return Key(f"WITHDRAWAL#{withdrawal_id}", "METADATA")


def withdrawals() -> str:
    """Access (customer index): all withdrawals, in the order of time."""
    return "WITHDRAWALS"


def watched_withdrawals() -> str:
    """Access (status index): withdrawals that have not failed, in the order of time."""
    return "WITHDRAWAL#watched"


def fees_taken() -> Key:
    """Access: how far the processor's entries have been read for their fees."""
    return Key("PROCESSOR_FEES", "CHECKPOINT")


def paid_asked() -> Key:
    """Access: how far the payouts that may still come back have been asked about."""
    return Key("PAYOUTS_PAID", "CHECKPOINT")


def receivable(provider_id: str, currency: str) -> Key:
    """Access: a provider's balance below nothing, in that currency."""
    return Key(f"PROVIDER#{provider_id}", f"RECEIVABLE#{currency}")


def receivables() -> str:
    """Access (status index): all balances below nothing, the oldest first."""
    return "RECEIVABLE#open"


def receivables_taken() -> Key:
    """Access: how far the follower of the accounts has come."""
    return Key("RECEIVABLES", "CHECKPOINT")


def provider_account(key: Key) -> tuple[str, str] | None:
    """The provider and the currency of the ledger account at that key; None for everything else."""
    if not key.partition.startswith(_PROVIDER_ACCOUNT):
        return None
    provider_id, _, currency = key.partition.removeprefix(_PROVIDER_ACCOUNT).rpartition(":")
    return (provider_id, currency) if provider_id else None


def write_off(write_off_id: str) -> Key:
    """Access: one debt that was given up; its partition holds its event too."""
    return Key(f"WRITE_OFF#{write_off_id}", "METADATA")


def write_offs(provider_id: str) -> str:
    """Access (provider index): what a provider was let off, in the order of time."""
    return f"WRITE_OFFS#{provider_id}"


def tax_record(provider_id: str) -> Key:
    """Access: a provider's tax details, encrypted."""
    return Key(f"PROVIDER#{provider_id}", "TAX")


def tax_timeline(provider_id: str) -> str:
    """Access: the events of a provider's tax details."""
    return f"TAX#{provider_id}"
