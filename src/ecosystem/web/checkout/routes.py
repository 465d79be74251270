"""The checkout's page: who it is for, what it costs, the card, and what became of the payment.

Every answer is drawn from how things stand at that moment, so that going back, loading again, a second tab and a form
sent twice all end where the first one did.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import Contact, Hold, HoldGone, HoldStatus, Mode, OwnService
from ecosystem.journeys.checkout import PayForHold, PriceChanged
from ecosystem.journeys.screening import NotTaken
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Conflict, Denied, Invalid, Refusal
from ecosystem.kernel.time import Span
from ecosystem.ports.cards import OrderRefused
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.bookings import zones
from ecosystem.web.bookings.listings import listing
from ecosystem.web.bookings.sheet import card_text
from ecosystem.web.bookings.terms import Deal, deal_of, stages
from ecosystem.web.checkout import attempts
from ecosystem.web.checkout.desk import Desk, Stage, after_refusals, desk, held
from ecosystem.web.checkout.element import allow_element
from ecosystem.web.checkout.others import others
from ecosystem.web.checkout.wallet import wallet_of
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.visit import Visit

ASKED_MAX = 20
"""How often a page asks by itself what became of a payment; then it says that we will write."""

_HOST = re.compile(r"[A-Za-z0-9.\[\]:-]{1,255}")

Id = Annotated[str, Meta(max_length=64)]
CardId = Annotated[
    str, Meta(pattern=r"^(pm_[A-Za-z0-9_]{1,250})?$", description="That is no card of the processor's. Enter it again.")
]


class CardMissing(Invalid):
    """The card is still missing. Its fields are the card processor's own and need JavaScript: turn it on and load again."""


class OtherCheckout(Conflict):
    """This form belongs to another checkout. Load the page again."""


class WithCard(Struct, frozen=True, kw_only=True):
    """What an attempt is paid with: `saved` is one of the visitor's kept cards, `card` what the element handed out."""

    card: CardId = ""
    saved: CardId = ""
    keep: bool = False

    @property
    def chosen(self) -> str:
        """The id of the card that is to pay; empty when there is none."""
        return self.saved or self.card


class PayForm(WithCard, frozen=True, kw_only=True):
    """The first attempt. `total` is the price that the page said, in minor units."""

    booking_id: Id
    payment_id: Id
    total: Annotated[int, Meta(ge=0)]
    name: Annotated[str, Meta(max_length=200)]
    email: Annotated[
        str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$", description="An address such as ana@example.org.")
    ]
    note: Annotated[str, Meta(max_length=2_000)] = ""
    place: Annotated[str, Meta(max_length=500)] = ""


class PayAgain(WithCard, frozen=True, kw_only=True):
    """A further attempt: whom the booking is for stands in it already."""

    booking_id: Id
    payment_id: Id
    total: Annotated[int, Meta(ge=0)]


Paying = Form[PayForm] | Form[PayAgain]


class Polled(Struct, frozen=True, kw_only=True):
    """How often the page has asked so far."""

    asked: Annotated[int, Meta(ge=0, le=1_000)] = 0


@get("/checkout/{hold_id:str}")
async def show(request: Visit, hold_id: FromPath[str]) -> Answer:
    """The checkout as it stands."""
    hold, actor = await held(request, hold_id)
    if request.person is not None and actor.is_guest:
        mine = await _taken_over(request, hold, actor)
        if mine is not None:
            return request.redirect(f"/checkout/{mine.hold_id}")
    return await _drawn(request, await desk(request, hold_id))


