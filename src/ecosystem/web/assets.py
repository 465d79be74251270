"""Styles, scripts and fonts under names that carry their fingerprint, so that a browser may keep them for ever.

The files are small and few: they stand in memory, compressed at start (gzip) or at build (brotli).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from msgspec import Struct

from ecosystem.kernel.refusals import NotFound

PREFIX = "/static/"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_COMPRESSED_ALREADY = frozenset({"woff2"})


class NoSuchFile(NotFound):
    """There is no such file."""


class Asset(Struct, frozen=True, kw_only=True):
    """A file as it is sent: its bytes by content coding, with `identity` always there."""

    name: str
    media_type: str
    etag: str
    codings: Mapping[str, bytes]

    def fitting(self, accept_encoding: str) -> tuple[str, bytes]:
        """The smallest form the client takes: its coding and its bytes."""
        taken = {
            part.split(";")[0].strip() for part in accept_encoding.split(",") if ";q=0" not in part.replace(" ", "")
        }
        fits = [coding for coding in self.codings if coding == "identity" or coding in taken]
        best = min(fits, key=lambda coding: len(self.codings[coding]))
        return best, self.codings[best]


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file under `static/`, by the name it is asked for."""

    hashed: Mapping[str, Asset]
    plain: Mapping[str, Asset]

    @classmethod
    def load(cls) -> Assets:
        root = files("ecosystem.web") / "static"
        plain = {entry.name: _asset(entry) for folder in (root / "dist", root / "plain") for entry in _sent(folder)}
        hashed = {_fingerprinted(asset): asset for asset in plain.values()}
        return cls(hashed=hashed, plain=plain)

    def url(self, name: str) -> str:
        """The address of a file, with its fingerprint: `/static/app.1f2e3d4c5b.css`."""
        return PREFIX + _fingerprinted(self.plain[name])

    def find(self, asked: str) -> tuple[Asset, bool]:
        """The file of that name, and whether the name carries its fingerprint. Raises `NoSuchFile`."""
        if asset := self.hashed.get(asked):
            return asset, True
        if asset := self.plain.get(asked):
            return asset, False
        raise NoSuchFile


def _sent(folder: Traversable) -> Iterable[Traversable]:
    return (entry for entry in folder.iterdir() if entry.is_file() and entry.name.rpartition(".")[2] in _TYPES)


def _asset(entry: Traversable) -> Asset:
    content = entry.read_bytes()
    ending = entry.name.rpartition(".")[2]
    codings = {"identity": content}
    if ending not in _COMPRESSED_ALREADY:
        codings["gzip"] = gzip.compress(content, 9, mtime=0)
    # Brotli's bytes are made by the build; a file without them (a plain one) goes by gzip.
    if (squeezed := _beside(entry)) is not None:
        codings["br"] = squeezed
    return Asset(
        name=entry.name,
        media_type=_TYPES[ending],
        etag=f'"{sha256(content).hexdigest()[:10]}"',
        codings=codings,
    )


def _beside(entry: Traversable) -> bytes | None:
    folder = files("ecosystem.web") / "static" / "dist"
    squeezed = folder / f"{entry.name}.br"
    return squeezed.read_bytes() if squeezed.is_file() else None


def _fingerprinted(asset: Asset) -> str:
    stem, _, ending = asset.name.rpartition(".")
    return f"{stem}.{asset.etag.strip(chr(34))}.{ending}"
