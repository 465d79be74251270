"""The drills, whole: kills, power cuts, races, histories, splits. Hours of trouble in one command.

    python -m bench.drills [--only NAME ...] [--anew] [--short]

Each part is a program of its own, and may be run alone. What a part came to is kept in build/drills.json at once: a
run that was interrupted goes on with the parts that are not done. A part is done anew when the code has changed since.
build/drills.md has the figures. Ends with status 1 when a part failed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.rows import machine

ROOT = Path(__file__).parent.parent
KEPT_LINES = 40


class Part(Struct, frozen=True, kw_only=True):
    """A drill: what it shows, its program, and how much of it is whole and how much is short."""

    name: str
    shows: str
    program: str
    whole: Sequence[str] = ()
    short: Sequence[str] = ()


PARTS: Sequence[Part] = (
    Part(
        name="table-crash",
        shows="the table's process killed under load: nothing acknowledged is lost, nothing is there by half",
        program="bench.table_crash",
        whole=("--kills", "200"),
        short=("--kills", "3"),
    ),
    Part(
        name="table-power",
        shows="the power cut under load: what was not synced is dropped, reordered or torn, and nothing is lost",
        program="bench.table_power",
        whole=("--cuts", "200"),
        short=("--cuts", "5"),
    ),
    Part(
        name="ach-kills",
        shows="work around an ACH file ended at every moment: one file at the bank, each payout paid or back once",
        program="bench.ach_kills",
        whole=("--every", "1"),
        short=("--every", "20"),
    ),
    Part(
        name="checkout-crash",
        shows="a checkout that dies before and after every port call: finished or returned within fifteen minutes",
        program="bench.checkout_crash",
        short=("--every", "30"),
    ),
    Part(
        name="checkout-kill",
        shows="the same, by a process killed with SIGKILL at every point",
        program="bench.checkout_crash",
        whole=("--sigkill",),
        short=("--sigkill", "--every", "60"),
    ),
    Part(
        name="workflow-crash",
        shows="the process killed at random moments while two hundred executions run: each ends as without a kill",
        program="bench.workflow_crash",
        whole=("--kills", "100"),
        short=("--kills", "3", "--executions", "20"),
    ),
    Part(
        name="market-crash",
        shows="the market killed at random while its own machines run: holds, money and disputes end as without a kill",
        program="bench.market_crash",
        whole=("--kills", "100"),
        short=("--kills", "2", "--stories", "21"),
    ),
    Part(
        name="races",
        shows="two hundred at once for one time, over HTTP: as many get it as it has seats",
        program="bench.races",
        whole=("--rounds", "40"),
        short=("--rounds", "1"),
    ),
    Part(
        name="simulation",
        shows="seeded histories of a marketplace with crashes and lost answers, each verified",
        program="bench.simulation",
        whole=("--histories", "2000"),
        short=("--histories", "3"),
    ),
    Part(
        name="splits",
        shows="ten million prices, refunds and releases split: no unit lost",
        program="bench.splits",
        whole=("10000000",),
        short=("20000",),
    ),
    Part(
        name="canary",
        shows="card numbers typed in a real browser are in no request, log, file, backup or memory of ours",
        program="bench.canary",
        short=("--short",),
    ),
    Part(
        name="audit-tampering",
        shows="thousands of attacks on the stored bytes of an audit log of a million entries: each found, nothing else",
        program="bench.audit_tampering",
        short=("--entries", "6000", "--attacks", "200"),
    ),
    Part(
        name="ach-mutation",
        shows="ten million damaged bank files: each read, or refused by rule, and written back as it was",
        program="bench.ach_mutation",
        short=("--inputs", "30000"),
    ),
    Part(
        name="reconciliation",
        shows="ten thousand faults in the files of ledger, processor and bank found and named; a million clean rows quiet",
        program="bench.reconciliation",
        short=("--rows", "30000", "--faults", "500"),
    ),
    Part(
        name="fraud-models",
        shows="the shipped fraud model made again byte for byte; the evaluation on frauds learned and never learned",
        program="bench.fraud_models",
        short=("--short", "--days", "60"),
    ),
    Part(
        name="fraud-scoring",
        shows="a checkout's score with all its histories: 10 ms or less for 99 in 100",
        program="bench.fraud_scoring",
        short=("400",),
    ),
)


class Outcome(Struct, frozen=True, kw_only=True):
    """What a part came to. `code` is a digest of the code that it drilled."""

    name: str
    command: str
    code: str
    ended_at: datetime
    took_s: float
    status: int
    said: list[str]


class State(Struct, frozen=True, kw_only=True):
    """What is known of every part that ever ended."""

    outcomes: dict[str, Outcome] = {}


def digest(*folders: Path) -> str:
    """A digest of all code in these folders."""
    found = hashlib.blake2b(digest_size=8)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def carried_out(part: Part, code: str, *, short: bool) -> Outcome:
    """Run a part's program, show what it says, and keep the end of it."""
    command = [sys.executable, "-m", part.program, *(part.short if short else part.whole)]
    shown = f"python {' '.join(command[1:])}"
    print(f"\n== {part.name}: {part.shows}\n   {shown}", flush=True)
    began = time.monotonic()
    said: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    ) as running:
        assert running.stdout
        try:
            for line in running.stdout:
                print(f"   {line}", end="", flush=True)
                said = [*said, line.rstrip()][-KEPT_LINES:]
        except KeyboardInterrupt:
            running.terminate()
            raise
    return Outcome(
        name=part.name,
        command=shown,
        code=code,
        ended_at=datetime.now(UTC),
        took_s=time.monotonic() - began,
        status=running.returncode,
        said=said,
    )


