from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace as varied
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contexts.catalogue.samples import NOON, OPERATOR, OWNER
from ecosystem.adapters.embedded.table import EmbeddedTable
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.contexts.booking import Plan, Plans, Window
from ecosystem.contexts.catalogue import (
    Intake,
    Provider,
    ProviderFields,
    Providers,
    ProviderStatus,
    Service,
    Services,
    ServiceStatus,
    Standings,
)
from ecosystem.journeys.import_reports import ImportReport
from ecosystem.journeys.import_rows import BYTES_MAX, FileUnreadable, Format
from ecosystem.journeys.importing import Importing, ImportInterrupted
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money
from ecosystem.kernel.refusals import Denied, Unavailable
from ecosystem.ports.table import Change, Table

DOCS = Path(__file__).parents[2] / "docs"
PROVIDER = {
    "kind": "provider", "key": "tap-works", "name": "Tap Works", "headline": "Plumbing", "place": "Lisbon",
    "lat": "38.7223", "lon": "-9.1393", "zone": "Europe/Lisbon", "radius_km": "25", "languages": "pt en",
}  # fmt: skip
SERVICE = {
    "kind": "service", "key": "tap", "provider": "tap-works", "title": "Fix a tap", "description": "Mended.",
    "category": "plumbing", "price": "45.00", "currency": "EUR", "mode": "at_customer",
}  # fmt: skip
PLAN = {"kind": "plan", "key": "hours", "provider": "tap-works", "monday": "9:00-12:00 13:00-17:30", "friday": "closed"}


async def nobody(_: str) -> str | None:
    return None


@pytest.fixture
def importing(table: Table, clock: VirtualClock, entropy: SeededEntropy) -> Importing:
    return over(table, clock, entropy)


def over(table: Table, clock: VirtualClock, entropy: SeededEntropy) -> Importing:
    return Importing(
        table=table,
        clock=clock,
        intake=Intake(table, clock, entropy),
        services=Services(table, clock),
        plans=Plans(table, clock),
        owner_of=nobody,
    )


