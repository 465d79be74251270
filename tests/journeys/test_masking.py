"""What is masked in an execution's values, and for whom."""

from __future__ import annotations

import string
from typing import Any

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


def test_shapes_are_kept_for_whoever_reads_on() -> None:
    value = [1, 2.5, True, None, {"a": [{"b": []}]}]

    assert masked(value) == value
    assert unmasked(value) == value


def test_ids_and_times_are_no_telephone_numbers() -> None:
    for text in ("2026-11-20T12:00:00Z", "pay_01kag2m8xw0000000000000ada", "10:30-11:45", "0.0034", "1234567890"):
        assert masked(text) == text
