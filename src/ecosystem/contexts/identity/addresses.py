"""E-mail addresses: as a person wrote them, and in the one spelling by which they are found."""

from __future__ import annotations

import re

from ecosystem.kernel.refusals import Invalid

_LENGTH_MAX = 254
_LOCAL_LENGTH_MAX = 64
# RFC 5322, section 3.2.3: a dot-atom. Quoted local parts are refused: no mail provider gives them to people.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class NotAnAddress(Invalid):
    """That is not an e-mail address such as ana@example.com."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, field="email")


def normalised(email: str) -> str:
    """The address in its one spelling: without surrounding space, in lower case, its domain in ASCII (RFC 5890).

    Dots and tags before the `@` stay, since only the receiving provider knows what they mean. Raises `NotAnAddress`.
    """
    local, _, domain = email.strip().rpartition("@")
    if len(local) > _LOCAL_LENGTH_MAX or not _LOCAL.fullmatch(local):
        raise NotAnAddress
    labels = _ascii(domain).split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise NotAnAddress
    address = f"{local.lower()}@{'.'.join(labels)}"
    if len(address) > _LENGTH_MAX:
        raise NotAnAddress
    return address


def masked(email: str) -> str:
    """Enough of the address for its owner to know it: `a···@example.com`."""
    local, _, domain = email.strip().rpartition("@")
    return f"{local[:1]}···@{domain}"


def _ascii(domain: str) -> str:
    try:
        return domain.lower().encode("idna").decode("ascii")
    except UnicodeError as refused:
        raise NotAnAddress from refused
