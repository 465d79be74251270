"""The bank's desk: what no real bank offers, for tests, drills, and whoever lives a history faster than it happens.

One JSON line asks, one answers. It listens on this machine alone.

| asks | what |
| --- | --- |
| `{"act": "clock", "at": SECONDS}` | stands at that instant, null goes with the machine; answers when all due is done |
| `{"act": "work"}` | does what is due now |
| `{"act": "plan", "plan": {...}}` | how often things go wrong from now on (`plans.py`) |
| `{"act": "receive", "cents": ..., "reference": ..., "words": ...}` | money arrives from elsewhere |
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from ecosystem.sandbank.bank import Bank
from ecosystem.sandbank.plans import Plan

LOOK_S = 1.0
LINE_BYTES_MAX = 1 << 20


@dataclass(slots=True)
class Desk:
    bank: Bank
    at: float | None = None

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() if self.at is None else self.at, UTC)

    async def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        done = 0
        match asked["act"]:
            case "clock":
                self.at = asked["at"]
                done = self.bank.work(self.now())
            case "work":
                done = self.bank.work(self.now())
            case "plan":
                self.bank.plan = msgspec.convert(asked["plan"], Plan)
            case "receive":
                self.bank.receive(self.now(), asked["cents"], asked["reference"], asked["words"])
            case other:
                return {"refused": f"There is no act {other!r}."}
        next_at = self.bank.next_at()
        return {
            "done": done,
            "at": self.now().timestamp(),
            "next_at": next_at.timestamp() if next_at else None,
            "balance": self.bank.books.balance,
        }

    async def run(self) -> None:
        """Look at the folder and the clock, while the clock goes with the machine."""
        while True:
            if self.at is None:
                self.bank.work(self.now())
            await asyncio.sleep(LOOK_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    answer = await self.answer(json.loads(line))
                except (ValueError, KeyError, TypeError, msgspec.ValidationError) as wrong:
                    answer = {"refused": repr(wrong)}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncGenerator[int]:
        """The desk, open on loopback until the end of the block; the port it took."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LINE_BYTES_MAX)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()


async def ask(port: int, **asked: object) -> dict[str, Any]:
    """Ask the desk of a bank on this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LINE_BYTES_MAX)
    try:
        writer.write(json.dumps(asked).encode() + b"\n")
        await writer.drain()
        return json.loads(await reader.readline())
    finally:
        writer.close()
        await writer.wait_closed()
