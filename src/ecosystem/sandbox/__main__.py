"""Starts the sandbox processor: `python -m ecosystem.sandbox --data DIR ...`. It prints its address when it is ready.

Secrets never come as arguments, which everybody on the machine can read: they lie in the keys file, which is made with
new keys when there is none, or in the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
import uvloop

from ecosystem.sandbox import Keys, Sandbox, Settings
from ecosystem.sandbox.clock import StandingClock
from ecosystem.sandbox.file import DataInUse
from ecosystem.sandbox.settings import PROFILES

_ENVIRONMENT = {
    "secret_key": "ECOSYSTEM_SANDBOX_SECRET_KEY",
    "publishable_key": "ECOSYSTEM_SANDBOX_PUBLISHABLE_KEY",
    "webhook_secret": "ECOSYSTEM_SANDBOX_WEBHOOK_SECRET",
}


def main() -> int:
    asked = _arguments()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings(
        data=asked.data / "sandbox.sqlite",
        keys=_keys(asked.keys or asked.data / "keys.json"),
        host=asked.host,
        port=asked.port,
        public_url=asked.public_url.rstrip("/"),
        webhook_url=asked.webhook_url,
        webhook_events=tuple(asked.events.split(",")) if asked.events else (),
        embedders=tuple(asked.embedder),
        profile=PROFILES[asked.profile],
        seed=asked.seed,
    )
    try:
        uvloop.run(_serve(settings, StandingClock.kept(asked.clock), with_parent=asked.with_parent))
    except DataInUse as held:
        return _refused(str(held))
    except OSError as refused:
        return _refused(f"The sandbox cannot listen on {settings.host}:{settings.port}: {refused}.")
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(why + "\n")
    return 1


async def _serve(settings: Settings, clock: StandingClock, *, with_parent: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if with_parent:
        threading.Thread(target=_orphaned, args=(loop, stopped), daemon=True, name="sandbox-parent").start()
    async with Sandbox.running(settings, now=clock) as sandbox:
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        sys.stdout.write(msgspec.json.encode({"origin": sandbox.origin, "pid": os.getpid()}).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _orphaned(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """The parent holds the other end of standard input; when it goes, however it goes, this end reads nothing more."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stopped.set)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _keys(path: Path) -> Keys:
    """The keys from the environment, where all three stand there; else those of the file."""
    given = {name: os.environ.get(variable, "") for name, variable in _ENVIRONMENT.items()}
    return Keys(**given) if all(given.values()) else Keys.kept(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ecosystem.sandbox", description="A card processor to try things on.")
    parser.add_argument("--data", type=Path, required=True, help="the folder of its state")
    parser.add_argument("--keys", type=Path, help="the file of its keys (default: keys.json in the data folder)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=0, help="0 takes any that is free")
    parser.add_argument("--public-url", default="", help="the origin that browsers are sent to (default: its own)")
    parser.add_argument("--webhook-url", help="where events are delivered")
    parser.add_argument("--events", default="", help="the types delivered, with commas between (default: all)")
    parser.add_argument("--embedder", action="append", default=[], help="an origin that may frame the card element")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="rough", help="how events travel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", type=Path, help="a file with the instant at which its clock stands, if it does")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
