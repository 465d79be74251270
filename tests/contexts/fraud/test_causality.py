"""No number sees the future: of a stream of checkouts, those of any prefix are the same whatever comes after."""

from __future__ import annotations

import itertools
import math
from datetime import timedelta

import pytest
from msgspec.structs import replace

from ecosystem.commands.fraud.simulation import START, TRAINED, UNSEEN, Made, World, made
from ecosystem.commands.fraud.training import rows
from ecosystem.contexts.fraud import (
    CHECKOUT_FEATURES,
    NAMES,
    NOTHING,
    PAYOUT_FEATURES,
    CheckoutSeen,
    Kind,
    Past,
    Seen,
    Subject,
    of_checkout,
    seen,
)
from ecosystem.contexts.fraud.features import YOUNG_DAYS

RARE = frozenset({"card_frauds", "bank_frauds"})
"""So rare in so small a market that another test asks for it."""
WORLD = World(days=45, customers=400, providers=30, daily_frauds=1.5)


@pytest.fixture(scope="module")
def events() -> list[Made]:
    return list(made(WORLD))


def same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_prefix_has_the_same_numbers_whatever_comes_after(events: list[Made], part: float) -> None:
    count = int(len(events) * part)
    whole = [row.numbers for row in rows(events)][:count]
    alone = [row.numbers for row in rows(events[:count])]

    assert all(map(same, whole, alone))


def test_a_fraud_counts_from_when_it_is_known_and_not_before(events: list[Made]) -> None:
    """One fraud's news is put off: nothing differs until the instant at which it would have come; then something does."""
    place, event = next(
        (place, event) for place, event in enumerate(events) if event.known_at and event.pattern == "card-testing"
    )
    assert event.known_at
    later = replace(event, known_at=None)
    before = list(rows(events))
    after = list(rows([*events[:place], later, *events[place + 1 :]]))

    differing = [one.at for one, other in zip(before, after, strict=True) if not same(one.numbers, other.numbers)]
    assert all(at >= event.known_at for at in differing)


def test_the_truth_of_an_event_is_no_part_of_its_own_numbers(events: list[Made]) -> None:
    turned = [replace(event, fraud=not event.fraud, pattern="") for event in events]

    assert all(same(one.numbers, other.numbers) for one, other in zip(rows(events), rows(turned), strict=True))


def test_every_number_says_something(events: list[Made]) -> None:
    found = list(rows(events))

    for kind in Kind:
        mine = [row.numbers for row in found if row.kind is kind]
        for place, name in enumerate(NAMES[kind]):
            values = {numbers[place] for numbers in mine if not math.isnan(numbers[place])}
            assert len(values) > 1 or name in RARE, (kind, name)


def test_a_card_known_from_fraud_is_known_as_such() -> None:
    at = START + timedelta(days=3)
    card = seen(seen(NOTHING, Seen(at=START, attempts=1, other="somebody")), Seen(at=START, frauds=1))
    what = CheckoutSeen(
        at=at,
        payment_id="pay",
        booking_id="bkg",
        customer_id="usr",
        provider_id="prv",
        card="c",
        amount=1,
        currency="EUR",
        market_days=YOUNG_DAYS,
    )

    told = dict(zip(CHECKOUT_FEATURES, of_checkout(what, Past(of={Subject.CARD: card})), strict=True))

    assert (told["card_frauds"], told["card_customers"], told["card_days"]) == (1, 1, 3)


def test_where_everybody_is_new_nobodys_age_is_told() -> None:
    what = CheckoutSeen(
        at=START,
        payment_id="pay",
        booking_id="bkg",
        customer_id="usr",
        provider_id="prv",
        card="c",
        amount=1,
        currency="EUR",
        account_days=0.01,
    )

    for market_days in (math.nan, 0, YOUNG_DAYS - 0.1, YOUNG_DAYS):
        numbers = of_checkout(replace(what, market_days=market_days), Past())
        told = dict(zip(CHECKOUT_FEATURES, numbers, strict=True))
        ages = [told[name] for name in ("account_days", "provider_days", "card_days")]
        assert math.isnan(told["account_days"]) is not (market_days == YOUNG_DAYS)
        assert all(map(math.isnan, ages[1:])) or market_days == YOUNG_DAYS


def test_the_simulator_tells_the_same_story_for_a_seed(events: list[Made]) -> None:
    again = list(made(WORLD))
    other = list(made(replace(WORLD, seed=1)))

    assert [(event.at, event.fraud) for event in again] == [(event.at, event.fraud) for event in events]
    assert len(other) != len(events)
    assert all(one.at <= two.at for one, two in itertools.pairwise(events))


def test_no_pattern_is_both_learned_and_held_back() -> None:
    assert not set(TRAINED) & set(UNSEEN)
    assert len(set(CHECKOUT_FEATURES)) == len(CHECKOUT_FEATURES)
    assert len(set(PAYOUT_FEATURES)) == len(PAYOUT_FEATURES)
    assert timedelta(days=WORLD.days) > timedelta(days=30)
