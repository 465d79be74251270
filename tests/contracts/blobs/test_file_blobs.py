"""What files need beyond the promises of the port: crashes, permissions, and the application's own upload address."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ecosystem.adapters.embedded.blobs import FileBlobs
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.blobs import UploadRefused

PHOTO = "users/usr_1/uploads/photo.jpg"


async def opened(folder: Path, clock: VirtualClock, entropy: SeededEntropy) -> FileBlobs:
    return await FileBlobs.open(folder, address="/uploads", secret=b"k" * 32, clock=clock, entropy=entropy)


async def test_what_a_crash_left_half_written_is_removed_on_opening(
    tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy
) -> None:
    blobs = await opened(tmp_path, clock, entropy)
    await blobs.put(PHOTO, b"whole")
    leftover = tmp_path / "users/usr_1/uploads/.unfinished-0011"
    leftover.write_bytes(b"ha")

    again = await opened(tmp_path, clock, entropy)

    assert not leftover.exists()
    assert await again.get(PHOTO) == b"whole"


async def test_folders_are_closed_to_other_users_of_the_machine(
    tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy
) -> None:
    blobs = await opened(tmp_path / "blobs", clock, entropy)

    await blobs.put(PHOTO, b"x")

    for folder in ("", "users", "users/usr_1", "users/usr_1/uploads"):
        assert stat.S_IMODE((tmp_path / "blobs" / folder).stat().st_mode) == 0o700


async def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy
) -> None:
    blobs = await opened(tmp_path, clock, entropy)
    await blobs.put(PHOTO, b"former")
    folder = tmp_path / "system" / "reports"
    folder.parent.mkdir()
    folder.write_bytes(b"a file where a folder should be")

    with pytest.raises(Unavailable):
        await blobs.put("system/reports/a.json", b"{}")

    assert await blobs.get(PHOTO) == b"former"
    assert [path.name for path in tmp_path.rglob(".*")] == []


async def test_an_offer_ends(tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy) -> None:
    blobs = await opened(tmp_path, clock, entropy)
    upload = await blobs.offer(PHOTO, size_bytes=1, life=timedelta(minutes=1))
    query = parse_qs(urlsplit(upload.url).query)

    clock.advance(timedelta(seconds=61))

    with pytest.raises(UploadRefused):
        await blobs.receive(PHOTO, b"x", until=int(query["until"][0]), signature=query["signature"][0])


async def test_an_offer_cannot_be_lengthened(tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy) -> None:
    blobs = await opened(tmp_path, clock, entropy)
    upload = await blobs.offer(PHOTO, size_bytes=1, life=timedelta(minutes=1))
    query = parse_qs(urlsplit(upload.url).query)

    with pytest.raises(UploadRefused):
        await blobs.receive(PHOTO, b"x", until=int(query["until"][0]) + 1, signature=query["signature"][0])
