"""The Merkle tree of RFC 6962: hashes, roots, and the ranges that its proofs are made of.

A leaf's hash is SHA-256 of 0x00 and the leaf, a node's that of 0x01 and its two children (RFC 6962, section 2.1). Nothing
here reads or writes; places are counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import Struct

HASH_BYTES = 32
EMPTY = sha256().digest()
"""The root of the tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Node(Struct, frozen=True, order=True):
    """A whole subtree of 2**level leaves, the `index`-th of its size."""

    level: int
    index: int


class Range(Struct, frozen=True):
    """The leaves in [start, end), as one subtree of the tree."""

    start: int
    end: int


class Frontier:
    """The right edge of a growing tree: the roots of its whole subtrees, the largest first. Enough to go on from."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"A tree of {size} has {size.bit_count()} whole subtrees at its edge.")

    def append(self, hashed: bytes) -> list[tuple[int, bytes]]:
        """Take in the next leaf's hash; the subtrees of 256, 65,536 ... leaves that it made whole, with their level."""
        grown: list[tuple[int, bytes]] = []
        size, level, hashes = self.size, 0, self.hashes
        while size & 1:
            hashed = sha256(b"\x01" + hashes.pop() + hashed).digest()
            size >>= 1
            level += 1
            if not level % 8:
                grown.append((level, hashed))
        hashes.append(hashed)
        self.size += 1
        return grown

    def graft(self, level: int, hashed: bytes) -> None:
        """Take in a whole subtree of 2**level leaves at once; the tree must end where such a one may begin."""
        size = self.size >> level
        assert size << level == self.size
        while size & 1:
            hashed = sha256(b"\x01" + self.hashes.pop() + hashed).digest()
            size >>= 1
        self.hashes.append(hashed)
        self.size += 1 << level

    def root(self) -> bytes:
        return folded(self.hashes)

    def copy(self) -> Frontier:
        return Frontier(self.size, self.hashes)


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over subtrees that lie side by side, the largest first."""
    if not hashes:
        return EMPTY
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = sha256(b"\x01" + left + root).digest()
    return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier = Frontier()
    for hashed in leaves:
        frontier.append(hashed)
    return frontier.root()


def inclusion(index: int, size: int) -> list[Range]:
    """What the audit path of a leaf consists of, the leaf's own neighbour first (RFC 6962, section 2.1.1)."""
    assert 0 <= index < size
    start, end, path = 0, size, list[Range]()
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(Range(middle, end))
            end = middle
        else:
            path.append(Range(start, middle))
            start = middle
    path.reverse()
    return path


def consistency(former: int, size: int) -> list[Range]:
    """What the proof consists of that the tree of `size` begins with that of `former` (RFC 6962, section 2.1.2)."""
    assert 0 < former <= size
    start, end, proof, is_whole = 0, size, list[Range](), True
    while former != end:
        middle = start + split(end - start)
        if former <= middle:
            proof.append(Range(middle, end))
            end = middle
        else:
            proof.append(Range(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        proof.append(Range(start, end))
    proof.reverse()
    return proof


def nodes(piece: Range) -> list[Node]:
    """The whole subtrees that a range consists of, the largest first."""
    start, found = piece.start, list[Node]()
    while start < piece.end:
        level = (piece.end - start).bit_length() - 1
        assert start % (1 << level) == 0
        found.append(Node(level, start >> level))
        start += 1 << level
    return found


def split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << ((size - 1).bit_length() - 1)
