"""The table of reactions is whole: every type that a marketplace has to handle stands in it, and its page is true."""

from __future__ import annotations

from ecosystem.journeys.hearing import REACTIONS, SUBSCRIBED, Reaction, RecordOnly
from ecosystem.journeys.hearing.page import page
from house import ROOT

TYPES = (ROOT / "tests/rooms/webhook_types.txt").read_text().split()
"""The types of event that a marketplace has to handle, of the pinned version of the processor's API."""

RECORDED_MAX = 15


def test_every_type_that_a_marketplace_has_to_handle_stands_in_the_table_and_no_other() -> None:
    assert list(REACTIONS) == TYPES
    assert len(TYPES) == 65


def test_few_types_are_only_recorded_and_each_has_its_reason() -> None:
    reasons = [what.reason for what in REACTIONS.values() if isinstance(what, RecordOnly)]

    assert len(reasons) <= RECORDED_MAX
    assert all(reason.endswith(".") for reason in reasons)


def test_the_processor_is_asked_for_what_changes_something() -> None:
    for kind in SUBSCRIBED:
        assert isinstance(REACTIONS[kind], Reaction), kind


def test_the_page_of_webhooks_is_made_from_the_table() -> None:
    assert (ROOT / "docs/webhooks.md").read_text() == page()
