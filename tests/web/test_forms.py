"""Forms: every error at once, beside its field; values shown again; passwords never."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.web import forms
from ecosystem.web.fields import Verbatim
from ecosystem.web.forms import Unfilled, decode, pairs

from .test_gate import token


class Place(StrEnum):
    HERE = "here"
    THERE = "there"


class Asked(Struct, kw_only=True):
    email: Annotated[
        str, Meta(max_length=20, pattern=r"^[^@ ]+@[^@ ]+$", description="An address such as ana@example.org.")
    ]
    password: Verbatim
    age: Annotated[int, Meta(ge=18, le=120)]
    note: Annotated[str, Meta(max_length=5)] = ""
    on: date | None = None
    place: Place = Place.HERE
    size: Literal["s", "l"] = "s"
    days: Annotated[list[int], Meta(max_length=2)] = []
    agrees: bool = False


def test_every_field_that_does_not_fit_is_named_with_what_would() -> None:
    form = decode(Asked, pairs(b"email=bad&age=3&note=too+long&on=nope&place=z&size=q&days=1&days=x&extra=1"))

    assert form.errors == {
        "email": "An address such as ana@example.org.",
        "password": "This is needed.",
        "age": "A whole number from 18 to 120.",
        "note": "At most 5 characters; this has 8.",
        "on": "A date, such as 2026-11-24.",
        "place": "Choose one of those offered.",
        "size": "Choose one of those offered.",
        "days": "A whole number.",
        "": "This form has no field 'extra'.",
    }
    with pytest.raises(Unfilled):
        _ = form.asked


def test_what_fits_becomes_the_request() -> None:
    form = decode(
        Asked, pairs(b"email=+a%40b+&password=+a+&age=33&note=&on=2026-01-02&place=there&days=1&days=2&agrees=on")
    )

    assert form.asked == Asked(
        email="a@b", password=" a ", age=33, on=date(2026, 1, 2), place=Place.THERE, days=[1, 2], agrees=True
    )


def test_a_field_given_twice_is_not_chosen_from() -> None:
    assert decode(Asked, [("age", "20"), ("age", "30")]).errors["age"] == "This came more than once."


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"a=1&" * 3000])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        pairs(body)


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\ufffd"])
def test_signs_that_cannot_be_kept_are_refused(sign: str) -> None:
    assert "signs" in decode(Asked, [("note", f"a{sign}")]).errors["note"]


def test_a_refusal_stands_beside_the_field_it_names_or_above_all() -> None:
    form = forms.blank(Asked, email="a@b")

    assert form.refused(Conflict("Taken.", field="email")).error("email") == "Taken."
    assert form.refused(Conflict("Taken.", field="address"), address="email").error("email") == "Taken."
    assert form.refused(Conflict("No.", field="elsewhere")).overall == "No."


def test_an_existing_value_is_shown_as_a_form_would_send_it() -> None:
    value = Asked(email="a@b", password="p", age=20, on=date(2026, 1, 2), days=[1, 2], agrees=True)

    form = forms.of(value)

    assert decode(Asked, [(name, text) for name, texts in form.values.items() for text in texts]).asked == value


@given(
    st.lists(
        st.tuples(st.text(max_size=8) | st.sampled_from(["email", "age", "days", "on"]), st.text(max_size=30)),
        max_size=8,
    )
)
def test_whatever_comes_in_is_either_a_request_or_errors(given: list[tuple[str, str]]) -> None:
    form = decode(Asked, given)

    assert (form.value is None) == bool(form.errors)


async def test_a_refused_form_comes_back_with_its_values_but_no_password(browser_less: httpx.AsyncClient) -> None:
    sent = {"email": "ana", "password": "Secret-1", "csrf_token": await token(browser_less)}

    page = await browser_less.post("/gallery/form", data=sent)

    assert page.status_code == 422
    assert 'value="ana"' in page.text
    assert 'aria-describedby="email-wrong"' in page.text
    assert "An address such as ana@example.org." in page.text
    assert "Secret-1" not in page.text


async def test_htmx_gets_the_form_alone(browser_less: httpx.AsyncClient) -> None:
    sent = {"email": "taken@example.org", "password": "x", "csrf_token": await token(browser_less)}

    fragment = await browser_less.post(
        "/gallery/form", data=sent, headers={"hx-request": "true", "hx-request-type": "partial"}
    )

    assert fragment.status_code == 409
    assert fragment.text.startswith('<form id="sample"')
    assert "Somebody was faster." in fragment.text


async def test_nonsense_as_a_body_is_refused_politely(browser_less: httpx.AsyncClient) -> None:
    secret = await token(browser_less)
    headers = {"x-csrf-token": secret, "content-type": "application/x-www-form-urlencoded"}

    for body, kind in (
        (b"\xff\xfe", ""),
        (b"%ff=%ff", ""),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
    ):
        answer = await browser_less.post(
            "/gallery/form", content=body, headers=headers | ({"content-type": kind} if kind else {})
        )
        assert 400 <= answer.status_code < 500