def as_csv(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def load(importing: Importing, *rows: dict[str, str], actor: Actor = OPERATOR, **asked: Any) -> ImportReport:
    return await importing.load(as_csv(*rows), Format.CSV, actor, **asked)


async def everything(table: Table) -> tuple[list[Provider], list[Service], list[Plan]]:
    return (
        (await table.scan(Provider)).values,
        (await table.scan(Service)).values,
        (await table.scan(Plan)).values,
    )


async def changed_since(table: Table, before: int) -> list[Change]:
    return list((await table.changes(None, limit=1000))[before:])


def reasons(report: ImportReport) -> dict[int, dict[str, str]]:
    return {row.row: {told.column: told.reason for told in row.problems} for row in report.refused}


async def test_rows_become_providers_services_and_plans(importing: Importing, table: Table) -> None:
    report = await load(importing, PROVIDER, SERVICE, PLAN)

    assert (report.rows, report.refused) == (3, ())
    assert (report.providers.created, report.services.created, report.plans.created) == (1, 1, 1)
    (provider,), (service,), (plan,) = await everything(table)
    assert (provider.name, provider.status, provider.owner_id) == ("Tap Works", ProviderStatus.ACTIVE, None)
    assert provider.languages == ("pt", "en")
    assert provider.location is not None
    assert provider.location.zone == "Europe/Lisbon"
    assert (service.price, service.status, service.provider_id) == (
        Money(4500, "EUR"),
        ServiceStatus.PUBLISHED,
        provider.provider_id,
    )
    assert plan.week.monday == (Window("09:00", "12:00"), Window("13:00", "17:30"))
    assert (plan.week.friday, plan.zone) == ((), "Europe/Lisbon")
    assert (await Services(table, importing.clock).offered(service.service_id)).service.value == service


async def test_the_same_file_again_writes_nothing(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER, SERVICE, PLAN)
    before = len(await table.changes(None, limit=1000))

    report = await load(importing, PROVIDER, SERVICE, PLAN)

    assert (report.providers.unchanged, report.services.unchanged, report.plans.unchanged) == (1, 1, 1)
    assert await changed_since(table, before) == []


async def test_a_changed_row_updates_exactly_its_item(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER, SERVICE, {**SERVICE, "key": "pipe", "title": "Lay a pipe"}, PLAN)
    (_, services, _), before = await everything(table), len(await table.changes(None, limit=1000))

    report = await load(
        importing, PROVIDER, {**SERVICE, "price": "50.00"}, {**SERVICE, "key": "pipe", "title": "Lay a pipe"}, PLAN
    )

    assert (report.services.updated, report.services.unchanged) == (1, 1)
    written = [change.key for change in await changed_since(table, before)]
    tap = next(one for one in services if one.title == "Fix a tap")
    assert [key.sort for key in written if key.partition.startswith("PROVIDER#")] == [f"SERVICE#{tap.service_id}"]
    assert Counter(key.partition.split("#")[0] for key in written) == {"PROVIDER": 1, "SERVICE": 1, "IMPORTED": 1}
    assert (await Services(table, importing.clock).find(tap.service_id)).service.value.price == Money(5000, "EUR")


async def test_what_was_edited_here_stays_while_its_row_does_not_change(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER)
    (provider,), _, _ = await everything(table)
    await Providers(table, importing.clock).edit(provider.provider_id, ProviderFields(headline="By hand"), OPERATOR)

    await load(importing, PROVIDER)
    assert (await everything(table))[0][0].headline == "By hand"

    # A column that the file lacks leaves its field as it is.
    without = {column: cell for column, cell in PROVIDER.items() if column != "headline"}
    await load(importing, {**without, "radius_km": "30"})
    (provider,), _, _ = await everything(table)
    assert (provider.headline, provider.radius_km) == ("By hand", 30)


async def test_an_empty_cell_sets_a_field_back(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER, {**SERVICE, "capacity": "5"})

    await load(importing, {**PROVIDER, "biography": "", "radius_km": "10"}, {**SERVICE, "capacity": ""})

    assert (await everything(table))[1][0].capacity == 1


async def test_all_reasons_of_a_row_are_told_and_the_rest_is_loaded(importing: Importing, table: Table) -> None:
    report = await load(
        importing,
        PROVIDER,
        {**PROVIDER, "key": "bad", "name": "x", "lat": "91", "zone": "Mars/Olympus", "languages": "klingon",
         "owner_email": "nobody", "status": "famous", "radius_km": "far"},
        SERVICE,
        {**SERVICE, "key": "worse", "provider": "nobody", "title": "", "category": "plumming", "price": "4,50",
         "currency": "XXX", "mode": "by pigeon", "duration_min": "1e3", "instant": "maybe", "policy": "none"},
        {**SERVICE, "key": "", "title": "No key"},
        PLAN,
        {**PLAN, "key": "h2", "provider": "tap-works-2", "monday": "9-5", "tuesday": "12:00-09:00", "step_min": "1",
         "exceptions": "Christmas", "zone": "Nowhere"},
    )  # fmt: skip

    told = reasons(report)
    assert sorted(told) == [3, 5, 6, 8]
    assert set(told[3]) == {"name", "lat", "zone", "languages", "owner_email", "status", "radius_km"}
    assert set(told[5]) == {
        "provider", "title", "category", "currency", "mode", "duration_min", "instant", "policy",
    }  # fmt: skip
    assert set(told[6]) == {"key"}
    assert set(told[8]) == {"provider", "monday", "tuesday", "step_min", "exceptions", "zone"}
    assert (report.providers.created, report.services.created, report.plans.created) == (1, 1, 1)
    values = {told.column: told.value for row in report.refused if row.row == 5 for told in row.problems}
    assert values["category"] == "plumming"


async def test_a_row_not_complete_enough_to_be_shown_says_what_is_missing(importing: Importing) -> None:
    bare = {"kind": "provider", "key": "bare", "name": "Bare"}

    report = await load(
        importing, bare, {**SERVICE, "key": "s", "description": "", "price": "", "currency": ""}, PROVIDER
    )
    draft = await load(importing, {**bare, "status": "draft"}, {**SERVICE, "key": "s", "price": "", "status": "draft"})

    assert set(reasons(report)[2]) == {"headline", "place", "languages"}
    assert set(reasons(report)[3]) == {"description", "price"}
    assert draft.refused == ()


async def test_rows_may_refer_to_providers_further_down_or_of_earlier_files(importing: Importing) -> None:
    down = await load(importing, PLAN, SERVICE, PROVIDER)
    later = await load(importing, {**SERVICE, "key": "second", "title": "Unblock a drain"})

    assert (down.refused, later.refused) == ((), ())
    assert later.services.created == 1


async def test_a_service_of_a_refused_provider_says_so(importing: Importing) -> None:
    report = await load(importing, {**PROVIDER, "name": ""}, SERVICE)

    assert reasons(report)[3] == {"provider": "No provider has this key. Its own row was refused."}


async def test_a_service_stays_with_its_provider(importing: Importing) -> None:
    await load(importing, PROVIDER, {**PROVIDER, "key": "other", "name": "Other"}, SERVICE)

    report = await load(importing, {**SERVICE, "provider": "other"})

    assert reasons(report) == {2: {"provider": "A service stays with its provider."}}


async def test_a_key_counts_once_in_a_file(importing: Importing, table: Table) -> None:
    report = await load(
        importing, PROVIDER, {**PROVIDER, "name": "Twin"}, SERVICE, SERVICE, PLAN, {**PLAN, "key": "h2"}
    )

    assert reasons(report) == {
        3: {"key": "Row 2 has this key already."},
        5: {"key": "Row 4 has this key already."},
        7: {"provider": "Row 6 has this provider already."},
    }
    assert [provider.name for provider in (await everything(table))[0]] == ["Tap Works"]


async def test_many_of_one_name_get_addresses_of_their_own(importing: Importing, table: Table) -> None:
    report = await load(
        importing, PROVIDER, *({**SERVICE, "key": f"s{number}"} for number in range(30)),
        *({**PROVIDER, "key": f"p{number}"} for number in range(30)),
    )  # fmt: skip

    assert report.refused == ()
    providers, services, _ = await everything(table)
    assert len({service.slug for service in services}) == 30
    assert len({provider.slug for provider in providers}) == 31


async def test_a_chosen_address_that_is_taken_refuses_only_its_row(importing: Importing) -> None:
    report = await load(
        importing,
        {**PROVIDER, "slug": "mine"},
        {**PROVIDER, "key": "two", "slug": "mine"},
        {**PROVIDER, "key": "three", "slug": ""},
    )

    assert set(reasons(report)) == {3}
    assert set(reasons(report)[3]) == {"slug"}
    assert report.providers.created == 2


async def test_a_dry_run_says_the_same_and_writes_nothing(importing: Importing, table: Table) -> None:
    rows = [PROVIDER, SERVICE, {**SERVICE, "key": "bad", "category": "x"}, PLAN, *(
        {**SERVICE, "key": f"s{number}"} for number in range(20))]  # fmt: skip

    dry = await load(importing, *rows, dry_run=True)
    assert await table.changes(None) == []
    wet = await load(importing, *rows)

    assert (dry.dry_run, wet.dry_run) == (True, False)
    assert (dry.providers, dry.services, dry.plans, dry.refused) == (
        wet.providers,
        wet.services,
        wet.plans,
        wet.refused,
    )


async def test_owners_are_found_by_address_or_may_claim_later(importing: Importing, table: Table) -> None:
    async def rosa(email: str) -> str | None:
        return OWNER.actor_id if email == "rosa@example.com" else None

    known = varied(importing, owner_of=rosa)
    await load(
        known, {**PROVIDER, "owner_email": "Rosa@Example.com"}, {**PROVIDER, "key": "b", "owner_email": "x@example.com"}
    )

    owned, unowned = sorted((await everything(table))[0], key=lambda one: one.slug)
    assert (owned.owner_id, unowned.owner_id, unowned.owner_email) == (OWNER.actor_id, None, "x@example.com")
    providers = Providers(table, importing.clock)
    assert [row.value for row in await providers.owned_by(OWNER.actor_id)] == [owned]
    assert (await providers.claim(unowned.provider_id, OWNER, confirmed_email="x@example.com")).value.owner_id


async def test_whom_an_owner_paused_stays_paused(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER)
    (provider,), _, _ = await everything(table)
    await Standings(Providers(table, importing.clock)).pause(provider.provider_id, OPERATOR)

    report = await load(importing, {**PROVIDER, "radius_km": "9"})

    (provider,), _, _ = await everything(table)
    assert (report.refused, provider.status, provider.radius_km) == ((), ProviderStatus.PAUSED, 9)


async def test_a_service_is_closed_and_offered_again_by_its_row(importing: Importing, table: Table) -> None:
    await load(importing, PROVIDER, SERVICE)

    for status in ("closed", "published"):
        await load(importing, {**SERVICE, "status": status})
        assert (await everything(table))[1][0].status == status
    report = await load(importing, {**SERVICE, "status": "draft"})

    assert reasons(report) == {2: {"status": "A service that is published does not become draft."}}


async def test_a_plan_keeps_what_its_file_does_not_tell(importing: Importing, table: Table) -> None:
    await load(
        importing, PROVIDER, {**PLAN, "exceptions": "2026-12-24 closed; 2026-12-31 09:00-12:00", "step_min": "15"}
    )

    await load(importing, {"kind": "plan", "key": "hours", "provider": "tap-works", "tuesday": "10:00\u201324:00"})

    (plan,) = (await everything(table))[2]
    assert (len(plan.exceptions), plan.step_min) == (2, 15)
    assert plan.week.monday
    assert plan.week.tuesday == (Window("10:00", "24:00"),)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_common_spreadsheet_files_are_read(
    importing: Importing, table: Table, delimiter: str, encoding: str
) -> None:
    content = as_csv({**PROVIDER, "name": "Zoë; & \u201cSöhne\u201d"}, delimiter=delimiter).decode().encode(encoding)

    report = await importing.load(content, Format.CSV, OPERATOR)

    assert report.refused == ()
    assert (await everything(table))[0][0].name == "Zoë; & \u201cSöhne\u201d"


async def test_bytes_of_another_encoding_refuse_only_their_row(importing: Importing) -> None:
    latin = as_csv({**PROVIDER, "key": "two", "name": "Caf\xe9"}).decode().encode("latin-1")

    report = await importing.load(as_csv(PROVIDER) + latin.split(b"\r\n", 1)[1], Format.CSV, OPERATOR)

    assert reasons(report)[3]["name"] == "It holds bytes that are not UTF-8."
    assert report.providers.created == 1


async def test_ragged_rows_unknown_columns_and_huge_cells_are_refused_by_name(importing: Importing) -> None:
    content = as_csv(PROVIDER)
    content += b"provider,short,Short\r\n"
    content += b"provider," + b",".join([b"long"] * 20) + b"\r\n\r\n"
    content += as_csv({**PROVIDER, "key": "huge", "headline": "x" * 30_000}).split(b"\r\n", 1)[1]
    content += as_csv({**PROVIDER, "key": "vast", "headline": "x" * 200_000}).split(b"\r\n", 1)[1]
    content += as_csv({**PROVIDER, "key": "last"}).split(b"\r\n", 1)[1]

    report = await importing.load(content, Format.CSV, OPERATOR)
    strange = await load(
        importing, {**PROVIDER, "key": "z", "headlin": "x", "title": "A service's"}, {**SERVICE, "note": ""}
    )

    told = reasons(report)
    assert told[3] == {"": "It has 3 fields where the header names 10 columns."}
    assert told[4] == {"": "It has 21 fields where the header names 10 columns."}
    assert told[6] == {"headline": "It has 30,000 characters; at most 20,000 fit."}
    assert "field larger than field limit" in told[7][""]
    assert report.providers.created == 2
    assert reasons(strange) == {
        2: {
            "headlin": "A provider has no such column. Is it headline?",
            "title": "A provider has no such column.",
        }
    }


async def test_a_quote_never_closed_refuses_what_it_swallows(importing: Importing) -> None:
    rows = as_csv(PROVIDER, {**PROVIDER, "key": "b"}, {**PROVIDER, "key": "c"}).split(b"\r\n")
    rows[2] = rows[2].replace(b"Plumbing", b'"Plumbing')

    report = await importing.load(b"\r\n".join(rows), Format.CSV, OPERATOR)

    assert report.providers.created == 1
    assert "lines 3 to 4" in reasons(report)[3][""]


async def test_formulas_control_characters_and_markup_stay_harmless(importing: Importing, table: Table) -> None:
    report = await load(
        importing,
        {**PROVIDER, "name": '=HYPERLINK("http://evil")', "headline": "<script>alert(1)</script>"},
        {**PROVIDER, "key": "esc", "name": "Bell\x07 and \x1b[2J"},
        {**PROVIDER, "key": "../../etc\x00/passwd"},
        {**PROVIDER, "key": "bidi", "name": "gpj.\u202eexe"},
    )  # fmt: skip

    assert (await everything(table))[0][0].name == '=HYPERLINK("http://evil")'
    assert set(reasons(report)) == {3, 4, 5}
    text = "\n".join(report.lines())
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    ("content", "form", "field"),
    [
        (b"", Format.CSV, "file"),
        (b"  \n ", Format.JSON, "file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", Format.CSV, "kind"),
        (b"PK\3\4\0\0", Format.CSV, "file"),
        (b"name,headline\r\nA,B\r\n", Format.CSV, "kind"),
        (b"kind,name\r\nprovider,B\r\n", Format.CSV, "key"),
        (b"kind,key,name,name\r\n", Format.CSV, "file"),
        (b'kind,key,"name\r\n', Format.CSV, "file"),
        (b"kind,key," + b"c," * 70 + b"\r\n", Format.CSV, "file"),
        (b"{", Format.JSON, "file"),
        (b"[" * 100_000, Format.JSON, "file"),
        (b'"text"', Format.JSON, "file"),
        (b'{"people": []}', Format.JSON, "file"),
        (b'{"providers": {}}', Format.JSON, "file"),
        (b"\xff{}", Format.JSON, "file"),
        (b"x" * (BYTES_MAX + 1), Format.CSV, "file"),
    ],
)
async def test_what_is_no_table_is_refused_whole(
    importing: Importing, table: Table, content: bytes, form: Format, field: str
) -> None:
    with pytest.raises(FileUnreadable) as refused:
        await importing.load(content, form, OPERATOR)

    assert refused.value.field == field
    assert await table.changes(None) == []


