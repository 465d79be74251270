"""A way to a server that writes down every byte that passes, in both directions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

READ_BYTES = 1 << 16
# Answers come as they are: what is squeezed could not be searched. A header of another name is passed over.
PLAIN = (b"accept-encoding:", b"was-accept-code:")


@dataclass(slots=True)
class Recorded:
    """What passed: `asked` to the server, `answered` by it."""

    port: int
    asked: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def recording(port: int, to: int) -> AsyncGenerator[Recorded]:
    """A proxy on this port of loopback to the server on another, until the end of the block."""
    recorded = Recorded(port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", to)
        except OSError:
            writer.close()
            return
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(
                _passed(reader, back, recorded.asked, plain=True), _passed(there, writer, recorded.answered)
            )

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield recorded
    finally:
        server.close()


async def _passed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, written: bytearray, *, plain: bool = False
) -> None:
    try:
        while content := await reader.read(READ_BYTES):
            written += content
            if plain:
                content = content.replace(*PLAIN).replace(b"Accept-Encoding:", PLAIN[1])
            writer.write(content)
            await writer.drain()
    finally:
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()
