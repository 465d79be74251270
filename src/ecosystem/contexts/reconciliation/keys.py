"""Reconciliation's corner of the table: each key with the access pattern it serves."""

from __future__ import annotations

from datetime import date

from ecosystem.ports.table import Key


def run(day: date) -> Key:
    """Access: the run of a day; and all runs, in order of their days (partition `RECONCILIATION`)."""
    return Key(runs(), f"DAY#{day:%Y-%m-%d}")


def runs() -> str:
    return "RECONCILIATION"


def discrepancy(discrepancy_id: str) -> Key:
    """Access: one discrepancy."""
    return Key(f"DISCREPANCY#{discrepancy_id}", "METADATA")


def in_state(state: str) -> str:
    """Access (status index): discrepancies in a state, those first that were first seen first. They are few."""
    return f"DISCREPANCY#{state}"


def mended(currency: str) -> str:
    """Access (customer index): discrepancies for which our books were corrected or reversed, by the day it moved."""
    return f"DISCREPANCY#MENDED#{currency}"


def timeline(discrepancy_id: str) -> str:
    """Access: the events of one discrepancy."""
    return f"DISCREPANCY#{discrepancy_id}"


def run_timeline(day: date) -> str:
    """Access: the events of one day's run."""
    return f"RECONCILIATION#{day:%Y-%m-%d}"
