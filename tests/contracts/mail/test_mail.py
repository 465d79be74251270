"""Mail handed over to a real server on loopback, which keeps what it is given."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.mail import Security, SmtpAccount, SmtpMailer
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.mail import CalendarMethod, CalendarPart, Mail, Mailer, MailRefused, MailUnavailable

CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
MAIL = Mail(
    mail_id="mal_01kag2m8000000000000000000",
    to="ana@example.com",
    to_name="Ana, Inês & Co",
    subject="You are booked: Retratos ✓ com Inês",
    text="Olá\n.\nfrom here\n",
    html="<p>Olá</p>",
)


@dataclass
class Postbox:
    """A handler that keeps what it is given, or answers as it is told."""

    envelopes: list[Envelope] = field(default_factory=list)
    recipient_reply: str = "250 OK"
    data_reply: str = "250 OK"
    delay_s: float = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 — aiosmtpd's name
        await asyncio.sleep(self.delay_s)
        envelope.rcpt_tos.append(address)
        return self.recipient_reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 — aiosmtpd's name
        if self.data_reply.startswith("250"):
            self.envelopes.append(envelope)
        return self.data_reply

    @property
    def messages(self) -> list[EmailMessage]:
        return [
            message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type, misc]
            for envelope in self.envelopes
        ]


class Server:
    """An SMTP server in this very loop."""

    def __init__(self, postbox: Postbox, **options: Any) -> None:
        self._tls: ssl.SSLContext | None = options.pop("tls", None)
        self._make = lambda: SMTP(postbox, hostname="localhost", enable_SMTPUTF8=True, **options)
        self.connections = 0

    async def __aenter__(self) -> int:
        loop = asyncio.get_running_loop()

        def made() -> SMTP:
            self.connections += 1
            return self._make()

        self._server = await loop.create_server(made, "127.0.0.1", 0, ssl=self._tls)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture(params=["smtp"])
async def mailer(postbox: Postbox, clock: VirtualClock) -> AsyncIterator[Mailer]:
    async with Server(postbox) as port:
        yield SmtpMailer(account(port), clock)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` and its key, in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def account(port: int, **changes: Any) -> SmtpAccount:
    values: dict[str, Any] = {"host": "127.0.0.1", "sender": "hello@market.example", "security": Security.NONE}
    return SmtpAccount(port=port, sender_name="Market", timeout_s=2, **(values | changes))


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_mail_arrives_with_its_text_and_its_html(mailer: Mailer, postbox: Postbox) -> None:
    await mailer.send(MAIL)

    (message,) = postbox.messages
    assert postbox.envelopes[0].rcpt_tos == ["ana@example.com"]
    assert postbox.envelopes[0].mail_from == "hello@market.example"
    assert message["Subject"] == MAIL.subject
    assert message["To"].addresses[0].display_name == "Ana, Inês & Co"
    assert message["From"] == "Market <hello@market.example>"
    assert message["Message-ID"] == "<mal_01kag2m8000000000000000000@market.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    # A line with a dot alone ends a message on the wire (RFC 5321, section 4.5.2) and must not end this one.
    assert text.get_content().splitlines() == ["Olá", ".", "from here"]
    assert html.get_content().strip() == "<p>Olá</p>"


async def test_a_calendar_travels_as_an_alternative_and_as_a_file(mailer: Mailer, postbox: Postbox) -> None:
    part = CalendarPart(body=CALENDAR, method=CalendarMethod.REQUEST)

    await mailer.send(Mail(mail_id="mal_1", to="ana@example.com", subject="s", text="t", html="h", calendar=part))

    (message,) = postbox.messages
    parts = {part.get_content_type(): part for part in message.walk() if not part.is_multipart()}
    assert parts["text/calendar"].get_param("method") == "REQUEST"
    assert parts["text/calendar"].get_content().split() == CALENDAR.split()
    assert parts["application/ics"].get_filename() == "invite.ics"
    assert parts["application/ics"].get_content() == CALENDAR.encode()


async def test_further_headers_travel(mailer: Mailer, postbox: Postbox) -> None:
    await mailer.send(
        Mail(mail_id="m", to="a@example.com", subject="s", text="t", html="h", headers={"X-Kind": "booked"})
    )

    assert postbox.messages[0]["X-Kind"] == "booked"


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "ana@example.com\r\nBcc: eve@example.com"},
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"to_name": "Ana\nBcc: eve@example.com"},
        {"headers": {"X-Kind": "a\r\nBcc: eve@example.com"}},
        {"headers": {"X-Kind\r\nBcc": "eve@example.com"}},
    ],
)
def test_no_heading_smuggles_in_another(changes: dict[str, Any]) -> None:
    values = {"mail_id": "m", "to": "ana@example.com", "subject": "s", "text": "t", "html": "h"} | changes
    with pytest.raises(Invalid):
        Mail(**values)


@pytest.mark.parametrize(
    ("recipient_reply", "data_reply", "meaning"),
    [
        ("550 No such mailbox", "250 OK", MailRefused),
        ("450 Come back later", "250 OK", MailUnavailable),
        ("250 OK", "554 Not such content", MailRefused),
        ("250 OK", "451 Later", MailUnavailable),
    ],
)
async def test_a_refusal_for_good_is_told_from_one_for_now(
    mailer: Mailer, postbox: Postbox, recipient_reply: str, data_reply: str, meaning: type[Exception]
) -> None:
    postbox.recipient_reply, postbox.data_reply = recipient_reply, data_reply

    with pytest.raises(meaning):
        await mailer.send(MAIL)

    assert postbox.envelopes == []


async def test_a_server_that_is_not_there_may_be_tried_again(clock: VirtualClock, postbox: Postbox) -> None:
    async with Server(postbox) as port:
        pass

    with pytest.raises(MailUnavailable):
        await SmtpMailer(account(port), clock).send(MAIL)


async def test_a_server_that_does_not_answer_is_given_up_in_time(clock: VirtualClock, postbox: Postbox) -> None:
    postbox.delay_s = 1.0
    async with Server(postbox) as port:
        mailer = SmtpMailer(_hasty(port), clock)
        started = asyncio.get_running_loop().time()

        with pytest.raises(MailUnavailable):
            await mailer.send(MAIL)

        assert asyncio.get_running_loop().time() - started < 0.9


def _hasty(port: int) -> SmtpAccount:
    return SmtpAccount(host="127.0.0.1", port=port, sender="a@b.example", security=Security.NONE, timeout_s=0.2)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_mail_goes_encrypted_to_a_server_that_proves_its_name(
    clock: VirtualClock, postbox: Postbox, certificate: Path, security: Security
) -> None:
    options: dict[str, Any] = (
        {"tls": serving(certificate)}
        if security is Security.TLS
        else {"tls_context": serving(certificate), "require_starttls": True}
    )
    async with Server(postbox, **options) as port:
        known = account(port, host="localhost", security=security, authorities=str(certificate))
        await SmtpMailer(known, clock).send(MAIL)
        stranger = account(port, host="localhost", security=security)
        with pytest.raises(MailUnavailable):
            await SmtpMailer(stranger, clock).send(MAIL)

    assert len(postbox.envelopes) == 1


async def test_mail_is_not_sent_in_clear_where_encryption_was_asked_for(
    clock: VirtualClock, postbox: Postbox, certificate: Path
) -> None:
    async with Server(postbox) as port:
        asked = account(port, host="localhost", security=Security.STARTTLS, authorities=str(certificate))
        with pytest.raises(MailUnavailable):
            await SmtpMailer(asked, clock).send(MAIL)

    assert postbox.envelopes == []


async def test_the_account_signs_in_and_a_wrong_password_blames_no_mail(
    clock: VirtualClock, postbox: Postbox, certificate: Path
) -> None:
    def signed_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    options: dict[str, Any] = {
        "tls_context": serving(certificate),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": signed_in,
    }
    async with Server(postbox, **options) as port:
        shared: dict[str, Any] = {
            "host": "localhost",
            "security": Security.STARTTLS,
            "authorities": str(certificate),
            "username": "market",
        }
        await SmtpMailer(account(port, password="right", **shared), clock).send(MAIL)
        with pytest.raises(MailUnavailable):
            await SmtpMailer(account(port, password="wrong", **shared), clock).send(MAIL)

    assert len(postbox.envelopes) == 1


async def test_so_many_connections_at_once_and_no_more(clock: VirtualClock, postbox: Postbox) -> None:
    postbox.delay_s = 0.02
    server = Server(postbox)
    async with server as port:
        mailer = SmtpMailer(account(port), clock, connections_max=2)
        sends = asyncio.gather(*(mailer.send(MAIL) for _ in range(6)))
        await asyncio.sleep(0.01)
        early = server.connections
        await sends

    assert early <= 2
    assert len(postbox.envelopes) == 6


@pytest.mark.parametrize("host", ["mail.example.com", "192.0.2.1", "10.0.0.5"])
def test_clear_text_stays_on_this_machine(host: str) -> None:
    with pytest.raises(Invalid) as refused:
        SmtpAccount(host=host, port=25, sender="a@b.example", security=Security.NONE)
    assert refused.value.field == "security"


@pytest.mark.parametrize("to", ["", "nobody", "a b@example.com", "@", "a@b@c", "\ud800@example.com"])
async def test_what_is_no_address_gets_no_mail_ever(mailer: Mailer, postbox: Postbox, to: str) -> None:
    with pytest.raises(Invalid):
        await mailer.send(Mail(mail_id="m", to=to, subject="s", text="t", html="h"))

    assert postbox.envelopes == []
