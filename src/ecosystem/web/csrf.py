"""That a form was sent from our own page: a secret in a cookie, and the same secret, masked anew, in each form.

The cookie cannot be set from elsewhere (`__Host-` on https) nor read by scripts; the mask keeps a compressed page from
giving the secret away (BREACH). It changes when somebody signs in or out, which binds it to the session. Browsers also
say whence a request comes: what they call cross-site is refused before any token is looked at.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hmac import compare_digest

from ecosystem.kernel.refusals import Denied
from ecosystem.ports.entropy import Entropy

FIELD = "csrf_token"
HEADER = "x-csrf-token"
SECRET_BYTES = 24
SECRET_CHARS = 32
"""Of base 64, without padding."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Forged(Denied):
    """This page stood open too long, or the form did not come from our own page. Load it again and repeat."""


def secret(entropy: Entropy) -> str:
    """A new secret, as it stands in the cookie."""
    return urlsafe_b64encode(entropy.bytes(SECRET_BYTES)).decode()


def token(secret_text: str, entropy: Entropy) -> str:
    """The secret under a fresh mask, as it stands in a form."""
    plain = urlsafe_b64decode(secret_text)
    mask = entropy.bytes(len(plain))
    return urlsafe_b64encode(mask + _xor(plain, mask)).decode()


def check(secret_text: str, token_text: str) -> None:
    """Pass if the token carries the cookie's secret. Raises `Forged` otherwise."""
    try:
        both = urlsafe_b64decode(token_text)
        plain = urlsafe_b64decode(secret_text)
    except (binascii.Error, ValueError):
        raise Forged from None
    mask, masked = both[:SECRET_BYTES], both[SECRET_BYTES:]
    if len(plain) != SECRET_BYTES or not compare_digest(_xor(masked, mask), plain):
        raise Forged


def check_origin(method: str, *, fetch_site: str, origin: str, own: frozenset[str]) -> None:
    """Pass if the browser does not say that the request comes from another site (Fetch Metadata; RFC 6454).

    An absent header says nothing: what is no browser has no cookies to abuse. Raises `Forged`.
    """
    if method in SAFE_METHODS:
        return
    if fetch_site in {"cross-site", "same-site"} or (origin and origin not in own):
        raise Forged


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))
