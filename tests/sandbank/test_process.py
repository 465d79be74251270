"""The bank as a child of its parent."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from ecosystem.sandbank.desk import ask
from ecosystem.sandbank.process import Child, Ready, child


async def test_a_bank_that_dies_is_started_again_and_goes_on_with_its_books(tmp_path: Path) -> None:
    told: asyncio.Queue[Ready] = asyncio.Queue()
    how = Child(data=tmp_path / "sandbank", folder=tmp_path / "folder")

    async with child(how, ready=told.put_nowait):
        first = await told.get()
        before = await ask(first.desk, act="receive", cents=700, reference="po_1", words="STRIPE")
        os.kill(first.pid, signal.SIGKILL)
        second = await asyncio.wait_for(told.get(), 20)
        after = await ask(second.desk, act="work")

    assert second.pid != first.pid
    assert after["balance"] == before["balance"]
