"""What keys at a key service add: several processes, a bounded cache, and a context that the service is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.ports.keys import Context, EnvelopeRefused, KeyName, KeyRetired
from ecosystem.ports.keys_envelope import read

if TYPE_CHECKING:
    from ecosystem.adapters.aws.keys import KmsKeys
    from ecosystem.adapters.outside.amazon import Account

pytestmark = pytest.mark.xdist_group("amazon")

BANK = KeyName.BANK_ACCOUNTS
HERE = Context("prv_1", "payout account bac_1")


@pytest.fixture
async def two(amazon: Account, clock: VirtualClock, request: pytest.FixtureRequest) -> AsyncIterator[list[KmsKeys]]:
    """Two processes with the same keys."""
    from ecosystem.adapters.aws.keys import KmsKeys

    prefix = f"tests/{request.node.name}"
    opened = [await KmsKeys.open(amazon, prefix, clock, SystemEntropy()) for _ in range(2)]
    yield opened
    for keys in opened:
        await keys.close()


async def test_what_one_process_rotated_the_other_opens_at_once_and_wraps_by_within_a_minute(
    two: list[KmsKeys], clock: VirtualClock
) -> None:
    one, other = two
    await one.rotate(BANK)
    envelope = await one.encrypt(BANK, b"plain", HERE)

    assert await other.decrypt(BANK, envelope, HERE) == b"plain"
    clock.advance(timedelta(minutes=1))
    assert read(await other.encrypt(BANK, b"plain", HERE)).version == 2


async def test_the_keys_are_made_once(two: list[KmsKeys]) -> None:
    one, other = two

    assert [len(await keys.versions(name)) for keys in (one, other) for name in KeyName] == [1] * 10
    assert await one.digest(BANK, "a", "b") == await other.digest(BANK, "a", "b")


async def test_an_unwrapped_key_is_kept_for_its_own_envelope_and_context_only(two: list[KmsKeys]) -> None:
    keys, _ = two
    envelope = await keys.encrypt(BANK, b"plain", HERE)
    await keys.decrypt(BANK, envelope, HERE)

    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(BANK, envelope, Context("prv_2", HERE.purpose))
    changed = envelope[:-1] + bytes([envelope[-1] ^ 1])
    with pytest.raises(EnvelopeRefused):
        await keys.decrypt(BANK, changed, HERE)


async def test_an_unwrapped_key_is_forgotten_after_five_minutes_and_when_its_version_is_retired(
    two: list[KmsKeys], clock: VirtualClock
) -> None:
    one, other = two
    envelope = await one.encrypt(BANK, b"plain", HERE)
    await one.decrypt(BANK, envelope, HERE)
    await other.decrypt(BANK, envelope, HERE)
    await one.rotate(BANK)

    await one.retire(BANK, 1)

    with pytest.raises(KeyRetired):
        await one.decrypt(BANK, envelope, HERE)
    clock.advance(timedelta(minutes=5))
    with pytest.raises(KeyRetired):
        await other.decrypt(BANK, envelope, HERE)


def test_the_cache_is_bounded_by_count_and_by_uses(clock: VirtualClock) -> None:
    from ecosystem.adapters.aws.keys import CACHED_MAX, CACHED_USES, Cache

    cache, at = Cache(), clock.now()
    for number in range(CACHED_MAX + 1):
        cache.keep(number.to_bytes(4), b"key", at)

    assert cache.get((0).to_bytes(4), at) is None
    assert cache.get((1).to_bytes(4), at) == b"key"
    uses = 1 + sum(cache.get((1).to_bytes(4), at) is not None for _ in range(CACHED_USES + 5))
    assert uses == CACHED_USES
