"""What a sandbox is started with."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec
from msgspec import Struct, field


class Keys(Struct, frozen=True, kw_only=True):
    """The account's keys, as its owner finds them at the processor's desk."""

    secret_key: str
    publishable_key: str
    webhook_secret: str

    @classmethod
    def new(cls) -> Keys:
        return cls(
            secret_key="sk_test_" + _random(),
            publishable_key="pk_test_" + _random(),
            webhook_secret="whsec_" + _random(),
        )

    @classmethod
    def kept(cls, path: Path) -> Keys:
        """The keys of that file; it is made, readable by its owner only, when there is none."""
        if path.exists():
            return msgspec.json.decode(path.read_bytes(), type=cls)
        made = cls.new()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(made))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        return made


class Profile(Struct, frozen=True, kw_only=True):
    """How webhooks travel. Each event is delivered at least once, unless the profile has a part of them `lost`.

    A delivery waits between `delay_least_s` and `delay_most_s`; the part `late` of them, drawn by seed, waits
    `late_s` more and so arrives out of order; the part `twice` is delivered a second time.
    `afterwards_s` is how long after a payment its dispute opens, and after a refund its later outcome comes.
    """

    delay_least_s: float = 0.0
    delay_most_s: float = 0.25
    late: float = 0.1
    late_s: float = 1.5
    twice: float = 0.15
    lost: float = 0.0
    afterwards_s: float = 2.0
    retry_s: float = 1.0
    retry_most_s: float = 3600.0
    give_up_s: float = 3 * 86400.0


ROUGH = Profile()
"""The default: late, twice and out of order."""
CALM = Profile(delay_most_s=0.0, late=0.0, twice=0.0, afterwards_s=0.0)
"""Each event once, at once; for benches and for tests that watch something else."""
PROFILES = {"rough": ROUGH, "calm": CALM}


class Settings(Struct, frozen=True, kw_only=True):
    """What a sandbox is started with.

    `data` is the file of its state. `public_url` is the origin that browsers are sent to, where it differs from its own.
    `embedders` are the origins of the pages that may frame the card element.
    `webhook_events` are the types of event that are delivered, all when it is empty.
    """

    data: Path
    keys: Keys
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    webhook_url: str | None = None
    webhook_events: tuple[str, ...] = ()
    embedders: tuple[str, ...] = ()
    profile: Profile = field(default_factory=Profile)
    seed: int = 1
    concurrency: int = 16


def _random() -> str:
    return base64.b32encode(os.urandom(25)).decode().lower().rstrip("=")
