"""The sandbox as a program: it starts, keeps what it answered through a kill, and goes with its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from ecosystem.sandbox import Keys
from ecosystem.sandbox.process import Child, SandboxDied, child
from sandbox.calling import Caller, Listener


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def how(folder: Path, listener: Listener, port: int = 0) -> Child:
    return Child(
        data=folder / "sandbox",
        keys=folder / "keys.json",
        port=port,
        webhook_url=listener.url,
        embedders=("http://127.0.0.1:8000",),
        events=("payment_intent.succeeded",),
        profile="calm",
    )


async def test_it_starts_tells_its_address_and_goes_when_the_block_ends(
    tmp_path: Path, listener: Listener, http: aiohttp.ClientSession
) -> None:
    async with child(how(tmp_path, listener)) as origin:
        keys = Keys.kept(tmp_path / "keys.json")
        api = Caller(origin, http, keys.secret_key)
        assert (await api.pay())["status"] == "succeeded"
        assert (await api("POST", "/_sandbox/settled"))["delivered"] == 1

    with pytest.raises(aiohttp.ClientError):
        await api.pay()
    assert listener.types == ["payment_intent.succeeded"]
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


async def test_a_kill_loses_nothing_that_was_answered_and_it_is_started_again(
    tmp_path: Path, listener: Listener, http: aiohttp.ClientSession
) -> None:
    origins: asyncio.Queue[str] = asyncio.Queue()
    async with child(how(tmp_path, listener), ready=origins.put_nowait) as origin:
        await origins.get()
        api = Caller(origin, http, Keys.kept(tmp_path / "keys.json").secret_key)
        answered: dict[str, str] = {}

        async def pay(number: int) -> None:
            answered[f"k{number}"] = (await api.pay(key=f"k{number}"))["id"]

        paying = [asyncio.create_task(pay(number)) for number in range(60)]
        while len(answered) < 20:
            await asyncio.sleep(0)
        os.kill(_pid(tmp_path), signal.SIGKILL)
        await asyncio.gather(*paying, return_exceptions=True)
        assert len(answered) >= 20

        api.origin = await asyncio.wait_for(origins.get(), 10)
        for number in range(60):
            again = await api.pay(key=f"k{number}")
            assert answered.get(f"k{number}", again["id"]) == again["id"]
        effects = msgspec.convert(await _effects(api), list[dict[str, object]])
        assert len(effects) == 120
        await api("POST", "/_sandbox/settled")
    paid = {event["data"]["object"]["id"] for event in listener.heard}
    assert len(paid) == 60


def _pid(folder: Path) -> int:
    """The process that works on the folder's file, as its command line says."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "ecosystem.sandbox" in command and f"--data={folder / 'sandbox'}" in command:
                return int(entry.name)
    raise AssertionError("the sandbox does not run")


async def _effects(api: Caller) -> list[object]:
    headers = {"Authorization": f"Bearer {api.secret}"}
    async with api.session.get(f"{api.origin}/_sandbox/effects", headers=headers) as answer:
        return await answer.json()


def test_it_goes_when_its_parent_goes_and_its_keys_are_not_in_its_arguments(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ecosystem.sandbox", f"--data={tmp_path}", "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        assert b'"origin":"http://127.0.0.1:' in process.stdout.readline()
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert Keys.kept(tmp_path / "keys.json").secret_key.encode() not in arguments

        second = subprocess.run(command, capture_output=True, timeout=20, input=b"", check=False)
        assert second.returncode == 1
        assert b"Another sandbox works on" in second.stderr

        process.stdin.close()
        assert process.wait(timeout=10) == 0


async def test_what_cannot_start_is_said(tmp_path: Path, listener: Listener) -> None:
    with pytest.raises(SandboxDied):
        async with child(how(tmp_path, listener, port=70000)):
            pass
