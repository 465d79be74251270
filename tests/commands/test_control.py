"""Commands that write while the product serves are carried out by the serving process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from ecosystem.commands.control import Arguments, ask, listen, socket_path
from ecosystem.kernel.refusals import NotFound


async def count(arguments: Arguments) -> AsyncIterator[str]:
    for number in range(arguments["to"]):
        yield f"line {number}"


async def refuse(arguments: Arguments) -> AsyncIterator[str]:
    yield "begun"
    raise NotFound(f"There is no {arguments['name']}.")


async def test_a_command_is_answered_line_by_line(tmp_path: Path) -> None:
    folder = tmp_path / ("a-long-name-" * 12)
    folder.mkdir()
    said: list[str] = []

    async with await listen(folder, {"count": count}):
        code = await ask(folder, "count", {"to": 3}, said.append)

    assert (code, said) == (0, ["line 0", "line 1", "line 2"])


async def test_a_refusal_is_said_and_ends_with_one(tmp_path: Path) -> None:
    said: list[str] = []

    async with await listen(tmp_path, {"refuse": refuse}):
        code = await ask(tmp_path, "refuse", {"name": "door"}, said.append)

    assert (code, said) == (1, ["begun", "NotFound: There is no door."])


async def test_only_the_owner_may_use_the_socket(tmp_path: Path) -> None:
    async with await listen(tmp_path, {}):
        assert socket_path(tmp_path).stat().st_mode & 0o777 == 0o600


async def test_without_a_serving_process_the_command_is_left_to_the_caller(tmp_path: Path) -> None:
    nobody = await ask(tmp_path, "count", {"to": 1}, print)
    (await listen(tmp_path, {})).close()
    await asyncio.sleep(0)
    killed = await ask(tmp_path, "count", {"to": 1}, print)

    assert (nobody, killed) == (None, None)


async def test_nonsense_on_the_socket_harms_nobody(tmp_path: Path) -> None:
    said: list[str] = []

    async with await listen(tmp_path, {"count": count}):
        reader, writer = await asyncio.open_unix_connection(str(socket_path(tmp_path)))
        writer.write(b"\xff{]\n")
        assert await reader.read() == b""
        writer.close()
        unknown = await ask(tmp_path, "no such command", {}, said.append)
        code = await ask(tmp_path, "count", {"to": 1}, said.append)

    assert (unknown, code) == (1, 0)
