"""Mail over SMTP (RFC 5321), encrypted unless the server is on this machine."""

from __future__ import annotations

import asyncio
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from ipaddress import ip_address

import aiosmtplib

from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.clock import Clock
from ecosystem.ports.mail import Mail, MailRefused, MailUnavailable
from ecosystem.ports.secrets import Untold

_PERMANENT = 500


class Security(StrEnum):
    """`tls` from the first byte (port 465), `starttls` (port 587), or none, on loopback only."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class SmtpAccount(Untold, frozen=True, kw_only=True):
    """Where mail is handed over, and in whose name."""

    host: str
    port: int
    sender: str
    sender_name: str = ""
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = ""
    timeout_s: float = 20.0
    authorities: str | None = None
    """A file of certificate authorities, instead of the system's."""

    def __post_init__(self) -> None:
        if self.security is Security.NONE and not _loopback(self.host):
            raise Invalid("Mail leaves this machine encrypted only: choose tls or starttls.", field="security")
        if "@" not in self.sender:
            raise Invalid("The sender is an e-mail address.", field="sender")


class SmtpMailer:
    """One connection per mail, `connections_max` at once."""

    def __init__(self, account: SmtpAccount, clock: Clock, *, connections_max: int = 4) -> None:
        self._account = account
        self._clock = clock
        self._free = asyncio.Semaphore(connections_max)

    async def send(self, mail: Mail) -> None:
        message = self._written(mail)
        async with self._free:
            try:
                async with self._connection() as connection:
                    await connection.send_message(message, recipients=[mail.to])
            except aiosmtplib.SMTPRecipientsRefused as refused:
                raise _meaning(refused.recipients[0].code, refused.recipients[0].message) from refused
            except aiosmtplib.SMTPDataError as refused:
                raise _meaning(refused.code, refused.message) from refused
            except aiosmtplib.SMTPResponseException as refused:
                # What is refused before the recipient is named is our account or connection, never this mail.
                raise MailUnavailable(f"The mail server refuses us: {refused.code} {refused.message}") from refused
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as failed:
                raise MailUnavailable(f"The mail server does not answer: {type(failed).__name__}.") from failed

    def _connection(self) -> aiosmtplib.SMTP:
        account = self._account
        encrypted = account.security is not Security.NONE
        return aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            timeout=account.timeout_s,
            use_tls=account.security is Security.TLS,
            start_tls=account.security is Security.STARTTLS,
            username=account.username or None,
            password=account.password or None,
            tls_context=ssl.create_default_context(cafile=account.authorities) if encrypted else None,
            # Our own name is not looked up: a resolver that hangs would stall the loop.
            local_hostname=account.sender.rpartition("@")[2],
        )

    def _written(self, mail: Mail) -> EmailMessage:
        try:
            return self._message(mail)
        except (ValueError, IndexError, MessageError) as refused:
            # The library answers an empty address with an IndexError of its own.
            raise MailRefused("That can be no mail: its address or a heading is not well formed.") from refused

    def _message(self, mail: Mail) -> EmailMessage:
        account = self._account
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(account.sender_name, addr_spec=account.sender)
        message["To"] = Address(mail.to_name, addr_spec=mail.to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{mail.mail_id}@{account.sender.rpartition('@')[2]}>"
        # RFC 3834: nobody's absence notice need answer this.
        message["Auto-Submitted"] = "auto-generated"
        for name, value in mail.headers.items():
            message[name] = value
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        if mail.calendar:
            # Once as an alternative, which readers turn into buttons, and once as a file for those that do not.
            method = {"method": mail.calendar.method.value}
            message.add_alternative(mail.calendar.body, subtype="calendar", params=method)
            message.add_attachment(
                mail.calendar.body.encode(), maintype="application", subtype="ics", filename="invite.ics"
            )
        return message


def _meaning(code: int, reply: str) -> MailRefused | MailUnavailable:
    if code >= _PERMANENT:
        return MailRefused(f"The mail server refused: {code} {reply}")
    return MailUnavailable(f"The mail server asks to wait: {code} {reply}")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
