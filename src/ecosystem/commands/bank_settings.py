"""How the bank that takes our files is reached: one of ours beside, a folder, or its server."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.commands.stripe_settings import held
from ecosystem.commands.wrong import Wrong

BANK: dict[str, tuple[str, str]] = {
    "ECOSYSTEM_BANK": (
        "sandbank",
        "Who takes ACH files: sandbank (ours, beside, no real money), folder (`bank` in the data) or sftp://user@host:22.",
    ),
    "ECOSYSTEM_BANK_FINGERPRINT": ("", "Fingerprint of the bank's host key, SHA256:..., as ssh-keygen -l prints it."),
    "ECOSYSTEM_BANK_PASSWORD": (
        "",
        "Password at the bank's server, or file:/path of a file that holds it. No flag takes it.",
    ),
    "ECOSYSTEM_BANK_KEY": ("", "Private key for the bank's server, as file:/path. No flag takes it."),
}
"""The settings, each with its default and what it does."""

SECRET = frozenset({"ECOSYSTEM_BANK_PASSWORD", "ECOSYSTEM_BANK_KEY"})
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
SANDBANK, FOLDER = "sandbank", "folder"


def bank_account(read: Callable[[str], str]) -> tuple[bool, SftpAccount | None]:
    """Whether the sandbank runs beside, and the account at the bank's server where there is one. Raises `Wrong`."""
    said = read("ECOSYSTEM_BANK")
    if said in {SANDBANK, FOLDER}:
        return said == SANDBANK, None
    wrong = Wrong(f"ECOSYSTEM_BANK is sandbank, folder or sftp://user@host:22, not {said!r}.", field="ECOSYSTEM_BANK")
    try:
        parts = urlsplit(said)
        port = parts.port or 22
    except ValueError:
        raise wrong from None
    if (
        parts.scheme != "sftp"
        or not parts.hostname
        or not parts.username
        or parts.password
        or parts.path not in {"", "/"}
    ):
        raise wrong
    fingerprint = read("ECOSYSTEM_BANK_FINGERPRINT")
    if not _FINGERPRINT.fullmatch(fingerprint):
        name = "ECOSYSTEM_BANK_FINGERPRINT"
        raise Wrong(f"{name} is needed, like SHA256:...: nothing is sent to a server that is not the bank.", field=name)
    password, key = held(read, "ECOSYSTEM_BANK_PASSWORD"), held(read, "ECOSYSTEM_BANK_KEY")
    if bool(password) == bool(key):
        raise Wrong("One of ECOSYSTEM_BANK_PASSWORD and ECOSYSTEM_BANK_KEY is needed.", field="ECOSYSTEM_BANK_PASSWORD")
    account = SftpAccount(
        host=parts.hostname, port=port, user=parts.username, fingerprint=fingerprint, password=password, key=key
    )
    return False, account
