"""The sandbox as a child process: started, watched, started again when it dies, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

log = logging.getLogger(__name__)

START_S = 15.0
STOP_S = 10.0
AGAIN_S = 0.5
AGAIN_MOST_S = 30.0


class SandboxDied(Exception):
    """The sandbox processor did not start."""


class Child(Struct, frozen=True, kw_only=True):
    """How the child is started. Its keys lie in `keys`, made when there are none; browsers are sent to `public_url`.

    `clock` is the file that says where its clock stands, if it does.
    """

    data: Path
    keys: Path
    host: str = "127.0.0.1"
    port: int
    public_url: str = ""
    webhook_url: str
    embedders: tuple[str, ...]
    events: tuple[str, ...] = ()
    profile: str = "rough"
    clock: Path | None = None

    @property
    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "ecosystem.sandbox",
            f"--data={self.data}",
            f"--keys={self.keys}",
            f"--host={self.host}",
            f"--port={self.port}",
            f"--public-url={self.public_url}",
            f"--webhook-url={self.webhook_url}",
            f"--events={','.join(self.events)}",
            *(f"--embedder={origin}" for origin in self.embedders),
            f"--profile={self.profile}",
            *([f"--clock={self.clock}"] if self.clock else []),
            "--with-parent",
        ]


class _Ready(Struct):
    origin: str
    pid: int


@asynccontextmanager
async def child(how: Child, *, ready: Callable[[str], None] | None = None) -> AsyncGenerator[str]:
    """The origin of a sandbox that runs until the end of the block.

    Should it die it is started again, on the same port when `port` is not 0; `ready` is told each origin.
    """
    process, origin = await _started(how)
    if ready:
        ready(origin)
    watch = asyncio.create_task(_watched(how, process, ready), name="sandbox-watch")
    try:
        yield origin
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _watched(how: Child, process: asyncio.subprocess.Process, ready: Callable[[str], None] | None) -> None:
    patience = AGAIN_S
    try:
        while True:
            status = await process.wait()
            log.error("The sandbox processor ended with status %s; it is started again.", status)
            await asyncio.sleep(patience)
            patience = min(patience * 2, AGAIN_MOST_S)
            try:
                process, origin = await _started(how)
            except SandboxDied:
                log.exception("The sandbox processor does not start.")
                continue
            patience = AGAIN_S
            if ready:
                ready(origin)
    finally:
        await _stopped(process)


async def _started(how: Child) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *how.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C at a terminal is for the parent, which ends the child when it has finished its own work.
        start_new_session=True,
    )
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        return process, msgspec.json.decode(line, type=_Ready).origin
    except (TimeoutError, msgspec.DecodeError) as silent:
        await _stopped(process)
        raise SandboxDied("The sandbox processor did not start; its own words stand above.") from silent


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """End the child: it stops by itself when its standard input does."""
    if process.returncode is not None:
        return
    if process.stdin:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