@post("/checkout/{hold_id:str}/pay")
async def pay(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Book and pay. Sent again it has no second effect, and tells where things stand."""
    before = await desk(request, hold_id)
    form = await _form(request, before)
    if before.stage is not Stage.OPEN or _is_repeated(before, form):
        return await _stands(request, before)
    try:
        await request.market.checkout.pay(_order(request, before, form), before.actor, address=request.arrival.address)
    except Refusal as no:
        after = await desk(request, hold_id)
        moved_on = after.stage is not Stage.OPEN or len(after.payments) > len(before.payments)
        if isinstance(no, Conflict | OrderRefused) and moved_on:
            return await _stands(request, after)
        refused = form.refused(no, **{"contact.name": "name", "contact.email": "email"})
        return await _drawn(request, after, refused)
    return await _stands(request, await desk(request, hold_id))


@get("/checkout/{hold_id:str}/standing")
async def standing(request: Visit, hold_id: FromPath[str]) -> Answer:
    """What became of the payment, asked of the processor if nothing is known yet."""
    polled = request.query_of(Polled).asked
    return await _stands(request, await _learned(request, hold_id), asked=polled.asked)


@get("/checkout/{hold_id:str}/return")
async def come_back(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Where the bank's own page leads back to. What its address says is not believed: the processor is asked."""
    at = await _learned(request, hold_id)
    return request.redirect(f"/checkout/{at.hold.hold_id}")


@post("/checkout/{hold_id:str}/another-card")
async def another_card(request: Visit, hold_id: FromPath[str]) -> Answer:
    """Let go of an attempt that waits for the bank, to pay with another card."""
    at = await desk(request, hold_id)
    if at.booking is not None and at.last is not None and at.last.is_open:
        await request.market.checkout.let_go(at.booking.booking_id, at.actor)
    return await _stands(request, await desk(request, hold_id))


async def _learned(request: Visit, hold_id: str) -> Desk:
    """The checkout, after asking what became of a payment that is open."""
    at = await desk(request, hold_id)
    if at.booking is None or at.last is None or not at.last.is_open:
        return at
    with suppress(OrderRefused):  # The attempt has failed then, and says why.
        await request.market.checkout.standing(at.booking.booking_id, at.last.payment_id, at.actor)
    return await desk(request, hold_id)


async def _taken_over(request: Visit, hold: Hold, guest: Actor) -> Hold | None:
    """What was held as a guest, now held for who signed in; None when there is nothing to take over."""
    hold_id = attempts.taken_over(hold, request.user_id)
    try:
        if hold.status is HoldStatus.HELD and request.at < hold.expires_at:
            return await request.market.checkout.take_over(hold_id, hold.hold_id, guest, request.actor)
        return await request.market.holds.get(hold_id, request.actor)
    except OwnService:
        raise
    except (Conflict, Denied, HoldGone):
        return None


async def _form(request: Visit, at: Desk) -> Paying:
    if at.booking is None:
        return await request.form_of(PayForm)
    known = PayAgain.__struct_fields__
    return forms.decode(PayAgain, [pair for pair in await request.pairs() if pair[0] in known])


def _is_repeated(at: Desk, form: Paying) -> bool:
    """Whether this very form, with this very card, was sent before."""
    asked = form.value
    if asked is None:
        return False
    return any(each.payment_id == asked.payment_id and each.card == asked.chosen for each in at.payments)


def _order(request: Visit, at: Desk, form: Paying) -> PayForHold:
    """What is asked of the product. Raises `Unfilled`, `OtherCheckout`, `PriceChanged`, `CardMissing`."""
    asked = form.asked
    if asked.booking_id != at.booking_id:
        raise OtherCheckout
    if asked.total != at.lines.total.minor:
        raise PriceChanged
    if not asked.chosen:
        raise CardMissing(field="card")
    if isinstance(asked, PayForm):
        contact, note, place = Contact(name=asked.name, email=asked.email), asked.note, asked.place
    else:
        # The booking was placed by an earlier attempt: it stands as it was asked for.
        assert at.booking is not None
        placed = at.booking.request
        contact, note, place = placed.contact, placed.note, placed.place
    return PayForHold(
        booking_id=at.booking_id,
        payment_id=at.given(asked.payment_id),
        hold_id=at.hold.hold_id,
        contact=contact,
        total=Money(asked.total, at.lines.currency),
        card=asked.chosen,
        saved=bool(asked.saved),
        keep=asked.keep and not asked.saved,
        return_url=f"{_origin(request)}/checkout/{at.hold.hold_id}/return",
        note=note,
        place=place,
    )


def _origin(request: Visit) -> str:
    """Where this browser reached us, for it to come back there with its cookies."""
    site, host = request.kit.site, request.arrival.headers.get("host", "")
    if site.https or not _HOST.fullmatch(host):
        return site.url
    return f"http://{host}"


async def _stands(request: Visit, at: Desk, *, asked: int = 0) -> Answer:
    """Where things stand: in place for htmx, else by way of the page's own address, which may be loaded again."""
    if request.arrival.by_htmx:
        return await _drawn(request, at, asked=asked)
    return request.redirect(f"/checkout/{at.hold.hold_id}")


async def _drawn(request: Visit, at: Desk, form: Paying | None = None, *, asked: int = 0) -> Answer:
    match at.stage:
        case Stage.BOOKED:
            assert at.booking is not None
            return request.redirect(f"/bookings/{at.booking.booking_id}/confirmed")
        case Stage.ENDED:
            return await _ended(request, at)
        case _:
            return await _open(request, at, form, asked)


async def _ended(request: Visit, at: Desk) -> Answer:
    zone = zones.chosen(request, at.hold.request.zone)
    values: dict[str, Any] = {
        "hold": at.hold,
        "offer": at.hold.offer,
        "zone": zone,
        "span": Span(at.hold.start_at, at.hold.end_at),
        "listing": await listing(request.market, at.hold.offer),
        "others": await others(request, at.hold, zone),
    }
    if request.arrival.wants_fragment:
        headers = {"HX-Retarget": "#checkout", "HX-Reswap": "outerHTML show:top"}
        return request.fragment("checkout/_ended.html", headers=headers, **values)
    return _unkept(request.page("checkout/ended.html", **values))


async def _open(request: Visit, at: Desk, form: Paying | None, asked: int) -> Answer:
    status = status_of(form.refusal) if form and form.refusal else 200
    values = await _values(request, at, form or _blank(request, at))
    values |= {"asked": asked, "asks_on": at.stage is Stage.WAITING and asked < ASKED_MAX}
    if request.arrival.wants_fragment:
        return request.fragment("checkout/_fragment.html", status=status, **values)
    answer = _unkept(request.page("checkout/page.html", status=status, **values))
    allow_element(request, answer)
    return answer


def _unkept(answer: Answer) -> Answer:
    """The page, kept by no browser: going back asks how things stand, where a cached page would offer to pay again."""
    answer.headers["cache-control"] = "no-store"
    return answer


def _blank(request: Visit, at: Desk) -> Form[PayForm]:
    """The form with what is known already."""
    person = request.person if not at.actor.is_guest else None
    return forms.blank(PayForm, name=person.name if person else "", email=person.email if person else "")


async def _next_payment_id(request: Visit, at: Desk, form: Paying) -> str:
    """What the form names its payment: what was refused stays so, and another card is another attempt."""
    if isinstance(form.refusal, NotTaken):
        return await after_refusals(request, at)
    return at.given(form.value.payment_id) if form.value else at.payment_id


async def _values(request: Visit, at: Desk, form: Paying) -> dict[str, Any]:
    hold, offer, market = at.hold, at.hold.offer, request.market
    zone = zones.chosen(request, hold.request.zone)
    declined = at.last if at.stage is Stage.OPEN else None
    wallet = await wallet_of(request, at)
    deal = (
        deal_of(at.booking)
        if at.booking
        else Deal(
            policy=await market.policies.current(offer.policy),
            rates=at.rates,
            lines=at.lines,
            start_at=hold.start_at,
            booked_at=at.at,
        )
    )
    return {
        "desk": at,
        "stage": at.stage.value,
        "hold": hold,
        "offer": offer,
        "booking": at.booking,
        "form": form,
        "zone": zone,
        "zones": zones.choices(request, hold.request.zone, offer.zone, zone),
        "span": Span(hold.start_at, hold.end_at),
        "listing": await listing(market, offer),
        "lines": at.lines,
        "percent": f"{at.rates.surcharge_bps / 100:g}",
        "stages": stages(deal, at.at),
        "element": market.ports.cards.element,
        **wallet.values(declined.card if declined else ""),
        "at_customer": offer.mode is Mode.AT_CUSTOMER,
        "declined": declined.decline if declined else None,
        "declined_card": card_text(declined),
        "as_guest": at.actor.is_guest,
        "payment_id": await _next_payment_id(request, at, form),
        "open_payment": at.last if at.last and at.last.is_open else None,
    }
