"""Cookies: read from a request, set on an answer. On https their names begin with `__Host-`, which no other host can set."""

from __future__ import annotations

from urllib.parse import quote, unquote

from msgspec import Struct

_LONGEST = 4_096
_PREFIX = "__Host-"


class Jar(Struct, frozen=True):
    """The cookies of one kind of site. What scripts may write (theme, zone) has a plain name; all else is out of their reach."""

    https: bool

    def name(self, plain: str) -> str:
        return _PREFIX + plain if self.https else plain

    def kept(self, plain: str, value: str, *, max_age_s: int) -> tuple[bytes, bytes]:
        """The header that sets a cookie out of reach of scripts, sent to no other site's request but a plain link."""
        ending = "; Secure" if self.https else ""
        text = f"{self.name(plain)}={quote(value)}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{ending}"
        return b"set-cookie", text.encode()

    def dropped(self, plain: str) -> tuple[bytes, bytes]:
        """The header that takes a cookie away."""
        return self.kept(plain, "", max_age_s=0)


def parse(header: str) -> dict[str, str]:
    """Names and values of a Cookie header; the first of a name counts (RFC 6265, section 5.4)."""
    found: dict[str, str] = {}
    for pair in header[: _LONGEST * 4].split(";"):
        name, is_pair, value = pair.strip().partition("=")
        if is_pair:
            found.setdefault(name, unquote(value.strip('"')))
    return found
