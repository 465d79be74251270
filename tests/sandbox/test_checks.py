"""What is asked of accounts' money is checked as the processor checks it, and lists are read page by page."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.sdk import World
from sandbox.test_events import transferred


@pytest.mark.parametrize(
    ("path", "form", "code", "param"),
    [
        ("/v1/transfers", {"currency": "usd", "destination": "acct_1"}, "parameter_missing", "amount"),
        ("/v1/transfers", {"amount": 1, "currency": "usd"}, "parameter_missing", "destination"),
        ("/v1/transfers", {"amount": 1, "currency": "usd", "destination": "acct_1"}, "resource_missing", "destination"),
        ("/v1/transfers", {"amount": 0, "currency": "usd", "destination": "a"}, "parameter_invalid_integer", "amount"),
        (
            "/v1/transfers",
            {"amount": "x", "currency": "usd", "destination": "a"},
            "parameter_invalid_integer",
            "amount",
        ),
        ("/v1/transfers", {"amount": 1, "currency": "xxx", "destination": "a"}, None, "currency"),
        ("/v1/transfers", {"amount": 1, "currency": "usd", "destination": "a", "to": "b"}, "parameter_unknown", "to"),
        ("/v1/payouts", {"amount": 1, "currency": "usd", "method": "soon"}, None, "method"),
        ("/v1/payouts", {"amount": 1, "currency": "usd", "destination": "ba_1"}, "resource_missing", "destination"),
        ("/v1/payouts", {"amount": 1, "currency": "usd"}, "balance_insufficient", None),
        ("/v1/setup_intents", {"payment_method_types": ["sepa_debit"]}, None, "payment_method_types"),
        ("/v1/setup_intents", {"customer": "cus_1"}, "resource_missing", "customer"),
        ("/v1/topups", {"amount": 1, "currency": "usd", "source": "btok_1"}, None, "source"),
        ("/v1/checkout/sessions", {"mode": "payment"}, "parameter_missing", "success_url"),
        ("/v1/subscriptions", {"customer": "cus_1", "items": [{"price": "p"}]}, "resource_missing", "customer"),
        ("/v1/reporting/report_runs", {"report_type": "all"}, "resource_missing", "report_type"),
        ("/v1/webhook_endpoints", {"url": "ftp", "enabled_events": ["*"]}, "url_invalid", "url"),
        (
            "/v1/payment_intents",
            {"amount": 99, "currency": "usd", "on_behalf_of": "acct_1"},
            "resource_missing",
            "on_behalf_of",
        ),
        (
            "/v1/payment_intents",
            {"amount": 99, "currency": "usd", "transfer_data": {"destination": "acct_1"}},
            "resource_missing",
            "transfer_data[destination]",
        ),
        (
            "/v1/payment_intents",
            {"amount": 99, "currency": "usd", "application_fee_amount": 9},
            None,
            "application_fee_amount",
        ),
    ],
)
async def test_an_unfit_parameter_is_refused_by_name(
    at: World, path: str, form: dict[str, Any], code: str | None, param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await at.client.raw_request_async("post", path, **form)

    error = refused.value.error
    assert (refused.value.http_status, error.type, refused.value.code) == (400, "invalid_request_error", code)
    assert refused.value.param == param
    assert error.request_log_url.endswith(refused.value.request_id)


async def test_a_page_follows_another_and_knows_whether_there_is_more(at: World) -> None:
    first = await transferred(at)
    told = {"amount": 100, "currency": "usd", "destination": first.destination}
    made = [first.id, *[(await at.v1.transfers.create_async(told)).id for _ in range(4)]][::-1]

    page = await at.v1.transfers.list_async({"limit": 2})
    rest = [one.id async for one in (await at.v1.transfers.list_async({"limit": 2})).auto_paging_iter()]
    before = await at.v1.transfers.list_async({"limit": 2, "ending_before": made[3]})

    assert ([one.id for one in page.data], page.has_more) == (made[:2], True)
    assert rest == made
    assert ([one.id for one in before.data], before.has_more) == (made[1:3], True)


async def test_what_is_named_can_be_had_along_with_it(at: World) -> None:
    transfer = await transferred(at)
    expand = ["data.balance_transaction", "data.destination"]
    [whole] = (await at.v1.transfers.list_async({"expand": expand})).data

    assert whole.balance_transaction.source == transfer.id
    assert whole.destination.id == transfer.destination
    with pytest.raises(stripe.InvalidRequestError):
        await at.v1.transfers.retrieve_async(transfer.id, {"expand": ["amount"]})


async def test_an_account_that_took_its_leave_back_is_closed_to_the_platform(at: World) -> None:
    account = await at.account()
    await at.happen("account.application.deauthorized", account.id)

    with pytest.raises(stripe.PermissionError) as refused:
        await at.v1.balance.retrieve_async(options={"stripe_account": account.id})
    assert refused.value.error.code == "account_invalid"


async def test_what_belongs_to_an_account_is_listed_on_its_behalf_only(at: World) -> None:
    transfer = await transferred(at)
    on = {"stripe_account": transfer.destination}
    theirs = await at.v1.events.list_async({"types": ["account.*", "capability.updated"]}, options=on)
    ours = await at.v1.events.list_async({"types": ["account.*", "capability.updated"]})

    assert {event.account for event in theirs.data} == {transfer.destination}
    assert ours.data == []
    assert (await at.v1.transfers.list_async(options=on)).data == []


async def test_an_entry_is_found_by_its_type_its_source_and_its_currency(at: World) -> None:
    transfer = await transferred(at)
    listed = at.v1.balance_transactions.list_async

    assert [one.source for one in (await listed({"type": "transfer"})).data] == [transfer.id]
    assert [one.type for one in (await listed({"source": transfer.id, "currency": "usd"})).data] == ["transfer"]
    assert (await listed({"currency": "eur"})).data == []
