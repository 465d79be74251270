"""Cards as they may be shown: their brand as people write it."""

from __future__ import annotations

from ecosystem.ports.cards import ShownCard

_BRANDS = {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "mastercard": "Mastercard"}


def brand(card: ShownCard) -> str:
    return _BRANDS.get(card.brand, card.brand.capitalize())
