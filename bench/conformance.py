"""Recorded material from outside, played against the product: every answer is compared.

    python -m bench.conformance DATA

DATA is a folder with one folder for each suite that knows what to do with it; a suite whose folder is not there is
named, and counts as missing. Ends with status 1 when anything differs or nothing was found.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from msgspec import Struct

from bench import ach_conformance
from ecosystem.commands.ledgers import replay
from ecosystem.commands.workflows import rehearse
from ecosystem.contexts.audit import verdict
from ecosystem.kernel.refusals import Refusal


class Suite(Struct, frozen=True, kw_only=True):
    """A kind of material: its folder, which files of it, and who plays one; 0 when all of it agrees."""

    name: str
    files: str
    play: Callable[[Path], Awaitable[int]]


async def rehearsed(folder: Path) -> int:
    """Play the cases of machines in that folder; 0 when all that are not disputed agree."""
    return rehearse([folder], only_differing=True)


async def checked(manifest: Path) -> int:
    """Hold the codec of bank files to the verdicts of that list; 0 when no verdict differs without a reason."""
    return ach_conformance.play(manifest)


async def proven(file: Path) -> int:
    """Hold the checker of RFC 6962 proofs to the verdicts that those cases expect; 0 when none differs."""
    counts = Counter[bool | None]()
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            found = verdict(line, number)
            counts[found.agrees] += 1
            if found.agrees is False:
                print(f"  {found.case}: {'accepted' if found.accepted else 'refused'}, against what it expects")
    print(f"  {counts[True]} verdicts agree, {counts[False]} differ, {counts[None]} cases expect nothing")
    return 1 if counts[False] or not counts[True] else 0


SUITES: Sequence[Suite] = (
    Suite(name="ledger", files="*.jsonl*", play=replay),
    Suite(name="asl", files="*/", play=rehearsed),
    Suite(name="ach", files="*.jsonl*", play=checked),
    Suite(name="audit", files="*.jsonl*", play=proven),
)


async def played(data: Path, suites: Sequence[Suite] = SUITES) -> bool:
    """Play everything there is; whether something was there and all of it agrees."""
    agreed, found = True, 0
    for suite in suites:
        files = sorted((data / suite.name).glob(suite.files))
        if not files:
            print(f"{suite.name}: missing, there is no {suite.files} in {data / suite.name}")
        for file in files:
            began = time.perf_counter()
            print(f"{suite.name}: {file.name}", flush=True)
            try:
                status = await suite.play(file)
            except Refusal as refused:
                print(f"{refused.name}: {refused.message}")
                status = 1
            found += 1
            agreed = agreed and status == 0
            print(f"{suite.name}: {'agrees' if status == 0 else 'DIFFERS'} in {time.perf_counter() - began:.1f} s")
    print(f"{found} files played, {'everything agrees' if agreed and found else 'not everything agrees'}")
    return agreed and found > 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder with the recorded material")
    sys.exit(0 if asyncio.run(played(parser.parse_args().data)) else 1)


if __name__ == "__main__":
    main()
