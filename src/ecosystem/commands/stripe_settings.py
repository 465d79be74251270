"""The keys of an account at Stripe: given as they are, or as the files that hold them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from ecosystem.commands.wrong import Wrong

FILE_BYTES_MAX = 4_096
STRIPE: dict[str, tuple[str, str]] = {
    "ECOSYSTEM_STRIPE_SECRET_KEY": (
        "",
        "Secret key of the account at Stripe, sk_... or rk_..., or file:/path of a file that holds it. No flag takes it.",
    ),
    "ECOSYSTEM_STRIPE_PUBLISHABLE_KEY": ("", "Publishable key of the same account and mode, pk_..."),
    "ECOSYSTEM_STRIPE_WEBHOOK_SECRETS": (
        "",
        "Signing secrets of the webhook endpoints, whsec_..., parted by commas; or file:/path. No flag takes them.",
    ),
    "ECOSYSTEM_STRIPE_API": ("https://api.stripe.com", "Address of the API; another one only for a proxy or a test."),
}
"""The settings, each with its default and what it does."""

SECRET = frozenset({"ECOSYSTEM_STRIPE_SECRET_KEY", "ECOSYSTEM_STRIPE_WEBHOOK_SECRETS"})
"""Those that no command line may hold, where every user of the machine reads it."""

_KEY = re.compile(r"(?:sk|rk)_(test|live)_\w{8,200}", re.ASCII)
_PUBLISHABLE = re.compile(r"pk_(test|live)_\w{8,200}", re.ASCII)
_WEBHOOK = re.compile(r"whsec_[\w+/=]{8,200}", re.ASCII)
_API = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")


class StripeKeys(Struct, frozen=True, kw_only=True):
    """What an account at Stripe is reached with. `is_live` tells that real money moves."""

    secret_key: str
    publishable_key: str
    webhook_secrets: tuple[str, ...]
    api: str

    @property
    def is_live(self) -> bool:
        return "_live_" in self.secret_key

    def __repr__(self) -> str:
        return f"StripeKeys(publishable_key={self.publishable_key!r}, api={self.api!r})"


def stripe_keys(read: Callable[[str], str]) -> StripeKeys:
    """The account's keys from its settings. Raises `Wrong`, which never repeats what was given."""
    secret = _fitting("ECOSYSTEM_STRIPE_SECRET_KEY", held(read, "ECOSYSTEM_STRIPE_SECRET_KEY"), _KEY, "sk_test_...")
    name = "ECOSYSTEM_STRIPE_PUBLISHABLE_KEY"
    publishable = _fitting(name, read(name), _PUBLISHABLE, "pk_test_...")
    if ("_live_" in secret) != ("_live_" in publishable):
        raise Wrong(f"{name} is of another mode than the secret key: one is for tests, one is live.", field=name)
    name = "ECOSYSTEM_STRIPE_WEBHOOK_SECRETS"
    given = [part.strip() for part in held(read, name).split(",") if part.strip()]
    if not given:
        raise Wrong(f"{name} is needed: what Stripe tells is believed by its signature alone.", field=name)
    secrets = tuple(_fitting(name, each, _WEBHOOK, "whsec_...") for each in given)
    name = "ECOSYSTEM_STRIPE_API"
    api = _fitting(name, read(name), _API, "https://api.stripe.com")
    return StripeKeys(secret_key=secret, publishable_key=publishable, webhook_secrets=secrets, api=api)


def held(read: Callable[[str], str], name: str) -> str:
    """What the setting holds, or the file that it names."""
    text = read(name)
    if not text.startswith("file:"):
        return text
    try:
        with Path(text.removeprefix("file:")).open(encoding="ascii") as file:
            return file.read(FILE_BYTES_MAX).strip()
    except (OSError, ValueError):
        raise Wrong(f"{name} names a file that cannot be read.", field=name) from None


def _fitting(name: str, text: str, pattern: re.Pattern[str], example: str) -> str:
    if not pattern.fullmatch(text):
        raise Wrong(f"{name} is like {example}.", field=name)
    return text
