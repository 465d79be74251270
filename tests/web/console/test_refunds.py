"""A refund that failed waits for an operator, who says once what follows it."""

from __future__ import annotations

import httpx
from tests.web.console.busy import FRAGMENT, Busy, said
from tests.web.shop import hidden, token

from ecosystem.contexts.booking import CancelBooking
from ecosystem.contexts.payments import RefundState
from ecosystem.workflows.wiring import Wiring
from market import ADA


async def failed(happened: Busy) -> str:
    """The address of a refund that came back."""
    opened, app = happened.shop.market, happened.shop.market.app
    paid = await opened.book(happened.service_id, opened.tomorrow(12), card="pm_card_refundFail")
    await app.closing.cancel(CancelBooking(booking_id=paid.booking.booking_id), ADA)
    refund_id = (await app.refunds.refunds_of(paid.booking.booking_id))[0].value.refund_id
    await app.refunding.carry_out(paid.booking.booking_id, refund_id, happened.operator)
    await opened.sandbox.settled()
    row = await app.refunds.refund(paid.booking.booking_id, refund_id)
    assert row
    outcome = await app.ports.cards.refund_status(row.value.processor_id or "")
    await app.hearing.reach.settlement.learn_refund(paid.booking.booking_id, refund_id, outcome, happened.operator)
    await Wiring.of(app).settled()
    return f"/console/refunds/{paid.booking.booking_id}/{refund_id}"


async def test_what_is_owed_is_listed_and_counted_and_dealt_with_once(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = await failed(happened)

    listed = await olga.get("/console/refunds")
    page = await olga.get(path)
    fields = {"csrf_token": token(page.text), "by_refund_id": hidden(page.text, "by_refund_id")}
    without_note = await olga.post(path, data={**fields, "how": "paid elsewhere"}, headers=FRAGMENT)
    paid = [await olga.post(path, data={**fields, "how": "paid elsewhere", "note": "By transfer."}) for _ in range(2)]
    after = await olga.get(path)

    assert path in listed.text
    assert "The card has expired, or was cancelled." in said(listed)
    assert "Failed refunds 1" in said(listed)
    assert 'id="note-wrong"' in without_note.text
    assert [answer.status_code for answer in paid] == [303, 303]
    assert "It was paid elsewhere" in said(after)
    assert "Nobody waits for a refund" in said(await olga.get("/console/refunds"))
    refunds = [row.value for row in await happened.shop.market.app.refunds.refunds_of(path.split("/")[3])]
    assert sorted(refund.state for refund in refunds) == sorted([RefundState.FAILED, RefundState.ISSUED])


async def test_it_is_tried_again_on_a_word(happened: Busy, olga: httpx.AsyncClient) -> None:
    path = await failed(happened)
    page = await olga.get(path)
    fields = {"csrf_token": token(page.text), "by_refund_id": hidden(page.text, "by_refund_id")}

    done = await olga.post(path, data={**fields, "how": "tried again"})
    notices = await olga.get("/notices")

    assert done.status_code == 303
    assert "A refund of €50.00 failed" in said(notices)
    detail = said(await olga.get(f"/console/bookings/{path.split('/')[3]}"))
    assert "What follows it" in detail


async def test_it_is_no_page_for_others(happened: Busy) -> None:
    path = await failed(happened)
    async with happened.shop.client() as nobody:
        assert (await nobody.get(path)).status_code in {302, 303}
