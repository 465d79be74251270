"""What every way to a bank promises."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from ecosystem.adapters.outside.bank_sftp import sftp_bank
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.ports.bank import Bank, BankSilent, BankUnknown, NameTaken, NotAtBank, UnfitFile
from ecosystem.sandbank.sftp import Door, serving

CONTENT = b"101 a file of payments\n" * 400
NAME = "ACH-2026-11-20-1-first-A.ach"


async def test_a_delivered_file_lies_at_the_bank_whole(bank: Bank, at_bank: Path) -> None:
    await bank.deliver(NAME, CONTENT)

    assert (at_bank / "to_bank" / NAME).read_bytes() == CONTENT
    lying = await bank.lying(NAME)
    assert lying is not None
    assert (lying.sha256, lying.size_bytes, lying.taken) == (sha256(CONTENT).hexdigest(), len(CONTENT), False)


async def test_the_same_delivery_again_changes_nothing(bank: Bank, at_bank: Path) -> None:
    await bank.deliver(NAME, CONTENT)
    await bank.deliver(NAME, CONTENT)

    assert [path.name for path in (at_bank / "to_bank").iterdir() if path.is_file()] == [NAME]


async def test_what_the_bank_has_taken_is_not_put_there_again(bank: Bank, at_bank: Path) -> None:
    await bank.deliver(NAME, CONTENT)
    (at_bank / "to_bank" / NAME).rename(at_bank / "to_bank" / "taken" / NAME)

    await bank.deliver(NAME, CONTENT)

    assert not (at_bank / "to_bank" / NAME).exists()
    lying = await bank.lying(NAME)
    assert lying is not None
    assert lying.taken


async def test_another_file_under_the_same_name_is_refused(bank: Bank, at_bank: Path) -> None:
    await bank.deliver(NAME, CONTENT)

    with pytest.raises(NameTaken):
        await bank.deliver(NAME, CONTENT + b"more")

    assert (at_bank / "to_bank" / NAME).read_bytes() == CONTENT


async def test_what_a_crash_left_half_written_is_written_anew(bank: Bank, at_bank: Path) -> None:
    (at_bank / "to_bank" / f"{NAME}.part").write_bytes(CONTENT[:100])

    assert await bank.lying(NAME) is None
    await bank.deliver(NAME, CONTENT)

    assert (at_bank / "to_bank" / NAME).read_bytes() == CONTENT


async def test_of_two_deliveries_at_once_one_file_lies_there(bank: Bank, at_bank: Path) -> None:
    await asyncio.gather(*(bank.deliver(NAME, CONTENT) for _ in range(4)))

    assert (at_bank / "to_bank" / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["", "../ACH.ach", "a/b.ach", "a b.ach", ".hidden", "x.part", "x" * 101])
async def test_no_file_has_a_name_that_leads_elsewhere(bank: Bank, name: str) -> None:
    with pytest.raises(UnfitFile):
        await bank.deliver(name, CONTENT)
    with pytest.raises(UnfitFile):
        await bank.collect(name)


async def test_an_empty_file_is_not_delivered(bank: Bank) -> None:
    with pytest.raises(UnfitFile):
        await bank.deliver(NAME, b"")


async def test_waiting_files_are_told_in_the_order_of_their_names_without_half_written_ones(
    bank: Bank, at_bank: Path
) -> None:
    for name in ("b.ach", "a.bai", "c.ach.part"):
        (at_bank / "from_bank" / name).write_bytes(b"something")

    waiting = await bank.waiting()

    assert [(each.name, each.size_bytes) for each in waiting] == [("a.bai", 9), ("b.ach", 9)]


async def test_a_collected_file_waits_no_more(bank: Bank, at_bank: Path) -> None:
    (at_bank / "from_bank" / "a.ach").write_bytes(b"returns")

    assert await bank.collect("a.ach") == b"returns"
    await bank.collected("a.ach")
    await bank.collected("a.ach")

    assert await bank.waiting() == []
    assert (at_bank / "from_bank" / "collected" / "a.ach").read_bytes() == b"returns"
    with pytest.raises(NotAtBank):
        await bank.collect("a.ach")


async def test_a_name_that_the_bank_uses_again_keeps_both_files(bank: Bank, at_bank: Path) -> None:
    for content in (b"first", b"second"):
        (at_bank / "from_bank" / "a.ach").write_bytes(content)
        await bank.collected("a.ach")

    kept = {path.read_bytes() for path in (at_bank / "from_bank" / "collected").iterdir()}
    assert kept == {b"first", b"second"}


async def test_a_server_with_another_host_key_is_told_nothing(tmp_path: Path, at_bank: Path) -> None:
    door = Door(folder=at_bank, host_key=tmp_path / "host_key", password="right")
    async with serving(door) as address:
        impostor = "SHA256:" + "A" * 43
        bank, shelf = sftp_bank(
            SftpAccount(host=address.host, port=address.port, user=door.user, password="right", fingerprint=impostor)
        )

        with pytest.raises(BankUnknown):
            await bank.deliver(NAME, CONTENT)

        await shelf.close()
    assert not (at_bank / "to_bank" / NAME).exists()


async def test_a_wrong_password_and_a_closed_door_are_silence(tmp_path: Path, at_bank: Path) -> None:
    door = Door(folder=at_bank, host_key=tmp_path / "host_key", password="right")
    async with serving(door) as address:
        account = SftpAccount(
            host=address.host, port=address.port, user=door.user, password="wrong", fingerprint=address.fingerprint
        )
        bank, shelf = sftp_bank(account)
        with pytest.raises(BankSilent):
            await bank.waiting()
        assert "wrong" not in repr(account)

    with pytest.raises(BankSilent):
        await bank.waiting()
    await shelf.close()


async def test_a_lost_connection_is_made_anew(tmp_path: Path, at_bank: Path) -> None:
    door = Door(folder=at_bank, host_key=tmp_path / "host_key", password="right")
    async with serving(door) as address:
        port = address.port
        bank, shelf = sftp_bank(
            SftpAccount(host=address.host, port=port, user=door.user, password="right", fingerprint=address.fingerprint)
        )
        await bank.deliver(NAME, CONTENT)
    with pytest.raises(BankSilent):
        await bank.waiting()

    async with serving(Door(folder=at_bank, host_key=tmp_path / "host_key", password="right", port=port)):
        lying = await bank.lying(NAME)
        await shelf.close()

    assert lying is not None
