"""The bank that sends our files into the Automated Clearing House, reached by the files it takes and the files it gives.

A bank has two folders for us. What we put into the first it takes at its own times; what it took stays to be seen, under
the same name, in `taken`. In the second it puts returns, acknowledgements and statements; what we have kept of it we
move to `collected`, and it is not waiting any more.

A file's name says which file it is: the same name never stands for other bytes. So a delivery that may or may not have
happened is asked about, and made again without harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Conflict, Invalid, NotFound, Unavailable

FILE_BYTES_MAX = 64 * 1024 * 1024
NAMES_MAX = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BankSilent(Unavailable):
    """The bank's server does not answer."""


class BankUnknown(Unavailable):
    """The server that answers does not show the host key that was agreed with the bank: nothing was sent to it."""


class NameTaken(Conflict):
    """A file of that name with other content lies at the bank already."""


class NotAtBank(NotFound):
    """There is no such file at the bank."""


class UnfitFile(Invalid):
    """The bank takes no file of that name or size."""


class Lying(Struct, frozen=True, kw_only=True):
    """A file as it lies at the bank. `taken` tells that the bank has begun to process it."""

    name: str
    size_bytes: int
    sha256: str
    changed_at: datetime
    taken: bool = False


class Waiting(Struct, frozen=True, kw_only=True):
    """A file that the bank has put out for us."""

    name: str
    size_bytes: int
    changed_at: datetime


class Bank(Protocol):
    """Every act raises `BankSilent` when the bank does not answer, and `BankUnknown` when it is not the bank."""

    async def deliver(self, name: str, content: bytes) -> None:
        """Put the file at the bank, whole or not at all; nothing happens when it lies there already, taken or not.

        Raises `NameTaken`, `UnfitFile`.
        """
        ...

    async def lying(self, name: str) -> Lying | None:
        """The file that we delivered under that name, as the bank has it now; None when there is none."""
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """Up to `NAMES_MAX` files that the bank has for us, in the order of their names. Half-written ones are left out."""
        ...

    async def collect(self, name: str) -> bytes:
        """The bytes of a waiting file. Raises `NotAtBank`, `UnfitFile` when it is larger than `FILE_BYTES_MAX`."""
        ...

    async def collected(self, name: str) -> None:
        """Say that the file is kept: it is not waiting any more. Nothing happens when it was said before."""
        ...


def fit_name(name: str) -> str:
    """The name, if a file may have it: letters, digits, dots and hyphens. Raises `UnfitFile`."""
    if not _NAME.fullmatch(name) or name.endswith(".part"):
        raise UnfitFile(f"{name!r} is not the name of a file at the bank.", field="name")
    return name


def fit_content(content: bytes) -> bytes:
    """The content, if a file may have it. Raises `UnfitFile`."""
    if not content or len(content) > FILE_BYTES_MAX:
        raise UnfitFile(f"A file at the bank has between 1 and {FILE_BYTES_MAX} bytes.", field="content")
    return content
