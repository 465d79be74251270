"""Millions of damaged files of the Automated Clearing House: each is read or refused by rule, none breaks the codec.

    python -m bench.ach_mutation [--inputs COUNT] [--seed SEED] [--workers COUNT] [--anew]

Every input is a right file of some class with one to five damages that know its structure: fields with other values,
records dropped, doubled, swapped, moved between files, cut and lengthened, other line endings, bytes changed; sometimes
with its sums made right again, so that the rules behind the sums are reached. For each is held:

- reading ends, with faults that name a known rule, a line of the file and a sentence, or without any;
- what was read is written back byte for byte, accepted or not;
- in whatever pieces the bytes come, the outcome is the same;
- what is accepted strictly is accepted with any relaxation.

The rules that were reached are counted. What was done is kept in build/ach_mutation.json: a run that was interrupted
goes on. Ends with status 1 when an input broke the codec (it is printed and kept), or a rule was never reached.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.ach_files import samples
from bench.drills import digest
from ecosystem.kernel import nacha
from ecosystem.kernel.nacha import PARTIAL_RETURNS, RULES, STRICT, Layout, Reading, Relaxations, written
from ecosystem.kernel.nacha.layouts import (
    ADV_BATCH_CONTROL,
    ADV_FILE_CONTROL,
    BATCH_CONTROL,
    FILE_CONTROL,
    LAYOUTS,
)

BUILD = Path(__file__).parent.parent / "build"
INPUTS = 10_000_000
BLOCK = 10_000
DAMAGES_MAX = 5
# Only a file of a thousand faults says so, and only an entry with ten thousand addenda has too many of any type.
HARD_TO_REACH = frozenset({"too_many_refusals"})
_BY_TYPE: Mapping[str, Sequence[Layout]] = {
    kind: [layout for layout in LAYOUTS if layout.constants.get("record_type_code") == kind] for kind in "156789"
}


class Broken(AssertionError):
    """The codec did not keep what it promises."""


class Block(Struct, frozen=True, kw_only=True):
    """What came of ten thousand inputs."""

    inputs: int
    accepted: int
    rules: dict[str, int]
    broken: list[tuple[str, str]] = []


class State(Struct, kw_only=True):
    """How far the drill is, for this code and seed."""

    code: str
    seed: int
    done: int = 0
    accepted: int = 0
    rules: dict[str, int] = {}
    broken: list[tuple[str, str]] = []
    took_s: float = 0


def damaged(chance: random.Random, files: Sequence[str]) -> bytes:
    """One input: a right file, damaged."""
    lines = chance.choice(files).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if chance.random() < 0.3:
        lines = [line for line in lines if not line.startswith("99")]
    for _ in range(chance.randint(1, DAMAGES_MAX)):
        chance.choice(_DAMAGES)(chance, lines, files)
        if not lines:
            lines.append("")
    if chance.random() < 0.3:
        _made_right(lines)
    text = chance.choice(("\n", "\n", "\n", "\r\n", "\r", "", "\n\n", " \n")).join(lines)
    content = text.encode(chance.choice(("utf-8", "latin-1")), "replace")
    if chance.random() < 0.1:
        content = _bytes_changed(chance, content)
    return content


def _field(chance: random.Random, lines: list[str], _: Sequence[str]) -> None:
    """Another value in one field."""
    at = chance.randrange(len(lines))
    line = lines[at]
    layouts = _BY_TYPE.get(line[:1], LAYOUTS)
    field = chance.choice(chance.choice(layouts).fields)
    was = line[field.first - 1 : field.last]
    lines[at] = line[: field.first - 1] + _value(chance, was, field.width) + line[field.last :]


def _value(chance: random.Random, was: str, width: int) -> str:
    kind = chance.randrange(12)
    if kind < 2 and was.strip(" ").isdigit() and was.isascii():
        return str(max(int(was) + (1 if kind else -1), 0)).rjust(width, "0")[-width:]
    if kind == 2:
        return "".join(chance.choice("0123456789") for _ in range(width))
    if kind == 3:
        return was[:-1] + chance.choice("\x00\x1a\x1c\x7f\x85\xa0é€Ωż\ufeff\u2028")
    if kind == 4:
        return chance.choice(_WORDS).ljust(width)[:width]
    return {5: " ", 6: "0", 7: "9", 8: "A", 9: "-"}.get(kind, chance.choice("0123456789 ")) * width


_WORDS = (
    *("21 22 23 24 26 27 28 32 37 41 47 52 55 81 82 200 220 225 280 02 05 10 17 18 98 99".split()),
    *("PPD CCD WEB IAT COR ADV MTE SHR POS ACK IATCOR REVERSAL AUTOENROLL OFFSET R01 R61 R71 C01 C61".split()),
)


def _record(chance: random.Random, lines: list[str], files: Sequence[str]) -> None:
    """A record dropped, doubled, swapped, moved, or of another file."""
    at = chance.randrange(len(lines))
    kind = chance.randrange(6)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        to = chance.randrange(len(lines))
        lines[at], lines[to] = lines[to], lines[at]
    elif kind == 3:
        lines.append(lines.pop(at))
    elif kind == 4:
        lines.insert(at, chance.choice(chance.choice(files).split("\n")))
    else:
        other = chance.choice(files).split("\n")
        first = chance.randrange(len(other))
        lines[at:at] = other[first : first + chance.randint(1, 8)]


def _length(chance: random.Random, lines: list[str], _: Sequence[str]) -> None:
    """A line too short or too long."""
    at = chance.randrange(len(lines))
    line = lines[at]
    kind = chance.randrange(4)
    if kind == 0:
        lines[at] = line[: chance.randrange(95)]
    elif kind == 1:
        lines[at] = line.rstrip()
    elif kind == 2:
        lines[at] = line + " " * chance.randint(1, 200)
    else:
        lines[at] = line + chance.choice(("X", "99", line[:10], line * 3))


def _type(chance: random.Random, lines: list[str], _: Sequence[str]) -> None:
    """Another type of record."""
    at = chance.randrange(len(lines))
    lines[at] = chance.choice("0123456789 AZ\x00é") + lines[at][1:]


def _known(chance: random.Random, lines: list[str], _: Sequence[str]) -> None:
    """A value that the field could have, in a field that decides much."""
    places = (
        (1, 3, "6"),
        (1, 4, "5"),
        (50, 53, "5"),
        (78, 79, "6"),
        (1, 3, "7"),
        (3, 6, "7"),
        (53, 63, "5"),
        (4, 20, "5"),
    )
    first, last, kind = chance.choice(places)
    at = [index for index, line in enumerate(lines) if line.startswith(kind)]
    if at:
        index = chance.choice(at)
        line = lines[index]
        lines[index] = line[:first] + chance.choice(_WORDS).ljust(last - first)[: last - first] + line[last:]


def _many(chance: random.Random, lines: list[str], _: Sequence[str]) -> None:
    """A record, or blank lines, many times over."""
    at = chance.randrange(len(lines))
    lines[at:at] = [chance.choice((lines[at], lines[at], "", " " * 131))] * chance.choice((2, 6, 11, 40))


_DAMAGES: Sequence[Callable[[random.Random, list[str], Sequence[str]], None]] = (
    _field,
    _field,
    _field,
    _field,
    _record,
    _length,
    _type,
    _known,
    _known,
    _many,
)


def _made_right(lines: list[str]) -> None:
    """Make the sums of the controls right, so that what is behind them is looked at."""
    entries = debit = credit = hashed = 0
    batches, whole = 0, [0, 0, 0, 0]
    is_adv = False
    for at, line in enumerate(lines):
        kind = line[:1]
        if kind == "5":
            entries = debit = credit = hashed = 0
            is_adv = line[50:53] == "ADV"
        elif kind in "67" and kind:
            entries += 1
            if kind == "6":
                hashed += _number(line[3:11])
                cents = _number(line[27:39] if is_adv else line[29:39])
                is_debit = line[2:3] in ("2468" if line[1:2] == "8" else "56789")
                debit, credit = (debit + cents, credit) if is_debit else (debit, credit + cents)
        elif kind == "8":
            batches += 1
            layout = ADV_BATCH_CONTROL if is_adv else BATCH_CONTROL
            lines[at] = _with(line, layout, (entries, hashed % 10**10, debit, credit))
            whole = [whole[0] + entries, whole[1] + hashed, whole[2] + debit, whole[3] + credit]
        elif kind == "9" and not line.startswith("99"):
            layout = ADV_FILE_CONTROL if is_adv else FILE_CONTROL
            records = sum(1 for each in lines if each and not each.startswith("99"))
            made = _with(line, layout, (whole[0], whole[1] % 10**10, whole[2], whole[3]))
            lines[at] = f"9{batches:06d}{-(-records // 10):06d}"[:13] + made[13:]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _with(line: str, layout: Layout, sums: tuple[int, int, int, int]) -> str:
    names = [name for name in layout.spans if name.startswith(("entry_", "total_"))]
    for name, value in zip(names, sums, strict=True):
        span = layout.spans[name]
        line = line[: span.start] + str(value).rjust(span.stop - span.start, "0") + line[span.stop :]
    return line


def _bytes_changed(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        kind = chance.randrange(3)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            del changed[at : at + chance.randint(1, 100)]
        else:
            changed[at:at] = chance.randbytes(chance.randint(1, 20))
    return bytes(changed)


def held(content: bytes, chance: random.Random) -> Reading:
    """Read an input and hold the codec to its promises. Raises `Broken`."""
    pieces = _pieces(chance, content)
    reading = outcome(pieces, content, STRICT)
    kind = chance.randrange(8)
    if len(pieces) > 1:
        again = outcome([content], content, STRICT)
        if again.faults != reading.faults or again.sums != reading.sums:
            raise Broken("other pieces, another outcome")
    elif kind == 0:
        relaxed = outcome([content], content, _relaxations(chance))
        if reading.is_accepted and not relaxed.is_accepted:
            raise Broken("accepted strictly, and refused with a relaxation")
    return reading


def outcome(pieces: Sequence[bytes], content: bytes, relaxations: Relaxations) -> Reading:
    """Read and write back once."""
    reading = Reading(relaxations)
    if b"".join(written(reading.items(pieces), reading)) != content:
        raise Broken("written back as something else")
    lines = content.count(b"\n") + content.count(b"\r") + len(content) // 94 + 1
    for fault in reading.faults:
        if fault.rule not in RULES or not fault.record or not fault.message or not 0 <= fault.line <= lines:
            raise Broken(f"not a fault: {fault}")
    msgspec.json.encode(reading.faults)
    return reading


def _pieces(chance: random.Random, content: bytes) -> list[bytes]:
    if chance.random() < 0.8:
        return [content]
    size = chance.choice((7, 94, 95, 500)) if len(content) < 3_000 else chance.choice((95, 4096))
    return [content[at : at + size] for at in range(0, len(content), size)]


def _relaxations(chance: random.Random) -> Relaxations:
    if chance.random() < 0.3:
        return PARTIAL_RETURNS
    names = chance.sample(Relaxations.__struct_fields__, chance.randint(1, 5))
    return Relaxations(**dict.fromkeys(names, True))


def block(seed: int, number: int, inputs: int) -> Block:
    """The inputs of one block, which are the same for the same seed and number."""
    chance = random.Random(f"{seed}:{number}")
    files = [content.decode() for content in samples().values()]
    rules: Counter[str] = Counter()
    broken: list[tuple[str, str]] = []
    accepted = 0
    for _ in range(inputs):
        content = damaged(chance, files)
        try:
            reading = held(content, chance)
        except Exception as problem:
            broken.append((f"{type(problem).__name__}: {problem}", content.hex()))
            continue
        accepted += reading.is_accepted
        rules.update({fault.rule for fault in reading.faults})
    return Block(inputs=inputs, accepted=accepted, rules=dict(rules), broken=broken)


def drill(inputs: int, seed: int, workers: int, kept: Path | None, *, anew: bool = False) -> State:
    """Carry the drill on to that many inputs."""
    state = _kept(kept, seed, anew=anew)
    began, before = time.monotonic(), state.took_s
    numbers = range(state.done // BLOCK, -(-inputs // BLOCK))
    for done in _blocks(seed, numbers, inputs, workers):
        state.done += done.inputs
        state.accepted += done.accepted
        state.rules = dict(Counter(state.rules) + Counter(done.rules))
        state.broken = [*state.broken, *done.broken][:100]
        state.took_s = before + time.monotonic() - began
        if kept is not None:
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(msgspec.json.encode(state))
            print(f"{state.done:,} inputs in {state.took_s:,.0f} s, {len(state.broken)} broken", flush=True)
    return state


def _blocks(seed: int, numbers: range, inputs: int, workers: int) -> Iterator[Block]:
    sizes = [min(BLOCK, inputs - number * BLOCK) for number in numbers]
    if workers == 1:
        for number, size in zip(numbers, sizes, strict=True):
            yield block(seed, number, size)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(block, [seed] * len(sizes), numbers, sizes)


def _kept(path: Path | None, seed: int, *, anew: bool) -> State:
    code = digest(Path(nacha.__file__).parent)
    if path is not None and path.exists() and not anew:
        state = msgspec.json.decode(path.read_bytes(), type=State)
        if (state.code, state.seed) == (code, seed) and state.done % BLOCK == 0:
            return state
    return State(code=code, seed=seed)


def never_reached(state: State) -> list[str]:
    """The rules that no input broke."""
    return sorted(RULES.keys() - state.rules.keys() - HARD_TO_REACH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--anew", action="store_true", help="forget what was done")
    given = parser.parse_args()
    state = drill(given.inputs, given.seed, given.workers, BUILD / "ach_mutation.json", anew=given.anew)
    for rule, count in sorted(state.rules.items(), key=lambda each: -each[1]):
        print(f"{count:>12,}  {rule}")
    for problem, content in state.broken[:5]:
        print(f"BROKEN {problem}\n{bytes.fromhex(content)!r}")
    missing = never_reached(state)
    print(
        f"{state.done:,} inputs, {state.accepted:,} accepted, {len(state.rules)} of {len(RULES)} rules reached"
        f"{', never: ' + ', '.join(missing) if missing else ''}; {len(state.broken)} broke the codec"
    )
    sys.exit(1 if state.broken or missing else 0)


if __name__ == "__main__":
    main()
