"""The tree: roots, proofs, and what a checker of proofs must refuse."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.audit import verdict
from ecosystem.contexts.audit.merkle import EMPTY, Frontier, consistency, inclusion, leaf_hash, node_hash, root_of
from ecosystem.contexts.audit.proofs import includes, is_consistent, is_subtree, subtree_includes, subtree_is_consistent

LEAVES = [leaf_hash(bytes([number])) for number in range(130)]

# The eight leaves of the reference implementations (certificate-transparency), and the root that each count has.
KNOWN = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOT_OF_EIGHT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def root(start: int, end: int) -> bytes:
    return root_of(LEAVES[start:end])


def test_the_roots_are_those_of_the_standard() -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in KNOWN]

    assert root_of(hashes).hex() == ROOT_OF_EIGHT
    assert root_of([]) == EMPTY
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert hashes[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@given(st.integers(1, 129).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_every_leaf_is_proven_to_be_where_it_is_and_nowhere_else(place: tuple[int, int]) -> None:
    size, index = place
    path = [root(piece.start, piece.end) for piece in inclusion(index, size)]

    assert includes(LEAVES[index], index, size, root(0, size), path)
    assert not any(includes(LEAVES[index], other, size, root(0, size), path) for other in range(size) if other != index)
    assert not includes(LEAVES[index], index, size, root(0, size), [*path, EMPTY])
    assert not includes(node_hash(EMPTY, EMPTY), index, size, root(0, size), path)


@given(st.integers(1, 129).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))))
def test_every_tree_is_proven_to_begin_with_each_former_one(sizes: tuple[int, int]) -> None:
    size, former = sizes
    proof = [root(piece.start, piece.end) for piece in consistency(former, size)]

    assert is_consistent(former, size, root(0, former), root(0, size), proof)
    assert former == size or not is_consistent(former, size, root(0, former), EMPTY, proof)
    assert not is_consistent(former, size, EMPTY, root(0, size), proof)
    assert not is_consistent(0, size, EMPTY, root(0, size), proof)


@given(st.data())
def test_a_proof_with_one_bit_changed_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 129))
    index = data.draw(st.integers(0, size - 1))
    path = [bytearray(root(piece.start, piece.end)) for piece in inclusion(index, size)]
    step, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    path[step][bit // 8] ^= 1 << bit % 8

    assert not includes(LEAVES[index], index, size, root(0, size), [bytes(each) for each in path])


@given(st.integers(0, 80), st.integers(0, 80), st.integers(1, 100))
def test_subtrees_are_proven_to_be_parts_of_the_tree(start: int, length: int, size: int) -> None:
    end = start + length
    if not is_subtree(start, end) or end > size:
        return
    inner = [root(start + piece.start, start + piece.end) for piece in inclusion(0, length)]

    assert subtree_includes(LEAVES[start], start, start, end, root(start, end), inner)
    assert not subtree_includes(LEAVES[start], end, start, end, root(start, end), inner)
    if start == 0:
        proof = [root(piece.start, piece.end) for piece in consistency(end, size)]
        assert subtree_is_consistent(0, end, size, root(0, end), root(0, size), proof)


@given(st.integers(1, 300))
def test_the_right_edge_is_enough_to_go_on_from(size: int) -> None:
    whole, half = Frontier(), Frontier()
    for number in range(size):
        whole.append(leaf_hash(str(number).encode()))
        if number == size // 2:
            half = Frontier(whole.size, whole.hashes)
    for number in range(half.size, size):
        half.append(leaf_hash(str(number).encode()))

    assert (half.size, half.root()) == (whole.size, whole.root())


def case(**changes: Any) -> bytes:
    base: dict[str, Any] = {
        "kind": "inclusion",
        "case": "of eight",
        "leafIdx": 3,
        "treeSize": 8,
        "root": b64encode(root(0, 8)).decode(),
        "leafHash": b64encode(LEAVES[3]).decode(),
        "proof": [b64encode(root(piece.start, piece.end)).decode() for piece in inclusion(3, 8)],
        "wantErr": False,
    }
    return msgspec.json.encode({name: value for name, value in {**base, **changes}.items() if value is not ...})


def test_a_case_that_holds_is_accepted() -> None:
    said = verdict(case(), 1)

    assert (said.case, said.accepted, said.agrees) == ("of eight", True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": ...},
        {"proof": None},
        {"proof": "AAAA"},
        {"proof": ["!!!"]},
        {"proof": [""]},
        {"proof": [None, 5]},
        {"proof": ["A" * 200_000]},
        {"proof": ["AAAA"] * 5_000},
        {"leafIdx": -1},
        {"leafIdx": True},
        {"leafIdx": 3.0},
        {"leafIdx": "3"},
        {"leafIdx": ...},
        {"leafIdx": 2**64 - 1},
        {"treeSize": 0},
        {"treeSize": 2**64 - 1},
        {"treeSize": None},
        {"root": "not base64"},
        {"root": "é"},
        {"root": 5},
        {"leafHash": ""},
        {"leafHash": "V3JvbmdMZWFm"},
        {"kind": "exclusion"},
        {"kind": ...},
        {"kind": "consistency"},
        {"kind": ["inclusion"]},
    ],
)
def test_a_malformed_case_is_not_accepted_and_breaks_nothing(changes: dict[str, Any]) -> None:
    said = verdict(case(**changes, wantErr=True), 1)

    assert not said.accepted
    assert said.agrees


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"kind":"inclusion","leafIdx":' + b"9" * 6_000 + b"}",
        b'{"kind":"inclusion","leafIdx":1e999}',
        b'{"kind":"inclusion","leafIdx":NaN}',
        b'"' + b"a" * 2_000_000 + b'"',
    ],
)
def test_a_line_that_cannot_be_read_is_a_case_that_is_not_accepted(line: bytes) -> None:
    said = verdict(line, 7)

    assert (said.case, said.accepted, said.agrees) == ("line 7", False, None)


@given(st.binary(max_size=300))
def test_no_line_breaks_the_checker(line: bytes) -> None:
    assert not verdict(line, 1).accepted


@pytest.mark.parametrize(("start", "end"), [(1, 3), (2, 6), (3, 5), (0, 0), (5, 4)])
def test_what_is_no_subtree_is_refused(start: int, end: int) -> None:
    assert not is_subtree(start, end)


def test_the_empty_subtree_is_in_every_tree_and_nothing_else_is_empty() -> None:
    assert subtree_is_consistent(1, 1, 2, EMPTY, root(0, 2), [])
    assert not subtree_is_consistent(1, 1, 2, root(0, 1), root(0, 1), [])
    assert not subtree_is_consistent(1, 1, 2, EMPTY, root(0, 2), [EMPTY])
