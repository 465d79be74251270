"""The canary: card numbers are typed in a real browser, and then looked for everywhere that is ours.

    python -m bench.canary [--short] [--out build/canary.json]

`ecosystem serve` runs as it is shipped, with its log at its most talkative, behind a proxy that writes down every byte.
A guest pays, is declined, pays with another card and passes the bank's challenge; a customer has a card kept and pays
with it. The numbers are made up for the run, and the sandbox processor is told to take them as test cards, so that they
stand in no file of ours. Then they are looked for (`canary_search.py`) in what passed, in both directions; in the log; in
every file of the data folder, the table's write-ahead log, pictures and mails among them; in a backup; and in the
process's memory. The processor's own folder is another company's and is left out.

To show that such a search finds what is there, a further number is then typed where it does not belong, into the name of
somebody who signs up. It has to be found in each place but the processor's. Status 1 when a number was found that should not
be, or the leak was not found.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct
from playwright.async_api import Browser, Page, async_playwright

from bench.canary_proxy import Recorded, recording
from bench.canary_search import Needles, Searched, in_bytes, in_file, in_folder, in_memory, together

ROOT = Path(__file__).parent.parent
START_S = 240.0
STEP_MS = 60_000
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
BOOKED = re.compile(r"/bookings/bkg_\w+/confirmed$")
PAYS, CHALLENGED, DECLINED = "4242424242424242", "4000002760003184", "4000000000009995"


class Result(Struct, frozen=True, kw_only=True):
    """What the canary came to. `leak` is the search for the number that was let out on purpose."""

    at: datetime
    numbers: int
    forms: int
    size_bytes: int
    hits: int
    places: tuple[Searched, ...]
    leak: tuple[Searched, ...]
    leak_found_everywhere: bool

    @property
    def is_good(self) -> bool:
        return self.hits == 0 and self.leak_found_everywhere


class Broken(Exception):
    """The canary could not be carried out."""


@dataclass(slots=True)
class Served:
    """A serving process behind its proxy."""

    process: asyncio.subprocess.Process
    data: Path
    log: Path
    url: str
    processor: str
    passed: Recorded
    said: list[str] = field(default_factory=list)

    def told(self, name: str) -> str:
        """A sign-in that the demo printed."""
        return next(line.split()[1] for line in self.said if line.split()[:1] == [name])


def made_up() -> str:
    """A card number that nobody has: 16 digits with a right check digit."""
    digits = [4, 8, *(secrets.randbelow(10) for _ in range(13))]
    total = sum(sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits))
    return "".join(map(str, [*digits, -total % 10]))


def free_ports(count: int) -> list[int]:
    import socket

    with contextlib.ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@asynccontextmanager
async def served(folder: Path, *, demo: bool) -> AsyncGenerator[Served]:
    """The product with its demo, or with a few services, behind a proxy at its public address."""
    public, port, processor = free_ports(3)
    log, url = folder / "log", f"http://127.0.0.1:{public}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECOSYSTEM_")}
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ecosystem", "serve", f"--data={folder / 'data'}", f"--port={port}",
            f"--processor-port={processor}", f"--url={url}", "--log=debug", "--processor-profile=calm", "--demo" if demo else "--no-demo",
            env=kept, stdout=asyncio.subprocess.PIPE, stderr=written, cwd=ROOT,
        )  # fmt: skip
        assert process.stdout
        try:
            async with recording(public, port) as passed:
                opened = Served(process, folder / "data", log, url, f"http://127.0.0.1:{processor}", passed)
                async with asyncio.timeout(START_S):
                    while not any("is open at" in line for line in opened.said):
                        line = await process.stdout.readline()
                        if not line:
                            raise Broken(f"It did not start: {opened.said[-3:]}")
                        opened.said.append(line.decode().rstrip())
                if demo:
                    async with asyncio.timeout(5):
                        while not any(line.strip().startswith("password") for line in opened.said):
                            opened.said.append((await process.stdout.readline()).decode().rstrip())
                else:
                    await carried_out("import", str(ROOT / "docs" / "examples" / "import.csv"), f"--data={opened.data}")
                yield opened
        finally:
            if process.returncode is None:
                process.terminate()
                await asyncio.wait_for(process.wait(), 60)


async def carried_out(*command: str) -> None:
    """A command of the product's. Raises `Broken` with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ecosystem", *command,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise Broken(f"{command[0]} failed: {output.decode()[-300:]}")


