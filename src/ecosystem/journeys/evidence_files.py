"""The evidence as one file: a ZIP of a page to read and print, the paper, JSON, the calendar entry, and the proofs.

The same things make the same bytes: entries stand in order, with one date for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ecosystem.ports.papers import Paper, Section

INDEX, PAPER, DATA, ENTRY = "index.html", "evidence.pdf", "evidence.json", "booking.ics"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}dl{display:grid;grid-template-columns:12rem 1fr;margin:0}"
    "dt,dd{margin:0;padding:.3rem .5rem .3rem 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}dt{font-weight:600}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .5rem .3rem 0;"
    "border-bottom:1px solid #ddd;overflow-wrap:anywhere}p{white-space:pre-line;overflow-wrap:anywhere}"
    "@media(max-width:40rem){dl{display:block}}@media print{body{margin:0;max-width:none}h2{break-after:avoid}}"
)


def page(paper: Paper, files: Mapping[str, str]) -> bytes:
    """The paper as a page that needs nothing else; `files` are those beside it, with what they are."""
    listed = "".join(
        f'<li><a href="{escape(name)}">{escape(name)}</a>: {escape(is_)}</li>' for name, is_ in files.items()
    )
    body = "".join(map(_section, paper.sections))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(paper.title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(paper.title)}</h1>"
        f"<p>{escape(paper.lead)}</p>{body}<h2>Files</h2><ul>{listed}</ul></main></body></html>\n"
    ).encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as one, in the order of their names."""
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for name, content in sorted(files.items()):
            entry = ZipInfo(name, date_time=_EPOCH)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, content)
    return made.getvalue()


def unzipped(content: bytes, name: str) -> bytes:
    with ZipFile(BytesIO(content)) as archive:
        return archive.read(name)


def _section(section: Section) -> str:
    said = [f"<h2>{escape(section.heading)}</h2>"]
    if section.facts:
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in section.facts)
        said.append(f"<dl>{facts}</dl>")
    said += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    if section.rows:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
        said.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    return "".join(said)
