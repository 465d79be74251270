"""Mail that leaves the house."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.ports.secrets import Untold

HTML_SIZE_MAX = 100_000
"""Larger mails are cut off by some readers (Gmail at 102 kB)."""


class MailRefused(Invalid):
    """The receiving side will never take this mail."""


class MailUnavailable(Unavailable):
    """The mail server cannot be reached or asks to wait."""


class CalendarMethod(StrEnum):
    """What a calendar part asks of its reader (RFC 5546)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


class CalendarPart(Struct, frozen=True, kw_only=True):
    """An iCalendar object (RFC 5545) that travels with a mail."""

    body: str
    method: CalendarMethod


class Mail(Untold, frozen=True, kw_only=True):
    """One mail to one address. `mail_id` makes its Message-ID, so that a repeat can be recognised as one."""

    mail_id: str
    to: str
    to_name: str = ""
    subject: str
    text: str
    html: str
    calendar: CalendarPart | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for text in (self.to, self.to_name, self.subject, *self.headers, *self.headers.values()):
            if not all(sign.isprintable() for sign in text):
                raise Invalid("A mail's heading is one line of printable text.", field="headers")


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server that delivers it.

        Raises `MailUnavailable` when it may be tried again later, `MailRefused` when it may not.
        """
        ...
