from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.contexts.identity.common_passwords import COMMON
from ecosystem.contexts.identity.password_rules import LENGTH_MAX, WeakPassword, check_password


@pytest.mark.parametrize("password", ["Lisbon-Tram-28", "Zx9!kQ2#mm", "Größe und 1 Maß", "a1B c" * 50, "Ünïcödé-7x"])
def test_a_password_of_four_kinds_that_nobody_guesses_is_taken(password: str) -> None:
    check_password(password, address="ana@example.com", name="Ana")


@pytest.mark.parametrize(
    ("password", "missing"),
    [
        ("Ab1!xyz", "at least 8 signs"),
        ("lisbon-tram-28", "an upper-case letter"),
        ("LISBON-TRAM-28", "a lower-case letter"),
        ("Lisbon-Tram-xx", "a digit"),
        ("LisbonTram28", "a symbol"),
        ("", "at least 8 signs, an upper-case letter, a lower-case letter, a digit and a symbol"),
    ],
)
def test_what_is_missing_is_said(password: str, missing: str) -> None:
    with pytest.raises(WeakPassword, match=f"needs {missing}") as refused:
        check_password(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "Password1!", "P@ssw0rd1!", "P4$$w0rd!!", "!!Sunshine2024", "Qwerty123!", "Aa123456!", "1qaz@WSX",
        "!QAZ2wsx", "Trustno1!", "Monkey..99", "Welcome1!", "Iloveyou#1",
    ],
)  # fmt: skip
def test_a_common_password_is_refused_however_it_is_dressed(password: str) -> None:
    with pytest.raises(WeakPassword, match="people use most"):
        check_password(password)


@pytest.mark.parametrize("password", ["Ana.Silva2024!", "Silva-ana-1", "S1lva.An@", "Ecosystem1!", "M@rketplace9"])
def test_a_password_made_of_ones_own_name_or_ours_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword, match="your name"):
        check_password(password, address="ana.silva@example.com", name="Ana Silva")


def test_a_password_of_few_different_signs_is_refused() -> None:
    with pytest.raises(WeakPassword, match="5 different signs"):
        check_password("Aaaa1111!")


def test_a_password_longer_than_the_limit_is_refused_unhashed() -> None:
    with pytest.raises(WeakPassword, match=str(LENGTH_MAX)):
        check_password("aB1!" * (LENGTH_MAX // 4) + "x")


@given(
    st.sampled_from(sorted(word for word in COMMON if word.isalpha())),
    st.sampled_from(["1!", "!1", "2026!", "#99"]),
)
def test_no_common_word_becomes_good_by_a_capital_and_a_tail(word: str, tail: str) -> None:
    with pytest.raises(WeakPassword):
        check_password(word.capitalize() + tail)


@given(st.text(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_taken_or_refused(password: str, address: str, name: str) -> None:
    with suppress(WeakPassword):
        check_password(password, address=address, name=name)


def test_the_list_has_more_than_ten_thousand_passwords() -> None:
    assert len(COMMON) > 10_000
