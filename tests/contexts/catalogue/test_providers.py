from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from contexts.catalogue.samples import OPERATOR, OWNER, PROFILE, STRANGER, an_id, registration
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.catalogue import (
    Badges,
    EditedMeanwhile,
    FieldsRefused,
    Location,
    NotClaimable,
    NotInThatState,
    NotReady,
    ProviderBarred,
    ProviderFields,
    Providers,
    ProviderStatus,
    ProviderUnknown,
    Rating,
    Standings,
)
from ecosystem.contexts.catalogue.keys import rating_key
from ecosystem.kernel.actor import VISITOR
from ecosystem.kernel.refusals import Denied, IdReused, Invalid
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Add, Table

ZOE = an_id("prv", 1)


@pytest.fixture
def providers(table: Table, clock: VirtualClock) -> Providers:
    return Providers(table, clock)


async def told(table: Table, aggregate: str) -> list[str]:
    page = await table.query(aggregate, Event, prefix="EVENT#")
    return [event.type for event in page.values]


async def test_a_provider_begins_as_a_draft_of_its_owner(providers: Providers, table: Table) -> None:
    row = await providers.register(registration(), OWNER)

    assert (row.value.status, row.value.owner_id, row.version) == (ProviderStatus.DRAFT, OWNER.actor_id, 1)
    assert await providers.load(ZOE) == await table.get(row.key, type(row.value))
    assert [held.value for held in await providers.owned_by(OWNER.actor_id)] == [row.value]
    assert await told(table, f"PROVIDER#{ZOE}") == ["ProviderRegistered"]


async def test_the_same_request_again_returns_the_first_outcome(providers: Providers) -> None:
    first = await providers.register(registration(), OWNER)
    await providers.edit(ZOE, ProviderFields(headline="New"), OWNER)

    again = await providers.register(registration(), OWNER)

    assert (again.value.provider_id, again.version) == (first.value.provider_id, 2)


async def test_an_id_is_not_used_for_another_request_or_by_another_actor(providers: Providers) -> None:
    await providers.register(registration(), OWNER)

    with pytest.raises(IdReused):
        await providers.register(registration(), STRANGER)
    with pytest.raises(IdReused):
        await providers.register(registration(fields=replace(PROFILE, name="Other")), OWNER)


async def test_of_many_at_once_one_registers(providers: Providers) -> None:
    rows = await asyncio.gather(*(providers.register(registration(), OWNER) for _ in range(20)))

    assert {row.value.slug for row in rows} == {"zoe-ferreira"}
    assert (await providers.load(ZOE)).version == 1


async def test_visitors_do_not_register_nor_owners_for_others(providers: Providers) -> None:
    with pytest.raises(Denied):
        await providers.register(registration(), VISITOR)
    with pytest.raises(Denied):
        await providers.register(replace(registration(), owner_id=STRANGER.actor_id), OWNER)
    with pytest.raises(Denied):
        await providers.register(replace(registration(), owner_email="a@example.org"), OWNER)


async def test_all_wrong_fields_are_named(providers: Providers) -> None:
    fields = ProviderFields(
        name=" ",
        slug="api",
        headline="x" * 161,
        location=Location(lat=91, lon=float("inf"), place="", zone="Mars/Olympus"),
        radius_km=-1,
        languages=("en", "klingon"),
        media=("../../etc",),
    )

    with pytest.raises(FieldsRefused) as refused:
        await providers.register(registration(fields=fields), OWNER)

    named = {problem.field for problem in refused.value.problems}
    assert named == {"name", "slug", "headline", "lat", "lon", "place", "zone", "radius_km", "languages", "media"}


async def test_an_id_that_is_none_is_refused(providers: Providers) -> None:
    with pytest.raises(Invalid) as refused:
        await providers.register(replace(registration(), provider_id="prv_1"), OWNER)

    assert refused.value.field == "prv_id"


