from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contexts.catalogue.samples import LISBON, NOON, OWNER, PROFILE, STRANGER, TERMS, an_id, draft, registration
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.contexts.catalogue import (
    FieldsRefused,
    ProviderFields,
    Providers,
    ServiceFields,
    Services,
    SlugTaken,
    SlugUnknown,
    slug_of,
)
from ecosystem.contexts.catalogue.slugs import LONGEST, RENAMES_MAX, SlugKind, derived
from ecosystem.ports.table import Table

SHAPE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Zoë's Deep Cleaning", "zoes-deep-cleaning"),
        ("Łódź & Straße", "lodz-and-strasse"),
        ("  --50% off!!  ", "50-off"),
        ("İSTANBUL \u0131\u015f\u0131k", "istanbul-isik"),
        ("\uff21\uff22\uff23 ﬁx", "abc-fix"),
        ("清掃", ""),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 200, "x" * LONGEST),
    ],
)
def test_a_slug_is_what_can_be_spelt(text: str, slug: str) -> None:
    assert slug_of(text) == slug


@given(st.text(max_size=300))
def test_any_text_makes_a_fit_slug_or_none(text: str) -> None:
    slug = slug_of(text)

    assert not slug or (SHAPE.fullmatch(slug) and len(slug) <= LONGEST)
    assert slug_of(slug) == slug


@given(st.text(max_size=100))
def test_a_derived_address_is_always_fit_and_the_last_is_ones_own(text: str) -> None:
    wish = derived(SlugKind.PROVIDER, text, provider_id=an_id("prv", 77))

    assert all(SHAPE.fullmatch(slug) and 2 <= len(slug) <= LONGEST for slug in wish.candidates)
    assert wish.candidates[-1].endswith(an_id("prv", 77)[-8:])


async def test_the_second_of_a_name_gets_an_address_of_its_own(table: Table, clock: VirtualClock) -> None:
    providers = Providers(table, clock)

    first = await providers.register(registration(1), OWNER)
    second = await providers.register(registration(2), STRANGER)

    assert first.value.slug == "zoe-ferreira"
    assert second.value.slug == f"zoe-ferreira-{an_id('prv', 2)[-8:]}"


async def test_a_former_address_leads_to_the_present_one(table: Table, clock: VirtualClock) -> None:
    providers, services = Providers(table, clock), Services(table, clock)
    row = await providers.register(registration(), OWNER)
    await services.draft(draft(), OWNER)

    await providers.edit(row.value.provider_id, ProviderFields(name="Zoë & Sons"), OWNER)
    await services.edit(an_id("svc", 1), ServiceFields(title="Mend a tap"), OWNER)

    old, new = await providers.by_slug("zoe-ferreira"), await providers.by_slug("zoe-and-sons")
    assert (old.moved, new.moved, old.row) == (True, False, new.row)
    assert (await services.by_slug("fix-a-leaking-tap")).moved
    assert (await services.by_slug("mend-a-tap")).service.value.title == "Mend a tap"


async def test_nobody_else_gets_a_former_address_but_its_holder_may_return(table: Table, clock: VirtualClock) -> None:
    providers = Providers(table, clock)
    row = await providers.register(registration(1), OWNER)
    await providers.edit(row.value.provider_id, ProviderFields(name="Zoë & Sons"), OWNER)

    with pytest.raises(SlugTaken):
        await providers.register(registration(2, replace(PROFILE, slug="zoe-ferreira")), STRANGER)
    back = await providers.edit(row.value.provider_id, ProviderFields(slug="Zoe-Ferreira"), OWNER)

    assert back.value.slug == "zoe-ferreira"
    assert not (await providers.by_slug("zoe-ferreira")).moved


@pytest.mark.parametrize("slug", ["a", "Search", "two--hyphens", "-edge", "ümlaut", "a b", "x" * 61, "", "a/b"])
async def test_an_unfit_address_is_refused_by_name(table: Table, clock: VirtualClock, slug: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        await Providers(table, clock).register(registration(fields=replace(PROFILE, slug=slug)), OWNER)

    assert refused.value.field == "slug"


@pytest.mark.parametrize("slug", ["nobody", "", "../x", "a" * 5000, "a\0b"])
async def test_an_address_nobody_has_is_unknown(table: Table, clock: VirtualClock, slug: str) -> None:
    with pytest.raises(SlugUnknown):
        await Providers(table, clock).by_slug(slug)


async def test_one_thing_does_not_hoard_addresses(table: Table, clock: VirtualClock) -> None:
    providers = Providers(table, clock)
    row = await providers.register(registration(), OWNER)
    for number in range(RENAMES_MAX - 1):
        await providers.edit(row.value.provider_id, ProviderFields(slug=f"name-{number}"), OWNER)

    renamed = await providers.edit(row.value.provider_id, ProviderFields(name="Another name"), OWNER)

    assert renamed.value.name == "Another name"
    assert renamed.value.slug == f"name-{RENAMES_MAX - 2}"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["Ana", "Ána", "ana!", "Bea", "清掃", "search", "x"])),
        max_size=12,
    )
)
async def test_every_address_ever_given_leads_to_its_holder(
    tmp_path_factory: pytest.TempPathFactory, renames: list[tuple[int, str]]
) -> None:
    from ecosystem.adapters.embedded.table import EmbeddedTable

    clock = VirtualClock(NOON)
    table = await EmbeddedTable.open(tmp_path_factory.mktemp("slugs") / "table.sqlite", clock)
    providers, held = Providers(table, clock), dict[str, int]()

    for number in range(1, 5):
        fields = ProviderFields(name="Ana", location=LISBON)
        held[(await providers.register(registration(number, fields), OWNER)).value.slug] = number
    for number, name in renames:
        became = await providers.edit(an_id("prv", number), ProviderFields(name=name * 2), OWNER)
        assert held.setdefault(became.value.slug, number) == number

    for slug, number in held.items():
        found = await providers.by_slug(slug)
        assert found.row.value.provider_id == an_id("prv", number)
        assert found.moved == (found.row.value.slug != slug)
    await table.close()


async def test_terms_keep_their_address_when_only_the_price_changes(table: Table, clock: VirtualClock) -> None:
    services = Services(table, clock)
    await Providers(table, clock).register(registration(), OWNER)
    first = await services.draft(draft(), OWNER)

    second = await services.edit(an_id("svc", 1), replace(TERMS, duration_min=90), OWNER)

    assert (first.value.slug, second.value.slug) == ("fix-a-leaking-tap", "fix-a-leaking-tap")
