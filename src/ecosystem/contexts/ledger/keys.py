"""The ledger's corner of the table, each key with what it is for.

`DEBIT#`, `CREDIT#` and `REFERENCE#` lie in three indexes, so that one transfer stands in the statements of both its
accounts and of what it is about.
"""

from __future__ import annotations

from datetime import date, datetime
from zlib import crc32

from ecosystem.contexts.ledger.transfers import Recorded, State
from ecosystem.kernel.time import sortable
from ecosystem.ports.table import Index, Key

SHARDS = 8
DEBIT_INDEX = Index.CUSTOMER
CREDIT_INDEX = Index.PROVIDER
REFERENCE_INDEX = Index.SLUG
PENDING_INDEX = Index.STATUS


def account_key(account_id: str) -> Key:
    """Access: one account with its balances."""
    return Key(f"ACCOUNT#{account_id}", "METADATA")


def transfer_key(transfer_id: str) -> Key:
    """Access: one transfer by its id; also what makes the id unique."""
    return Key(f"TRANSFER#{transfer_id}", "METADATA")


def checkpoint_key() -> Key:
    """Access: how far the sequencer has come."""
    return Key("SEQUENCER#ledger", "CHECKPOINT")


def rates_partition() -> str:
    """Access: every version of the rates, newest last."""
    return "RATES"


def rates_key(version: int) -> Key:
    """Access: the rates a booking was made under."""
    return Key(rates_partition(), f"VERSION#{version:08d}")


def moment(at: datetime, place: int, transfer_id: str) -> str:
    """Place within a statement: by time, then by place within the request."""
    return f"{sortable(at)}#{place:04d}#{transfer_id}"


def statement_partition(side: str, account_id: str) -> str:
    """Access: the debits (`DEBIT`) or credits (`CREDIT`) of one account by time."""
    return f"{side}#{account_id}"


def summed_partition(side: str, account_id: str, day: date, shard: int) -> str:
    """Access: the same of a summed account, one day and one of `SHARDS` at a time: every sale writes there."""
    return f"{side}#{account_id}#{day:%Y-%m-%d}#{shard}"


def reference_partition(reference: str) -> str:
    """Access: the transfers about one thing, such as a booking, by time."""
    return f"REFERENCE#{reference}"


def pending_partition(shard: int) -> str:
    """Access: the transfers still pending, oldest first, merged from `SHARDS` partitions."""
    return f"PENDING#{shard}"


def transfer_index(transfer: Recorded) -> dict[Index, Key]:
    """Where a recorded transfer is found beside its own key. What moved nothing is found by its id only."""
    if transfer.state is State.FAILED:
        return {}
    sort = moment(transfer.at, transfer.place, transfer.transfer_id)
    shard = crc32(transfer.transfer_id.encode("utf-8", "surrogatepass")) % SHARDS
    index = {
        DEBIT_INDEX: Key(_side("DEBIT", transfer.debit_account_id, transfer, transfer.debit_is_summed, shard), sort),
        CREDIT_INDEX: Key(
            _side("CREDIT", transfer.credit_account_id, transfer, transfer.credit_is_summed, shard), sort
        ),
    }
    if transfer.reference:
        index[REFERENCE_INDEX] = Key(reference_partition(transfer.reference), sort)
    if transfer.state is State.PENDING:
        index[PENDING_INDEX] = Key(pending_partition(shard), sort)
    return index


def _side(side: str, account_id: str, transfer: Recorded, is_summed: bool, shard: int) -> str:
    if is_summed:
        return summed_partition(side, account_id, transfer.at.date(), shard)
    return statement_partition(side, account_id)
