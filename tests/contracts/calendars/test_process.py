"""A calendar is read in a process of its own, which is ended when it takes too long, says nonsense or dies."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecosystem.adapters.outside.calendars_process import CalendarReaders
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import CalendarUnreachable, NotACalendar, Reading

WINDOW = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC))
FEED = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261201T090000Z\r\n"
    b"DTEND:20261201T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def read(readers: CalendarReaders, content: bytes = FEED) -> Reading:
    return await readers.read(content, window=WINDOW, zone="Europe/Lisbon")


def python(code: str) -> CalendarReaders:
    """Readers that run this instead."""
    return CalendarReaders((sys.executable, "-c", code), deadline_s=1.0)


async def test_the_busy_times_come_back_as_they_were_read() -> None:
    reading = await read(CalendarReaders())

    assert reading == Reading(
        busy=(Span(datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2026, 12, 1, 10, tzinfo=UTC)),), left_out=0
    )


async def test_why_it_is_no_calendar_is_told() -> None:
    readers = CalendarReaders()

    with pytest.raises(NotACalendar, match="no calendar"):
        await read(readers, b"<html>")
    with pytest.raises(NotACalendar, match="fewer"):
        await read(readers, b"BEGIN:VCALENDAR\r\n" + b"X:1\r\n" * 400_000)


async def test_one_that_takes_too_long_is_ended_and_the_next_is_read(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    slow = python(f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))\nwhile True: pass")

    asked = await asyncio.gather(*(read(slow) for _ in range(3)), return_exceptions=True)

    assert [str(each)[:29] for each in asked] == ["This calendar takes too long t"[:29]] * 3
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
    assert (await read(CalendarReaders())).busy


async def test_whoever_goes_away_takes_the_process_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    slow = python(f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))\nwhile True: pass")
    reading = asyncio.create_task(read(slow))
    while not note.exists() or not note.read_text():
        await asyncio.sleep(0.01)

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.parametrize("code", ["raise MemoryError", "print('nonsense')", "import sys; sys.stdin.close()", "1"])
async def test_one_that_dies_or_says_nonsense_is_no_calendar(code: str) -> None:
    with pytest.raises(NotACalendar):
        await read(python(code), FEED * 2_000)


async def test_when_no_process_can_be_started_the_calendar_is_to_be_read_later() -> None:
    with pytest.raises(CalendarUnreachable):
        await read(CalendarReaders(("/nowhere/python",)))


async def test_the_process_is_told_nothing_of_our_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ECOSYSTEM_SECRET", "told")
    note = tmp_path / "environment"

    with pytest.raises(NotACalendar):
        await read(python(f"import os; open({str(note)!r}, 'w').write(repr(dict(os.environ)))"))

    assert "told" not in note.read_text()


async def test_the_loop_runs_on_while_a_calendar_made_to_take_long_is_read() -> None:
    never = b"BEGIN:VEVENT\r\nDTSTART:19700101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=9;BYMONTH=2;BYMONTHDAY=30\r\nEND:VEVENT\r\n"
    reading = asyncio.create_task(
        read(CalendarReaders(), b"BEGIN:VCALENDAR\r\n" + never * 4_900 + b"END:VCALENDAR\r\n")
    )
    loop, late = asyncio.get_running_loop(), list[float]()
    while not reading.done():
        before = loop.time()
        await asyncio.sleep(0.001)
        late.append(loop.time() - before)

    assert (await reading).left_out > 4_000
    assert sorted(late)[len(late) // 2] < 0.02
