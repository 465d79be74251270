"""How the processor is called: what is repeated, what is told of it, and what never is."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from contracts.cards.benches import Bench
from contracts.cards.test_cards import order
from ecosystem.adapters.outside.stripe import API_VERSION, Account, Stripe
from ecosystem.adapters.outside.stripe.calls import clean
from ecosystem.adapters.outside.stripe.client import is_worth_repeating
from ecosystem.ports.cards import OrderRefused, ProcessorSilent
from ecosystem.sandbox import Fault, What


@pytest.mark.parametrize(
    ("status", "advice", "repeated"),
    [
        (200, None, False),
        (400, None, False),
        (402, None, False),
        (404, None, False),
        (409, None, True),
        (429, None, True),
        (500, None, True),
        (503, None, True),
        (409, "false", False),
        (500, "false", False),
        (400, "true", True),
    ],
)
def test_what_is_asked_again_follows_the_processors_own_word(
    status: int, advice: str | None, *, repeated: bool
) -> None:
    headers = {"Stripe-Should-Retry": advice} if advice else {}

    assert is_worth_repeating(status, headers) is repeated


@pytest.mark.parametrize(
    "text",
    [
        "Invalid API Key provided: sk_test_51ABCdef",
        "whsec_0123456789abcdef does not fit",
        "No such payment_intent: pi_3ABC_secret_XYZ123",
        "The number 4242 4242 4242 4242 is not a test number",
        "DE89 is 370400440532013000",
    ],
)
def test_keys_secrets_and_numbers_are_taken_out_of_what_is_told(text: str) -> None:
    told = clean(text)

    for secret in ("51ABCdef", "0123456789abcdef", "XYZ123", "4242 4242", "370400440532013000"):
        assert secret not in told


async def test_nothing_is_told_in_logs_or_refusals_but_that_there_was_trouble(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.sandbox.fail_next(Fault(what=What.REFUSE, times=3, status=500))
    with pytest.raises(ProcessorSilent) as silent:
        await bench.cards.authorize(order())
    with pytest.raises(OrderRefused) as refused:
        await bench.cards.authorize(order("pm_nobody"))
    await bench.cards.authorize(order())

    for record in caplog.records:
        said = record.getMessage() + str(record.exc_info)
        assert bench.sandbox.keys.secret_key not in said
        assert "_secret_" not in said
    for raised in (silent.value, refused.value):
        assert bench.sandbox.keys.secret_key not in repr(raised)
        assert raised.__cause__ is None or "client_secret" not in repr(raised.__cause__)


async def test_every_write_has_a_key_and_every_call_the_pinned_version() -> None:
    heard: list[tuple[str, str | None, str | None, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        headers = request.headers
        heard.append(
            (
                request.method,
                headers.get("Idempotency-Key"),
                headers.get("Stripe-Version"),
                headers.get("Stripe-Account"),
            )
        )
        return web.json_response({"error": {"type": "api_error"}}, status=429)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    there = f"http://127.0.0.1:{port}"
    stripe = await Stripe.open(
        Account(origin=there, secret_key="sk_test_x", publishable_key="pk_test_x", attempts=2, patience_s=0.001)
    )
    with pytest.raises(ProcessorSilent):
        await stripe.cards.authorize(order())
    with pytest.raises(ProcessorSilent):
        await stripe.accounts.link("acct_1", back="http://127.0.0.1/", again="http://127.0.0.1/")
    with pytest.raises(ProcessorSilent):
        await stripe.transfers.balance("acct_1")
    await stripe.close()
    await runner.cleanup()

    assert [method for method, *_ in heard] == ["POST", "POST", "POST", "POST", "GET", "GET"]
    assert heard[0][1] == heard[1][1] == "pay_1"
    assert heard[2][1] == heard[3][1]
    assert heard[2][1]
    assert {version for _, _, version, _ in heard} == {API_VERSION}
    assert [named for *_, named in heard] == [None, None, None, None, "acct_1", "acct_1"]
