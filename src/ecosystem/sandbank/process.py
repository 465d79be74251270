"""The bank as a child process: started, started again when it dies, and stopped with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.sandbank.plans import Plan

log = logging.getLogger(__name__)

START_S = 20.0
STOP_S = 10.0
AGAIN_S = 0.2
AGAIN_MOST_S = 5.0


class SandbankDied(Exception):
    """The bank did not start."""


class Child(Struct, frozen=True, kw_only=True):
    """How the bank is started. `password` opens SFTP on a free port; empty serves the folder alone."""

    data: Path
    folder: Path
    plan: Plan = Plan()
    clock: Path | None = None
    password: str = ""

    def __repr__(self) -> str:
        return f"Child({self.folder})"

    @property
    def command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "ecosystem.sandbank",
            f"--data={self.data}",
            f"--folder={self.folder}",
            f"--plan={msgspec.json.encode(self.plan).decode()}",
            *([f"--clock={self.clock}"] if self.clock else []),
            *(["--sftp-port=0"] if self.password else []),
            "--with-parent",
        ]


class Ready(Struct, frozen=True, kw_only=True):
    """Where the bank listens."""

    pid: int
    desk: int
    sftp_port: int = 0
    fingerprint: str = ""
    user: str = ""


@asynccontextmanager
async def child(how: Child, *, ready: Callable[[Ready], None] | None = None) -> AsyncGenerator[Ready]:
    """A bank that runs until the end of the block.

    Should it die it is started again: what lies in its folder and its books it goes on with. `ready` is told each time
    where it listens, which changes.
    """
    process, first = await _started(how)
    if ready:
        ready(first)
    watch = asyncio.create_task(_watched(how, process, ready), name="sandbank-watch")
    try:
        yield first
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _watched(how: Child, process: asyncio.subprocess.Process, ready: Callable[[Ready], None] | None) -> None:
    patience = AGAIN_S
    try:
        while True:
            status = await process.wait()
            log.error("The sandbank ended with status %s; it is started again.", status)
            await asyncio.sleep(patience)
            patience = min(patience * 2, AGAIN_MOST_S)
            try:
                process, told = await _started(how)
            except SandbankDied:
                log.exception("The sandbank does not start.")
                continue
            patience = AGAIN_S
            if ready:
                ready(told)
    finally:
        await _stopped(process)


async def _started(how: Child) -> tuple[asyncio.subprocess.Process, Ready]:
    process = await asyncio.create_subprocess_exec(
        *how.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C at a terminal is for the parent, which ends the child when it has finished its own work.
        start_new_session=True,
        env={**os.environ, "ECOSYSTEM_SANDBANK_PASSWORD": how.password},
    )
    assert process.stdout
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        return process, msgspec.json.decode(line, type=Ready)
    except (TimeoutError, msgspec.DecodeError) as silent:
        await _stopped(process)
        raise SandbankDied("The bank did not start; its own words stand above.") from silent


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """End the child: it stops by itself when its standard input does."""
    if process.returncode is not None:
        return
    if process.stdin:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
