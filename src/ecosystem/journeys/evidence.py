"""Evidence in a dispute: assembled as one file from what we know, kept, handed out, and sent to the customer's bank.

What is sent is the paper of a version that was kept. The intention is committed before the card processor is asked, the
outcome after; each call to it may be made again, and the sweep finishes what a process that died left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec.structs import replace

from ecosystem.contexts import disputes as disputing
from ecosystem.contexts.audit import Acts, Explorer, NotEntered, NotYetSigned, proving
from ecosystem.contexts.booking import Booking, Bookings, Contact, Host, Mode, download
from ecosystem.contexts.disputes import (
    FILE_BYTES_MAX,
    Bundle,
    Bundles,
    BundleTooLarge,
    Changed,
    Dispute,
    DisputeChanged,
    Disputes,
    SendEvidence,
    State,
    SubmissionState,
)
from ecosystem.contexts.notifications import Brand
from ecosystem.journeys.dossiers import Dossiers
from ecosystem.journeys.evidence_case import Case, Provable, case_of, encoded, paper_of, provable
from ecosystem.journeys.evidence_files import DATA, ENTRY, INDEX, PAPER, page, unzipped, zipped
from ecosystem.journeys.timelines import Timelines
from ecosystem.kernel.actor import Actor, system
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.cards import Cards, ChargebackDecided, Evidence, EvidenceFile, EvidenceKind, OrderRefused
from ecosystem.ports.clock import Clock
from ecosystem.ports.papers import Typesetter
from ecosystem.ports.table import Table

ACTOR = system("evidence")
ATTEMPTS_MAX = 8
PROOFS_MAX = 60
"""Acts that are proven in one file, the first ones."""

LEFT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class EvidenceBundling:
    """Raises `Denied`, `NoSuchDispute`, `BookingGone` wherever one is named."""

    table: Table
    clock: Clock
    cards: Cards
    typesetter: Typesetter
    bookings: Bookings
    disputes: Disputes
    bundles: Bundles
    timelines: Timelines
    dossiers: Dossiers
    explorer: Explorer
    acts: Acts
    brand: Brand

    async def assemble(self, booking_id: str, dispute_id: str, actor: Actor) -> Dispute:
        """Assemble the evidence as it is known now: another version, unless it tells the same as the last.

        For operators. Raises `BundleTooLarge`, `TooManyBundles`, `PaperTooLong`.
        """
        actor.must_operate()
        known = (await self.disputes.row(booking_id, dispute_id)).value
        dossier = await self.dossiers.of(booking_id, actor)
        events = await self.timelines.with_disputes(booking_id, actor)
        proofs, acts = await self._proofs(provable(dossier, events)[:PROOFS_MAX], actor)
        case = case_of(known, dossier, events, await self.disputes.of_booking(booking_id), acts)
        told = encoded(case)
        last, digest = disputing.latest(known), sha256(told).hexdigest()
        if last and last.case_sha256 == digest:
            return known
        pdf, content = await self._file(case, told, dossier.booking, proofs)
        bundle = Bundle(
            version=0,
            case_sha256=digest,
            sha256=await self.bundles.keep(dispute_id, content),
            pdf_sha256=sha256(pdf).hexdigest(),
            size_bytes=len(content),
            proofs=len(proofs),
            made_by=actor.actor_id,
            made_at=self.clock.now(),
        )
        return await self._becomes(booking_id, dispute_id, lambda it, _: disputing.assembled(it, bundle, actor), actor)

    async def file(self, booking_id: str, dispute_id: str, version: int, actor: Actor) -> bytes:
        """The very file of that version, for operators and the provider concerned; that it was read is noted.

        Raises `NoSuchBundle`, `BundleDamaged`.
        """
        await self.bookings.get(booking_id, actor)
        known = (await self.disputes.row(booking_id, dispute_id)).value
        bundle = disputing.bundle_of(known, version, actor)
        content = await self.bundles.content(dispute_id, bundle)
        await self.acts.note(AuditKind.ACCESS, "EvidenceRead", actor, dispute_id, version=version)
        return content

    async def send(self, request: SendEvidence, actor: Actor) -> Dispute:
        """Send a version to the customer's bank, once and for all. For operators.

        What the card processor refuses is `refused` in the answer. Raises `EvidenceTooLate`, `EvidenceSentBefore`,
        `DisputeElsewhere`, `NoSuchBundle`; `ProcessorSilent` when nothing is known, and the sweep goes on.
        """
        await self._becomes(
            request.booking_id, request.dispute_id, lambda it, at: disputing.intended(it, request, actor, at), actor
        )
        return await self.carry_out(request.booking_id, request.dispute_id, actor)

    async def carry_out(self, booking_id: str, dispute_id: str, actor: Actor = ACTOR) -> Dispute:
        """Do what was intended: the file is handed over, laid before us as a draft, and submitted. Safe to repeat."""
        actor.must_operate()
        known = (await self.disputes.row(booking_id, dispute_id)).value
        submission = known.submission
        if submission is None or submission.state is not SubmissionState.SENDING:
            return known
        bundle = disputing.bundle_of(known, submission.version, actor)
        pdf = unzipped(await self.bundles.content(dispute_id, bundle), PAPER)
        booking = (await self.bookings.row(booking_id)).value
        file_id = f"evd_{dispute_id.partition('_')[2]}_{submission.version}"
        try:
            theirs = await self.cards.upload(EvidenceFile(file_id=file_id, name=PAPER, content=pdf))
            said = _said(booking, submission.note, theirs)
            await self.cards.evidence(known.chargeback_id, said, submit=False)
            await self.cards.evidence(known.chargeback_id, said, submit=True)
        except ChargebackDecided:
            # Ours was with the bank before, or it did not wait: what stands at the processor says which.
            if not (await self.cards.chargeback(known.chargeback_id)).evidence_sent:
                return await self._refused(known, "The bank decided before it had our evidence.", actor)
        except OrderRefused as no:
            return await self._refused(known, no.message, actor)
        return await self._becomes(booking_id, dispute_id, lambda it, at: disputing.sent(it, actor, at), actor)

    async def left(self, before: datetime) -> Sequence[Dispute]:
        """Disputes whose evidence has been on its way since before then: nobody sees to it any more."""
        found: list[Dispute] = []
        for state in (State.AT_BANK, State.BANK_DECIDED):
            found += await self.disputes.awaiting(state, LEFT_MAX)
        return [
            each
            for each in found
            if each.submission
            and each.submission.state is SubmissionState.SENDING
            and each.submission.intended_at < before
        ]

    async def _refused(self, known: Dispute, reason: str, actor: Actor) -> Dispute:
        return await self._becomes(
            known.booking_id, known.dispute_id, lambda it, at: disputing.refused(it, reason, actor, at), actor
        )

    async def _proofs(self, acts: Sequence[Provable], actor: Actor) -> tuple[dict[str, bytes], list[Provable]]:
        """The proof of each act by its file's name; and the acts, with the places of those that are proven."""
        proofs: dict[str, bytes] = {}
        placed: list[Provable] = []
        for act in acts:
            try:
                index = (await self.explorer.find(act.item_id, actor)).index
                proof = await self.explorer.prove(index, actor)
            except (NotEntered, NotYetSigned):
                placed.append(act)
                continue
            proofs[f"proofs/audit-entry-{index}.json"] = proving.written(proof)
            placed.append(replace(act, entry=index))
        return proofs, placed

    async def _file(self, case: Case, told: bytes, booking: Booking, proofs: dict[str, bytes]) -> tuple[bytes, bytes]:
        """The paper, and the whole. Raises `BundleTooLarge`."""
        paper = paper_of(case)
        pdf = await self.typesetter.pdf(paper)
        beside = {
            PAPER: "this, for a bank or a card processor",
            DATA: "this, for programs",
            ENTRY: "the booking as a calendar entry",
            **dict.fromkeys(sorted(proofs), "a proof: `ecosystem audit prove` and any verifier of the format check it"),
        }
        files = {INDEX: page(paper, beside), PAPER: pdf, DATA: told, ENTRY: self._entry(booking), **proofs}
        content = zipped(files)
        if max(len(pdf), len(content)) > FILE_BYTES_MAX:
            raise BundleTooLarge
        return pdf, content

    def _entry(self, booking: Booking) -> bytes:
        """The booking as a calendar entry, without the customer's own place."""
        domain = urlsplit(self.brand.url).hostname or "localhost"
        host = Host(organizer=Contact(name=self.brand.name, email=f"no-reply@{domain}"), domain=domain)
        if booking.offer.mode is Mode.AT_CUSTOMER:
            booking = replace(booking, request=replace(booking.request, place=""))
        return download(booking, host, booking.changed_at)

    async def _becomes(
        self, booking_id: str, dispute_id: str, decide: Callable[[Dispute, datetime], Changed], actor: Actor
    ) -> Dispute:
        for _ in range(ATTEMPTS_MAX):
            row = await self.disputes.row(booking_id, dispute_id)
            at = self.clock.now()
            after, fact = decide(row.value, at)
            try:
                if writes := disputing.becomes(row, after, fact, actor, at):
                    await self.table.transact(*writes)
            except DisputeChanged:
                continue
            return after
        raise DisputeChanged


def _said(booking: Booking, note: str, file_id: str) -> Evidence:
    """What the bank is told beside the paper: what was sold, when it was done, and our own words."""
    return Evidence(
        service=booking.offer.title,
        served_on=f"{booking.start_at:%Y-%m-%d}",
        customer_name=booking.contact.name,
        customer_email=booking.contact.email,
        note=note,
        files={EvidenceKind.SERVICE: file_id},
    )