async def taken_as(opened: Served, numbers: dict[str, str]) -> None:
    """Have the sandbox processor take made-up numbers as test cards."""
    keys = msgspec.json.decode((opened.data / "processor" / "keys.json").read_bytes())
    headers = {"Authorization": f"Bearer {keys['secret_key']}"}
    async with aiohttp.ClientSession(headers=headers) as desk:
        for number, like in numbers.items():
            asked = {"number": number, "like": like}
            async with desk.post(f"{opened.processor}/_sandbox/cards", json=asked) as answer:
                if answer.status != 200:
                    raise Broken(f"The processor does not take a made-up number: {await answer.text()}")


class Visitor:
    """Somebody at a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(STEP_MS)

    async def choose(self, nth: int) -> None:
        """Take a time of a service that is booked at once."""
        await self.page.goto(f"/?sort=price&at={nth}")
        for link in await self.services():
            await self.page.goto(link)
            slots = self.page.locator(".slots label")
            button = self.page.get_by_role("button", name="Book and pay")
            if await slots.count() and await button.count():
                await slots.nth(min(nth, await slots.count() - 1)).click()
                await button.click()
                await self.page.wait_for_url("**/checkout/*")
                return
        raise Broken("No service can be booked.")

    async def services(self) -> list[str]:
        found = await self.page.locator("a[href^='/services/']").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))"
        )
        return list(dict.fromkeys(link.partition("?")[0] for link in found))

    async def introduce(self) -> None:
        await self.page.get_by_label("Name", exact=True).fill("Grace Hopper")
        # Another address each time: one that pays again and again would be looked at first.
        await self.page.get_by_label("E-mail").fill(f"grace-{secrets.token_hex(6)}@example.org")

    async def pay(self, number: str, *, keep: bool = False) -> None:
        """Type a card where it belongs, and send."""
        frame = self.page.frame_locator("[data-card-frame] iframe")
        await frame.get_by_label("Card number").fill(number)
        await frame.get_by_label("Expiry").fill("12/34")
        await frame.get_by_label("Security code").fill("123")
        if keep:
            await self.page.get_by_label("Keep this card for next time").check()
        await self.send()

    async def send(self) -> None:
        await self.page.locator("#pay-act button").click()

    async def booked(self) -> None:
        await self.page.wait_for_url(BOOKED)

    async def enter(self, email: str, password: str) -> None:
        await self.page.goto("/sign-in")
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(re.compile(r"/$"))


@asynccontextmanager
async def visitor(browser: Browser, opened: Served) -> AsyncGenerator[Visitor]:
    context = await browser.new_context(base_url=opened.url, viewport={"width": 1280, "height": 900})
    try:
        yield Visitor(await context.new_page())
    finally:
        await context.close()


async def lived(browser: Browser, opened: Served, numbers: Sequence[str], *, demo: bool) -> None:
    """Every way in which a card is typed; somebody signs in only where a demo has people."""
    pays, declined, challenged, kept = numbers
    async with visitor(browser, opened) as guest:
        await guest.choose(0)
        await guest.introduce()
        await guest.pay(declined)
        await guest.page.get_by_text("was declined").wait_for()
        await guest.pay(" ".join(pays[at : at + 4] for at in range(0, 16, 4)))
        await guest.booked()
        await guest.choose(1)
        await guest.introduce()
        await guest.pay(challenged)
        bank = guest.page.frame_locator("dialog[open] iframe")
        await bank.get_by_role("button", name="Complete authentication").click()
        await guest.booked()
    if not demo:
        return
    async with visitor(browser, opened) as customer:
        await customer.enter(opened.told("customer"), opened.told("password"))
        await customer.choose(2)
        await customer.pay(kept, keep=True)
        await customer.booked()
        await asyncio.sleep(3)
        await customer.choose(3)
        await customer.page.get_by_label(f"•••• {kept[-4:]}").check()
        await customer.send()
        await customer.booked()
        await customer.page.goto("/account/cards")


async def leaked(browser: Browser, opened: Served, number: str) -> None:
    """Somebody types a number where it does not belong: into their name, which is ours to keep and to write in mails."""
    async with visitor(browser, opened) as guest:
        await guest.page.goto("/sign-up")
        await guest.introduce()
        await guest.page.get_by_label("Name", exact=True).fill(f"Grace {number}")
        await guest.page.get_by_label("Password", exact=True).fill("Quiet-Harbour-93")
        await guest.page.get_by_role("button", name="Sign up").last.click()
        await guest.page.get_by_label("Code").wait_for()


async def searched(opened: Served, needles: Needles, folder: Path) -> list[Searched]:
    """Every place that is ours."""
    backup = folder / f"backup-{secrets.token_hex(4)}.sqlite"
    await carried_out("backup", str(backup), f"--data={opened.data}")
    ours = [path for path in sorted(opened.data.iterdir()) if path.name != "processor" and not path.is_socket()]
    databases = [path for path in ours if path.is_file() and ".sqlite" in path.name]
    copies = folder / f"copies-{secrets.token_hex(4)}"
    copies.mkdir()
    for path in databases:
        # SQLite would make files beside what it reads: the search opens copies, taken with their write-ahead logs.
        shutil.copy(path, copies / path.name)
    return [
        in_bytes(needles, "requests to our server", bytes(opened.passed.asked)),
        in_bytes(needles, "answers of our server", bytes(opened.passed.answered)),
        in_file(needles, "log", opened.log, "log"),
        in_folder(needles, "table, search and their write-ahead logs", copies),
        together(
            "pictures, secrets and all other files", *(_other(needles, path) for path in ours if path not in databases)
        ),
        in_folder(needles, "backup", _alone(backup, folder)),
        in_memory(needles, "memory of the serving process", opened.process.pid),
    ]


def _other(needles: Needles, path: Path) -> Searched:
    place = "pictures, secrets and all other files"
    return in_folder(needles, place, path) if path.is_dir() else in_file(needles, place, path, path.name)


def _alone(backup: Path, folder: Path) -> Path:
    place = folder / f"alone-{backup.stem}"
    place.mkdir()
    shutil.move(backup, place / "backup.sqlite")
    return place


async def canary(folder: Path, *, demo: bool = True) -> Result:
    """The whole of it, in a folder of its own. Without a demo nobody signs in, and it takes a fourth of the time."""
    pays, declined, challenged, kept, leak = (made_up() for _ in range(5))
    browser_at = next(
        found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))
    )
    async with served(folder, demo=demo) as opened, async_playwright() as playwright:
        await taken_as(opened, {pays: PAYS, declined: DECLINED, challenged: CHALLENGED, kept: PAYS})
        browser = await playwright.chromium.launch(executable_path=browser_at, args=FLAGS)
        await lived(browser, opened, (pays, declined, challenged, kept), demo=demo)
        await asyncio.sleep(3)
        needles = Needles((pays, declined, challenged, kept))
        places = await searched(opened, needles, folder)
        await leaked(browser, opened, leak)
        await asyncio.sleep(3)
        found = await searched(opened, Needles((leak,)), folder)
        await browser.close()
    meant = {
        "requests to our server",
        "table, search and their write-ahead logs",
        "backup",
        "memory of the serving process",
    }
    return Result(
        at=datetime.now(UTC),
        numbers=4,
        forms=needles.count,
        size_bytes=sum(each.size_bytes for each in places),
        hits=sum(len(each.hits) for each in places),
        places=tuple(places),
        leak=tuple(found),
        leak_found_everywhere=all(each.hits for each in found if each.place in meant),
    )


def shown(result: Result) -> str:
    lines = [f"{each.place:48} {each.size_bytes:>13,} bytes  {len(each.hits):>3} hits" for each in result.places]
    lines += [f"  FOUND {hit.form} of •••• {hit.number} in {hit.where}" for each in result.places for hit in each.hits]
    lines += ["A number let out on purpose is found in:"]
    lines += [
        f"  {each.place}: {', '.join(dict.fromkeys(hit.form for hit in each.hits))}"
        for each in result.leak
        if each.hits
    ]
    lines += [
        f"{result.numbers} numbers in {result.forms} forms, {result.size_bytes:,} bytes searched, {result.hits} hits: "
        + ("no card number is ours" if result.is_good else "NOT GOOD")
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry it out, write down what it came to; 0 when no number was found and the leak was."""
    parser = argparse.ArgumentParser(prog="bench.canary", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "canary.json")
    parser.add_argument("--short", action="store_true", help="without a demo, and so without anybody signed in")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(canary(Path(folder), demo=not asked.short))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    print(shown(result))
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
