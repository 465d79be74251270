"""Refusals and faults as pages, as notices, and as problems."""

from __future__ import annotations

import httpx
import pytest

PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.mark.parametrize(
    ("name", "status"), [("denied", 303), ("missing", 404), ("conflict", 409), ("away", 503), ("fault", 500)]
)
async def test_each_kind_of_refusal_has_its_status_and_a_page_that_says_what_to_do(
    browser_less: httpx.AsyncClient, name: str, status: int
) -> None:
    page = await browser_less.get(f"/gallery/refuse/{name}")

    assert page.status_code == status
    if status != 303:
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert '<a class="btn"' in page.text
        assert "secret detail" not in page.text


async def test_somebody_signed_in_who_may_not_is_told_so(browser_less: httpx.AsyncClient) -> None:
    page = await browser_less.get("/gallery/refuse/denied", headers={"cookie": "who=ana"})

    assert page.status_code == 403


async def test_a_fragment_becomes_a_notice_in_its_place(browser_less: httpx.AsyncClient) -> None:
    fragment = await browser_less.get("/gallery/refuse/conflict", headers=PARTIAL)

    assert fragment.status_code == 409
    assert fragment.headers["hx-retarget"] == "#notices"
    assert "Somebody was faster." in fragment.text
    assert "<html" not in fragment.text


async def test_programs_get_a_problem_document(browser_less: httpx.AsyncClient) -> None:
    answer = await browser_less.get("/gallery/refuse/conflict", headers={"accept": "application/json"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "Taken",
        "title": "Something changed meanwhile",
        "status": 409,
        "detail": "Somebody was faster.",
    }


async def test_a_path_that_leads_nowhere_has_a_page(browser_less: httpx.AsyncClient) -> None:
    page = await browser_less.get("/nowhere/at/all")

    assert page.status_code == 404
    assert "Browse services" in page.text


async def test_a_method_that_is_not_meant_has_a_page(browser_less: httpx.AsyncClient) -> None:
    assert (await browser_less.get("/preferences")).status_code == 405
