"""Money in minor units, and how it is split so that no unit is lost."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid

BPS = 10_000
"""Basis points in a whole: 900 bps is 9 %."""

MINOR_MAX = 10**15
"""The largest amount the product takes, in minor units: far above any price, far below 64 bits."""

DIGITS_MAX = len(str(MINOR_MAX))

# ISO 4217:2015 amendment 176, the currencies whose minor unit is not two decimals (funds and metals left out).
_EXPONENTS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)

_TWO_DECIMALS = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS
    KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG""".split()
)


class UnknownCurrency(Invalid):
    """That is not an ISO 4217 currency."""


class CurrencyMismatch(Invalid):
    """Amounts in two currencies do not add up."""


class Money(Struct, frozen=True):
    """An amount in the currency's minor unit (ISO 4217): 1250 EUR is 12.50 euro, 1250 JPY is 1250 yen.

    Never negative: debit and credit carry direction.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not 0 <= self.minor <= MINOR_MAX:
            raise Invalid(f"An amount lies between 0 and {MINOR_MAX} minor units.", field="minor")
        if self.currency not in _TWO_DECIMALS:  # nearly every amount; each item that is read makes some
            exponent(self.currency)

    def __add__(self, other: Self) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Self) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Self) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor > 0

    def share(self, bps: int, step: int = 1) -> Money:
        """`bps` basis points of the amount, rounded half up to a whole number of steps of so many minor units."""
        return Money(round_half_up(self.minor * bps, BPS * step) * step, self.currency)

    def proportion(self, part: Money, whole: Money) -> Money:
        """As much of the amount as `part` is of `whole`, rounded half up. Nothing of nothing is nothing."""
        part._same(whole)
        if not whole:
            return Money(0, self.currency)
        return Money(round_half_up(self.minor * part.minor, whole.minor), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not add up.", field="currency")
        return other.minor


def zero(currency: str) -> Money:
    """Nothing, in that currency."""
    return Money(0, currency)


def exponent(currency: str) -> int:
    """Decimals of the currency's minor unit: 2 for EUR, 0 for JPY, 3 for KWD. Raises `UnknownCurrency`."""
    if currency in _TWO_DECIMALS:
        return 2
    known = _EXPONENTS.get(currency)
    if known is None:
        raise UnknownCurrency(f"{currency!r} is not an ISO 4217 currency.", field="currency")
    return known


def currencies() -> frozenset[str]:
    """Every currency an amount may have."""
    return _TWO_DECIMALS | _EXPONENTS.keys()


def round_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest whole, halves up. Both non-negative, the denominator positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def decimal_text(money: Money) -> str:
    """The amount as a plain decimal without a symbol: `12.50`, `1250`, `1.250`."""
    places = exponent(money.currency)
    if places == 0:
        return str(money.minor)
    whole, part = divmod(money.minor, 10**places)
    return f"{whole}.{part:0{places}d}"


def parse_decimal(text: str, currency: str) -> Money:
    """The amount a person wrote: `12.5` EUR is 1250. Raises `Invalid` when it is no amount or has too many decimals."""
    places = exponent(currency)
    whole, _, part = text.strip().partition(".")
    if not (whole or part) or not (whole + part).isascii() or not (whole + part).isdigit() or len(whole) > DIGITS_MAX:
        raise Invalid(f"{text!r} is not an amount such as 12.50.", field="amount")
    if len(part.rstrip("0")) > places:
        raise Invalid(f"{currency} has {places} decimals.", field="amount")
    minor = int(whole or "0") * 10**places + int(part[:places].ljust(places, "0") or "0")
    if minor > MINOR_MAX:
        raise Invalid(f"{text} {currency} is more than an amount can be.", field="amount")
    return Money(minor, currency)
