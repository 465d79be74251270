"""What an operator may set, by flag or variable, and where it is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.commands.bank_settings import BANK, bank_account
from ecosystem.commands.stripe_settings import STRIPE, StripeKeys, stripe_keys
from ecosystem.commands.wrong import Wrong
from ecosystem.kernel.money import exponent
from ecosystem.kernel.refusals import Refusal


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of the embedded deployment. `docs/settings.md` lists them; a test holds the two together.

    `stripe` is None where the sandbox processor takes the cards.
    """

    data: Path
    host: str
    port: int
    processor_host: str
    processor_port: int
    processor_url: str
    url: str
    name: str
    currency: str
    demo: bool
    log_level: str
    processor_profile: str
    smtp_url: str
    mail_from: str
    trusted_proxies: int
    stripe: StripeKeys | None = None
    sandbank: bool = False
    bank: SftpAccount | None = None
    audit_witness: Path | None = None


EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 — compared with, not listened on
DEFAULTS: dict[str, tuple[str, str]] = {
    "ECOSYSTEM_DATA": (
        "data",
        "Folder of everything that is kept: table, media, search, secrets, the sandbox's state.",
    ),
    "ECOSYSTEM_HOST": ("127.0.0.1", "Address to listen on."),
    "ECOSYSTEM_PORT": ("8000", "Port to listen on."),
    "ECOSYSTEM_PROCESSOR": (
        "sandbox",
        "Who takes cards and pays providers: sandbox (a program of ours beside, no real money) or stripe.",
    ),
    **STRIPE,
    **BANK,
    "ECOSYSTEM_PROCESSOR_PORT": ("", "Port of the sandbox card processor: an origin of its own. Default: port + 1."),
    "ECOSYSTEM_PROCESSOR_HOST": ("127.0.0.1", "Address that the sandbox card processor listens on."),
    "ECOSYSTEM_PROCESSOR_URL": (
        "",
        "Public address of the sandbox card processor, an origin of its own for browsers. Default: http://its host:port.",
    ),
    "ECOSYSTEM_URL": ("", "Public address, as people type it; https makes cookies secure. Default: http://host:port."),
    "ECOSYSTEM_NAME": ("Ecosystem", "The marketplace's name on pages and in mails."),
    "ECOSYSTEM_CURRENCY": ("EUR", "Currency that new services start with (ISO 4217)."),
    "ECOSYSTEM_DEMO": ("1", "1 seeds a demo marketplace into an empty data folder; 0 starts empty."),
    "ECOSYSTEM_LOG": ("info", "How much is logged: debug, info, warning, error."),
    "ECOSYSTEM_PROCESSOR_PROFILE": (
        "rough",
        "How the sandbox processor sends its webhooks: rough (late, twice, out of order) or calm (once, promptly).",
    ),
    "ECOSYSTEM_SMTP_URL": (
        "",
        "smtp://user:password@host:587 sends mail; empty keeps it in the outbox in the console.",
    ),
    "ECOSYSTEM_MAIL_FROM": ("", "Sender of mails. Default: no-reply at the public address's host."),
    "ECOSYSTEM_TRUSTED_PROXIES": ("0", "How many reverse proxies in front set X-Forwarded-For; 0 trusts none."),
    "ECOSYSTEM_AUDIT_WITNESS": (
        "",
        "File that signed checkpoints of the audit log are appended to. Default: witness.txt in the data folder.",
    ),
}


