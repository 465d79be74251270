"""Amounts as the API counts them, and the limits it sets.

The API counts minor units, with its own idea of some currencies (docs.stripe.com/currencies): ISK and UGX have no
minor unit yet are given in hundredths; currencies of three decimals are given in thousandths ending in zero.
"""

from __future__ import annotations

from ecosystem.sandbox.refusals import Refused

MOST = 99_999_999
LEAST = {
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
}
"""The least charge, in the API's units; one unit for currencies not named."""
WITHOUT_MINOR = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
IN_HUNDREDTHS_OF_NOTHING = frozenset({"isk", "ugx"})
IN_THOUSANDTHS = frozenset("bhd iqd jod kwd lyd omr tnd".split())


def step(currency: str) -> int:
    """What every amount in the currency is a multiple of."""
    if currency in IN_HUNDREDTHS_OF_NOTHING:
        return 100
    return 10 if currency in IN_THOUSANDTHS else 1


def shown(amount: int, currency: str) -> str:
    """The amount in words: `0.50 usd`."""
    if currency in WITHOUT_MINOR:
        return f"{amount} {currency}"
    if currency in IN_THOUSANDTHS:
        return f"{amount // 1000}.{amount % 1000:03} {currency}"
    return f"{amount // 100}.{amount % 100:02} {currency}"


def must_be_chargeable(amount: int, currency: str) -> None:
    """Pass if a card may be charged that much. Raises `Refused` naming the limit."""
    least = LEAST.get(currency, step(currency))
    if amount < least:
        raise Refused(f"Amount must be at least {shown(least, currency)}", code="amount_too_small", param="amount")
    if amount > MOST:
        raise Refused(f"Amount must be no more than {shown(MOST, currency)}", code="amount_too_large", param="amount")
    must_be_whole(amount, currency)


def must_be_whole(amount: int, currency: str) -> None:
    """Pass if the currency has such an amount. Raises `Refused` otherwise."""
    if amount % step(currency):
        raise Refused(
            f"Invalid amount: amounts in {currency} have to be a multiple of {step(currency)}.",
            code="parameter_invalid_integer",
            param="amount",
        )


def fee(amount: int, currency: str) -> int:
    """What the processor keeps of a charge: 2.9 % and 30 hundredths, to the nearest unit, halves up."""
    fixed = 300 if currency in IN_THOUSANDTHS else 30
    return min(amount, (amount * 290 + 5000) // 10000 + fixed)