async def test_json_is_read_in_both_shapes(importing: Importing, table: Table) -> None:
    provider = {**PROVIDER, "lat": 38.7223, "radius_km": 25, "languages": ["pt", "en"], "biography": None}
    service = {**SERVICE, "price": 45.1, "instant": True, "capacity": 2}
    plan = {**PLAN, "monday": ["09:00-12:00", "13:00-17:30"]}
    bare = [{name: cell for name, cell in row.items() if name != "kind"} for row in (provider, service, plan)]

    listed = await importing.load(json.dumps([service, plan, provider]).encode(), Format.JSON, OPERATOR)
    grouped = await importing.load(
        json.dumps({"providers": [bare[0]], "services": [bare[1]], "plans": [bare[2]]}).encode(), Format.JSON, OPERATOR
    )

    assert (listed.refused, grouped.refused) == ((), ())
    assert (grouped.providers.unchanged, grouped.services.unchanged, grouped.plans.unchanged) == (1, 1, 1)
    _, (service_made,), (plan_made,) = await everything(table)
    assert (service_made.price, service_made.instant, service_made.capacity) == (Money(4510, "EUR"), True, 2)
    assert len(plan_made.week.monday) == 2


async def test_json_rows_of_a_strange_form_are_refused_by_name(importing: Importing) -> None:
    rows = [1, {"kind": "provider", "key": {"a": 1}, "name": [["x"]]}, {"key": "x"}, {**PROVIDER, "radius_km": 10**30},
            {**PROVIDER, "key": "k" * 200}]  # fmt: skip

    report = await importing.load(json.dumps(rows).encode(), Format.JSON, OPERATOR)

    told = reasons(report)
    assert told[1] == {"": "This is no object."}
    assert {"key", "name"} <= set(told[2])
    assert set(told[3]) == {"kind"}
    assert set(told[4]) == {"radius_km"}
    assert set(told[5]) == {"key"}


