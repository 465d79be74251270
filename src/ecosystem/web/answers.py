"""What is sent back: a whole page, or only its fragment when htmx asks, or the way to somewhere else."""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeAlias

import msgspec
from litestar import Response
from msgspec import Struct

from ecosystem.web.headers import Header
from ecosystem.web.templates import Toast

Answer: TypeAlias = Response[bytes]
"""What every page's handler returns."""

GZIP_FROM_BYTES = 1_400
GZIP_LEVEL = 4
"""Above this, a page costs more time than the line saves; level 4 squeezes 48 kB of HTML in a quarter of a millisecond."""

TOAST = "toast"
TOAST_AGE_S = 120
TOAST_CHARS_MAX = 3_000


class Drawn(Struct, frozen=True, kw_only=True):
    """An answer before any framework: status, headers, body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"

    def answer(self) -> Answer:
        # Litestar names the charset of text itself.
        kind = self.media_type.removesuffix("; charset=utf-8")
        return Response(content=self.body, status_code=self.status, headers=dict(self.headers), media_type=kind)

    def raw_headers(self) -> list[Header]:
        said = [("content-type", self.media_type), ("content-length", str(len(self.body))), *self.headers]
        return [(name.lower().encode(), value.encode()) for name, value in said]


def drawn(text: str, *, status: int = 200, takes_gzip: bool, headers: tuple[tuple[str, str], ...] = ()) -> Drawn:
    """HTML as an answer: compressed where that pays and is taken, and kept by no cache between."""
    body = text.encode()
    said = (("cache-control", "private, no-cache"), ("vary", "Accept-Encoding, Cookie, HX-Request-Type"), *headers)
    if takes_gzip and len(body) > GZIP_FROM_BYTES:
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        said += (("content-encoding", "gzip"),)
    return Drawn(status=status, headers=said, body=body)


def elsewhere(path: str, *, by_htmx: bool) -> Drawn:
    """The way to another page of the site: a redirect, or htmx's header for one (a fetch would follow it unseen)."""
    assert is_local(path)
    if by_htmx:
        return Drawn(status=200, headers=(("hx-redirect", path),))
    return Drawn(status=303, headers=(("location", path),))


def is_local(path: str) -> bool:
    """Whether a path stays within this site: what a form or query gives as the way back is checked by this."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path


def packed(toast: Toast) -> str:
    """A toast as a cookie's value, for the page that follows a redirect."""
    return urlsafe_b64encode(msgspec.json.encode(toast)).decode()


def unpacked(text: str) -> tuple[Toast, ...]:
    """The toast of a cookie; none if it is not one of ours."""
    if not text or len(text) > TOAST_CHARS_MAX:
        return ()
    try:
        toast = msgspec.json.decode(urlsafe_b64decode(text), type=Toast)
    except (ValueError, msgspec.DecodeError):
        return ()
    return (toast,) if not toast.undo or is_local(toast.undo) else ()
