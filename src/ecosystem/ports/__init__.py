"""What the house asks of the outside world. A deployment is one value of `Ports`."""

from __future__ import annotations

from dataclasses import dataclass

from ecosystem.ports.accounts import Accounts
from ecosystem.ports.bank import Bank
from ecosystem.ports.blobs import Blobs
from ecosystem.ports.calendars import Calendars
from ecosystem.ports.cards import Cards
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import OneTimeCodes, Passwords
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.images import Images
from ecosystem.ports.inspector import Comparer, Inspector
from ecosystem.ports.keys import Keys
from ecosystem.ports.mail import Mailer
from ecosystem.ports.papers import Typesetter
from ecosystem.ports.press import Press
from ecosystem.ports.saved_cards import SavedCards
from ecosystem.ports.scoring import Scoring
from ecosystem.ports.search import Search
from ecosystem.ports.secrets import Seal
from ecosystem.ports.signing import Signatures
from ecosystem.ports.table import Table
from ecosystem.ports.tokens import Tokens
from ecosystem.ports.transfers import Transfers
from ecosystem.ports.witness import Witness
from ecosystem.ports.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside, as one deployment has it.

    `webhook_secrets` are what the card processor signs its events with, the present one first. `guest_link_key` makes
    the secrets in guests' links. `mailer` is None where mail stays in the outbox, `inspector`
    where nothing reads beside the process that serves, `comparer` where that process compares days itself, `witness`
    where checkpoints of the audit log are kept nowhere else.
    """

    table: Table
    blobs: Blobs
    search: Search
    cards: Cards
    calendars: Calendars
    accounts: Accounts
    transfers: Transfers
    saved_cards: SavedCards
    images: Images
    press: Press
    typesetter: Typesetter
    mailer: Mailer | None
    passwords: Passwords
    codes: OneTimeCodes
    tokens: Tokens
    seal: Seal
    keys: Keys
    bank: Bank
    clock: Clock
    entropy: Entropy
    scoring: Scoring
    workflows: Workflows
    signatures: Signatures
    webhook_secrets: tuple[str, ...]
    guest_link_key: bytes
    inspector: Inspector | None = None
    comparer: Comparer | None = None
    witness: Witness | None = None
