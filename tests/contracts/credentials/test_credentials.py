from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from pyotp.totp import TOTP

from ecosystem.adapters.outside.credentials import Argon2Cost, Argon2Passwords, TotpCodes
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.threads import TooBusy
from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.ports.credentials import OneTimeCodes, Passwords

CHEAP = Argon2Cost(memory_kib=64, passes=1)


@pytest.fixture(params=["argon2"])
async def passwords() -> Passwords:
    return await Argon2Passwords.open(SystemEntropy(), CHEAP)


@pytest.fixture(params=["pyotp"])
def codes() -> OneTimeCodes:
    return TotpCodes(SystemEntropy())


async def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hashed("Corr3ct-horse")

    assert "Corr3ct-horse" not in stored
    assert (await passwords.match("Corr3ct-horse", stored)).matched
    for other in ("corr3ct-horse", "Corr3ct-horse ", "", "Corr3ct-hors", "Corr3ct-horse\0"):
        assert not (await passwords.match(other, stored)).matched


async def test_the_same_password_never_has_the_same_hash(passwords: Passwords) -> None:
    assert await passwords.hashed("Corr3ct-horse") != await passwords.hashed("Corr3ct-horse")


async def test_an_unknown_person_never_matches(passwords: Passwords) -> None:
    assert not (await passwords.match("Corr3ct-horse", None)).matched


async def test_a_stored_value_that_is_no_hash_never_matches(passwords: Passwords) -> None:
    for stored in ("nonsense", "$argon2id$v=19$m=64,t=1,p=1$", "Corr3ct-horse"):
        assert not (await passwords.match("Corr3ct-horse", stored)).matched


async def test_letters_beyond_ascii_count_exactly(passwords: Passwords) -> None:
    stored = await passwords.hashed("Größe-1٣✓")

    assert (await passwords.match("Größe-1٣✓", stored)).matched
    with pytest.raises(Invalid):
        await passwords.hashed("broken \ud800")


async def test_a_hash_under_former_parameters_still_matches_and_says_it_is_outdated(passwords: Passwords) -> None:
    dearer = await Argon2Passwords.open(SystemEntropy(), Argon2Cost(memory_kib=128, passes=1))
    stored = await passwords.hashed("Corr3ct-horse")

    assert not (await passwords.match("Corr3ct-horse", stored)).outdated
    assert (await dearer.match("Corr3ct-horse", stored)).outdated
    assert not (await dearer.match("Corr3ct-horse", await dearer.hashed("Corr3ct-horse"))).outdated


async def test_the_parameters_are_the_recommended_ones() -> None:
    stored = await (await Argon2Passwords.open(SystemEntropy())).hashed("Corr3ct-horse")

    # OWASP Password Storage Cheat Sheet: argon2id with m=19456 (19 MiB), t=2, p=1.
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_the_loop_keeps_ticking_while_passwords_are_hashed() -> None:
    passwords = await Argon2Passwords.open(SystemEntropy(), Argon2Cost(memory_kib=65_536, passes=8), threads=1)
    work = asyncio.gather(*(passwords.hashed("Corr3ct-horse") for _ in range(3)))

    ticks = 0
    started = time.perf_counter()
    while not work.done():
        await asyncio.sleep(0.001)
        ticks += 1
    hashing_s = time.perf_counter() - started
    await work

    # Had hashing held the loop, there would be as many ticks as hashes.
    assert hashing_s > 0.05
    assert ticks > 20


async def test_who_comes_when_the_queue_is_full_is_asked_to_come_later() -> None:
    passwords = await Argon2Passwords.open(
        SystemEntropy(), Argon2Cost(memory_kib=8192, passes=2), threads=1, waiting_max=2
    )

    outcomes = await asyncio.gather(*(passwords.hashed("Corr3ct-horse") for _ in range(10)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, TooBusy)]
    assert len(refused) == 7
    assert all(isinstance(outcome, Unavailable) for outcome in refused)
    assert await passwords.hashed("Corr3ct-horse")


def test_a_code_is_the_code_of_its_step(codes: OneTimeCodes) -> None:
    secret = codes.secret()
    at = datetime(2026, 11, 20, 12, 0, 10, tzinfo=UTC)
    code = TOTP(secret).at(at)

    now = codes.step(secret, code, at)

    assert now == int(at.timestamp()) // 30
    assert codes.step(secret, f" {code[:3]} {code[3:]} ", at) == now
    assert codes.step(secret, code, at + timedelta(seconds=30)) == now
    assert codes.step(secret, code, at - timedelta(seconds=30)) == now
    assert codes.step(secret, code, at + timedelta(seconds=60)) is None
    assert codes.step(secret, code, at - timedelta(seconds=60)) is None


def test_the_reference_values_of_the_standard_hold(codes: OneTimeCodes) -> None:
    # RFC 6238, appendix B, SHA-1: the seed 12345678901234567890 and the last six of the eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert codes.step(secret, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345", "1" * 5000])
def test_what_is_no_code_is_never_right(codes: OneTimeCodes, code: str) -> None:
    assert codes.step(codes.secret(), code, datetime(2026, 11, 20, tzinfo=UTC)) is None


def test_an_app_can_read_the_secret_from_the_address_and_its_picture(codes: OneTimeCodes) -> None:
    secret = codes.secret()

    address = codes.address(secret, account="ana@example.com", issuer="Eco & System")
    picture = codes.picture(address)

    assert len(secret) == 32
    assert address.startswith("otpauth://totp/Eco%20%26%20System:ana%40example.com?")
    assert f"secret={secret}" in address
    assert picture.startswith("<svg")
    assert "<script" not in picture
