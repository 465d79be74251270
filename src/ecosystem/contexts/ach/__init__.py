"""Payments through the Automated Clearing House: entries, files, returns, and the rules they follow."""

from __future__ import annotations

from ecosystem.contexts.ach.entries import (
    AccountKind,
    Authorization,
    AuthorizationMissing,
    Direction,
    Entries,
    Entry,
    EntryFiled,
    EntryState,
    Holder,
    NoSuchEntry,
    OriginateEntry,
    Purpose,
    Receiver,
    entry_becomes,
)
from ecosystem.contexts.ach.originator import NotOriginating, Originator, Originators, SetOriginator
from ecosystem.contexts.ach.vault import Vault

__all__ = [
    "AccountKind",
    "Authorization",
    "AuthorizationMissing",
    "Direction",
    "Entries",
    "Entry",
    "EntryFiled",
    "EntryState",
    "Holder",
    "NoSuchEntry",
    "NotOriginating",
    "OriginateEntry",
    "Originator",
    "Originators",
    "Purpose",
    "Receiver",
    "SetOriginator",
    "Vault",
    "entry_becomes",
]
