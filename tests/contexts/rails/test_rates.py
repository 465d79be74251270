"""Rate tables as they ship: each rate has a source with a date."""

from __future__ import annotations

from datetime import date

from ecosystem.contexts.rails import tables
from ecosystem.contexts.rails.tables import MONTHLY


def test_each_rate_names_a_source_with_its_day() -> None:
    for table in tables():
        rates = (*table.services, *(each for rail in table.rails for each in rail.components))
        for rate in rates:
            source = table.sources[rate.source]
            assert source.name
            assert date(2020, 1, 1) < source.as_of <= date(2026, 11, 20)
            assert rate.rate >= 0


def test_no_source_no_line_and_no_usage_stands_there_for_nothing() -> None:
    for table in tables():
        rates = (*table.services, *(each for rail in table.rails for each in rail.components))
        assert {rate.source for rate in rates} == set(table.sources)
        assert {rate.line for rate in rates} == set(table.lines)
        assert {rate.of for rate in rates if rate.of and rate.of not in MONTHLY} == set(table.usage)


def test_native_rails_stand_in_each_table() -> None:
    assert all(table.rail("native") and table.rail("cards") for table in tables())
