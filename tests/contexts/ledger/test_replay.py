"""Replay: recordings of another ledger are played and compared, and nonsense is named by its line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contexts.ledger.books import a_ledger
from ecosystem.contexts.ledger import NotARecording, Replayed, replay
from ecosystem.contexts.ledger.accounts import QUANTITY_MAX

# Two parts of one recording, with the answers a ledger gives: limits, a chain, two phases, balancing, closing, repeats.
RECORDING: list[dict[str, Any]] = [
    {"scenario": 1},
    {
        "accounts": [[1, 1, 10, 0], [2, 1, 10, 2], [3, 1, 10, 4], [4, 2, 10, 0], [1, 1, 11, 0], [9, 1, 1, 6]],
        "status": ["CREATED"] * 4 + ["EXISTS_WITH_DIFFERENT_CODE", "FLAGS_ARE_MUTUALLY_EXCLUSIVE"],
    },
    {"transfers": [[11, 2, 1, 5, 0, 1, 1, 0], [12, 1, 2, 50, 0, 1, 1, 0]], "status": ["EXCEEDS_CREDITS", "CREATED"]},
    {
        "transfers": [[11, 2, 1, 5, 0, 1, 1, 0], [13, 2, 1, 20, 0, 1, 1, 2], [14, 1, 4, 1, 0, 1, 1, 0]],
        "status": ["ID_ALREADY_FAILED", "CREATED", "ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER"],
    },
    {
        "transfers": [[15, 0, 0, QUANTITY_MAX, 13, 0, 0, 5], [16, 2, 1, 31, 0, 1, 1, 0]],
        "status": ["LINKED_EVENT_FAILED", "EXCEEDS_CREDITS"],
    },
    {
        "transfers": [[15, 0, 0, 15, 13, 0, 0, 4], [17, 2, 1, QUANTITY_MAX, 0, 1, 1, 16], [18, 0, 0, 0, 13, 0, 0, 8]],
        "status": ["CREATED", "CREATED", "PENDING_TRANSFER_ALREADY_POSTED"],
    },
    {
        "transfers": [[19, 1, 3, 0, 0, 1, 1, 130], [20, 1, 3, 1, 0, 1, 1, 0], [21, 0, 0, 0, 19, 0, 0, 8]],
        "status": ["CREATED", "CREDIT_ACCOUNT_ALREADY_CLOSED", "CREATED"],
    },
    {"final": [[1, 0, 50, 0, 50, 0], [2, 0, 50, 0, 50, 2], [3, 0, 0, 0, 0, 4], [4, 0, 0, 0, 0, 0]]},
    {"scenario": 2},
    {
        "transfers": [[12, 1, 2, 50, 0, 1, 1, 0], [12, 1, 2, 49, 0, 1, 1, 0]],
        "status": ["EXISTS", "EXISTS_WITH_DIFFERENT_AMOUNT"],
    },
    {"transfers": [[22, 4, 0, 1, 0, 2, 1, 1]], "status": ["LINKED_EVENT_CHAIN_OPEN"]},
]


def text(*lines: dict[str, Any]) -> list[str]:
    return [json.dumps(line) for line in lines]


async def replayed(lines: list[str]) -> Replayed:
    async with a_ledger() as ledger:
        return await replay(lines, ledger)


async def test_a_recording_agrees_in_every_answer_and_balance() -> None:
    report = await replayed(text(*RECORDING))

    assert report.agrees, report.differences
    assert (report.scenarios, report.accounts, report.transfers, report.balances) == (2, 6, 16, 4)
    assert report.results["CREATED"] == 10


async def test_bytes_and_empty_lines_are_taken_too() -> None:
    async with a_ledger() as ledger:
        lines = [line.encode() for line in text(*RECORDING)]
        assert (await replay([*lines[:3], b"\n", *lines[3:]], ledger)).agrees


async def test_an_answer_that_differs_is_shown_with_its_line() -> None:
    wrong = [dict(line) for line in RECORDING]
    wrong[2] = wrong[2] | {"status": ["CREATED", "CREATED"]}
    wrong[7] = {"final": [[1, 0, 50, 0, 51, 0]]}

    report = await replayed(text(*wrong))

    assert (report.agrees, report.differing) == (False, 2)
    shown = [(found.line, found.about, found.recorded, found.answered) for found in report.differences]
    assert shown == [
        (3, "transfer 11", "CREATED", "EXCEEDS_CREDITS"),
        (8, "account 1", "[0, 50, 0, 51, 0]", "[0, 50, 0, 50, 0]"),
    ]


async def test_a_recording_that_begins_in_the_middle_is_played_from_there() -> None:
    begins = [
        {"accounts": [[1, 1, 10, 0], [2, 1, 10, 0]], "status": ["CREATED", "CREATED"]},
        {
            "transfers": [[5, 1, 2, 7, 0, 1, 1, 0], [6, 0, 0, 7, 4, 0, 0, 4], [7, 1, 2, 1, 0, 1, 1, 0]],
            "status": ["EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID", "PENDING_TRANSFER_NOT_PENDING", "ID_ALREADY_FAILED"],
        },
        {"transfers": [[5, 1, 2, 7, 0, 1, 1, 2]], "status": ["EXISTS_WITH_DIFFERENT_FLAGS"]},
    ]

    report = await replayed(text(*begins))

    assert report.agrees, report.differences
    assert report.earlier == ["5", "4", "7"]


async def test_what_was_mentioned_before_is_not_taken_as_given() -> None:
    contradicts = [
        {"accounts": [[1, 1, 10, 0], [2, 1, 10, 0]], "status": ["CREATED", "CREATED"]},
        {"transfers": [[5, 1, 2, 7, 0, 1, 1, 0]], "status": ["CREATED"]},
        {"transfers": [[5, 1, 2, 7, 0, 1, 1, 0]], "status": ["ID_ALREADY_FAILED"]},
    ]

    report = await replayed(text(*contradicts))

    assert (report.differing, report.earlier) == (1, [])


async def test_an_empty_recording_agrees_with_nothing() -> None:
    assert not (await replayed([])).agrees


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        '{"scenario": "x"}',
        '{"unknown": 1}',
        '{"scenario": 1, "final": []}',
        '{"transfers": [[1, 2, 3, 4, 5, 6, 7]], "status": ["CREATED"]}',
        '{"transfers": [[1, 2, 3, -4, 0, 6, 7, 0]], "status": ["CREATED"]}',
        '{"transfers": [[1, 2, 3, 4.5, 0, 6, 7, 0]], "status": ["CREATED"]}',
        '{"transfers": [[1, 2, 3, 4, 0, 6, 7, 65536]], "status": ["CREATED"]}',
        '{"transfers": [[1, 2, 3, 4, 0, 6, 7, 0]]}',
        '{"transfers": [[1, 2, 3, 4, 0, 6, 7, 0]], "status": []}',
        '{"accounts": [[1, 1, 70000, 0]], "status": ["CREATED"]}',
        '{"accounts": [[1, 1, 7, 0]]}',
        '{"transfers": [[1, 2, 3, 340282366920938463463374607431768211456, 0, 6, 7, 0]], "status": ["CREATED"]}',
        '{"final": [[340282366920938463463374607431768211456, 0, 0, 0, 0, 0]]}',
        b"\xff\xfe{}",
    ],
)
async def test_nonsense_is_named_by_its_line(line: str | bytes) -> None:
    with pytest.raises(NotARecording) as refused:
        await replayed([*text(*RECORDING[:2]), line])

    assert refused.value.message.startswith("Line 3 ")
    assert refused.value.field == "line 3"
