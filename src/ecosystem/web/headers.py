"""What every answer tells the browser: whence it may load, what it may do, and to keep what it learned to itself."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecosystem.ports.cards import ElementOrigins

Header = tuple[bytes, bytes]

# Nothing an inert answer (a picture, a file, a problem as JSON) could contain may run or load anything.
_INERT = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


class Policy(Struct, frozen=True, kw_only=True):
    """Content security of pages: `frames` are origins whose frames may stand in ours (the card processor's)."""

    https: bool
    frames: tuple[str, ...] = ()

    def page(self, nonce: str) -> list[Header]:
        """The headers of a page. Scripts run by nonce alone; style comes from files; nobody may frame us."""
        return [(b"content-security-policy", self._csp(nonce).encode()), *self._always()]

    def with_script(self, nonce: str, origins: ElementOrigins) -> str:
        """The policy of a page that loads the card processor's own script.

        Whether that script keeps to trusted types is not known, so they are not asked of this page.
        """
        return self._csp(nonce, origins)

    def inert(self) -> list[Header]:
        """The headers of what is no page."""
        return [(b"content-security-policy", _INERT), *self._always()]

    def _csp(self, nonce: str, origins: ElementOrigins | None = None) -> str:
        scripts, frames, calls = (), self.frames, ()
        if origins:
            scripts, frames, calls = origins.scripts, (*self.frames, *origins.frames), origins.calls
        # `strict-dynamic` lets our script load its further parts; the rest is for browsers that do not know it.
        parts = [
            "default-src 'none'",
            " ".join((f"script-src 'nonce-{nonce}' 'strict-dynamic' 'self'", *scripts)),
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            " ".join(("connect-src 'self'", *calls)),
            "manifest-src 'self'",
            "form-action 'self'",
            f"frame-src {' '.join(frames) or chr(39) + 'none' + chr(39)}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        if not origins:
            parts += ["require-trusted-types-for 'script'", "trusted-types htmx"]
        return "; ".join([*parts, "upgrade-insecure-requests"] if self.https else parts)

    def _always(self) -> Sequence[Header]:
        return _SECURE if self.https else _PLAIN


_PLAIN: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), geolocation=(self), gyroscope=(), microphone=(), payment=(self), usb=()",
    ),
)
_SECURE: tuple[Header, ...] = (*_PLAIN, (b"strict-transport-security", b"max-age=63072000; includeSubDomains"))
