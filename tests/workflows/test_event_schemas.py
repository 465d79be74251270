"""What is published about events is true of the facts in the code, and of the events that are really announced."""

from copy import deepcopy
from typing import Any, ClassVar

import msgspec
import pytest
from jsonschema_rs import meta, validator_for

from ecosystem.ports.bus import Fact
from ecosystem.workflows.event_schemas import facts, listed, page, published, schema, schemas, unraised, version
from house import ROOT

KNOWN = facts()


def test_the_published_schemas_are_those_of_the_facts() -> None:
    made, there = schemas(KNOWN), published()

    assert unraised(there, made) == [], "their fields changed: raise their `schema`, then run scripts/events"
    assert msgspec.json.encode(made) == msgspec.json.encode(there), "run scripts/events"


def test_the_page_is_that_of_the_facts() -> None:
    assert page(KNOWN) == (ROOT / "docs" / "events.md").read_text(), "run scripts/events"


@pytest.mark.parametrize("fact", KNOWN, ids=lambda fact: fact.__name__)
def test_each_fact_has_a_sound_schema_and_says_when_it_is_told(fact: type[Fact]) -> None:
    made = schema(fact)

    meta.validate(made)
    assert made["description"].endswith(".")
    assert "metadata" not in fact.__struct_fields__


def test_names_of_facts_are_told_apart() -> None:
    assert len({fact.__name__ for fact in KNOWN}) == len(KNOWN)


class Painted(Fact, frozen=True, kw_only=True):
    """A wall has another colour."""

    source: ClassVar[str] = "test"

    colour: str


def test_a_changed_fact_needs_a_raised_version() -> None:
    before: dict[str, Any] = {"Painted": schema(Painted)}
    wider, raised, retold = deepcopy(before), deepcopy(before), deepcopy(before)
    for changed in (wider, raised):
        changed["Painted"]["properties"]["detail"]["properties"]["gloss"] = {"type": "boolean"}
    raised["Painted"]["properties"]["detail"]["properties"]["metadata"]["properties"]["schema_version"]["const"] = 2
    retold["Painted"]["description"] = "A wall was painted."

    assert unraised(before, wider) == ["Painted"]
    assert unraised(before, raised) == []
    assert unraised(before, retold) == []
    assert unraised({}, before) == []
    assert version(raised["Painted"]) == 2


def test_a_schema_refuses_what_is_not_such_an_event() -> None:
    check = validator_for(schema(Painted), validate_formats=True)
    event: dict[str, Any] = {
        "version": "0", "id": "WALL#a:1:Painted", "detail-type": "Painted", "source": "test", "account": "0",
        "time": "2026-11-20T10:00:00.000000Z", "region": "local", "resources": ["WALL#a"],
        "detail": {
            "colour": "red",
            "metadata": {
                "event_id": "WALL#a:1:Painted", "sequence": 1, "trace_id": "req_1", "schema_version": 1, "previous": {},
                "actor": {"id": "usr_a", "groups": [], "impersonator": None},
            },
        },
    }  # fmt: skip
    without_trace, uncoloured, untimed = deepcopy(event), deepcopy(event), {**event, "time": "soon"}
    without_trace["detail"]["metadata"]["trace_id"] = ""
    del uncoloured["detail"]["colour"]

    assert check.is_valid(event)
    assert not any(check.is_valid(bad) for bad in (without_trace, uncoloured, untimed))


def test_the_list_names_each_type_with_its_address() -> None:
    entries = {entry.type: entry for entry in listed(published())}

    assert entries.keys() == {fact.__name__ for fact in KNOWN}
    assert entries["BookingConfirmed"].schema == "/api/schemas/events/BookingConfirmed.json"
    assert entries["BookingConfirmed"].source == "booking"
