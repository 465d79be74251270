"""What every source of randomness promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ecosystem.adapters.outside.entropy import SeededEntropy, SystemEntropy
from ecosystem.kernel import ids
from ecosystem.ports.entropy import Entropy, mint

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(params=["system", "seeded"])
def entropy(request: pytest.FixtureRequest) -> Entropy:
    return SystemEntropy() if request.param == "system" else SeededEntropy(1)


@pytest.mark.parametrize("count", [0, 1, 10, 4096])
def test_as_many_bytes_come_as_were_asked_for(entropy: Entropy, count: int) -> None:
    assert len(entropy.bytes(count)) == count


def test_no_two_answers_are_alike(entropy: Entropy) -> None:
    assert len({entropy.bytes(16) for _ in range(1000)}) == 1000


def test_every_byte_comes_up(entropy: Entropy) -> None:
    assert set(entropy.bytes(100_000)) == set(range(256))


def test_a_minted_id_is_one_of_its_kind(entropy: Entropy) -> None:
    minted = mint("bkg", NOON, entropy)

    assert ids.check("bkg", minted) == minted


def test_ids_minted_at_one_instant_differ_and_later_ones_come_after(entropy: Entropy) -> None:
    at_once = {mint("bkg", NOON, entropy) for _ in range(1000)}
    later = mint("bkg", NOON + timedelta(milliseconds=1), entropy)

    assert len(at_once) == 1000
    assert max(at_once) < later


def test_a_seed_repeats_itself_and_others_do_not() -> None:
    first, again, other = SeededEntropy(7), SeededEntropy(7), SeededEntropy(8)

    assert first.bytes(32) == again.bytes(32) != other.bytes(32)


def test_the_system_does_not_repeat_itself() -> None:
    assert SystemEntropy().bytes(32) != SystemEntropy().bytes(32)