def drill(parts: Sequence[Part], build: Path, *, anew: bool = False, short: bool = False) -> bool:
    """Run the parts that are not done with this code; whether all parts succeeded."""
    code = digest(ROOT / "src", ROOT / "bench")
    path = build / "drills.json"
    state = msgspec.json.decode(path.read_bytes(), type=State) if path.exists() else State()
    outcomes = dict(state.outcomes)
    for place, part in enumerate(parts, 1):
        earlier = outcomes.get(part.name)
        if earlier and earlier.code == code and earlier.status == 0 and not (anew or short):
            print(f"{part.name}: done on {earlier.ended_at:%Y-%m-%d %H:%M} UTC in {earlier.took_s:.0f} s")
            continue
        outcome = carried_out(part, code, short=short)
        print(f"   part {place} of {len(parts)}: {_verdict(outcome)} after {outcome.took_s:.0f} s", flush=True)
        outcomes[part.name] = outcome
        if not short:
            build.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(State(outcomes=outcomes)), indent=1))
            (build / "drills.md").write_text(written(PARTS, outcomes), encoding="utf-8")
    return all(part.name in outcomes and outcomes[part.name].status == 0 for part in parts)


def written(parts: Sequence[Part], outcomes: dict[str, Outcome]) -> str:
    """The figures of all parts as a page."""
    lines = ["# Drills", "", f"On {machine()}.", ""]
    for part in parts:
        outcome = outcomes.get(part.name)
        lines += [f"## {part.name}", "", f"{part.shows[0].upper()}{part.shows[1:]}.", ""]
        if outcome is None:
            lines += ["Not run yet.", ""]
            continue
        when = f"{outcome.ended_at:%Y-%m-%d %H:%M} UTC"
        lines += [f"`{outcome.command}`: {_verdict(outcome)} after {outcome.took_s:.0f} s, on {when}.", "", "```"]
        lines += [*outcome.said, "```", ""]
    return "\n".join(lines)


def _verdict(outcome: Outcome) -> str:
    return "passed" if outcome.status == 0 else f"FAILED with status {outcome.status}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS], help="these parts alone")
    parser.add_argument("--anew", action="store_true", help="also the parts that are done")
    parser.add_argument("--short", action="store_true", help="a little of each part, kept nowhere")
    given = parser.parse_args()
    parts = [part for part in PARTS if not given.only or part.name in given.only]
    try:
        passed = drill(parts, ROOT / "build", anew=given.anew, short=given.short)
    except KeyboardInterrupt:
        print("\nInterrupted; what is done is kept, the same command goes on.")
        sys.exit(130)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
