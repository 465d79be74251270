"""Commands that write while the product serves are carried out by the serving process, asked over its local socket.

One JSON line asks: `{"command": ..., "arguments": {...}}`. The answers are JSON lines too: `{"line": ...}` for each
thing to print, at last `{"exit": code}`. The socket lies in the data folder and only its owner may use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from ecosystem.kernel.refusals import Refusal

log = logging.getLogger(__name__)
Arguments = Mapping[str, Any]
Act = Callable[[Arguments], AsyncIterator[str]]
LINE_BYTES_MAX = 1 << 20
CONNECT_TIMEOUT_S = 2.0


def socket_path(data: Path) -> Path:
    return data / "control.sock"


@contextlib.contextmanager
def _address(data: Path) -> Generator[str]:
    """The socket's address by way of the open folder: a socket's own path may have 107 bytes only."""
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield (
            f"/proc/self/fd/{folder}/{socket_path(data).name}"
            if Path("/proc/self/fd").exists()
            else str(socket_path(data))
        )
    finally:
        os.close(folder)


async def listen(data: Path, acts: Mapping[str, Act]) -> asyncio.Server:
    """Answer commands on the data folder's socket until the server is closed."""
    path = socket_path(data)
    path.unlink(missing_ok=True)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            async for line in acts[asked["command"]](asked["arguments"]):
                await _say(writer, line=line)
            await _say(writer, exit=0)
        except Refusal as refused:
            await _say(writer, line=f"{refused.name}: {refused.message}")
            await _say(writer, exit=1)
        except (ConnectionError, ValueError, KeyError, TypeError) as broken:
            log.warning("control command not understood", extra={"reason": repr(broken)})
        finally:
            writer.close()

    with _address(data) as address:
        server = await asyncio.start_unix_server(answer, path=address, limit=LINE_BYTES_MAX)
    path.chmod(0o600)
    return server


async def ask(data: Path, command: str, arguments: Arguments, say: Callable[[str], None]) -> int | None:
    """The exit code of the command as carried out by the serving process; None when no process serves this folder."""
    path = socket_path(data)
    if not path.exists():
        return None
    try:
        with _address(data) as address:
            opening = asyncio.open_unix_connection(address, limit=LINE_BYTES_MAX)
            reader, writer = await asyncio.wait_for(opening, CONNECT_TIMEOUT_S)
    except (ConnectionError, FileNotFoundError):
        # The socket of a process that was killed: nobody listens.
        return None
    try:
        await _say(writer, command=command, arguments=arguments)
        while line := await reader.readline():
            answer = json.loads(line)
            if "exit" in answer:
                return int(answer["exit"])
            say(answer["line"])
    finally:
        writer.close()
    say("The serving process went away before the command had ended. Run it again: what was done is kept.")
    return 1


async def _say(writer: asyncio.StreamWriter, **answer: object) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()
