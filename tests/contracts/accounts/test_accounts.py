"""What every processor behind the port of payout accounts promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from contracts.accounts.benches import AGAIN, BACK, ORDER, Bench
from ecosystem.adapters.outside.stripe.accounts import country_of
from ecosystem.kernel.refusals import IdReused
from ecosystem.ports.accounts import (
    AccountClosed,
    AccountRefused,
    AccountStanding,
    CapabilityStanding,
    NotFilledIn,
    UnknownAccount,
    Urgency,
)
from ecosystem.ports.cards import ProcessorSilent
from ecosystem.sandbox import Fault, What


async def test_an_account_is_opened_once_and_says_what_is_missing(bench: Bench) -> None:
    first = await bench.accounts.open(ORDER)
    again = await bench.accounts.open(ORDER)

    assert first == again
    assert (first.provider_id, first.standing, first.country) == (ORDER.provider_id, AccountStanding.INCOMPLETE, "PT")
    assert first.reasons == (
        "Say to which bank account you are paid.",
        "Say when you were born.",
        "Say what your name is.",
        "Accept the terms of the payment processor.",
    )
    assert await bench.accounts.account(first.account_id) == first


async def test_another_order_under_the_same_id_is_refused(bench: Bench) -> None:
    await bench.accounts.open(ORDER)

    with pytest.raises(IdReused):
        await bench.accounts.open(replace(ORDER, name="Somebody Else"))


async def test_the_owner_makes_it_active_on_the_processors_pages(bench: Bench) -> None:
    opened = await bench.accounts.open(ORDER)
    link = await bench.accounts.link(opened.account_id, back=BACK, again=AGAIN)

    led = await bench.filled_in(opened.account_id)
    active = await bench.accounts.account(opened.account_id)

    assert link.expires_at > datetime.now(UTC)
    assert led == BACK
    assert (active.standing, active.reasons, active.bank_last4) == (AccountStanding.ACTIVE, (), "0154")
    assert await bench.accounts.open(ORDER) == active


async def test_what_could_not_be_verified_is_said_and_may_be_said_again(bench: Bench) -> None:
    opened = await bench.accounts.open(ORDER)
    await bench.filled_in(opened.account_id, identity="111111111")

    restricted = await bench.accounts.account(opened.account_id)
    await bench.filled_in(opened.account_id)

    assert restricted.standing is AccountStanding.RESTRICTED
    assert restricted.reasons == (
        "What you said could not be verified.",
        "Show a document that proves who you are.",
    )
    assert (await bench.accounts.account(opened.account_id)).standing is AccountStanding.ACTIVE


async def test_a_verification_that_takes_long_is_waited_for(bench: Bench) -> None:
    opened = await bench.accounts.open(ORDER)
    await bench.filled_in(opened.account_id, born="1903-01-01")

    verifying = await bench.accounts.account(opened.account_id)

    assert verifying.standing is AccountStanding.VERIFYING
    assert "verifies what you said" in verifying.reasons[0]


async def test_an_account_may_be_rejected_when_it_is_looked_into_and_later(bench: Bench) -> None:
    listed = await bench.accounts.open(ORDER)
    await bench.filled_in(listed.account_id, born="1900-01-01")
    other = await bench.accounts.open(replace(ORDER, provider_id="prv_01kag2m8xw00000000000petra"))
    await bench.filled_in(other.account_id)
    await bench.at_the_desk(f"accounts/{other.account_id}/reject", {"reason": "fraud"})

    for account_id in (listed.account_id, other.account_id):
        rejected = await bench.accounts.account(account_id)
        assert rejected.standing is AccountStanding.REJECTED
        assert "does not pay out" in rejected.reasons[0]
        with pytest.raises(AccountClosed):
            await bench.accounts.link(account_id, back=BACK, again=AGAIN)


async def test_an_account_nobody_opened_is_unknown(bench: Bench) -> None:
    for account_id in ("acct_none", "../balance", ""):
        with pytest.raises(UnknownAccount):
            await bench.accounts.account(account_id)
    with pytest.raises(UnknownAccount):
        await bench.accounts.link("acct_none", back=BACK, again=AGAIN)


async def test_a_lost_answer_is_asked_for_again_and_opens_no_second_account(bench: Bench) -> None:
    bench.sandbox.fail_next(Fault(what=What.LOSE_ANSWER, path="/v1/accounts", times=2))
    opened = await bench.accounts.open(ORDER)

    bench.sandbox.fail_next(Fault(what=What.REFUSE, path="/v1/accounts", times=9, status=500))
    with pytest.raises(ProcessorSilent):
        await bench.accounts.open(replace(ORDER, provider_id="prv_01kag2m8xw00000000000petra"))

    assert (await bench.accounts.account(opened.account_id)).account_id == opened.account_id


async def test_a_country_where_nothing_is_paid_out_to_is_refused(bench: Bench) -> None:
    with pytest.raises(AccountRefused):
        await bench.accounts.open(replace(ORDER, zone="Asia/Pyongyang"))


def test_a_zone_knows_its_country() -> None:
    assert [country_of(zone) for zone in ("Europe/Lisbon", "America/New_York", "Atlantic/Azores", "UTC", "")] == [
        "PT", "US", "PT", "", "",
    ]  # fmt: skip


async def test_an_account_says_what_it_may_do_and_what_is_wanted_of_its_owner(bench: Bench) -> None:
    opened = await bench.accounts.open(ORDER)
    await bench.filled_in(opened.account_id, identity="111111111")
    restricted = await bench.accounts.account(opened.account_id)
    await bench.filled_in(opened.account_id)
    active = await bench.accounts.account(opened.account_id)

    assert opened.capabilities["transfers"] is not CapabilityStanding.ACTIVE
    assert {need.urgency for need in opened.needs} <= {Urgency.NOW, Urgency.OVERDUE}
    assert opened.needs
    assert all(need.sentence.endswith(".") for need in opened.needs)
    [wrong] = [need for need in restricted.needs if need.trouble]
    assert (wrong.sentence, wrong.trouble[-1]) == ("Show a document that proves who you are.", ".")
    assert active.capabilities["transfers"] is CapabilityStanding.ACTIVE
    assert (active.needs, active.currency) == ((), "EUR")


async def test_every_account_that_was_opened_can_be_listed(bench: Bench) -> None:
    first = await bench.accounts.open(ORDER)
    second = await bench.accounts.open(replace(ORDER, provider_id="prv_01kag2m8xw00000000000petra"))

    listed = await bench.accounts.accounts()

    assert {each.account_id for each in listed.items} >= {first.account_id, second.account_id}
    assert listed.after is None


async def test_an_owner_who_said_who_they_are_has_pages_of_their_own_there(bench: Bench) -> None:
    opened = await bench.accounts.open(ORDER)
    with pytest.raises(NotFilledIn):
        await bench.accounts.sign_in(opened.account_id)
    await bench.filled_in(opened.account_id)

    assert (await bench.accounts.sign_in(opened.account_id)).startswith("http")
    for account_id in ("acct_none", "../balance", ""):
        with pytest.raises(UnknownAccount):
            await bench.accounts.sign_in(account_id)
