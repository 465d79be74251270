"""Papers set as PDF by reportlab, in the letters it brings along.

Whatever a paper says is escaped where it stands, since paragraphs are markup to reportlab. `invariant` leaves out the
time and chance that it would write into a file otherwise.
"""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import Any, cast

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus.doctemplate import LayoutError

from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.papers import Paper, PaperTooLong, Section

WAITING_MAX = 16
_WIDTH = A4[0] - 36 * mm
_LETTERS, _BOLD = "Vera", "VeraBd"
_TITLE = ParagraphStyle("title", fontName=_BOLD, fontSize=15, leading=20, spaceAfter=4)
_HEADING = ParagraphStyle("heading", fontName=_BOLD, fontSize=11, leading=15, spaceBefore=12, spaceAfter=4)
_BODY = ParagraphStyle("body", fontName=_LETTERS, fontSize=8.5, leading=12, spaceAfter=4, splitLongWords=1)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=7.5, leading=10, spaceAfter=0)
_HEAD = ParagraphStyle("head", parent=_CELL, fontName=_BOLD)
_LINES = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#cccccc"))]


class ReportlabTypesetter:
    """Satisfies `Typesetter`. Setting a paper takes a tenth of a second: in a thread, one at a time."""

    def __init__(self) -> None:
        fonts = cast("Any", pdfmetrics)  # It has no types.
        for name in (_LETTERS, _BOLD):
            fonts.registerFont(TTFont(name, f"{name}.ttf"))
        self._known = frozenset[int](fonts.getFont(_LETTERS).face.charToGlyph)
        self._threads = Threads(1, waiting_max=WAITING_MAX)

    async def pdf(self, paper: Paper) -> bytes:
        return await self._threads.run(self._set, paper)

    def _set(self, paper: Paper) -> bytes:
        flow: list[Any] = [self._paragraph(paper.title, _TITLE), self._paragraph(paper.lead, _BODY)]
        for section in paper.sections:
            flow += self._section(section)
        made = BytesIO()
        page = SimpleDocTemplate(
            made,
            pagesize=A4,
            leftMargin=18 * mm,
            rightMargin=18 * mm,
            topMargin=16 * mm,
            bottomMargin=18 * mm,
            title=paper.title,
            invariant=1,
            lang="en",
        )
        try:
            page.build(flow, onFirstPage=_numbered, onLaterPages=_numbered)
        except LayoutError as too_long:
            raise PaperTooLong from too_long
        return made.getvalue()

    def _section(self, section: Section) -> list[Any]:
        flow: list[Any] = [self._paragraph(section.heading, _HEADING)]
        if section.facts:
            cells = [[self._paragraph(name, _HEAD), self._paragraph(said, _CELL)] for name, said in section.facts]
            flow += [LongTable(cells, colWidths=[_WIDTH * 0.28, _WIDTH * 0.72], style=_LINES), Spacer(1, 4)]
        flow += [self._paragraph(text, _BODY) for text in section.paragraphs]
        if section.rows:
            head = [self._paragraph(name, _HEAD) for name in section.columns]
            body = [[self._paragraph(said, _CELL) for said in row] for row in section.rows]
            widths = [_WIDTH / len(head)] * len(head)
            flow.append(LongTable([head, *body], colWidths=widths, repeatRows=1, style=_LINES))
        return flow

    def _paragraph(self, text: str, style: ParagraphStyle) -> Paragraph:
        known = "".join(each if ord(each) in self._known or each == "\n" else f"[U+{ord(each):04X}]" for each in text)
        return Paragraph(escape(known).replace("\n", "<br/>"), style)


def _numbered(canvas: Any, _: object) -> None:
    canvas.saveState()
    canvas.setFont(_LETTERS, 7)
    canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, str(canvas.getPageNumber()))
    canvas.restoreState()
