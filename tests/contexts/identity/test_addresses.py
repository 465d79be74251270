from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.identity.addresses import NotAnAddress, masked, normalised


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Silva+Trams@Example.COM ", "ana.silva+trams@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@XN--BCHER-KVA.example", "ana@xn--bcher-kva.example"),
        ("o'neil_{x}@a-b.co", "o'neil_{x}@a-b.co"),
    ],
)
def test_an_address_has_one_spelling(written: str, spelling: str) -> None:
    assert normalised(written) == spelling
    assert normalised(spelling) == spelling


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "ana", "ana@", "@example.com", "ana@example", "a b@example.com", "ana@exa mple.com", "ana@-a.com",
        "ana@a-.com", "ana@example..com", ".ana@example.com", "ana.@example.com", "a..b@example.com",
        '"ana"@example.com', "ana@[127.0.0.1]", "ana@127.0.0.1", "ana@example.com\nbcc: x@example.com",
        "ana@example.com,b@example.com", "änä@example.com", "ana@exam\ud800ple.com", f"{'a' * 65}@example.com",
        f"ana@{'a' * 64}.com", f"ana@{'a.' * 130}com", "ana@example.com\0", "<ana@example.com>", "ana@example.com>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_its_field(written: str) -> None:
    with pytest.raises(NotAnAddress) as refused:
        normalised(written)
    assert refused.value.field == "email"


@given(st.text(max_size=80) | st.emails())
def test_any_text_is_an_address_of_one_spelling_or_refused(text: str) -> None:
    try:
        spelling = normalised(text)
    except NotAnAddress:
        return

    assert normalised(spelling) == spelling
    assert spelling.isascii()
    assert spelling.isprintable()
    assert not any(sign.isspace() or sign.isupper() for sign in spelling)


def test_a_masked_address_shows_its_owner_enough() -> None:
    assert masked("ana.silva@example.com") == "a···@example.com"
