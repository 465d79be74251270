"""Evidence for a dispute: one file of what both sides may see, kept by its hash, sent to the bank once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from zipfile import ZipFile

import aiohttp
import msgspec
import pytest

from ecosystem.adapters.outside.signing import Ed25519Signatures
from ecosystem.contexts.audit import proving
from ecosystem.contexts.disputes import (
    Dispute,
    DisputeElsewhere,
    EvidenceSentBefore,
    EvidenceTooLate,
    Kind,
    OpenDispute,
    Party,
    SendEvidence,
    State,
    SubmissionState,
)
from ecosystem.journeys.checkout import Paid
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.sandbox import Fault, What
from journeys.test_chargebacks import bought, hear, released
from market import GUEST, KEYS, OPERATOR, OWNER, Market
from sandbox.calling import Caller, Listener, listening

WINNING = "winning_evidence"


@pytest.fixture
async def listener(shop: Market) -> AsyncIterator[Listener]:
    async with listening() as listener:
        shop.sandbox.deliver_to(listener.url)
        yield listener


async def charged_back(shop: Market, listener: Listener) -> tuple[Paid, Dispute]:
    """A booking that was delivered, and whose money the customer's bank took back."""
    paid = await bought(shop)
    await released(shop, paid)
    await hear(shop, listener)
    await shop.sequence()
    (dispute,) = await shop.app.disputes.of_booking(paid.booking.booking_id)
    assert dispute.kind is Kind.CHARGEBACK
    return paid, dispute


async def assembled(shop: Market, dispute: Dispute) -> Dispute:
    return await shop.app.evidence.assemble(dispute.booking_id, dispute.dispute_id, OPERATOR)


async def read(shop: Market, dispute: Dispute, version: int = 1) -> dict[str, bytes]:
    content = await shop.app.evidence.file(dispute.booking_id, dispute.dispute_id, version, OPERATOR)
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sending(dispute: Dispute, note: str = WINNING, version: int = 1) -> SendEvidence:
    return SendEvidence(booking_id=dispute.booking_id, dispute_id=dispute.dispute_id, version=version, note=note)


async def signed(shop: Market) -> None:
    await shop.app.audit.caught_up()
    await shop.app.audit.seal()


async def test_a_dispute_is_won_with_the_evidence_that_was_sent(shop: Market, listener: Listener) -> None:
    _, dispute = await charged_back(shop, listener)
    await signed(shop)
    known = await assembled(shop, dispute)

    sent = await shop.app.evidence.send(sending(dispute), OPERATOR)
    await hear(shop, listener)
    await shop.app.disputing.follow(dispute.booking_id, dispute.dispute_id)

    assert sent.submission
    assert (sent.submission.state, sent.submission.version) == (SubmissionState.SENT, 1)
    async with aiohttp.ClientSession() as http:
        desk = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        theirs = (await desk("GET", f"/v1/disputes/{dispute.chargeback_id}")).body
        file = theirs["evidence"]["service_documentation"]
        headers = {"Authorization": f"Bearer {KEYS.secret_key}"}
        async with http.get(f"{shop.sandbox.origin}/v1/files/{file}/contents", headers=headers) as answer:
            paper = await answer.read()
    assert theirs["evidence_details"]["submission_count"] == 1
    assert sha256(paper).hexdigest() == known.bundles[0].pdf_sha256
    ended = (await shop.app.disputes.row(dispute.booking_id, dispute.dispute_id)).value
    assert ended.verdict
    assert (ended.state, ended.verdict.by, ended.verdict.refund.minor) == (State.DECIDED, Party.BANK, 0)
    assert ended.bundles == known.bundles
    await shop.verified()


async def test_the_file_tells_the_sale_its_delivery_its_money_and_proves_it(shop: Market, listener: Listener) -> None:
    paid, dispute = await charged_back(shop, listener)
    await signed(shop)
    known = await assembled(shop, dispute)

    files = await read(shop, dispute)

    case = msgspec.json.decode(files["evidence.json"])
    assert [move["what"] for move in case["ledger"]] == [
        "Paid by the customer",
        "Released after the service",
        "Taken by the customer's bank",
    ]
    assert [move["amount"]["minor"] for move in case["ledger"]] == [11_000, 11_000, 11_000]
    assert case["delivery"]["completed_by"] == "the marketplace"
    assert case["policy"]["name"] == paid.booking.policy.name
    assert "Confirmed" in [one["what"] for one in case["history"]]
    assert files["evidence.pdf"].startswith(b"%PDF-")
    assert files["booking.ics"].startswith(b"BEGIN:VCALENDAR")
    assert b"Portrait session" in files["index.html"]
    proofs = [proving.read(content) for name, content in files.items() if name.startswith("proofs/")]
    opened = [proving.checked(proof, Ed25519Signatures()).content for proof in proofs]
    assert len(proofs) == known.bundles[0].proofs >= 3
    assert any(text and '"transfer_id"' in text for text in opened)


async def test_nothing_stands_in_it_that_one_side_may_not_see(shop: Market, listener: Listener) -> None:
    paid, dispute = await charged_back(shop, listener)
    await signed(shop)
    await assembled(shop, dispute)

    files = await read(shop, dispute)

    whole = b"".join(content for name, content in files.items() if name != "evidence.pdf").lower()
    assert paid.booking.contact.email.lower().encode() not in whole
    # Nobody's share by itself, and no balance of the provider's.
    assert b"commission" not in whole
    assert f"provider:{shop.provider_id}".encode() not in whole


