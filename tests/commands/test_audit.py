"""`ecosystem audit`: verdicts on proofs, whatever the lines hold; verification by what the operator knows of the log."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import run

import pytest

from ecosystem.__main__ import main
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.commands import audits
from ecosystem.commands.settings import settings
from ecosystem.contexts.audit import verifier_key
from ecosystem.ports.audit import AuditKind
from market import OPERATOR, market

ROOT = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="


def inclusion(case: str, **other: object) -> bytes:
    said = {"kind": "inclusion", "case": case, "leafIdx": 0, "treeSize": 1, "root": ROOT, "leafHash": ROOT}
    return json.dumps(said | {"proof": None, "wantErr": False} | other).encode() + b"\n"


def verdicts(folder: Path, printed: pytest.CaptureFixture[str], *lines: bytes) -> tuple[int, list[dict[str, object]]]:
    path = folder / "cases.jsonl"
    path.write_bytes(b"".join(lines))
    status = main(["audit", "check-proofs", str(path)])
    return status, [json.loads(line) for line in printed.readouterr().out.splitlines()]


def test_each_case_has_its_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("a"), b"\n", inclusion("b", leafIdx=1, wantErr=True))

    assert (status, said) == (0, [{"case": "a", "accepted": True}, {"case": "b", "accepted": False}])


def test_a_verdict_that_is_not_expected_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("a", wantErr=True))

    assert (status, said) == (1, [{"case": "a", "accepted": True}])


def test_half_a_character_in_a_name_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verdicts(tmp_path, capsys, inclusion("half \ud800"), inclusion("next"))

    assert status == 0
    assert [case["accepted"] for case in said] == [True, True]
    assert said[0]["case"] == "half \ud800"


def test_a_line_without_end_has_one_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = inclusion("long", proof=["A" * 5_000_000], wantErr=True)

    status, said = verdicts(tmp_path, capsys, long, inclusion("next"), b"not json")

    assert status == 0
    assert [case["accepted"] for case in said] == [False, True, False]


async def test_a_case_that_says_two_things_under_one_name_is_not_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = inclusion("twice").replace(b'"leafIdx": 0', b'"leafIdx": 5, "leafIdx": 0')
    padded = inclusion("padded", root=f"{ROOT}=", wantErr=True)
    loose = inclusion("loose", root=ROOT.replace("B0=", "B1="), wantErr=True)

    status, said = verdicts(tmp_path, capsys, twice, padded, loose)

    assert status == 0
    assert [case["accepted"] for case in said] == [False, False, False]


@dataclass(frozen=True)
class Kept:
    """A data folder at rest, and what an operator wrote down of its log: its key."""

    data: Path
    key: str

    def verify(self, *known: str) -> tuple[int, str]:
        done = run(
            [sys.executable, "-m", "ecosystem", "audit", "verify", "--data", str(self.data), *known],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def kept(quick_path: Path, clock: VirtualClock, capsys: pytest.CaptureFixture[str]) -> Kept:
    async with market(quick_path, clock) as made:
        for number in range(5):
            await made.app.acts.note(AuditKind.ACCESS, "AddressRevealed", OPERATOR, f"bkg_{number}")
        await made.app.audit.caught_up()
        await made.app.audit.seal()
    data = quick_path / "data"
    await audits.key(settings({"ECOSYSTEM_DATA": str(data)}))
    return Kept(data, capsys.readouterr().out.strip())


async def test_a_log_is_verified_by_a_key_and_a_size_that_were_written_down(kept: Kept) -> None:
    """No secret is needed, nor read."""
    (kept.data / "secrets").rename(kept.data.parent / "secrets")

    status, said = kept.verify("--key", kept.key, "--least", "5")
    alone, refused = kept.verify()

    assert status == 0, said
    assert "Everything holds." in said
    assert alone == 1
    assert "put their file back" in refused
    assert not (kept.data / "secrets" / "keys").exists()


async def test_a_log_signed_by_another_key_than_the_one_written_down_is_found(kept: Kept) -> None:
    """Whoever writes log, checkpoints and keys anew cannot write what is kept elsewhere."""
    origin, _, _ = kept.key.split("+", 2)
    status, said = kept.verify("--key", verifier_key(origin, bytes(range(32))))

    assert status == 1
    assert "FINDING checkpoint" in said
    assert "None of the keys that are trusted signed this checkpoint." in said


async def test_a_log_shorter_than_the_size_written_down_is_found(kept: Kept) -> None:
    status, said = kept.verify("--least", "6")

    assert status == 1
    assert "FINDING truncated at entry 5" in said


async def test_a_witness_that_is_not_there_is_found_and_can_be_begun_again_by_hand(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = kept.data.parent / "elsewhere.txt"
    status, said = kept.verify("--witness", str(elsewhere))
    await audits.checkpoints(settings({"ECOSYSTEM_DATA": str(kept.data)}), elsewhere)
    capsys.readouterr()
    later, fine = kept.verify("--witness", str(elsewhere))

    assert status == 1
    assert "FINDING witness" in said
    assert (later, "Everything holds." in fine) == (0, True), fine
    assert elsewhere.read_text() == (kept.data / "witness.txt").read_text()
    with pytest.raises(audits.FileThere):
        await audits.checkpoints(settings({"ECOSYSTEM_DATA": str(kept.data)}), elsewhere)