async def test_an_edit_on_an_older_version_is_refused(providers: Providers) -> None:
    row = await providers.register(registration(), OWNER)
    await providers.edit(ZOE, ProviderFields(headline="First"), OWNER, version=row.version)

    with pytest.raises(EditedMeanwhile):
        await providers.edit(ZOE, ProviderFields(headline="Second"), OWNER, version=row.version)

    assert (await providers.load(ZOE)).value.headline == "First"


async def test_an_edit_that_changes_nothing_writes_nothing(providers: Providers, table: Table) -> None:
    row = await providers.register(registration(), OWNER)

    again = await providers.edit(ZOE, PROFILE, OWNER)

    assert again == row
    assert await told(table, f"PROVIDER#{ZOE}") == ["ProviderRegistered"]


async def test_an_event_keeps_what_was_before(providers: Providers, table: Table) -> None:
    await providers.register(registration(), OWNER)

    await providers.edit(ZOE, ProviderFields(headline="New", radius_km=3), OWNER)

    event = (await table.query(f"PROVIDER#{ZOE}", Event, prefix="EVENT#")).values[1]
    assert event.detail == {"provider_id": ZOE, "changed": ["headline", "radius_km"]}
    assert event.previous == {"headline": "Plumbing without surprises", "radius_km": 25}


async def test_only_owner_and_operator_edit(providers: Providers) -> None:
    await providers.register(registration(), OWNER)

    with pytest.raises(Denied):
        await providers.edit(ZOE, ProviderFields(headline="Mine"), STRANGER)
    edited = await providers.edit(ZOE, ProviderFields(headline="Checked"), OPERATOR)

    assert edited.value.headline == "Checked"


async def test_nobody_but_an_operator_edits_a_provider_without_owner(providers: Providers) -> None:
    await providers.register(registration(), OPERATOR)

    with pytest.raises(Denied):
        await providers.edit(ZOE, ProviderFields(headline="Mine"), STRANGER)


async def test_whoever_it_was_registered_for_claims_it(providers: Providers) -> None:
    await providers.register(replace(registration(), owner_email="Zoe@Example.org"), OPERATOR)

    with pytest.raises(NotClaimable):
        await providers.claim(ZOE, STRANGER, confirmed_email="eve@example.org")
    claimed = await providers.claim(ZOE, OWNER, confirmed_email="zoe@example.org")

    assert (claimed.value.owner_id, claimed.value.owner_email) == (OWNER.actor_id, None)
    assert await providers.claim(ZOE, OWNER, confirmed_email="zoe@example.org") == claimed
    with pytest.raises(NotClaimable):
        await providers.claim(ZOE, STRANGER, confirmed_email="zoe@example.org")


async def test_what_is_missing_is_told_field_by_field(providers: Providers) -> None:
    await providers.register(registration(fields=ProviderFields(name="Zoë")), OWNER)

    with pytest.raises(NotReady) as refused:
        await Standings(providers).submit(ZOE, OWNER)

    assert [problem.field for problem in refused.value.problems] == ["headline", "location", "languages"]


async def test_a_complete_provider_is_listed_paused_and_resumed(providers: Providers, table: Table) -> None:
    await providers.register(registration(), OWNER)
    standings = Standings(providers)

    assert (await standings.submit(ZOE, OWNER)).value.status is ProviderStatus.ACTIVE
    assert (await standings.submit(ZOE, OWNER)).version == 2
    assert (await standings.pause(ZOE, OWNER)).value.status is ProviderStatus.PAUSED
    assert (await standings.resume(ZOE, OWNER)).value.status is ProviderStatus.ACTIVE
    assert await told(table, f"PROVIDER#{ZOE}") == [
        "ProviderRegistered",
        "ProviderActivated",
        "ProviderPaused",
        "ProviderResumed",
    ]


