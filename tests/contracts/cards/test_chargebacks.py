"""What the card port promises of chargebacks: what is said to the customer's bank, and lists to reconcile with."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts.cards.benches import Bench
from contracts.cards.test_cards import given_back, order
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.cards import (
    ChargebackDecided,
    ChargebackOutcome,
    ChargebackStanding,
    Evidence,
    EvidenceFile,
    EvidenceKind,
    OrderRefused,
    UnknownIntent,
)

PDF = b"%PDF-1.7\n%%EOF\n"
SAID = Evidence(
    service="An hour of portraits, rendered.",
    served_on="20 November 2026",
    why_not_refunded="The customer was there for the whole hour.",
    note="See the messages.",
)


async def charged_back(bench: Bench, payment_id: str = "pay_1") -> ChargebackOutcome:
    await bench.cards.authorize(order("pm_card_createDispute", payment_id))
    await bench.sandbox.settled()
    return next(one for one in (await bench.cards.chargebacks()).items if one.payment_id == payment_id)


async def test_evidence_is_gathered_and_then_sent_once_and_for_all(bench: Bench) -> None:
    opened = await charged_back(bench)

    gathered = await bench.cards.evidence(opened.chargeback_id, SAID, submit=False)
    sent = await bench.cards.evidence(opened.chargeback_id, replace(SAID, note="That is all."), submit=True)

    assert (gathered.standing, gathered.evidence_sent) == (ChargebackStanding.OPEN, False)
    assert (sent.standing, sent.evidence_sent) == (ChargebackStanding.UNDER_REVIEW, True)
    assert (sent.payment_id, sent.booking_id) == ("pay_1", "bkg_1")
    with pytest.raises(ChargebackDecided):
        await bench.cards.evidence(opened.chargeback_id, replace(SAID, note="One thing more."), submit=True)


async def test_files_are_handed_over_once_and_stand_in_the_evidence(bench: Bench) -> None:
    opened = await charged_back(bench)
    file = EvidenceFile(file_id="fil_1", name='a "letter".pdf', content=PDF)

    file_id = await bench.cards.upload(file)
    again = await bench.cards.upload(file)
    files = {EvidenceKind.MESSAGES: file_id, EvidenceKind.RECEIPT: file_id}
    told = await bench.cards.evidence(opened.chargeback_id, Evidence(files=files), submit=False)

    assert again == file_id
    assert told.chargeback_id == opened.chargeback_id
    with pytest.raises(IdReused):
        await bench.cards.upload(replace(file, content=PDF + b"more"))
    unknown = Evidence(files={EvidenceKind.OTHER: "file_nobody"})
    with pytest.raises(OrderRefused):
        await bench.cards.evidence(opened.chargeback_id, unknown, submit=False)


async def test_a_chargeback_may_be_won_by_what_is_said(bench: Bench) -> None:
    opened = await charged_back(bench)

    await bench.cards.evidence(opened.chargeback_id, Evidence(note="winning_evidence"), submit=True)
    await bench.sandbox.settled()

    assert (await bench.cards.chargeback(opened.chargeback_id)).standing is ChargebackStanding.WON


async def test_a_chargeback_may_be_accepted_and_stays_lost(bench: Bench) -> None:
    opened = await charged_back(bench)

    lost = await bench.cards.accept(opened.chargeback_id)

    assert lost.standing is ChargebackStanding.LOST
    assert (await bench.cards.accept(opened.chargeback_id)).standing is ChargebackStanding.LOST


async def test_too_much_evidence_is_refused_before_any_call(bench: Bench) -> None:
    opened = await charged_back(bench)

    with pytest.raises(OrderRefused):
        await bench.cards.evidence(opened.chargeback_id, Evidence(note="a" * 150_001), submit=False)
    with pytest.raises(OrderRefused):
        await bench.cards.upload(EvidenceFile(file_id="fil_1", name="letter.txt", content=b"Dear bank"))
    with pytest.raises(OrderRefused):
        await bench.cards.upload(EvidenceFile(file_id="fil_1", name="big.pdf", content=PDF + b" " * 5_000_000))


@pytest.mark.parametrize("named", ["dp_nobody", "../balance", "", "é"])
async def test_nothing_is_said_of_a_chargeback_nobody_knows(bench: Bench, named: str) -> None:
    with pytest.raises(UnknownIntent):
        await bench.cards.evidence(named, SAID, submit=False)
    with pytest.raises(UnknownIntent):
        await bench.cards.accept(named)


async def test_what_the_processor_knows_can_be_listed_from_an_instant_on(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())
    await bench.cards.refund(given_back(paid, 100))
    opened = await charged_back(bench, "pay_2")
    await bench.sandbox.settled()

    payments = await bench.cards.payments(since=paid.made_at)
    events = await bench.cards.events(since=paid.made_at)

    assert [each.payment_id for each in payments.items] == ["pay_2", "pay_1"]
    assert payments.items[1] == await bench.cards.payment(paid.intent_id)
    assert [each.chargeback_id for each in (await bench.cards.chargebacks(since=paid.made_at)).items] == [
        opened.chargeback_id
    ]
    kinds = {each.kind for each in events.items}
    assert {"payment_intent.succeeded", "refund.created", "charge.dispute.created"} <= kinds
    assert all(each.event_id.encode() in each.body for each in events.items)


async def test_a_payment_belongs_to_its_booking_at_the_processor(bench: Bench) -> None:
    paid = await bench.cards.authorize(order())

    events = (await bench.cards.events()).items

    told = next(each for each in events if each.kind == "payment_intent.succeeded")
    assert b'"transfer_group":"bkg_1"' in told.body.replace(b": ", b":")
    assert paid.booking_id == "bkg_1"


async def test_a_network_that_suspects_fraud_says_so_early(bench: Bench) -> None:
    paid = await bench.cards.authorize(order("pm_card_createIssuerFraudRecord"))
    await bench.sandbox.settled()

    [warning] = (await bench.cards.fraud_warnings()).items

    assert (warning.charge_id, warning.actionable) == (paid.charge_id, True)
    assert warning.kind


def test_every_kind_of_evidence_has_a_place_at_the_processor() -> None:
    from ecosystem.adapters.outside.stripe.chargebacks import FILES

    assert FILES.keys() == set(EvidenceKind)
