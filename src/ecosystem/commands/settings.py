"""What an operator may set, by flag or variable, and where it is refused."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from ecosystem.kernel.money import exponent
from ecosystem.kernel.refusals import Invalid, Refusal


class Wrong(Invalid):
    """A setting has no fitting value."""


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of the embedded deployment. `docs/settings.md` lists them; a test holds the two together."""

    data: Path
    host: str
    port: int
    processor_port: int
    url: str
    name: str
    currency: str
    demo: bool
    log_level: str
    processor_profile: str
    smtp_url: str
    mail_from: str
    trusted_proxies: int


DEFAULTS: dict[str, tuple[str, str]] = {
    "ECOSYSTEM_DATA": (
        "data",
        "Folder of everything that is kept: table, media, search, secrets, the sandbox's state.",
    ),
    "ECOSYSTEM_HOST": ("127.0.0.1", "Address to listen on."),
    "ECOSYSTEM_PORT": ("8000", "Port to listen on."),
    "ECOSYSTEM_PROCESSOR_PORT": ("", "Port of the sandbox card processor: an origin of its own. Default: port + 1."),
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
}


def settings(given: Mapping[str, str]) -> Settings:
    """The settings from variables. Raises `Wrong` naming the variable and what would fit."""
    unknown = [name for name in given if name.startswith("ECOSYSTEM_") and name not in DEFAULTS]
    if unknown:
        raise Wrong(f"{unknown[0]} is no setting. Known: {', '.join(DEFAULTS)}.", field=unknown[0])

    def read(name: str) -> str:
        return given.get(name, "").strip() or DEFAULTS[name][0]

    host = _host(read("ECOSYSTEM_HOST"))
    port = _whole("ECOSYSTEM_PORT", read("ECOSYSTEM_PORT"), 1, 65534)
    url = _url(read("ECOSYSTEM_URL") or f"http://{f'[{host}]' if ':' in host else host}:{port}")
    return Settings(
        data=Path(read("ECOSYSTEM_DATA")),
        host=host,
        port=port,
        processor_port=_whole("ECOSYSTEM_PROCESSOR_PORT", read("ECOSYSTEM_PROCESSOR_PORT") or str(port + 1), 1, 65535),
        url=url,
        name=read("ECOSYSTEM_NAME"),
        currency=_currency(read("ECOSYSTEM_CURRENCY")),
        demo=_one_of("ECOSYSTEM_DEMO", read("ECOSYSTEM_DEMO"), "0", "1") == "1",
        log_level=_one_of("ECOSYSTEM_LOG", read("ECOSYSTEM_LOG"), "debug", "info", "warning", "error"),
        processor_profile=_one_of("ECOSYSTEM_PROCESSOR_PROFILE", read("ECOSYSTEM_PROCESSOR_PROFILE"), "rough", "calm"),
        smtp_url=_smtp(read("ECOSYSTEM_SMTP_URL")),
        mail_from=read("ECOSYSTEM_MAIL_FROM") or f"no-reply@{urlsplit(url).hostname}",
        trusted_proxies=_whole("ECOSYSTEM_TRUSTED_PROXIES", read("ECOSYSTEM_TRUSTED_PROXIES"), 0, 8),
    )


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise Wrong(f"{name} is a whole number from {low} to {high}, not {text!r}.", field=name)
    return int(text)


def _one_of(name: str, text: str, *choices: str) -> str:
    if text not in choices:
        raise Wrong(f"{name} is one of {', '.join(choices)}, not {text!r}.", field=name)
    return text


def _host(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Wrong(f"ECOSYSTEM_HOST is an IP address or localhost, not {text!r}.", field="ECOSYSTEM_HOST") from None


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise Wrong(f"ECOSYSTEM_URL is like https://market.example, not {text!r}.", field="ECOSYSTEM_URL")
    return text.rstrip("/")


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
