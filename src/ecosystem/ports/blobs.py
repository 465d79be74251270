"""Where bytes lie that are no items: uploads, what was made of them, templates, themes, backups.

A blob's name says whose it is, who may read it, for how long it may be kept, and what type it has:

| name | who reads it |
| --- | --- |
| `users/<id>/uploads/...` | its owner, and those a context lets in |
| `users/<id>/generated/...` | everybody; content-addressed, so it never changes |
| `users/<id>/backups/...` | its owner |
| `templates/...`, `themes/...` | everybody |
| `system/...` | the system |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Denied, Invalid, NotFound

NAME_BYTES_MAX = 512
BLOB_BYTES_MAX = 64 * 1024 * 1024
NAMES_MAX = 1000
UPLOAD_LIFE_MAX = timedelta(hours=1)

# Folders have no dot and files have one, so that no name is a folder of another. Lower case only: some file systems
# know no other, and two names must not become one there.
_NAME = re.compile(r"(?:[a-z0-9][a-z0-9_-]*/){1,8}[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)+")
_ROOM = re.compile(r"users/[a-z0-9_-]+/(?:uploads|generated|backups)/|templates/|themes/|system/")
_PREFIX = re.compile(r"(?:[a-z0-9][a-z0-9_-]*/){1,8}")
_PUBLIC = re.compile(r"users/[a-z0-9_-]+/generated/|templates/|themes/")
_ADDRESSED = re.compile(r"users/[a-z0-9_-]+/generated/(?:.*/)?[0-9a-f]{32,64}\.[a-z0-9]+")

_TYPES = {
    "avif": "image/avif",
    "bin": "application/octet-stream",
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "eml": "message/rfc822",
    "gif": "image/gif",
    "html": "text/html; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain; charset=utf-8",
    "webp": "image/webp",
    "woff2": "font/woff2",
    "zip": "application/zip",
}


class UnfitName(Invalid):
    """That is not the name of a blob."""


class BlobTooLarge(Invalid):
    """That is more than a blob may hold."""


class BlobMissing(NotFound):
    """There is no such blob."""


class UploadRefused(Denied):
    """This upload was not offered, or its time is over."""


class Blob(Struct, frozen=True, kw_only=True):
    """What is known of a blob without reading it."""

    name: str
    size_bytes: int
    stored_at: datetime

    @property
    def content_type(self) -> str:
        return content_type(self.name)


class Upload(Struct, frozen=True, kw_only=True):
    """Where, and with which headers, a browser may send the bytes itself."""

    method: str
    url: str
    headers: Mapping[str, str]
    until: datetime


class Listing(Struct, frozen=True, kw_only=True):
    """Blobs in the order of their names, and the name to go on after; None when there are no more."""

    blobs: Sequence[Blob]
    next: str | None = None


class Blobs(Protocol):
    """Every act raises `UnfitName` for a name that is none, and `Unavailable` when the store does not answer."""

    async def put(self, name: str, content: bytes) -> None:
        """Store the bytes under that name, whole or not at all, in the place of what was there.

        On return they are on disk. Raises `BlobTooLarge`.
        """
        ...

    async def get(self, name: str) -> bytes:
        """The bytes. Raises `BlobMissing`."""
        ...

    async def head(self, name: str) -> Blob | None:
        """Size and time of the blob; None when there is none."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the blob, if it is there."""
        ...

    async def list(self, prefix: str, *, after: str | None = None, limit: int = NAMES_MAX) -> Listing:
        """Blobs below that folder (`users/usr_.../generated/`), in the order of their names."""
        ...

    async def offer(self, name: str, *, size_bytes: int, life: timedelta) -> Upload:
        """A signed upload: for that long, whoever has it may store exactly that many bytes under that name."""
        ...


def check_name(name: str) -> str:
    """The name, if it is one. Raises `UnfitName`: names come from outside, and one adapter makes paths of them."""
    if len(name) > NAME_BYTES_MAX or not _NAME.fullmatch(name) or not _ROOM.match(name):
        raise UnfitName(f"{name[:80]!r} is not a name such as users/usr_.../uploads/photo.jpg.", field="name")
    return name


def check_prefix(prefix: str) -> str:
    """The folder, if it is one, with its closing slash. Raises `UnfitName`."""
    if len(prefix) > NAME_BYTES_MAX or not _PREFIX.fullmatch(prefix):
        raise UnfitName(f"{prefix[:80]!r} is not a folder such as users/usr_.../uploads/.", field="prefix")
    return prefix


def check_size(size_bytes: int) -> int:
    """The size, if a blob may have it. Raises `BlobTooLarge`."""
    if not 0 <= size_bytes <= BLOB_BYTES_MAX:
        raise BlobTooLarge(f"A blob has at most {BLOB_BYTES_MAX} bytes, not {size_bytes}.", field="content")
    return size_bytes


def check_offer(name: str, size_bytes: int, life: timedelta) -> None:
    """Raises unless such an upload may be offered: a name of an upload folder, a fitting size, a short life."""
    if not re.match(r"users/[a-z0-9_-]+/uploads/", check_name(name)):
        raise UnfitName("Uploads go to users/<id>/uploads/ alone.", field="name")
    if size_bytes < 1:
        raise BlobTooLarge("An upload has at least one byte.", field="size_bytes")
    check_size(size_bytes)
    if not timedelta(seconds=1) <= life <= UPLOAD_LIFE_MAX:
        raise Invalid("An offer lives from a second to an hour.", field="life")


def check_limit(limit: int) -> int:
    """The limit, when a listing may be that long. Raises `Invalid`."""
    if not 1 <= limit <= NAMES_MAX:
        raise Invalid(f"A listing has 1 to {NAMES_MAX} blobs, not {limit}.", field="limit")
    return limit


def content_type(name: str) -> str:
    """The type that goes with the name's ending; never one that the sender chose."""
    return _TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def is_public(name: str) -> bool:
    """Whether everybody may read it."""
    return _PUBLIC.match(name) is not None


def cache_control(name: str) -> str:
    """How long others may keep it: for good where the name is made from the content, never where it is private."""
    if _ADDRESSED.fullmatch(name):
        return "public, max-age=31536000, immutable"
    return "public, max-age=300" if is_public(name) else "private, no-store"


def uploaded(owner: str, rest: str) -> str:
    """A name under the owner's own uploads."""
    return check_name(f"users/{owner}/uploads/{rest}")


def generated(owner: str, rest: str) -> str:
    """A name under what was made for the owner, which everybody may read."""
    return check_name(f"users/{owner}/generated/{rest}")


def backup(owner: str, rest: str) -> str:
    """A name under the owner's backups and exports."""
    return check_name(f"users/{owner}/backups/{rest}")
