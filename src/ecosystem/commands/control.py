"""Commands that write while the product serves are carried out by the serving process, asked over its local socket.

One JSON line asks: `{"command": ..., "arguments": {...}}`. The answers are JSON lines too: `{"line": ...}` for each
thing to print, at last `{"exit": code}`. The socket lies in the data folder and only its owner may use it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
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

    server = await asyncio.start_unix_server(answer, path=str(path), limit=LINE_BYTES_MAX)
    path.chmod(0o600)
    return server


async def ask(data: Path, command: str, arguments: Arguments, say: Callable[[str], None]) -> int | None:
    """The exit code of the command as carried out by the serving process; None when no process serves this folder."""
    path = socket_path(data)
    if not path.exists():
        return None
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_unix_connection(str(path), limit=LINE_BYTES_MAX), CONNECT_TIMEOUT_S
        )
    except (ConnectionError, FileNotFoundError):
        # The socket of a process that was killed: nobody listens.
        return None
    writer.write(json.dumps({"command": command, "arguments": arguments}).encode() + b"\n")
    await writer.drain()
    while line := await reader.readline():
        answer = json.loads(line)
        if "exit" in answer:
            writer.close()
            return int(answer["exit"])
        say(answer["line"])
    say("The serving process went away before the command had ended. Run it again: what was done is kept.")
    return 1


async def _say(writer: asyncio.StreamWriter, **answer: object) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()
