"""The bank as a child process: started, and stopped with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from ecosystem.sandbank.plans import Plan

START_S = 20.0
STOP_S = 10.0


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
async def child(how: Child) -> AsyncGenerator[Ready]:
    """A bank that runs until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *how.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "ECOSYSTEM_SANDBANK_PASSWORD": how.password},
    )
    assert process.stdout
    assert process.stdin
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_S)
            ready = msgspec.json.decode(line, type=Ready)
        except (TimeoutError, msgspec.DecodeError) as silent:
            raise SandbankDied("The bank did not start; its own words stand above.") from silent
        yield ready
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
