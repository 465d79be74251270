"""The ACH corner of the table: each key with the access pattern it serves.

Entries wait in the status index by their window, in shards; whoever builds the window's file reads all shards. Trace
numbers find entries in the table itself, so that a return is never matched by an index.
"""

from __future__ import annotations

from zlib import crc32

from ecosystem.ports.table import Index, Key

SHARDS = 8
FILE_ENTRY_PREFIX = "ENTRY#"


def shard(name: str) -> int:
    return crc32(name.encode()) % SHARDS


def entry(entry_id: str) -> Key:
    """Access: one entry."""
    return Key(entry_timeline(entry_id), "ENTRY")


def entry_timeline(entry_id: str) -> str:
    """Access: the events of one entry."""
    return f"ACH_ENTRY#{entry_id}"


def trace(trace_number: str) -> Key:
    """Access: the entry under a trace number. There is one for good: no number is used twice."""
    return Key(f"ACH_TRACE#{trace_number}", "TRACE")


def traces(odfi: str) -> Key:
    """Access: the counter of an originating bank's trace numbers."""
    return Key(f"ACH_TRACES#{odfi}", "COUNTER")


def piece(content_id: str, number: int) -> Key:
    """Access: the bytes of a file, part by part."""
    return Key(f"ACH_CONTENT#{content_id}", f"PIECE#{number:04d}")


def waiting(place: int) -> str:
    """Access (status index): entries that wait for a file, by their cut-off."""
    return f"ACH_ENTRY#waiting#{place}"


def waits(cutoff: str, entry_id: str) -> dict[Index, Key]:
    return {Index.STATUS: Key(waiting(shard(entry_id)), f"{cutoff}#{entry_id}")}


def cause(cause_id: str) -> str:
    """Access (provider index): the entries made for one payout, payment or bank account."""
    return f"ACH_CAUSE#{cause_id}"


def presents(entry_id: str) -> Key:
    """Access: how often an entry was presented, and with what."""
    return Key(entry_timeline(entry_id), "PRESENTED")


def originator() -> Key:
    """Access: who we are to our bank."""
    return Key(ORIGINATOR, "ORIGINATOR")


def file(file_id: str) -> Key:
    """Access: one file."""
    return Key(file_timeline(file_id), "FILE")


def file_timeline(file_id: str) -> str:
    """Access: the events of one file, and its entries in order (prefix `ENTRY#`)."""
    return f"ACH_FILE#{file_id}"


def file_entry(file_id: str, trace_number: str) -> Key:
    """Access: the entries of a file, in the order of their trace numbers."""
    return Key(file_timeline(file_id), f"{FILE_ENTRY_PREFIX}{trace_number}")


def files() -> str:
    """Access (status index): every file, by when it was built."""
    return "ACH_FILE#all"


def open_files() -> str:
    """Access (provider index): files that are not settled, or withdrawn and left by every entry, by when they were built."""
    return "ACH_FILE#open"


def day(origin: str, date: str) -> Key:
    """Access: the file id modifiers of a day that are taken."""
    return Key(f"ACH_DAY#{origin}#{date}", "MODIFIERS")


def inbound(inbound_id: str) -> Key:
    """Access: one file that the bank sent. Its id is made of its bytes: the same file is there once."""
    return Key(inbound_timeline(inbound_id), "INBOUND")


def inbound_timeline(inbound_id: str) -> str:
    return f"ACH_INBOUND#{inbound_id}"


def inbounds() -> str:
    """Access (status index): every file that the bank sent, by when it was kept."""
    return "ACH_INBOUND#all"


def inbox() -> Key:
    """Access: when everything that the bank had for us was taken."""
    return Key("ACH_INBOX", "EMPTIED")


def open_inbounds() -> str:
    """Access (provider index): files of the bank that were not worked through yet."""
    return "ACH_INBOUND#open"


def return_timeline(return_id: str) -> str:
    return f"ACH_RETURN#{return_id}"


def returned(return_id: str) -> Key:
    """Access: one return."""
    return Key(return_timeline(return_id), "RETURN")


def returns() -> str:
    """Access (status index): every return, by when it was received."""
    return "ACH_RETURN#all"


def change_timeline(change_id: str) -> str:
    return f"ACH_CHANGE#{change_id}"


def change(change_id: str) -> Key:
    """Access: one notification of change."""
    return Key(change_timeline(change_id), "CHANGE")


def changes() -> str:
    """Access (status index): every notification of change, by when it was received."""
    return "ACH_CHANGE#all"


def exception_timeline(exception_id: str) -> str:
    return f"ACH_EXCEPTION#{exception_id}"


def exception(exception_id: str) -> Key:
    """Access: one exception."""
    return Key(exception_timeline(exception_id), "EXCEPTION")


def exceptions(*, is_open: bool) -> str:
    """Access (status index): exceptions, those that wait for a person and those that do not."""
    return "ACH_EXCEPTION#open" if is_open else "ACH_EXCEPTION#closed"


RATES = "ACH_RATES"
ORIGINATOR = "ACH_ORIGINATOR"


def rate_day(date: str, place: int) -> Key:
    """Access: what was debited and what came back on one day."""
    return Key(f"ACH_RATES#{date}", f"COUNTS#{place}")


def alarm() -> Key:
    """Access: which rates have been alarmed about, and when."""
    return Key(RATES, "ALARMS")


def statement_partition(day: str) -> str:
    """Access: a day's statement, and its lines in order (prefix `LINE#`)."""
    return f"BANK_STATEMENT#{day}"


def statement(day: str) -> Key:
    """Access: the head of a day's statement."""
    return Key(statement_partition(day), "HEAD")


def statement_line(day: str, number: int) -> Key:
    """Access: one line of a day's statement."""
    return Key(statement_partition(day), f"LINE#{number:06d}")


def statements() -> str:
    """Access (status index): every statement, by its day."""
    return "BANK_STATEMENT#all"
