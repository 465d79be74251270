"""What is masked in an execution's values, and for whom."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.adapters.embedded.states import chance
from ecosystem.journeys.masking import MASK, PERSONAL, SECRET, masked, unmasked

TOKEN = chance.token(b"seed", "ecosystem-dispute-resolution:bkg_1", 12)
INPUT: dict[str, Any] = {
    "booking_id": "bkg_01kag2m8xw0000000000000ada",
    "amount": {"minor": 11_000, "currency": "EUR"},
    "at": "2026-11-20T12:00:00.000000Z",
    "contact": {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+351 912 345 678"},
    "note": "Ring twice",
    "said": "Write to ada@example.org or call +351 912 345 678, booking bkg_01kag2m8xw0000000000000ada",
    "client_secret": "pi_1_secret_2",
    "nested": [{"Payload": {"taskToken": TOKEN, "anything": f"answer with {TOKEN}"}}],
    "card": "4242 4242 4242 4242",
    "service": {"name": "Portrait session", "price": 10_000},
}


def test_an_operator_sees_people_and_no_secrets() -> None:
    seen = unmasked(INPUT)

    assert seen["contact"] == INPUT["contact"]
    assert seen["said"] == INPUT["said"]
    assert seen["client_secret"] == MASK
    assert seen["nested"] == [{"Payload": {"taskToken": MASK, "anything": f"answer with {MASK}"}}]
    assert seen["card"] == MASK


def test_others_see_neither() -> None:
    seen = masked(INPUT)

    assert seen["contact"] == MASK
    assert seen["note"] == MASK
    assert seen["said"] == f"Write to {MASK} or call {MASK}, booking bkg_01kag2m8xw0000000000000ada"
    assert seen["client_secret"] == MASK


def test_what_tells_of_no_person_stays() -> None:
    seen = masked(INPUT)

    assert {name: seen[name] for name in ("booking_id", "amount", "at", "service")} == {
        name: INPUT[name] for name in ("booking_id", "amount", "at", "service")
    }


def test_nothing_stays_nothing() -> None:
    assert masked({"email": None, "note": "", "token": None}) == {"email": None, "note": "", "token": None}


@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=20), st.integers(1, 10**8))
def test_no_token_is_shown_wherever_it_stands(name: str, call_id: int) -> None:
    token = chance.token(name.encode(), f"machine:{name}", call_id)

    for view in (masked, unmasked):
        assert token.partition(".")[0] not in repr(view({"a": [f"x {token} y"], "b": {"c": token}}))


@given(
    st.sampled_from(sorted(PERSONAL | SECRET)),
    st.sampled_from([str.upper, str.title, lambda name: f"_{name}", lambda name: f"{name[:2]}-{name[2:]}"]),
    st.recursive(
        st.text(min_size=1),
        lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
        max_leaves=5,
    ),
)
def test_fields_are_known_however_their_names_are_spelled(name: str, spelled: Any, value: Any) -> None:
    assert masked({spelled(name): value}) == {spelled(name): MASK}


@pytest.mark.parametrize("view", [masked, unmasked])
@pytest.mark.parametrize(
    "value",
    [
        {"claim_token": "abc"},
        {"tokens": ["abc"], "secrets": {"a": "s"}},
        {"account_number": "12345"},
        {"iban": "PT50000201231234567890154"},
        {"said": "Send it to PT50 0002 0123 1234 5678 9015 4, please."},
        {"said": "or PT50000201231234567890154"},
        {"url": "http://host/x?a=1&token=abcdefgh&b=2"},
        {"url": "https://host/b/bkg_01kag2m8xw0000000000000ada/abcdefgh"},
    ],
)
def test_secrets_are_masked_for_everybody(view: Any, value: dict[str, Any]) -> None:
    shown = repr(view(value))

    assert MASK in shown
    assert not any(secret in shown for secret in ("abc", "'s'", "12345", "0002"))


def test_those_who_take_part_see_no_names_where_people_stand_and_no_telephone_however_it_is_written() -> None:
    value = {
        "cause": "Ada Lovelace said no",
        "error": {"Error": "Rejected", "Cause": '{"decided_by": "usr_1", "reason": "Ada did"}'},
        "customer": "Ada Lovelace",
        "said": ["call 912345678 today", "call 912 345 678", "call (21) 345 67 89", "call 0912-345-678"],
    }

    shown = repr(masked(value))

    assert "Ada" not in shown
    assert "usr_1" not in shown
    assert "345" not in shown
    assert unmasked(value) == value


def test_numbers_that_are_no_telephones_stay() -> None:
    for text in ("on 2026-11-20 10:30 to 11:45", "12500 of 100000", "DE12 years", "order 12345678", "20.11.2026"):
        assert masked(text) == text


def test_shapes_are_kept_for_whoever_reads_on() -> None:
    value = [1, 2.5, True, None, {"a": [{"b": []}]}]

    assert masked(value) == value
    assert unmasked(value) == value


def test_ids_and_times_are_no_telephone_numbers() -> None:
    for text in ("2026-11-20T12:00:00Z", "pay_01kag2m8xw0000000000000ada", "10:30-11:45", "0.0034", "1234567890"):
        assert masked(text) == text
