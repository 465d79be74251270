"""Connected accounts: opened by the platform, filled in by their owners on the processor's pages, verified or not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from ecosystem.sandbox import ROUGH, Sandbox, Settings
from sandbox.calling import Caller, Listener, Said
from sandbox.shapes import differences

BACK, AGAIN = "http://127.0.0.1:8000/provider/payouts?back=1", "http://127.0.0.1:8000/provider/payouts/continue"
IBAN = "DE89 3704 0044 0532 0130 00"
TOLD = {"first_name": "Paula", "last_name": "Sousa", "born": "1901-01-01", "number": IBAN, "terms": "1"}


async def opened(api: Caller, key: str | None = None, **form: str) -> Said:
    wanted = {
        "type": "express",
        "country": "PT",
        "email": "paula@example.org",
        "capabilities[transfers][requested]": "true",
        "metadata[provider_id]": "prv_1",
        **form,
    }
    return await api("POST", "/v1/accounts", wanted, key=key)


async def link(api: Caller, account_id: str) -> Said:
    form = {"account": account_id, "type": "account_onboarding", "return_url": BACK, "refresh_url": AGAIN}
    return await api("POST", "/v1/account_links", form)


async def look(api: Caller, url: str, form: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    method = "POST" if form else "GET"
    async with api.session.request(method, url, data=form, allow_redirects=False) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def filled(api: Caller, account_id: str, **told: str) -> tuple[int, str, dict[str, str]]:
    return await look(api, (await link(api, account_id))["url"], {**TOLD, **told})


async def account(api: Caller, account_id: str) -> dict[str, Any]:
    return (await api("GET", f"/v1/accounts/{account_id}")).body


async def test_an_account_is_complete_and_lacks_everything_at_first(api: Caller) -> None:
    made = await opened(api)

    assert differences("account", made.body) == []
    assert made["metadata"] == {"provider_id": "prv_1"}
    assert (made["country"], made["default_currency"], made["payouts_enabled"]) == ("PT", "eur", False)
    assert made["capabilities"] == {"transfers": "inactive"}
    assert "external_account" in made["requirements"]["currently_due"]
    assert made["requirements"]["disabled_reason"] == "requirements.past_due"
    assert differences("account_link", (await link(api, made["id"])).body) == []


async def test_the_same_request_opens_one_account_and_another_under_its_key_is_refused(api: Caller) -> None:
    first, again = await opened(api, key="prv_1:account"), await opened(api, key="prv_1:account")
    other = await opened(api, key="prv_1:account", email="other@example.org")

    assert first["id"] == again["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    assert len((await api("GET", "/v1/accounts"))["data"]) == 1


async def test_what_the_owner_fills_in_makes_it_active_and_is_told(
    sandbox: Sandbox, api: Caller, listener: Listener
) -> None:
    sandbox.deliver_to(listener.url)
    made = await opened(api)

    status, _, headers = await filled(api, made["id"])
    await sandbox.settled()
    after = await account(api, made["id"])

    assert (status, headers["Location"]) == (303, BACK)
    assert (after["payouts_enabled"], after["details_submitted"]) == (True, True)
    assert after["capabilities"] == {"transfers": "active"}
    assert after["requirements"]["currently_due"] == []
    assert differences("account", after) == []
    assert differences("bank_account", after["external_accounts"]["data"][0]) == []
    assert after["external_accounts"]["data"][0]["last4"] == "3000"
    assert Counter(listener.types) == {
        "account.external_account.created": 1,
        "account.updated": 2,
        "capability.updated": 2,
        "person.created": 1,
        "person.updated": 1,
    }
    updates = [event for event in listener.heard if event["type"] == "account.updated"]
    assert {event["account"] for event in listener.heard} == {made["id"]}
    assert updates[0]["data"]["object"]["requirements"]["pending_verification"]
    for event in listener.heard:
        assert differences("event", event) == []


async def test_no_number_of_a_bank_account_is_kept(sandbox: Sandbox, api: Caller, settings: Settings) -> None:
    made = await opened(api)
    await filled(api, made["id"])
    await sandbox.settled()

    kept = b"".join(path.read_bytes() for path in settings.data.parent.glob("sandbox.sqlite*"))

    assert b"Sousa" in kept
    assert IBAN.replace(" ", "").encode() not in kept
    assert IBAN.encode() not in kept


@pytest.mark.parametrize(
    ("told", "enabled", "reason"),
    [
        ({"born": "1902-01-01"}, True, None),
        ({"born": "1984-05-06"}, True, None),
        ({"born": "1903-01-01"}, False, "requirements.pending_verification"),
        ({"born": "1900-01-01"}, False, "rejected.listed"),
        ({"identity": "111-11-1111"}, False, "requirements.past_due"),
    ],
)
async def test_test_values_lead_to_each_end(
    sandbox: Sandbox, api: Caller, told: dict[str, str], reason: str | None, *, enabled: bool
) -> None:
    made = await opened(api)

    await filled(api, made["id"], **told)
    await sandbox.settled()
    after = await account(api, made["id"])

    assert (after["payouts_enabled"], after["requirements"]["disabled_reason"]) == (enabled, reason)
    assert differences("account", after) == []


async def test_one_that_could_not_be_verified_may_say_it_again(sandbox: Sandbox, api: Caller) -> None:
    made = await opened(api)
    await filled(api, made["id"], identity="111111111")
    await sandbox.settled()
    failed = (await account(api, made["id"]))["requirements"]

    url = (await link(api, made["id"]))["url"]
    _, page, _ = await look(api, url)
    await look(api, url, TOLD)
    await sandbox.settled()

    assert failed["currently_due"] == ["individual.verification.document"]
    assert failed["errors"][0]["code"] == "verification_failed_keyed_identity"
    assert "We could not verify" in page
    assert (await account(api, made["id"]))["payouts_enabled"]


async def test_a_verification_takes_its_time(settings: Settings, api: Caller, sandbox: Sandbox) -> None:
    sandbox.travel(replace(ROUGH, afterwards_s=60))
    made = await opened(api)

    await filled(api, made["id"])
    pending = await account(api, made["id"])

    assert pending["requirements"]["disabled_reason"] == "requirements.pending_verification"
    assert pending["capabilities"] == {"transfers": "pending"}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"number": "DE89 3704 0044 0532 0130 01"}, "slip in it"),
        ({"number": "4242"}, "Enter an IBAN"),
        ({"born": "2020-01-01"}, "18 or older"),
        ({"born": "yesterday"}, "Enter a date"),
        ({"first_name": ""}, "This is needed."),
        ({"terms": ""}, "nothing can be paid out"),
    ],
)
async def test_what_needs_another_look_is_said_beside_its_field(
    api: Caller, told: dict[str, str], sentence: str
) -> None:
    made = await opened(api)

    status, page, headers = await filled(api, made["id"], **{"last_name": "<b>Sousa", **told})

    assert status == 422
    assert sentence in page
    assert 'value="&lt;b&gt;Sousa"' in page
    assert told.get("number", IBAN) not in page.replace("DE89 3704 0044 0532 0130 00", "")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not (await account(api, made["id"]))["details_submitted"]


async def test_an_american_account_has_a_routing_number(api: Caller, sandbox: Sandbox) -> None:
    made = await opened(api, country="US")

    wrong, page, _ = await filled(api, made["id"], number="000123456789", routing="110000001")
    right, _, _ = await filled(api, made["id"], number="000123456789", routing="110000000")
    await sandbox.settled()

    assert (wrong, right) == (422, 303)
    assert "check digit" in page
    assert (await account(api, made["id"]))["external_accounts"]["data"][0]["routing_number"] == "110000000"


async def test_a_link_serves_once_and_for_a_few_minutes(api: Caller) -> None:
    made = await opened(api)
    url = (await link(api, made["id"]))["url"]

    first, _, _ = await look(api, url, {**TOLD, "born": "1902-01-01"})
    _, _, used = await look(api, url, {**TOLD, "first_name": "Eve"})
    _, _, seen = await look(api, url)
    unknown, _, _ = await look(api, url[:-1] + "x")

    assert first == 303
    assert used["Location"] == AGAIN
    assert seen["Location"] == BACK
    assert unknown == 404


async def test_an_account_that_was_rejected_is_closed(api: Caller) -> None:
    made = await opened(api)

    rejected = await api("POST", f"/v1/accounts/{made['id']}/reject", {"reason": "fraud"})

    assert rejected["requirements"]["disabled_reason"] == "rejected.fraud"
    assert (await link(api, made["id"])).status == 400
    assert (await api("POST", f"/v1/accounts/{made['id']}", {"email": "x@example.org"})).status == 400


async def test_parameters_are_checked(api: Caller) -> None:
    assert (await opened(api, country="XX")).error["code"] == "country_unsupported"
    assert (await opened(api, colour="red")).error["code"] == "parameter_unknown"
    assert (await opened(api, **{"individual[first_name]": "Paula"})).error["param"] == "individual"
    assert (await link(api, "acct_none")).error["code"] == "resource_missing"
    incomplete = await api("POST", "/v1/account_links", {"account": "acct_1", "type": "account_onboarding"})
    assert incomplete.error["code"] == "parameter_missing"
