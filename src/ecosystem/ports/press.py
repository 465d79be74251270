"""Letters laid out for reading: what is to be said becomes HTML that mail readers show, and its plain text twin."""

from __future__ import annotations

import re
from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

# RFC 3986, section 2: the signs an address may have, after its scheme.
_WEB = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


class Line(Struct, frozen=True, kw_only=True):
    """A label and its value at the right margin; the sum is strong."""

    label: str
    value: str
    strong: bool = False


class Button(Struct, frozen=True, kw_only=True):
    """Where a letter leads: an address of the web in its written form, percent-encoded where it must be."""

    label: str
    url: str

    def __post_init__(self) -> None:
        if not _WEB.fullmatch(self.url):
            raise Invalid("A letter leads to an address of the web.", field="url")


class Sheet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one letter says, in the order in which it is read. All texts are plain; nothing in them is markup."""

    brand: str
    brand_url: str
    language: str = "en"
    subject: str
    preview: str = ""
    title: str
    paragraphs: tuple[str, ...] = ()
    code: str = ""
    lines: tuple[Line, ...] = ()
    button: Button | None = None
    notes: tuple[str, ...] = ()
    footer: str = ""


class Printed(Struct, frozen=True, kw_only=True):
    html: str
    text: str


class Press(Protocol):
    def printed(self, sheet: Sheet) -> Printed:
        """The sheet as HTML and as plain text."""
        ...
