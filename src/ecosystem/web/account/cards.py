"""The cards that a person keeps, to look at and to remove. A new one is kept at a checkout."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from ecosystem.contexts.payments import NoSuchSavedCard
from ecosystem.web.answers import Answer
from ecosystem.web.checkout.wallet import drawn_card
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit


@get("/account/cards")
async def cards(request: Visit) -> Answer:
    """Which cards are kept, until when each is good, and since when."""
    assert request.user_id
    wallet = await request.market.card_keeping.wallet(request.actor)
    kept = [drawn_card(card) for card in wallet.cards] if wallet else []
    return request.page("account/cards.html", cards=kept, at=request.at)


@post("/account/cards/{card_id:str}/forget")
async def forget(request: Visit, card_id: FromPath[str]) -> Answer:
    """Keep a card no longer. One that is gone already is gone."""
    assert request.user_id
    try:
        await request.market.card_keeping.forget(card_id, request.actor)
    except NoSuchSavedCard:
        return request.redirect("/account/cards")
    return request.redirect("/account/cards", toast=Toast(text="The card is removed."))
