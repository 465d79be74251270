"""Proofs written down as cases, one JSON object a line, such as those of transparency-dev/merkle; and the verdicts."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from ecosystem.contexts.audit.proofs import (
    PROOF_MAX,
    SIZE_MAX,
    includes,
    is_consistent,
    subtree_includes,
    subtree_is_consistent,
)

LINE_BYTES_MAX = 1024 * 1024
KINDS = ("inclusion", "consistency", "subtreeinclusion", "subtreeconsistency")
_NAME = re.compile(rb'"case"\s*:\s*"([^"\\]{1,500})"')


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of one case. `agrees` is None where the case does not say what it expects."""

    case: str
    accepted: bool
    agrees: bool | None = None


class _Malformed(ValueError):
    """The case lacks a part, or has one that is not what it should be."""


def verdict(line: bytes, number: int) -> Verdict:
    """The verdict on one line; `number` names it if it has no name. What cannot be read is not accepted."""
    case = _case(line)
    try:
        accepted = _accepts(case)
    except _Malformed:
        accepted = False
    name, expected = case.get("case"), case.get("wantErr")
    return Verdict(
        case=name if isinstance(name, str) else f"line {number}",
        accepted=accepted,
        agrees=accepted is not expected if isinstance(expected, bool) else None,
    )


def _case(line: bytes) -> dict[str, Any]:
    """What the line says; of one that is not JSON, its name at most."""
    if len(line) > LINE_BYTES_MAX:
        return {}
    try:
        read: object = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        name = _NAME.search(line)
        return {"case": name[1].decode("utf-8", "replace")} if name else {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object; one that says two things under a name says neither."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Malformed
    return found


def _accepts(case: dict[str, Any]) -> bool:
    kind = case.get("kind")
    if kind not in KINDS:
        raise _Malformed
    proof = _hashes(case)
    match kind:
        case "inclusion":
            return includes(
                _hash(case, "leafHash"), _whole(case, "leafIdx"), _whole(case, "treeSize"), _hash(case, "root"), proof
            )
        case "consistency":
            return is_consistent(
                _whole(case, "size1"), _whole(case, "size2"), _hash(case, "root1"), _hash(case, "root2"), proof
            )
        case "subtreeinclusion":
            return subtree_includes(
                _hash(case, "leafHash"),
                _whole(case, "leafIdx"),
                _whole(case, "start"),
                _whole(case, "end"),
                _hash(case, "root"),
                proof,
            )
        case _:
            return subtree_is_consistent(
                _whole(case, "start"),
                _whole(case, "end"),
                _whole(case, "size"),
                _hash(case, "root1"),
                _hash(case, "root2"),
                proof,
            )


def _whole(case: dict[str, Any], name: str) -> int:
    found = case.get(name)
    # True is a whole number to the language, not to a proof.
    if type(found) is not int or not 0 <= found <= SIZE_MAX:
        raise _Malformed
    return found


def _hash(case: dict[str, Any], name: str) -> bytes:
    return _bytes(case.get(name))


def _hashes(case: dict[str, Any]) -> Sequence[bytes]:
    # A missing proof is not an empty one: null is how the vectors write that.
    if "proof" not in case:
        raise _Malformed
    found = case["proof"]
    if found is None:
        return ()
    if not isinstance(found, list):
        raise _Malformed
    steps = cast("list[object]", found)
    if len(steps) > PROOF_MAX:
        raise _Malformed
    return [_bytes(step) for step in steps]


def _bytes(found: object) -> bytes:
    if not isinstance(found, str):
        raise _Malformed
    try:
        raw = b64decode(found, validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise _Malformed from malformed
    # One hash has one spelling: no padding too many, no bits behind its end (RFC 4648, section 3.5).
    if b64encode(raw).decode() != found:
        raise _Malformed
    return raw