async def test_the_same_state_makes_the_same_bytes_and_no_other_version(shop: Market, listener: Listener) -> None:
    _, dispute = await charged_back(shop, listener)
    await signed(shop)

    first = await assembled(shop, dispute)
    again = await assembled(shop, dispute)
    content = await shop.app.evidence.file(dispute.booking_id, dispute.dispute_id, 1, OPERATOR)

    assert again.bundles == first.bundles
    assert sha256(content).hexdigest() == first.bundles[0].sha256
    assert len(content) == first.bundles[0].size_bytes
    assert first.bundles[0].made_by == OPERATOR.actor_id


async def test_what_is_signed_since_makes_another_version_and_keeps_the_first(shop: Market, listener: Listener) -> None:
    _, dispute = await charged_back(shop, listener)
    before = await assembled(shop, dispute)
    first = await read(shop, dispute)
    await signed(shop)

    after = await assembled(shop, dispute)

    assert [each.proofs > 0 for each in after.bundles] == [False, True]
    assert after.bundles[0] == before.bundles[0]
    assert await read(shop, dispute) == first
    assert await read(shop, dispute, 2) != first


async def test_evidence_is_sent_once_and_not_after_its_time(shop: Market, listener: Listener) -> None:
    _, dispute = await charged_back(shop, listener)
    await assembled(shop, dispute)
    assert dispute.due_at
    in_time = shop.clock.now()
    shop.clock.advance(dispute.due_at - in_time)

    with pytest.raises(EvidenceTooLate):
        await shop.app.evidence.send(sending(dispute), OPERATOR)

    assert (await shop.app.disputing.of(dispute.booking_id, dispute.dispute_id, OPERATOR)).submission is None


async def test_what_was_sent_is_not_sent_again(shop: Market, listener: Listener) -> None:
    _, dispute = await charged_back(shop, listener)
    await assembled(shop, dispute)
    first = await shop.app.evidence.send(sending(dispute, "Delivered."), OPERATOR)

    again = await shop.app.evidence.send(sending(dispute, "Delivered."), OPERATOR)
    with pytest.raises(EvidenceSentBefore):
        await shop.app.evidence.send(sending(dispute, "Other words."), OPERATOR)

    assert again.submission == first.submission


async def test_what_a_silent_processor_left_on_its_way_is_finished_by_the_sweep(
    shop: Market, listener: Listener
) -> None:
    _, dispute = await charged_back(shop, listener)
    await assembled(shop, dispute)
    shop.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/disputes", times=3))

    with pytest.raises(ProcessorSilent):
        await shop.app.evidence.send(sending(dispute), OPERATOR)
    left = (await shop.app.disputes.row(dispute.booking_id, dispute.dispute_id)).value
    shop.clock.advance(timedelta(minutes=11))
    await shop.app.sweep.disputes_left()

    finished = (await shop.app.disputes.row(dispute.booking_id, dispute.dispute_id)).value
    assert left.submission
    assert finished.submission
    assert (left.submission.state, finished.submission.state) == (SubmissionState.SENDING, SubmissionState.SENT)
    async with aiohttp.ClientSession() as http:
        desk = Caller(shop.sandbox.origin, http, KEYS.secret_key)
        theirs = (await desk("GET", f"/v1/disputes/{dispute.chargeback_id}")).body
    assert theirs["evidence_details"]["submission_count"] == 1


async def test_only_operators_assemble_and_send_and_only_the_provider_reads_besides(
    shop: Market, listener: Listener
) -> None:
    _, dispute = await charged_back(shop, listener)
    await assembled(shop, dispute)
    where = (dispute.booking_id, dispute.dispute_id)

    for actor in (OWNER, GUEST):
        with pytest.raises(Denied):
            await shop.app.evidence.assemble(*where, actor)
        with pytest.raises(Denied):
            await shop.app.evidence.send(sending(dispute), actor)
    with pytest.raises(Denied):
        await shop.app.evidence.file(*where, 1, GUEST)

    assert await shop.app.evidence.file(*where, 1, OWNER) == await shop.app.evidence.file(*where, 1, OPERATOR)


async def test_a_complaint_has_evidence_that_no_bank_is_sent(shop: Market) -> None:
    service_id = await shop.service(shop.provider_id)
    paid = await shop.book(service_id, shop.tomorrow(), GUEST)
    shop.clock.advance(timedelta(days=2))
    await shop.app.bookings.start(paid.booking.booking_id, OPERATOR)
    request = OpenDispute(
        dispute_id=shop.id("dsp"), booking_id=paid.booking.booking_id, text="Nobody <b>came</b> at 你 o'clock."
    )
    dispute = await shop.app.disputing.open(request, GUEST)

    await assembled(shop, dispute)

    files = await read(shop, dispute)
    assert "Nobody &lt;b&gt;came&lt;/b&gt; at 你 o&#x27;clock." in files["index.html"].decode()
    with pytest.raises(DisputeElsewhere):
        await shop.app.evidence.send(sending(dispute), OPERATOR)
