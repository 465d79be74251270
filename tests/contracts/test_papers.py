"""What typesetters promise: the same bytes for the same paper, whatever it says, and a sentence when it cannot be."""

from __future__ import annotations

import pytest

from ecosystem.adapters.outside.papers import ReportlabTypesetter
from ecosystem.ports.papers import Paper, PaperTooLong, Section, Typesetter


@pytest.fixture
def typesetter() -> Typesetter:
    return ReportlabTypesetter()


def paper(text: str, rows: int = 3) -> Paper:
    section = Section(
        heading=text,
        facts=(("Said", text),),
        paragraphs=(text, text),
        columns=("When", "What"),
        rows=(("now", text),) * rows,
    )
    return Paper(title=text, lead=text, sections=(section,))


@pytest.mark.parametrize("text", ["Plain", "<b>&amp;</i>", "你好, Ærø \U0001f600", "a\nb", "x" * 900, ""])
async def test_the_same_paper_is_the_same_bytes(typesetter: Typesetter, text: str) -> None:
    first, again = await typesetter.pdf(paper(text)), await ReportlabTypesetter().pdf(paper(text))

    assert first.startswith(b"%PDF-")
    assert first == again


async def test_another_paper_is_other_bytes(typesetter: Typesetter) -> None:
    assert await typesetter.pdf(paper("one")) != await typesetter.pdf(paper("two"))


async def test_many_rows_go_on_over_pages(typesetter: Typesetter) -> None:
    assert (await typesetter.pdf(paper("row", 200))).count(b"/Type /Page\n") > 3


async def test_a_cell_that_fits_on_no_page_is_refused(typesetter: Typesetter) -> None:
    with pytest.raises(PaperTooLong):
        await typesetter.pdf(paper("word " * 4_000))
