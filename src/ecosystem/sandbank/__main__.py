"""Starts the bank: `python -m ecosystem.sandbank --data DIR --folder DIR ...`. It prints its address when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from ecosystem.sandbank.bank import Bank
from ecosystem.sandbank.desk import Desk
from ecosystem.sandbank.plans import Plan
from ecosystem.sandbank.sftp import Door, serving

_PASSWORD = "ECOSYSTEM_SANDBANK_PASSWORD"  # noqa: S105 - the variable's name


def main() -> int:
    asked = _arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    plan = msgspec.json.decode(asked.plan, type=Plan)
    bank = Bank.open(asked.folder, asked.data, plan)
    try:
        asyncio.run(_serve(bank, asked))
    finally:
        bank.books.close()
    return 0


async def _serve(bank: Bank, asked: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if asked.with_parent:
        threading.Thread(target=_orphaned, args=(loop, stopped), daemon=True, name="sandbank-parent").start()
    desk = Desk(bank, float(asked.clock.read_text()) if asked.clock and asked.clock.exists() else None)
    async with AsyncExitStack() as opened:
        ready: dict[str, object] = {
            "pid": os.getpid(),
            "desk": await opened.enter_async_context(desk.listening(asked.port)),
        }
        if asked.sftp_port is not None:
            door = Door(
                folder=asked.folder,
                host_key=asked.data / "host_key",
                port=asked.sftp_port,
                password=os.environ[_PASSWORD],
            )
            address = await opened.enter_async_context(serving(door))
            ready |= {"sftp_port": address.port, "fingerprint": address.fingerprint, "user": door.user}
        looking = asyncio.create_task(desk.run())
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait([looking, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in (looking, waiting):
            task.cancel()
        if looking.done() and not looking.cancelled():
            looking.result()


def _orphaned(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """The parent holds the other end of standard input; when it goes, however it goes, this end reads nothing more."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stopped.set)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ecosystem.sandbank", description="A bank to try things on.")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its own state")
    parser.add_argument("--folder", type=Path, required=True, help="the folder that its customer reaches")
    parser.add_argument("--port", type=int, default=0, help="port of its desk, on this machine alone; 0 takes any")
    parser.add_argument("--sftp-port", type=int, help=f"serve the folder by SFTP there; {_PASSWORD} lets in")
    parser.add_argument("--plan", default="{}", help="how often things go wrong, as JSON (plans.py)")
    parser.add_argument("--clock", type=Path, help="a file with the instant at which its clock stands, if it does")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
