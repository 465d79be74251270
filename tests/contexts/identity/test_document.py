"""`docs/identity.md` says what the code does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ecosystem.adapters.outside.tokens import LIFE_MAX as KEY_KEPT
from ecosystem.contexts.identity import Limits, first_operator, guests, passwords, registrations, sessions, sign_ins

TEXT = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()


def rows(title: str) -> list[list[str]]:
    part = TEXT.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def written(length: timedelta) -> str:
    for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if length % size == timedelta(0):
            count = length // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    raise AssertionError(length)


def test_every_limit_is_written_down_as_it_is() -> None:
    limits = [getattr(Limits(), name) for name in Limits.__struct_fields__]

    assert [(most, window) for _, _, most, window in rows("Limits")] == [
        (str(limit.attempts), written(limit.window)) for limit in limits
    ]


@pytest.mark.parametrize(
    ("what", "life"),
    [
        ("access token", sessions.ACCESS_LIFE),
        ("session unused", sessions.IDLE_MAX),
        ("session", sessions.LIFE_MAX),
        ("session of an operator", sessions.OPERATOR_LIFE_MAX),
        ("session in a person's place", sessions.ACTING_LIFE_MAX),
        ("registration with its link and code", registrations.LIFE),
        ("reset with its link and code", passwords.RESET_LIFE),
        ("wish for a code after the password", sign_ins.CHALLENGE_LIFE),
        ("guest token", guests.LIFE),
        ("first operator's link", first_operator.LIFE),
    ],
)
def test_every_life_is_written_down_as_it_is(what: str, life: timedelta) -> None:
    said = {cells[0]: cells[1] for cells in rows("Lives")}

    assert said[what].startswith(written(life))


def test_a_former_key_outlives_every_token() -> None:
    longest = max(sessions.ACCESS_LIFE, sessions.DEVICE_LIFE, guests.LIFE, sign_ins.CHALLENGE_LIFE)

    assert f"verifying for {written(KEY_KEPT)}" in " ".join(TEXT.split())
    assert longest < KEY_KEPT
    assert f"for {written(sessions.DEVICE_LIFE)}" in TEXT
    assert str(sessions.SESSIONS_MAX) in TEXT
