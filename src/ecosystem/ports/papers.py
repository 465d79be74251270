"""Papers: a document in headings, facts, text and tables, set as PDF for those who take nothing else."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Invalid


class PaperTooLong(Invalid):
    """That is more than fits on a paper: a cell of a table has to fit on a page."""


class Section(Struct, frozen=True, kw_only=True):
    """A part of a paper: its heading, facts by name, paragraphs, and a table. What is empty is left out."""

    heading: str
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Paper(Struct, frozen=True, kw_only=True):
    """A document: what it is called, what it is in a sentence, and its parts. Text is plain, never markup."""

    title: str
    lead: str
    sections: tuple[Section, ...]


class Typesetter(Protocol):
    async def pdf(self, paper: Paper) -> bytes:
        """The paper as PDF on A4: the same bytes for the same paper.

        A character that its letters lack stands as its code point, `[U+4F60]`. Raises `PaperTooLong`, `Unavailable`.
        """
        ...
