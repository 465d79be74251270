"""Amounts between our minor units (ISO 4217) and the card processor's units, and the limits it sets.

The two differ for a few currencies (docs.stripe.com/currencies, read in 2026): the processor counts ISK and UGX in
hundredths although they have no minor unit, MGA in whole units although it has one, and takes currencies of three
decimals in steps of ten.
"""

from __future__ import annotations

from ecosystem.kernel.money import Money, decimal_text, exponent
from ecosystem.ports.cards import AmountUnfit

MOST_UNITS = 99_999_999
_IN_HUNDREDTHS = frozenset({"ISK", "UGX"})
_IN_WHOLE = frozenset({"MGA"})
_LEAST_UNITS = {
    "AED": 200,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
    "USD": 50,
}


def step(currency: str) -> Money:
    """What every amount that a card pays in the currency is a multiple of."""
    if currency in _IN_WHOLE:
        return Money(100, currency)
    return Money(10 if exponent(currency) == 3 else 1, currency)


def units(amount: Money) -> int:
    """The amount in the processor's units. Raises `AmountUnfit` when it has no such amount."""
    if amount.minor % step(amount.currency).minor:
        raise AmountUnfit(
            f"Cards pay {amount.currency} in steps of {decimal_text(step(amount.currency))}.", field="amount"
        )
    if amount.currency in _IN_HUNDREDTHS:
        return amount.minor * 100
    return amount.minor // 100 if amount.currency in _IN_WHOLE else amount.minor


def money(amount: int, currency: str) -> Money:
    """The processor's units as our amount. `currency` is in the processor's lower case."""
    name = currency.upper()
    return Money(minor(amount, name), name)


def minor(amount: int, currency: str) -> int:
    """The processor's units as our minor units, of either sign."""
    if currency in _IN_HUNDREDTHS:
        return amount // 100
    return amount * 100 if currency in _IN_WHOLE else amount


def must_be_payable(amount: Money) -> None:
    """Pass if a card may be charged that much. Raises `AmountUnfit` naming the limit."""
    asked = units(amount)
    currency = amount.currency
    least = money(_LEAST_UNITS.get(currency, units(step(currency))), currency)
    if amount < least:
        raise AmountUnfit(f"A card pays at least {decimal_text(least)} {currency}.", field="amount")
    if asked > MOST_UNITS:
        most = money(MOST_UNITS // 10 * 10, currency)
        raise AmountUnfit(f"A card pays at most {decimal_text(most)} {currency}.", field="amount")
