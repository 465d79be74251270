"""What the processor sends is checked, stored once, and only a hint."""

from __future__ import annotations

import asyncio
import hmac
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contexts.payments.payment_news import NOON, intended, news
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.payments import (
    BadSignature,
    NoSuchWebhook,
    UnreadableEvent,
    Webhooks,
    WebhookState,
    authorize,
    processed,
    read,
    says_nothing_new,
    settle,
    troubled,
)
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.bus import Event
from ecosystem.ports.cards import Standing
from ecosystem.ports.table import Table

SECRET = "whsec_test"


def event(kind: str = "payment_intent.succeeded", event_id: str = "evt_1", **subject: object) -> bytes:
    thing = {
        "id": "pi_1",
        "object": "payment_intent",
        "metadata": {"payment_id": "pay_1", "booking_id": "bkg_1"},
    } | subject
    return msgspec.json.encode({"id": event_id, "type": kind, "created": 1795176000, "data": {"object": thing}})


def signed(body: bytes, *, secret: str = SECRET, stamp: int | None = None) -> str:
    stamp = int(NOON.timestamp()) if stamp is None else stamp
    digest = hmac.digest(secret.encode(), f"{stamp}.".encode() + body, "sha256").hex()
    return f"t={stamp},v1={digest}"


def test_a_signature_made_with_the_secret_passes() -> None:
    authorize(event(), signed(event()), (SECRET,), NOON)


def test_any_of_several_secrets_and_signatures_may_match_while_one_is_rotated() -> None:
    old_and_new = signed(event(), secret="whsec_old") + "," + signed(event()).split(",")[1] + ",v0=ab"

    authorize(event(), signed(event(), secret="whsec_old"), (SECRET, "whsec_old"), NOON)
    authorize(event(), old_and_new, (SECRET,), NOON)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1",
        "v1=ab",
        signed(event(), secret="whsec_other"),
        signed(event()).replace("v1=", "v0="),
        signed(b"{}"),
        signed(event(), stamp=int(NOON.timestamp()) - 301),
        signed(event(), stamp=int(NOON.timestamp()) + 301),
        "t=" + "9" * 40 + ",v1=ab",
        "t=-5,v1=ab",
        "t=١٢,v1=ab",
        signed(event()) + ",t=1",
        "t=1795176000,v1=é",
    ],
)
def test_other_signatures_do_not_pass(signature: str) -> None:
    with pytest.raises(BadSignature):
        authorize(event(), signature, (SECRET,), NOON)


def test_a_changed_byte_is_noticed() -> None:
    body, signature = event(), signed(event())

    for place in range(0, len(body), 7):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(BadSignature):
            authorize(changed, signature, (SECRET,), NOON)


@given(st.text(max_size=200))
def test_no_header_is_more_than_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        authorize(event(), signature, (SECRET,), NOON)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        read(body)


_VALUES = (
    st.none() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)


@given(st.sampled_from(["id", "type", "created", "data"]), _VALUES)
def test_an_event_with_one_field_of_nonsense_is_read_or_refused(name: str, value: object) -> None:
    whole = msgspec.json.decode(event()) | {name: value}

    try:
        hint = read(msgspec.json.encode(whole))
    except Refusal:
        return

    assert hint.event_id.startswith("evt_")


@pytest.mark.parametrize(
    ("body", "points_at"),
    [
        (event(), ("pi_1", "pi_1", "", "", None)),
        (
            event("charge.captured", id="ch_1", object="charge", payment_intent="pi_1"),
            ("ch_1", "pi_1", "ch_1", "", None),
        ),
        (event("refund.failed", id="re_1", object="refund", payment_intent="pi_1"), ("re_1", "pi_1", "", "", None)),
        (
            event("charge.dispute.created", id="dp_1", object="dispute", payment_intent="pi_1", charge="ch_1"),
            ("dp_1", "pi_1", "ch_1", "", None),
        ),
        (event("payment_method.detached", id="pm_1", object="payment_method"), ("pm_1", None, "", "pm_1", None)),
        (event("mandate.updated", id="m_1", object="mandate", payment_method="pm_1"), ("m_1", None, "", "pm_1", None)),
        (
            msgspec.json.encode(
                msgspec.json.decode(event("payout.paid", id="po_1", object="payout")) | {"account": "acct_1"}
            ),
            ("po_1", None, "", "", "acct_1"),
        ),
    ],
)
def test_an_event_points_at_what_it_is_about(body: bytes, points_at: tuple[object, ...]) -> None:
    hint = read(body)

    assert (hint.subject_id, hint.intent_id, hint.charge_id, hint.card_id, hint.account_id) == points_at


def test_the_processor_is_not_asked_about_what_is_known() -> None:
    captured = settle(intended(), news(Standing.CAPTURED), NOON)

    assert says_nothing_new(captured, read(event()))
    assert not says_nothing_new(intended(), read(event()))
    assert not says_nothing_new(captured, read(event("refund.created", id="re_1", object="refund")))


@pytest.fixture
def webhooks(table: Table, clock: VirtualClock) -> Webhooks:
    return Webhooks(table, clock, (SECRET,))


async def test_an_event_is_stored_once_however_often_it_comes(webhooks: Webhooks, table: Table) -> None:
    receipts = await asyncio.gather(*(webhooks.receive(event(), signed(event())) for _ in range(10)))

    assert sorted(receipt.is_new for receipt in receipts) == [False] * 9 + [True]
    kept = await webhooks.webhook("evt_1")
    assert kept.value.body == event()
    told = await table.query("WEBHOOK#evt_1", Event, prefix="EVENT#")
    assert [one.type for one in told.values] == ["WebhookStored"]


async def test_an_event_with_a_bad_signature_is_not_stored(webhooks: Webhooks) -> None:
    with pytest.raises(BadSignature):
        await webhooks.receive(event(), signed(b"other"))

    with pytest.raises(NoSuchWebhook):
        await webhooks.webhook("evt_1")


async def test_an_event_waits_until_it_was_acted_upon_and_can_be_replayed(webhooks: Webhooks, table: Table) -> None:
    await webhooks.receive(event(), signed(event()))
    soon = NOON + timedelta(seconds=1)
    row = (await webhooks.waiting(soon))[0]

    await table.transact(troubled(row, "The processor is silent.", soon, give_up=False))
    assert len(await webhooks.waiting(soon)) == 1
    await table.transact(processed(await webhooks.webhook("evt_1"), soon))
    assert await webhooks.waiting(soon) == []
    assert (await webhooks.webhook("evt_1")).value.attempts == 2

    await webhooks.replay("evt_1")
    assert (await webhooks.webhook("evt_1")).value.state is WebhookState.WAITING
    assert len(await webhooks.waiting(soon)) == 1
