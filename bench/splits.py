"""Ten million splits in a plain loop: every price, refund and release adds up, in currencies of 0, 2 and 3 decimals.

    python -m bench.splits [COUNT] [SEED]

Each turn draws a price, rates and a refund, and holds the product's own arithmetic (`kernel.rates`) to the whole. A
turn that does not add up stops the drill and prints what it drew.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator

from ecosystem.kernel.money import BPS, Money, zero
from ecosystem.kernel.rates import Lines, Rates, quote, refund, remaining

COUNT = 10_000_000
STEPS = {"EUR": 1, "JPY": 1, "KWD": 10, "BHD": 10, "JOD": 10, "ISK": 1, "UGX": 1, "HUF": 1, "TWD": 1, "MGA": 100}
"""The currencies, and what cards pay in whole multiples of, in minor units."""
CURRENCIES = tuple(STEPS)
PRICES = (10**2, 10**4, 10**6, 10**13)


class Lost(AssertionError):
    """A split lost or made a unit."""


def drill(count: int, seed: int, said: Callable[[int, float], None] = lambda _done, _seconds: None) -> int:
    """Make that many splits and check each; how many were made. Tells how far it is every half million."""
    began = time.perf_counter()
    for done, (base, rates, guest, part) in enumerate(draws(count, seed), 1):
        check(base, rates, guest=guest, part=part)
        if done % 500_000 == 0:
            said(done, time.perf_counter() - began)
    return count


def draws(count: int, seed: int) -> Iterator[tuple[Money, Rates, bool, int]]:
    """Prices small and large, the product's rates and any others, guests or not, and a part to give back."""
    chance = random.Random(seed)
    usual = Rates()
    for number in range(count):
        base = Money(chance.randrange(PRICES[number % 4]), CURRENCIES[number // 4 % len(CURRENCIES)])
        bits = chance.getrandbits(48)
        rates = usual
        if number % 8 == 0:
            rates = Rates(provider_share_bps=bits % (BPS + 1), surcharge_bps=(bits >> 14) % (BPS + 1))
        yield base, rates, bool(bits >> 47), (bits >> 28) % (BPS + 1)


def check(base: Money, rates: Rates, *, guest: bool, part: int) -> None:
    """Hold a price, a refund of a part of it and the release of the rest to the whole."""
    step = STEPS[base.currency]
    lines = quote(base, rates, guest=guest, step=step)
    amount = lines.share(part)
    back = refund(lines, rates, refunded=zero(base.currency), amount=amount)
    rest = remaining(lines, rates, amount)
    if not (
        lines.provider_share.minor + lines.commission.minor == base.minor
        and lines.surcharge.minor % step == 0
        and (amount.minor % step == 0 or amount == lines.total)
        and back.base.minor + back.surcharge.minor == amount.minor
        and whole(back) + whole(rest) == whole(lines)
        and back.base.minor + rest.base.minor == base.minor
        and back.provider_share.minor + rest.provider_share.minor == lines.provider_share.minor
    ):
        raise Lost(f"{base} under {rates}, guest {guest}, {part} bps given back: {lines}, {back}, {rest}")


def whole(lines: Lines) -> int:
    """Everyone's part together."""
    return lines.provider_share.minor + lines.commission.minor + lines.surcharge.minor


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1

    def said(done: int, seconds: float) -> None:
        print(f"{done:>10,} of {count:,} splits add up, {done / seconds:,.0f} a second", flush=True)

    began = time.perf_counter()
    made = drill(count, seed, said)
    print(f"{made:,} splits in {time.perf_counter() - began:.1f} s: no unit lost (seed {seed})")


if __name__ == "__main__":
    main()
