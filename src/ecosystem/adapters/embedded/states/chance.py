"""The chance a run has: drawn from its seed and a counter, so that the same run draws the same again."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from uuid import UUID

_TOKEN_BYTES = 24


class Chance:
    """Draws one after another. `drawn` is how many were made."""

    __slots__ = ("_seed", "drawn")

    def __init__(self, seed: bytes, drawn: int) -> None:
        self._seed = seed
        self.drawn = drawn

    def _draw(self) -> bytes:
        self.drawn += 1
        return _digest(self._seed, b"draw %d" % self.drawn, 16)

    def uuid(self) -> str:
        """A random UUID (RFC 9562, version 4)."""
        return str(UUID(bytes=self._draw(), version=4))

    def between(self, start: int, end: int) -> int:
        """A whole number from `start` on and below `end`."""
        return start + int.from_bytes(self._draw(), "big") % (end - start)

    def part(self) -> float:
        """A number from 0 on and below 1."""
        return int.from_bytes(self._draw()[:6], "big") / (1 << 48)


def seeded(seed: object, start: int, end: int) -> int:
    """The number that seed always gives."""
    digest = hashlib.blake2b(repr(seed).encode(), digest_size=16).digest()
    return start + int.from_bytes(digest, "big") % (end - start)


def token(seed: bytes, execution_id: str, call_id: int) -> str:
    """The token of a call. Nobody makes it who does not know the seed; whom it is for is written behind."""
    mark = _digest(seed, f"token {call_id} {execution_id}".encode(errors="surrogatepass"), _TOKEN_BYTES)
    return f"{urlsafe_b64encode(mark).decode()}.{call_id}.{execution_id}"


def addressee(given: str) -> tuple[str, int] | None:
    """The execution and the call that token claims to be for; None when it is no token. Says nothing of its truth."""
    mark, _, rest = given.partition(".")
    call_id, _, execution_id = rest.partition(".")
    if not mark or not execution_id or not (call_id.isascii() and call_id.isdigit()) or len(call_id) > 9:
        return None
    return execution_id, int(call_id)


def is_token(given: str, seed: bytes, execution_id: str, call_id: int) -> bool:
    """Whether that is the call's token, told in the same time whatever is wrong."""
    expected = token(seed, execution_id, call_id)
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))


def _digest(seed: bytes, message: bytes, size: int) -> bytes:
    return hashlib.blake2b(message, key=hashlib.blake2b(seed, digest_size=32).digest(), digest_size=size).digest()
