from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.catalogue.samples import OPERATOR, OWNER, STRANGER, TERMS, an_id, draft, registration
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.catalogue import (
    EditedMeanwhile,
    FieldsRefused,
    Mode,
    NotOffered,
    NotReady,
    ProviderBarred,
    ProviderFields,
    Providers,
    Publishing,
    ServiceFields,
    Services,
    ServiceStatus,
    ServiceUnknown,
    Standings,
)
from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.terms import parsed_mode, parsed_price
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, IdReused
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Table

TAP = an_id("svc", 1)
ZOE = an_id("prv", 1)


@pytest.fixture
async def services(table: Table, clock: VirtualClock) -> Services:
    await Providers(table, clock).register(registration(), OWNER)
    return Services(table, clock)


def standings(services: Services) -> Standings:
    return Standings(Providers(services.table, services.clock))


async def test_a_service_begins_as_a_draft(services: Services) -> None:
    row = await services.draft(draft(), OWNER)

    assert (row.value.status, row.value.slug) == (ServiceStatus.DRAFT, "fix-a-leaking-tap")
    found = await services.find(TAP)
    assert (found.service.value, found.provider.value.provider_id) == (row.value, ZOE)
    assert [held.value for held in await services.of(ZOE)] == [row.value]


async def test_the_same_draft_again_returns_the_first_outcome(services: Services) -> None:
    first = await services.draft(draft(), OWNER)

    assert await services.draft(draft(), OWNER) == await services.load(ZOE, TAP)
    assert first.version == 1
    with pytest.raises(IdReused):
        await services.draft(draft(fields=replace(TERMS, title="Another")), OWNER)


async def test_only_the_providers_owner_drafts_and_edits(services: Services) -> None:
    with pytest.raises(Denied):
        await services.draft(draft(), STRANGER)
    await services.draft(draft(), OWNER)

    with pytest.raises(Denied):
        await services.edit(TAP, ServiceFields(title="Mine now"), STRANGER)
    with pytest.raises(Denied):
        await Publishing(services).publish(TAP, STRANGER)
    assert (await services.edit(TAP, ServiceFields(title="Checked"), OPERATOR)).value.title == "Checked"


async def test_what_publishing_lacks_is_told_field_by_field(services: Services) -> None:
    await Providers(services.table, services.clock).edit(ZOE, ProviderFields(radius_km=0), OWNER)
    await services.draft(draft(fields=ServiceFields(title="Something", mode=Mode.AT_CUSTOMER)), OWNER)

    with pytest.raises(NotReady) as refused:
        await Publishing(services).publish(TAP, OWNER)

    assert [problem.field for problem in refused.value.problems] == ["description", "category", "price", "mode"]


async def test_a_service_is_offered_when_published_and_its_provider_active(services: Services) -> None:
    await services.draft(draft(), OWNER)
    publishing = Publishing(services)

    await publishing.publish(TAP, OWNER)
    with pytest.raises(NotOffered):
        await services.offered(TAP)
    await standings(services).submit(ZOE, OWNER)
    offered = await services.offered(TAP)
    assert offered.price == Money(4500, "EUR")

    await publishing.close(TAP, OWNER)
    with pytest.raises(NotOffered):
        await services.offered(TAP)
    reopened = await publishing.publish(TAP, OWNER)
    assert reopened.value.published_at == offered.service.value.published_at


async def test_an_offer_read_holds_a_commit_to_what_was_read(services: Services) -> None:
    await services.draft(draft(), OWNER)
    await Publishing(services).publish(TAP, OWNER)
    await standings(services).submit(ZOE, OWNER)
    offered = await services.offered(TAP)

    await services.table.transact(*offered.still_so())
    await services.edit(TAP, ServiceFields(price=Money(9900, "EUR")), OWNER)

    with pytest.raises(NotOffered):
        await services.table.transact(*offered.still_so())


async def test_a_published_service_does_not_lose_what_it_needs(services: Services) -> None:
    await services.draft(draft(), OWNER)
    await Publishing(services).publish(TAP, OWNER)

    with pytest.raises(NotReady):
        await services.edit(TAP, ServiceFields(price=None), OWNER)


async def test_an_edit_on_an_older_version_is_refused(services: Services) -> None:
    row = await services.draft(draft(), OWNER)
    await services.edit(TAP, ServiceFields(capacity=4), OWNER, version=row.version)

    with pytest.raises(EditedMeanwhile):
        await services.edit(TAP, ServiceFields(capacity=5), OWNER, version=row.version)
    with pytest.raises(EditedMeanwhile):
        await Publishing(services).publish(TAP, OWNER, version=row.version)


async def test_a_suspended_provider_publishes_nothing(services: Services) -> None:
    await services.draft(draft(), OWNER)
    await standings(services).suspend(ZOE, "Complaints.", OPERATOR)

    with pytest.raises(ProviderBarred):
        await Publishing(services).publish(TAP, OWNER)
    with pytest.raises(ProviderBarred):
        await services.draft(draft(2), OWNER)


async def test_events_of_two_services_do_not_collide(services: Services) -> None:
    for number in (1, 2):
        await services.draft(draft(number), OWNER)
        await Publishing(services).publish(an_id("svc", number), OWNER)
        page = await services.table.query(f"SERVICE#{an_id('svc', number)}", Event, prefix="EVENT#")
        assert [event.type for event in page.values] == ["ServiceDrafted", "ServicePublished"]


async def test_all_wrong_terms_are_named(services: Services) -> None:
    wrong = ServiceFields(
        title="x",
        description="y" * 9000,
        category="time-travel",
        price=Money(0, "EUR"),
        duration_min=0,
        capacity=0,
        buffer_before_min=-1,
        buffer_after_min=10_000,
        notice_min=10**9,
        horizon_days=0,
        policy="whatever",
    )

    with pytest.raises(FieldsRefused) as refused:
        await services.draft(draft(fields=wrong), OWNER)

    assert {problem.field for problem in refused.value.problems} == {
        "title", "description", "category", "price", "duration_min", "capacity", "buffer_before_min",
        "buffer_after_min", "notice_min", "horizon_days", "policy",
    }  # fmt: skip


async def test_a_notice_as_long_as_the_horizon_is_refused(services: Services) -> None:
    with pytest.raises(FieldsRefused) as refused:
        await services.draft(draft(fields=replace(TERMS, notice_min=2880, horizon_days=2)), OWNER)

    assert refused.value.field == "notice_min"


async def test_an_unknown_service_is_not_found(services: Services) -> None:
    with pytest.raises(ServiceUnknown):
        await services.find(TAP)
    with pytest.raises(ServiceUnknown):
        await services.load(ZOE, TAP)


async def test_services_of_a_status_are_listed(services: Services) -> None:
    for number in (1, 2, 3):
        await services.draft(draft(number), OWNER)
    await Publishing(services).publish(TAP, OWNER)

    assert [row.value.service_id for row in (await services.with_status(ServiceStatus.PUBLISHED)).rows] == [TAP]
    assert len((await services.with_status(ServiceStatus.DRAFT)).rows) == 2


@given(st.text(max_size=30), st.text(max_size=5))
def test_any_text_is_a_price_or_a_problem(amount: str, currency: str) -> None:
    findings = Findings()

    price = parsed_price(findings, amount, currency)

    assert isinstance(price, Money) != bool(findings.problems)


def test_a_mode_is_read_as_people_write_it() -> None:
    findings = Findings()

    assert parsed_mode(findings, " At-Customer ") is Mode.AT_CUSTOMER
    assert not findings.problems
    parsed_mode(findings, "by pigeon")
    assert findings.problems[0].field == "mode"