async def test_an_active_provider_does_not_lose_what_a_listing_needs(providers: Providers) -> None:
    await providers.register(registration(), OWNER)
    await Standings(providers).submit(ZOE, OWNER)

    with pytest.raises(NotReady):
        await providers.edit(ZOE, ProviderFields(location=None), OWNER)


async def test_when_moderated_an_operator_decides(providers: Providers) -> None:
    await providers.register(registration(), OWNER)
    standings = Standings(providers, moderated=True)

    assert (await standings.submit(ZOE, OWNER)).value.status is ProviderStatus.PENDING
    with pytest.raises(Denied):
        await standings.approve(ZOE, OWNER)
    sent_back = await standings.send_back(ZOE, "Say where you trained.", OPERATOR)
    assert (sent_back.value.status, sent_back.value.reason) == (ProviderStatus.DRAFT, "Say where you trained.")
    await standings.submit(ZOE, OWNER)
    assert (await standings.approve(ZOE, OPERATOR)).value.status is ProviderStatus.ACTIVE


async def test_a_suspended_provider_is_out_of_its_owners_hands(providers: Providers) -> None:
    await providers.register(registration(), OWNER)
    standings = Standings(providers)
    await standings.submit(ZOE, OWNER)

    with pytest.raises(FieldsRefused):
        await standings.suspend(ZOE, " ", OPERATOR)
    await standings.suspend(ZOE, "Complaints.", OPERATOR)

    with pytest.raises(ProviderBarred):
        await standings.resume(ZOE, OWNER)
    with pytest.raises(ProviderBarred):
        await providers.edit(ZOE, ProviderFields(headline="x"), OWNER)
    assert (await standings.reinstate(ZOE, OPERATOR)).value.status is ProviderStatus.ACTIVE


async def test_a_draft_is_not_paused(providers: Providers) -> None:
    await providers.register(registration(), OWNER)

    with pytest.raises(NotInThatState):
        await Standings(providers).pause(ZOE, OWNER)
    with pytest.raises(NotInThatState):
        await Standings(providers).resume(ZOE, OWNER)


async def test_operators_award_badges_and_withdraw_them(providers: Providers) -> None:
    await providers.register(registration(), OWNER)
    badges = Badges(providers)

    with pytest.raises(Denied):
        await badges.award(ZOE, "identity", OWNER)
    with pytest.raises(Invalid):
        await badges.award(ZOE, "Best <b>ever</b>", OPERATOR)
    assert (await badges.award(ZOE, "identity", OPERATOR)).value.badges == ("identity",)
    assert (await badges.award(ZOE, "identity", OPERATOR)).version == 2
    assert (await badges.withdraw(ZOE, "identity", OPERATOR)).value.badges == ()


async def test_providers_of_a_status_are_listed_oldest_first_across_shards(
    providers: Providers, clock: VirtualClock
) -> None:
    from datetime import timedelta

    for number in range(1, 31):
        clock.advance(timedelta(seconds=1))
        await providers.register(registration(number), OWNER)

    first = await providers.with_status(ProviderStatus.DRAFT, limit=20)
    assert first.next is not None
    rest = await providers.with_status(ProviderStatus.DRAFT, after=first.next, limit=20)

    listed = [row.value.provider_id for row in (*first.rows, *rest.rows)]
    assert listed == [an_id("prv", number) for number in range(1, 31)]
    assert rest.next is None


async def test_ratings_come_beside_the_profile_and_leave_its_version(providers: Providers, table: Table) -> None:
    await providers.register(registration(), OWNER)

    await table.transact(Add(key=rating_key(ZOE), by={"sum": 9, "count": 2}))

    assert await providers.rating(ZOE) == Rating(9, 2)
    assert (await providers.rating(ZOE)).mean == 4.5
    assert (await providers.load(ZOE)).version == 1
    assert (await providers.rating(an_id("prv", 2))).mean is None


async def test_who_is_not_there_is_unknown(providers: Providers) -> None:
    with pytest.raises(ProviderUnknown):
        await providers.load(ZOE)
