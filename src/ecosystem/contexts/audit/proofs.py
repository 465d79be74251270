"""Checking proofs: of inclusion, of consistency, and both for subtrees. Plain calculations; a verdict, never a failure.

Inclusion and consistency are checked as RFC 9162 has them, sections 2.1.3.2 and 2.1.4.2; those of subtrees as
draft-ietf-plants-merkle-tree-certs, section 4.3 and 4.4: a subtree [start, end) begins at a multiple of the least power
of two that is not below its size.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecosystem.contexts.audit.merkle import EMPTY, HASH_BYTES, node_hash

SIZE_MAX = 2**64 - 1
PROOF_MAX = 128
"""No tree of 64 bits has a longer proof."""


def includes(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the leaf of that hash is the `index`-th of the tree with that root and size."""
    if not _well_formed([leaf, root], proof) or not 0 <= index < size <= SIZE_MAX:
        return False
    place, last, hashed = index, size - 1, leaf
    for step in proof:
        if not last:
            return False
        if place & 1 or place == last:
            hashed = node_hash(step, hashed)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, step)
        place >>= 1
        last >>= 1
    return last == 0 and hashed == root


def is_consistent(former: int, size: int, former_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `size` begins with the one of `former`. From nothing, nothing follows."""
    if not 0 < former <= size <= SIZE_MAX:
        return False
    return subtree_is_consistent(0, former, size, former_root, root, proof)


def subtree_includes(leaf: bytes, index: int, start: int, end: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the leaf is the `index`-th of the tree, and in the subtree [start, end) of that root."""
    if not is_subtree(start, end) or not start <= index < end:
        return False
    return includes(leaf, index - start, end - start, root, proof)


def subtree_is_consistent(
    start: int, end: int, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that [start, end) of that root is a subtree of the tree of `size` leaves.

    The subtree of no leaves is in every tree, and has the root of nothing. Roots are compared as they are: where the
    subtree is the whole tree, nothing is computed of them.
    """
    if not _well_formed([], proof) or not 0 <= end <= size <= SIZE_MAX:
        return False
    if start == end:
        return not proof and subtree_root == EMPTY
    if not is_subtree(start, end):
        return False
    first, last, most = _lifted(start, end - 1, size - 1, flush=end == size)
    if first != last and not proof:
        return False
    steps = list(proof)
    # Both climb from the same seed: `inner` to the subtree's root, `outer` to the tree's.
    inner = outer = subtree_root if first == last else steps.pop(0)
    for step in steps:
        if not most:
            return False
        if last & 1 or last == most:
            inner = node_hash(step, inner) if first < last else inner
            outer = node_hash(step, outer)
            zeros = (last & -last).bit_length() - 1 if last else 0
            first, last, most = first >> zeros, last >> zeros, most >> zeros
        else:
            outer = node_hash(outer, step)
        first, last, most = first >> 1, last >> 1, most >> 1
    return most == 0 and inner == subtree_root and outer == root


def _lifted(first: int, last: int, most: int, *, flush: bool) -> tuple[int, int, int]:
    """The three places at the level where the proof begins."""
    while first != last and (flush or last & 1):
        first, last, most = first >> 1, last >> 1, most >> 1
    return first, last, most


def is_subtree(start: int, end: int) -> bool:
    """Whether [start, end) may be a subtree of a tree."""
    if not 0 <= start < end <= SIZE_MAX:
        return False
    return start % (1 << (end - start - 1).bit_length()) == 0


def _well_formed(hashes: Sequence[bytes], proof: Sequence[bytes]) -> bool:
    return len(proof) <= PROOF_MAX and all(len(each) == HASH_BYTES for each in (*hashes, *proof))