def settings(given: Mapping[str, str]) -> Settings:
    """The settings from variables. Raises `Wrong` naming the variable and what would fit."""
    unknown = [name for name in given if name.startswith("ECOSYSTEM_") and name not in DEFAULTS]
    if unknown:
        raise Wrong(f"{unknown[0]} is no setting. Known: {', '.join(DEFAULTS)}.", field=unknown[0])

    def read(name: str) -> str:
        return given.get(name, "").strip() or DEFAULTS[name][0]

    host = _host(read("ECOSYSTEM_HOST"), "ECOSYSTEM_HOST")
    port = _whole("ECOSYSTEM_PORT", read("ECOSYSTEM_PORT"), 1, 65534)
    url = _origin("ECOSYSTEM_URL", read("ECOSYSTEM_URL") or f"http://{bracketed(host)}:{port}")
    processor_host = _host(read("ECOSYSTEM_PROCESSOR_HOST"), "ECOSYSTEM_PROCESSOR_HOST")
    processor_port = _whole("ECOSYSTEM_PROCESSOR_PORT", read("ECOSYSTEM_PROCESSOR_PORT") or str(port + 1), 1, 65535)
    if processor_port == port and (processor_host == host or {host, processor_host} & EVERYWHERE):
        raise Wrong(
            f"ECOSYSTEM_PROCESSOR_PORT is a port of its own, not the marketplace's {port}.",
            field="ECOSYSTEM_PROCESSOR_PORT",
        )
    sandbank, bank = bank_account(read)
    by_stripe = _one_of("ECOSYSTEM_PROCESSOR", read("ECOSYSTEM_PROCESSOR"), "sandbox", "stripe") == "stripe"
    if by_stripe and read("ECOSYSTEM_DEMO") == "1":
        raise Wrong(
            "ECOSYSTEM_DEMO is 0 with Stripe: a demo's people do not exist, and its cards are the sandbox's.",
            field="ECOSYSTEM_DEMO",
        )
    given_url = read("ECOSYSTEM_PROCESSOR_URL")
    if url.startswith("https:") and not given_url and not by_stripe:
        raise Wrong(
            f"ECOSYSTEM_PROCESSOR_URL is needed too: from {url} browsers show no card fields of a plain address on this "
            "machine. Name an https address that a proxy sends on to the processor's port.",
            field="ECOSYSTEM_PROCESSOR_URL",
        )
    return Settings(
        data=Path(read("ECOSYSTEM_DATA")),
        host=host,
        port=port,
        processor_host=processor_host,
        processor_port=processor_port,
        processor_url=""
        if by_stripe
        else _processor_url(given_url or f"http://{bracketed(reached(processor_host))}:{processor_port}", url),
        url=url,
        name=read("ECOSYSTEM_NAME"),
        currency=_currency(read("ECOSYSTEM_CURRENCY")),
        demo=_one_of("ECOSYSTEM_DEMO", read("ECOSYSTEM_DEMO"), "0", "1") == "1",
        log_level=_one_of("ECOSYSTEM_LOG", read("ECOSYSTEM_LOG"), "debug", "info", "warning", "error"),
        processor_profile=_one_of("ECOSYSTEM_PROCESSOR_PROFILE", read("ECOSYSTEM_PROCESSOR_PROFILE"), "rough", "calm"),
        smtp_url=_smtp(read("ECOSYSTEM_SMTP_URL")),
        mail_from=read("ECOSYSTEM_MAIL_FROM") or f"no-reply@{urlsplit(url).hostname}",
        stripe=stripe_keys(read) if by_stripe else None,
        sandbank=sandbank,
        bank=bank,
        trusted_proxies=_whole("ECOSYSTEM_TRUSTED_PROXIES", read("ECOSYSTEM_TRUSTED_PROXIES"), 0, 8),
        audit_witness=Path(read("ECOSYSTEM_AUDIT_WITNESS")) if read("ECOSYSTEM_AUDIT_WITNESS") else None,
    )


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise Wrong(f"{name} is a whole number from {low} to {high}, not {text!r}.", field=name)
    return int(text)


def _one_of(name: str, text: str, *choices: str) -> str:
    if text not in choices:
        raise Wrong(f"{name} is one of {', '.join(choices)}, not {text!r}.", field=name)
    return text


def reached(host: str) -> str:
    """The address at which this machine itself reaches what listens there: every address is no address to call."""
    address = ipaddress.ip_address(host)
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def bracketed(host: str) -> str:
    """The host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def _host(text: str, name: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Wrong(f"{name} is an IP address or localhost, not {text!r}.", field=name) from None


def _origin(name: str, text: str) -> str:
    """The origin as browsers write it: lower case, and no port that goes without saying."""
    wrong = Wrong(f"{name} is like https://market.example, with nothing after it, not {text!r}.", field=name)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise wrong
    if parts.query or parts.fragment or "@" in parts.netloc or not re.fullmatch(r"[a-z0-9.:_-]+", parts.hostname):
        raise wrong
    standard = {"http": 80, "https": 443}[parts.scheme]
    shown = "" if port in {None, standard} else f":{port}"
    return f"{parts.scheme}://{bracketed(parts.hostname)}{shown}"


def _processor_url(text: str, url: str) -> str:
    name = "ECOSYSTEM_PROCESSOR_URL"
    origin = _origin(name, text)
    if origin == url:
        # The browser keeps card fields and pages apart by their origins alone.
        raise Wrong(f"{name} is an origin of its own, another host or port than the marketplace's {url}.", field=name)
    if url.startswith("https:") and origin.startswith("http:") and not is_loopback(origin):
        raise Wrong(f"{name} begins with https, as {url} does: browsers show no other frame there.", field=name)
    return origin


def is_loopback(origin: str) -> bool:
    """Whether only this machine reaches that origin."""
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _smtp(text: str) -> str:
    if text and (urlsplit(text).scheme not in {"smtp", "smtps"} or not urlsplit(text).hostname):
        raise Wrong("ECOSYSTEM_SMTP_URL is like smtp://user:password@host:587.", field="ECOSYSTEM_SMTP_URL")
    return text


def _currency(text: str) -> str:
    try:
        exponent(text)
    except Refusal as refused:
        raise Wrong(f"ECOSYSTEM_CURRENCY: {refused.message}", field="ECOSYSTEM_CURRENCY") from None
    return text