async def test_the_documented_examples_load(importing: Importing) -> None:
    report = await importing.load((DOCS / "examples/import.csv").read_bytes(), Format.CSV, OPERATOR)
    other = await importing.load((DOCS / "examples/import.json").read_bytes(), Format.JSON, OPERATOR)

    assert report.refused == ()
    assert (report.providers.created, report.services.created, report.plans.created) == (2, 3, 2)
    assert other.refused == ()


async def test_every_column_is_documented() -> None:
    from ecosystem.journeys.import_cells import COLUMNS

    text = (DOCS / "import.md").read_text()

    weekdays = {"tuesday", "wednesday", "thursday", "friday", "saturday"}
    assert [column for columns in COLUMNS.values() for column in columns
            if f"`{column}`" not in text and column not in weekdays] == []  # fmt: skip


async def test_only_operators_import(importing: Importing) -> None:
    with pytest.raises(Denied):
        await load(importing, PROVIDER, actor=OWNER)
    assert (await load(importing, PROVIDER, actor=system("import"))).refused == ()


async def test_progress_is_told_to_the_end(importing: Importing) -> None:
    told: list[tuple[int, int]] = []

    await load(
        importing,
        PROVIDER,
        PROVIDER,
        *({**SERVICE, "key": f"s{number}"} for number in range(40)),
        told=lambda progress: told.append((progress.done, progress.total)),
    )

    assert told[-1] == (42, 42)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) >= 4


