from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.catalogue import FieldsRefused, Findings
from ecosystem.contexts.catalogue.fields import excerpt


def test_a_line_is_composed_and_has_single_blanks() -> None:
    assert Findings().line("name", "  Zoe\u0308 \t  Ferreira ", longest=80) == "Zoë Ferreira"


def test_prose_keeps_paragraphs_and_forgets_trailing_blanks() -> None:
    assert Findings().prose("text", "One.  \r\n\r\n\r\n\r\nTwo.\rThree.\n\n", longest=80) == "One.\n\nTwo.\nThree."


@pytest.mark.parametrize("mark", ["\x00", "\x1b", "\x7f", "\u202e", "\u2066", "\ud800", "\x85"])
def test_what_is_not_text_is_refused(mark: str) -> None:
    findings = Findings()

    findings.line("name", f"Zo{mark}e", longest=80)

    assert [problem.field for problem in findings.problems] == ["name"]


def test_an_emoji_of_several_code_points_is_text() -> None:
    findings = Findings()

    assert findings.line("name", "👩‍🔧 Ana", longest=80) == "👩‍🔧 Ana"
    assert not findings.problems


def test_all_problems_are_told_at_once() -> None:
    findings = Findings()
    findings.line("name", "x", shortest=2, longest=80)
    findings.whole("radius_km", 9000, least=0, most=500)
    findings.degrees("lat", float("nan"), most=90)

    with pytest.raises(FieldsRefused) as refused:
        findings.settle()

    assert [problem.field for problem in refused.value.problems] == ["name", "radius_km", "lat"]
    assert refused.value.field == "name"


@given(st.text(max_size=200))
def test_normal_form_is_reached_in_one_step(text: str) -> None:
    findings = Findings()
    once, prose = findings.line("a", text, longest=500), findings.prose("b", text, longest=500)

    assert findings.line("c", once, longest=500) == once
    assert findings.prose("d", prose, longest=500) == prose
    assert unicodedata.is_normalized("NFC", once)
    assert "\n" not in once


def test_an_excerpt_is_short_and_printable() -> None:
    assert excerpt("=cmd|'/c calc'!A1\x1b[2J" + "x" * 99) == "=cmd|'/c calc'!A1\ufffd[2J" + "x" * 19 + "..."
