"""Champion and challenger compared, drift told, lists paged, and a model trained on what was seen here."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ecosystem.adapters.outside.scoring import SHIPPED, BoostedScoring
from ecosystem.app import App
from ecosystem.commands.fraud.acts import learned_here
from ecosystem.commands.fraud.simulation import World
from ecosystem.contexts.fraud import (
    NAMES,
    Assessment,
    DriftsSeen,
    Kind,
    Label,
    LabelSource,
    Verdict,
    drift_seen,
    first_standing,
    labelled,
    made,
    model_blob,
)
from ecosystem.kernel.actor import Group
from ecosystem.kernel.refusals import Denied, Invalid
from ecosystem.ports.scoring import ModelId
from journeys.test_screening import settled
from market import ADA, OPERATOR, SYSTEM, Market
from workflows.lives import admitted
from workflows.lives import told as news


def model(name: str, chance: float) -> bytes:
    """A model of that name which thinks so of every checkout and payout."""
    plain: dict[str, Any] = msgspec.json.decode(SHIPPED.read_bytes())
    plain["card"]["model"] = name
    for trees in plain["kinds"].values():
        trees["chances"] = [chance] * len(trees["chances"])
    return msgspec.json.encode(plain)


def case(shop: Market, at: datetime, subject_id: str, **changes: Any) -> Assessment:
    """A checkout of that instant as it was assessed."""
    numbers: Mapping[str, float] = {"amount": 5_000.0, "seats": 1.0}
    verdict = changes.pop("verdict", Verdict.APPROVE)
    known = Assessment(
        kind=Kind.CHECKOUT,
        subject_id=subject_id,
        booking_id=f"bkg_{subject_id}",
        at=at,
        customer_id=ADA.actor_id,
        provider_id=shop.provider_id,
        amount=5_000,
        currency="EUR",
        worth=5_000,
        numbers=tuple(numbers.get(name, 0.0) for name in NAMES[Kind.CHECKOUT]),
        model=shop.app.ports.scoring.shipped,
        policy=1,
        chance=0.001,
        score=1,
        verdict=verdict,
        standing=first_standing(verdict),
    )
    return replace(known, **changes)


async def seen(shop: Market, some: list[Assessment]) -> None:
    for begin in range(0, len(some), 40):
        await shop.app.ports.table.transact(
            *(write for each in some[begin : begin + 40] for write in made(each, SYSTEM))
        )


async def test_a_challenger_is_compared_on_the_same_cases_and_promoted(shop: Market) -> None:
    models = shop.app.fraud_models
    card = await models.take_in(model("trees-wary", 0.9), OPERATOR)
    service_id = await shop.service(shop.provider_id)
    shop.clock.advance(timedelta(minutes=1))
    for hour in (8, 10, 12):
        await shop.book(service_id, shop.tomorrow(hour))
    first, second, _ = await shop.app.assessments.newest(10)
    for known, label in ((first, Label.FRAUD), (second, Label.GENUINE)):
        await shop.app.casework.label(known.booking_id, known.subject_id, label, LabelSource.CHARGEBACK, SYSTEM)

    told = await models.overview(OPERATOR)
    compared = told.comparison
    assert compared is not None
    assert (compared.cases, compared.frauds, compared.genuine) == (3, 1, 1)
    mine, theirs = compared.champion, compared.challenger
    assert (mine.declined, mine.frauds_caught, mine.genuine_stopped) == (0, 0, 0)
    assert (theirs.model, theirs.declined, theirs.frauds_caught, theirs.genuine_stopped) == (card.model, 3, 1, 1)
    assert all(each.verdict is Verdict.APPROVE for each in await shop.app.assessments.newest(10))

    with pytest.raises(Denied):
        await models.promote(told.policy.version, ADA)
    policy = await models.promote(told.policy.version, OPERATOR)

    shop.clock.advance(timedelta(minutes=1))
    assert (policy.champion, policy.challenger) == ("trees-wary", "")
    assert (await shop.app.screening.ready((await shop.app.fraud_policies.current()).champion)) == "trees-wary"
    with pytest.raises(Invalid):
        await models.take_in(model("trees-wary", 0.9), OPERATOR)


async def test_a_model_that_is_lost_stops_no_sale(shop: Market, caplog: pytest.LogCaptureFixture) -> None:
    card = await shop.app.fraud_models.take_in(model("trees-wary", 0.9), OPERATOR)
    version = (await shop.app.fraud_models.overview(OPERATOR)).policy.version
    await shop.app.fraud_models.promote(version, OPERATOR)
    await shop.app.ports.blobs.delete(model_blob(card.model))
    anew = App.of(dataclasses.replace(shop.app.ports, scoring=BoostedScoring()))
    restored = dataclasses.replace(shop, app=anew)

    paid = await restored.book(await restored.service(shop.provider_id), restored.tomorrow())

    [assessment] = await anew.assessments.of_booking(paid.booking.booking_id)
    assert assessment.model == anew.ports.scoring.shipped
    assert "the shipped one scores" in caplog.text


async def test_drift_is_told_once_a_day_and_shown_as_it_was_seen(shop: Market) -> None:
    oscar = await admitted(shop, "Oscar Oliva", Group.ADMINS)
    at = shop.clock.now()
    shipped = [case(shop, at - timedelta(hours=each), f"pay_{each:04}", chance=0.97) for each in range(160)]
    other = [case(shop, at - timedelta(hours=each % 160), f"pay_x{each:04}", chance=0.97) for each in range(160)]
    await seen(shop, shipped + other)

    found = await shop.app.fraud_models.look(SYSTEM)
    again = await shop.app.fraud_models.look(SYSTEM)

    of_checkouts = next(each for each in found if each.kind is Kind.CHECKOUT)
    assert of_checkouts.is_enough
    assert of_checkouts.score is not None
    assert of_checkouts.score.is_alarming
    assert again == found
    kept = await shop.app.ports.table.get(drift_seen(), DriftsSeen)
    assert kept is not None
    told = await shop.app.fraud_models.overview(OPERATOR)
    assert (told.drifts, told.looked_at) == (found, kept.value.at)
    await settled(shop)
    assert (await news(shop, oscar)).count("scores-drifted") == 1


async def test_what_drifts_is_seen_over_all_of_the_week_however_much_came_last(shop: Market) -> None:
    """A thousand of the last hour do not hide the days before; and no more is kept than is needed."""
    at = shop.clock.now()
    early = [case(shop, at - timedelta(days=6), f"pay_{each:04}") for each in range(400)]
    late = [case(shop, at - timedelta(minutes=each % 60), f"pay_y{each:04}") for each in range(1_200)]
    refused = [case(shop, at - timedelta(days=3), f"pay_z{each:04}", verdict=Verdict.DECLINE) for each in range(80)]
    await seen(shop, early + late + refused)
    since = at - timedelta(days=7)

    whole = await shop.app.assessments.sample(since, 5_000)
    part = await shop.app.assessments.sample(since, 300)

    assert len(whole) == 1_680
    assert 300 <= len(part) <= 600
    of_early = sum(each.at < at - timedelta(days=5) for each in part) / len(part)
    of_refused = sum(each.verdict is Verdict.DECLINE for each in part) / len(part)
    assert of_early == pytest.approx(400 / 1_680, abs=0.08)
    assert of_refused == pytest.approx(80 / 1_680, abs=0.04)


async def test_the_lists_go_back_to_the_first_case(shop: Market) -> None:
    at = shop.clock.now()
    order = random.Random(5).sample(range(130), 130)
    await seen(
        shop,
        [
            case(
                shop,
                at - timedelta(minutes=each),
                f"pay_{each:04}",
                verdict=Verdict.APPROVE if each % 4 else Verdict.DECLINE,
            )
            for each in order
        ],
    )

    everything: list[str] = []
    before = ""
    for _ in range(10):
        lately = await shop.app.assessments.lately(OPERATOR, before=before, limit=25)
        everything += [each.subject_id for each in lately.cases]
        before = lately.next
        if not before:
            break
    stopped: list[str] = []
    after = None
    for _ in range(10):
        page = await shop.app.assessments.stopped(OPERATOR, after=after, limit=10)
        stopped += [each.subject_id for each in page.values]
        after = page.next
        if after is None:
            break

    assert everything == [f"pay_{each:04}" for each in range(130)]
    assert stopped == [f"pay_{each:04}" for each in range(0, 130, 4)]
    with pytest.raises(Denied):
        await shop.app.assessments.lately(ADA)


async def test_the_lag_of_learning_is_counted(shop: Market) -> None:
    await shop.app.learning.catch_up()
    before = await shop.app.learning.lag()
    await shop.book(await shop.service(shop.provider_id), shop.tomorrow())
    behind = await shop.app.learning.lag()
    await settled(shop)
    await shop.app.learning.catch_up()

    assert (before, await shop.app.learning.lag()) == (0, 0)
    assert behind >= 2


async def test_a_model_learns_from_what_was_seen_here(shop: Market, tmp_path: Path) -> None:
    """Frauds of this marketplace that its own numbers give away are found by the model that it trains."""
    at = shop.clock.now() - timedelta(days=100)
    chance = random.Random(11)
    some: list[Assessment] = []
    for each in range(1_500):
        is_fraud = each % 15 == 0
        numbers = {"amount": chance.uniform(1_000, 20_000), "seats": 17.0 if is_fraud else 1.0}
        known = case(
            shop,
            at + timedelta(minutes=each),
            f"pay_{each:04}",
            numbers=tuple(numbers.get(name, 0.0) for name in NAMES[Kind.CHECKOUT]),
        )
        some.append(labelled(known, Label.FRAUD, LabelSource.CHARGEBACK, at) if is_fraud else known)
    await seen(shop, some)

    body = await learned_here(shop.app.ports.table, SMALL, shop.clock.now())

    scoring = BoostedScoring(body)
    card = scoring.card(scoring.shipped)
    assert "1,500 cases of this marketplace, 100 of them fraud" in card.source
    assert any(each.name == "seen here" and each.auc > 0.9 for each in card.kinds["checkout"].metrics.patterns)
    odd, plain = (scoring.score(scoring.shipped, "checkout", list(some[place].numbers)) for place in (15, 16))
    assert odd > 10 * plain
    taken = await shop.app.fraud_models.take_in(body, OPERATOR)
    assert taken.model == card.model != ModelId("")


SMALL = World(seed=3, days=70, customers=500, providers=60, daily_frauds=1.2)