class Failing:
    """A table that stops taking writes after so many commits."""

    def __init__(self, table: Table, commits: int) -> None:
        self._table, self.commits = table, commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    async def transact(self, *writes: Any, token: str | None = None) -> None:
        if self.commits == 0:
            raise Unavailable("The disk is full.")
        self.commits -= 1
        await self._table.transact(*writes, token=token)


@pytest.mark.parametrize("commits", [0, 1, 3, 5])
async def test_an_interrupted_import_goes_on_when_run_again(
    table: Table, clock: VirtualClock, entropy: SeededEntropy, commits: int
) -> None:
    rows = [PROVIDER, *({**SERVICE, "key": f"s{number}"} for number in range(60)), PLAN]
    failing: Any = Failing(table, commits)

    with pytest.raises(ImportInterrupted):
        await load(over(failing, clock, entropy), *rows)
    report = await load(over(table, clock, entropy), *rows)

    assert report.refused == ()
    assert report.services.created + report.services.unchanged == 60
    providers, services, plans = await everything(table)
    assert (len(providers), len(services), len(plans)) == (1, 60, 1)


CELLS = st.sampled_from(
    ["", "x", "12", "-1", "45.00", "EUR", "plumbing", "yes", "2026-12-24 closed", "09:00-12:00", "\x00", "é" * 50]
)
COLUMN_NAMES = st.sampled_from(["title", "price", "currency", "category", "capacity", "mode", "provider", "name", "lat",
                                "languages", "monday", "exceptions", "status", "slug", "junk"])  # fmt: skip
ROWS = st.builds(
    lambda base, key, changes: {**base, "key": key, **changes},
    st.sampled_from([PROVIDER, SERVICE, PLAN]),
    st.sampled_from(["tap-works", "a", "b", ""]),
    st.dictionaries(COLUMN_NAMES, CELLS, max_size=3),
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(ROWS, min_size=1, max_size=8))
async def test_any_import_twice_is_the_import_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    clock = VirtualClock(NOON)
    table = await EmbeddedTable.open(tmp_path_factory.mktemp("twice") / "table.sqlite", clock)
    importing = over(table, clock, SeededEntropy(1))

    dry = await load(importing, *rows, dry_run=True)
    first = await load(importing, *rows)
    once = len(await table.changes(None, limit=1000))
    second = await load(importing, *rows)

    assert len(await table.changes(None, limit=1000)) == once
    assert first.refused == second.refused == dry.refused
    for kind in ("providers", "services", "plans"):
        made, again = getattr(first, kind), getattr(second, kind)
        assert getattr(dry, kind) == made
        assert again.unchanged == made.created + made.updated + made.unchanged
    await table.close()
