"""A real `ecosystem serve` on free ports, for tests that want the whole process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

START_S = 120.0


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of ours, and then those."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ECOSYSTEM_")} | more


@dataclass(slots=True)
class Serving:
    process: asyncio.subprocess.Process
    url: str
    processor_url: str
    said: list[str] = field(default_factory=list)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; its status."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


@asynccontextmanager
async def serving(data: Path, *flags: str, settings: Mapping[str, str] | None = None) -> AsyncGenerator[Serving]:
    """The marketplace in that folder, once it says that it is open; stopped at the end of the block."""
    port, processor = free_ports()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ecosystem", "serve", f"--data={data}", f"--port={port}",
        f"--processor-port={processor}", *flags,
        env=environment(**(settings or {})),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout
    served = Serving(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{processor}")
    try:
        async with asyncio.timeout(START_S):
            while not any("is open at" in line for line in served.said):
                line = await process.stdout.readline()
                assert line, f"it ended with {await process.wait()} after saying {served.said}"
                served.said.append(line.decode().rstrip())
        yield served
    finally:
        if process.returncode is None:
            try:
                await served.stop()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise


async def said(
    data: Path, *command: str, settings: Mapping[str, str] | None = None, within_s: float = 60
) -> tuple[int, str]:
    """What a command says on both streams, and its status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ecosystem", *command, f"--data={data}",
        env=environment(**(settings or {})),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), within_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, output.decode()
