"""`ecosystem import FILE`: carried out by the serving process if there is one, else on the folder itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from ecosystem.app import App
from ecosystem.commands import control
from ecosystem.commands.control import Arguments
from ecosystem.commands.opening import without_processor
from ecosystem.commands.settings import Settings
from ecosystem.journeys.import_rows import Format
from ecosystem.journeys.import_runs import Progress
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Invalid, NotFound

FILE_BYTES_MAX = 64 * 2**20
ACTOR = system("import")
COMMAND = "import"


class NoSuchFile(NotFound):
    """There is no such file."""


class UnknownFormat(Invalid):
    """An import is a .csv or a .json file."""


async def run(chosen: Settings, path: Path, *, dry_run: bool, report: Path | None) -> int:
    """Load the file, and say what became of its rows; 0 when every row was fit, 3 when some were refused."""
    _format(path)
    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.", field="file")
    arguments = {
        "path": str(path.resolve()),
        "dry_run": dry_run,
        "report": str(report.resolve()) if report else "",
    }
    refused = False

    def say(line: str) -> None:
        nonlocal refused
        refused = refused or line.startswith("row ")
        print(line, flush=True)

    code = await control.ask(chosen.data, COMMAND, arguments, say)
    if code is None:
        async with without_processor(chosen) as (market, _):
            async for line in load(market, arguments):
                say(line)
        code = 0
    return 3 if refused and not code else code


async def load(market: App, arguments: Arguments) -> AsyncGenerator[str]:
    """The import as the process that holds the table carries it out: its progress, then its report, line by line."""
    path = Path(arguments["path"])
    content = await asyncio.to_thread(_content, path)
    told: asyncio.Queue[Progress | None] = asyncio.Queue()
    loading = asyncio.create_task(
        market.importing.load(content, _format(path), ACTOR, dry_run=bool(arguments["dry_run"]), told=told.put_nowait)
    )
    loading.add_done_callback(lambda _: told.put_nowait(None))
    async for line in _progress(told):
        yield line
    report = await loading
    if arguments["report"]:
        await asyncio.to_thread(Path(arguments["report"]).write_bytes, report.json())
    for line in report.lines():
        yield line


async def _progress(told: asyncio.Queue[Progress | None]) -> AsyncIterator[str]:
    """A line for each tenth of the rows."""
    tenth = 0
    while (progress := await told.get()) is not None:
        reached = 10 * progress.done // max(progress.total, 1)
        if reached > tenth and progress.total >= 1000:
            tenth = reached
            yield f"{progress.done:,} of {progress.total:,} rows"


def _content(path: Path) -> bytes:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise Invalid(f"{path.name} has more than 64 MB: import it in parts.", field="file")
    return path.read_bytes()


def _format(path: Path) -> Format:
    try:
        return Format(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise UnknownFormat(f"{path.name}: an import is a .csv or a .json file.", field="file") from None
