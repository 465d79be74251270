"""The audit log's corner of the table, each key with what it is for."""

from __future__ import annotations

from ecosystem.ports.table import Key

BLOCK = 256
"""Leaves whose root is kept as a hash of its own; a chunk of leaves never reaches across."""
_BLOCKS_TOGETHER = 256


def head() -> Key:
    """Access: how long the log is, its right edge, and how far its sequencer has come."""
    return Key("AUDIT", "HEAD")


def leaves(block: int) -> str:
    """Access: the chunks of leaves of 256 blocks, in order."""
    return f"AUDIT#LEAVES#{block // _BLOCKS_TOGETHER:06d}"


def place(index: int) -> str:
    """Where a chunk that begins with this leaf lies among those of its blocks."""
    return f"{index:012d}"


def chunk(first: int) -> Key:
    """Access: one chunk, by its first leaf."""
    return Key(leaves(first // BLOCK), place(first))


def tile(level: int, index: int) -> Key:
    """Access: up to 256 hashes, side by side, of whole subtrees of 256**level leaves."""
    return Key(f"AUDIT#TILE#{level}", f"{index:012d}")


def checkpoints() -> str:
    """Access: the signed checkpoints, by size."""
    return "AUDIT#CHECKPOINTS"


def checkpoint(size: int) -> Key:
    """Access: the signed checkpoint of that size."""
    return Key(checkpoints(), place(size))


def salt(person: str) -> Key:
    """Access: what makes a person's pseudonym."""
    return Key(f"AUDIT#SALT#{person}", "METADATA")


def alias(pseudonym: str) -> Key:
    """Access: whose pseudonym it is."""
    return Key(f"AUDIT#ALIAS#{pseudonym}", "METADATA")
