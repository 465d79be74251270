from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.adapters.outside.press import MjmlPress
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.mail import HTML_SIZE_MAX
from ecosystem.ports.press import Button, Line, Press, Sheet

PRESS = MjmlPress()
SHEET = Sheet(
    brand="Ecosystem",
    brand_url="http://127.0.0.1:8000",
    subject="You are booked",
    preview="Portraits with Inês",
    title="You are booked, Ana",
    paragraphs=("Portraits with Inês Carvalho", "Thursday 26 November, 16:10 to 17:10 (Lisbon time)"),
    lines=(Line(label="Price", value="€55.00"), Line(label="Total", value="€59.40", strong=True)),
    button=Button(label="See booking", url="http://127.0.0.1:8000/bookings/bkg_1?a=1&b=2"),
    notes=("Free to cancel until Wednesday.",),
    footer="You get this mail because you booked.",
)


class Reader(HTMLParser):
    """What a mail reader makes of a mail: elements with their attributes, and the text that shows."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"style", "title"}:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and tag == self._within[-1]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture(params=["mjml"])
def press() -> Press:
    return PRESS


def test_all_that_a_sheet_says_is_in_both_twins(press: Press) -> None:
    printed = press.printed(SHEET)
    shown = " ".join(" ".join(read(printed.html).text).split())

    for said in (
        SHEET.title, *SHEET.paragraphs, "Price", "€55.00", "Total", "€59.40", "See booking", *SHEET.notes, SHEET.footer
    ):  # fmt: skip
        assert said in shown
        assert said in printed.text
    assert SHEET.button
    assert SHEET.button.url in printed.text
    assert SHEET.button.url in {attributes.get("href") for tag, attributes in read(printed.html).elements if tag == "a"}


def test_a_code_is_shown_in_both_twins(press: Press) -> None:
    printed = press.printed(Sheet(brand="E", brand_url="http://e", subject="s", title="t", code="042917"))

    assert "042917" in "".join(read(printed.html).text)
    assert "042917" in printed.text


def test_the_shortest_sheet_prints(press: Press) -> None:
    printed = press.printed(Sheet(brand="E", brand_url="http://e", subject="s", title="t"))

    assert "None" not in printed.html
    assert "None" not in printed.text


def test_nothing_is_loaded_from_elsewhere(press: Press) -> None:
    html = press.printed(SHEET).html

    assert not {tag for tag, _ in read(html).elements} & {"img", "script", "link", "iframe", "object", "form", "base"}
    assert "@import" not in html
    assert "url(" not in html


def test_a_mail_is_small(press: Press) -> None:
    assert len(press.printed(SHEET).html.encode()) < HTML_SIZE_MAX / 4


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.sampled_from(
        [
            "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</mj-text></mj-column><mj-raw>",
            "{{ 7 * 7 }}", "{% raw %}", "&lt;b&gt;", "<!-- -->", "]]>", "<![CDATA[", "javascript:alert(1)", "'\" x=\"",
            "<mj-include path='/etc/passwd' />",
        ]
    )
)  # fmt: skip
def test_nothing_in_a_sheet_is_ever_markup(text: str) -> None:
    plain = "x" + "".join(sign for sign in text if sign.isprintable())
    blank = Sheet(
        brand="E", brand_url="http://e", subject="s", preview="p", title="t", paragraphs=("p",), code="c",
        lines=(Line(label="l", value="v"),), button=Button(label="b", url="http://e/?q="), notes=("n",), footer="f",
    )  # fmt: skip
    filled = Sheet(
        brand=plain, brand_url="http://e", subject=plain, preview=plain, title=plain, paragraphs=(plain,), code=plain,
        lines=(Line(label=plain, value=plain),), button=Button(label=plain, url=f"http://e/?q={quote(plain)}"), notes=(plain,),
        footer=plain,
    )  # fmt: skip

    printed = PRESS.printed(filled).html

    assert [tag for tag, _ in read(printed).elements] == [tag for tag, _ in read(PRESS.printed(blank).html).elements]
    hrefs = [attributes["href"] for tag, attributes in read(printed).elements if tag == "a"]
    assert hrefs == ["http://e", f"http://e/?q={quote(plain)}"]
    assert not any(name.startswith("on") for _, attributes in read(printed).elements for name in attributes)
    said = re.sub(r"\s+", " ", "".join(read(printed).text))
    assert re.sub(r"\s+", " ", plain).strip() in said


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://e/ x", 'http://e/"', "http://e/\\x", "/bookings", "", "http://e/\n"]
)
def test_a_letter_leads_to_the_web_alone(url: str) -> None:
    with pytest.raises(Invalid):
        Button(label="See", url=url)
