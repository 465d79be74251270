"""What every witness promises: what it was told stays, in order, and half a note is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem.adapters.outside.witness import FileWitness
from ecosystem.ports.witness import WitnessLost

NOTES = [f"market.example/audit\n{size}\nAAAA\n\n— market.example/audit BBBB\n" for size in (3, 5, 9)]


async def test_notes_are_kept_in_order(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "far" / "witness.txt")
    assert await witness.notes() == []
    assert await witness.last() is None

    for note in NOTES:
        await witness.append(note)

    assert await witness.notes() == NOTES
    assert await witness.last() == NOTES[-1]


async def test_another_process_reads_what_was_kept(tmp_path: Path) -> None:
    await FileWitness(tmp_path / "witness.txt").append(NOTES[0])

    assert await FileWitness(tmp_path / "witness.txt").notes() == NOTES[:1]


async def test_half_a_note_at_the_end_is_handed_over_and_nothing_is_put_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "witness.txt"
    await FileWitness(path).append(NOTES[0])
    path.write_text(path.read_text() + NOTES[1][:25])

    assert await FileWitness(path).notes() == [NOTES[0], NOTES[1][:25]]
    with pytest.raises(WitnessLost, match="half a note"):
        await FileWitness(path).append(NOTES[2])


async def test_no_change_of_the_file_makes_a_note_vanish(tmp_path: Path) -> None:
    path = tmp_path / "witness.txt"
    for note in NOTES:
        await FileWitness(path).append(note)
    whole = path.read_bytes()

    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = await FileWitness(path).notes()
        assert found != NOTES
        assert sum(note not in NOTES for note in found) >= 1, at


async def test_the_last_of_many_is_found_without_reading_all(tmp_path: Path) -> None:
    witness = FileWitness(tmp_path / "witness.txt")
    for size in range(500):
        await witness.append(f"market.example/audit\n{size}\nAAAA\n\n— market.example/audit BBBB\n")

    assert (await witness.last() or "").startswith("market.example/audit\n499\n")


async def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(WitnessLost):
        await FileWitness(tmp_path / "file" / "witness.txt").append(NOTES[0])
