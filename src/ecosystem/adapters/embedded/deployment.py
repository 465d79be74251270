"""All of the embedded deployment's ports, opened in one folder and held by one process."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from ecosystem.adapters.embedded.blobs import FileBlobs
from ecosystem.adapters.embedded.inspector import ChildComparer, ChildInspector
from ecosystem.adapters.embedded.keys import FileKeys
from ecosystem.adapters.embedded.search import EmbeddedSearch
from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.adapters.outside.bank_folder import folder_bank
from ecosystem.adapters.outside.calendars import WebCalendars
from ecosystem.adapters.outside.clock import SystemClock
from ecosystem.adapters.outside.credentials import Argon2Cost, Argon2Passwords, TotpCodes
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.images import PillowImages
from ecosystem.adapters.outside.mail import SmtpAccount, SmtpMailer
from ecosystem.adapters.outside.papers import ReportlabTypesetter
from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.adapters.outside.scoring import BoostedScoring
from ecosystem.adapters.outside.secrets import KeyedSeal
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.adapters.outside.stripe import Account, Stripe
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.adapters.outside.witness import WITNESS, FileWitness
from ecosystem.ports import Ports
from ecosystem.ports.bank import Bank
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.inspector import Whole

SECRET_BYTES = 32


class Place(Struct, frozen=True, kw_only=True):
    """Where a deployment keeps its things, and what it is told of the outside.

    `processor` is our account at the card processor, `webhook_secrets` what its events are signed with. `smtp` is None
    where mail stays in the outbox. `bank` is the bank's server; None shares the folder `bank` with it. `inspect` and
    `inspect_audit` are commands of processes that read the ledger, and the audit log, and report, `compare` that of one
    which compares a day, said after it (none: it is compared in this process); `witness` is the
    file that keeps checkpoints of the audit log, `witness.txt` in the folder where it is None.
    """

    data: Path
    url: str
    processor: Account
    webhook_secrets: tuple[str, ...]
    smtp: SmtpAccount | None = None
    argon2: Argon2Cost | None = None
    index_lag: int | None = None
    inspect: tuple[str, ...] = ()
    inspect_audit: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    witness: Path | None = None
    bank: SftpAccount | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """An open deployment. `table` is its ports' table, with what only this one can tell.

    `processor` is the origin at which this machine calls the card processor.
    """

    ports: Ports
    table: EmbeddedTable
    secrets: FileSecrets
    processor: str


@asynccontextmanager
async def embedded(
    place: Place, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> AsyncGenerator[Embedded]:
    """The deployment in that folder, made if need be, held by this process until the end of the block."""
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    place.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as opened:
        table = await EmbeddedTable.open(place.data / "table.sqlite", clock, index_lag=place.index_lag)
        opened.push_async_callback(table.close)
        search = await EmbeddedSearch.open(place.data / "search.sqlite")
        opened.push_async_callback(search.close)
        stripe = await Stripe.open(place.processor, clock)
        opened.push_async_callback(stripe.close)
        calendars = await WebCalendars.open()
        opened.push_async_callback(calendars.close)
        workflows = EmbeddedWorkflows(table, clock, entropy)
        opened.push_async_callback(workflows.close)
        secrets = FileSecrets(place.data / "secrets")
        keys = await FileKeys.open(secrets, clock, entropy)
        seal = await KeyedSeal.open(secrets, keys, entropy)
        link_key = await secrets.kept("guest-links", lambda: base64.b64encode(entropy.bytes(SECRET_BYTES)))
        upload_key = await secrets.kept("uploads", lambda: base64.b64encode(entropy.bytes(SECRET_BYTES)))
        ports = Ports(
            table=table,
            blobs=await FileBlobs.open(
                place.data / "blobs", address=f"{place.url}/uploads", secret=upload_key, clock=clock, entropy=entropy
            ),
            search=search,
            cards=stripe.cards,
            calendars=calendars,
            accounts=stripe.accounts,
            transfers=stripe.transfers,
            saved_cards=stripe.saved_cards,
            images=PillowImages(),
            press=MjmlPress(),
            typesetter=ReportlabTypesetter(),
            mailer=SmtpMailer(place.smtp, clock) if place.smtp else None,
            passwords=await Argon2Passwords.open(entropy, place.argon2),
            codes=TotpCodes(entropy),
            tokens=await RsaTokens.open(secrets, clock, entropy, issuer=place.url, client_id="ecosystem"),
            seal=seal,
            keys=keys,
            bank=await _bank(place, opened),
            clock=clock,
            entropy=entropy,
            scoring=BoostedScoring(),
            workflows=workflows,
            signatures=Ed25519Signatures(),
            witness=FileWitness(place.witness or place.data / WITNESS),
            webhook_secrets=place.webhook_secrets,
            guest_link_key=base64.b64decode(link_key),
            inspector=ChildInspector(place.inspect, {Whole.AUDIT: place.inspect_audit}) if place.inspect else None,
            comparer=ChildComparer(place.compare) if place.compare else None,
        )
        yield Embedded(ports=ports, table=table, secrets=secrets, processor=place.processor.origin)


async def _bank(place: Place, opened: AsyncExitStack) -> Bank:
    """The bank's server, or the folder that is shared with a bank on this machine."""
    if place.bank is None:
        return await folder_bank(place.data / "bank")
    from ecosystem.adapters.outside.bank_sftp import sftp_bank

    bank, shelf = sftp_bank(place.bank)
    opened.push_async_callback(shelf.close)
    return bank
