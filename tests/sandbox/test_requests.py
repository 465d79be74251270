"""What is asked is read strictly, done once per key, and nonsense is answered by name."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosystem.sandbox import Fault, Sandbox, What
from ecosystem.sandbox.form import parse
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.routes import ROUTES
from sandbox.calling import KEYS, Caller, payment


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"currency": "eur"}, "parameter_missing", "amount"),
        ({"amount": "100"}, "parameter_missing", "currency"),
        (payment(amunt="1"), "parameter_unknown", "amunt"),
        (payment(**{"metadata[a][b]": "1"}), None, "metadata[a]"),
        (payment(**{"payment_method_options[card][nothing]": "1"}), "parameter_unknown", None),
        (payment(amount="1.5"), "parameter_invalid_integer", "amount"),
        (payment(amount="-1"), "parameter_invalid_integer", "amount"),
        (payment(amount="1e3"), "parameter_invalid_integer", "amount"),
        (payment(amount="٣"), "parameter_invalid_integer", "amount"),
        (payment(amount="49"), "amount_too_small", "amount"),
        (payment(amount="100000000"), "amount_too_large", "amount"),
        (payment(amount="9" * 30), "parameter_invalid_integer", "amount"),
        (payment(amount="1005", currency="kwd"), "parameter_invalid_integer", "amount"),
        (payment(currency="xxx"), None, "currency"),
        (payment(currency=""), None, "currency"),
        (payment(confirm="yes"), None, "confirm"),
        (payment(capture_method="later"), None, "capture_method"),
        (payment(return_url="javascript:alert(1)"), "url_invalid", "return_url"),
        (payment(description="x" * 1001), "parameter_invalid_string_too_long", "description"),
        (payment("pm_nobody"), "resource_missing", "payment_method"),
        (payment("cus_1"), "resource_missing", "payment_method"),
        (payment(customer="cus_nobody"), "resource_missing", "customer"),
        (payment(transfer_data="x"), None, "transfer_data"),
        (payment(**{"metadata[" + "k" * 41 + "]": "v"}), None, None),
        (payment(**{f"metadata[{n}k]": "v" for n in range(51)}), None, "metadata"),
        (payment(**{"payment_method_types[]": "sepa_debit"}), None, "payment_method_types"),
    ],
)
async def test_an_unfit_parameter_is_refused_by_name(
    api: Caller, sandbox: Sandbox, form: dict[str, str], code: str | None, param: str | None
) -> None:
    refused = await api("POST", "/v1/payment_intents", form)

    assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")
    assert refused.error.get("code") == code
    assert param is None or refused.error["param"] == param
    assert sandbox.effects() == []
    assert (await api("GET", "/v1/payment_intents"))["data"] == []


async def test_a_misspelt_parameter_is_guessed(api: Caller) -> None:
    assert "Did you mean amount?" in (await api.pay(amunt="1")).error["message"]
    both = await api.pay(foo="1", bar="2")
    assert both.error["message"] == "Received unknown parameters: foo, bar"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe", {}),
        (b"a=%ff", {}),
        (b"a", {}),
        (b"&&&", {}),
        (b"a=1&a=2", {}),
        (b"a[=1", {}),
        (b"a]b[=1", {}),
        (b"[]=1", {}),
        (b"a=1&a[b]=2", {}),
        (b"a[b]=2&a=1", {}),
        (b"a" + b"[a]" * 50 + b"=1", {}),
        (b"&".join(b"a%d=1" % n for n in range(600)), {}),
        (b"amount=" + b"9" * 70_000, {}),
        (b'{"amount":1}', {"Content-Type": "application/json"}),
        (b"", {"Stripe-Version": "yesterday"}),
        (b"amount=100&currency=eur", {"Idempotency-Key": "k" * 256}),
    ],
)
async def test_a_broken_request_is_refused_with_an_error_object(
    api: Caller, body: bytes, headers: dict[str, str]
) -> None:
    told = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    refused = await api("POST", "/v1/payment_intents", body, **told)

    assert 400 <= refused.status < 500
    assert refused.error["message"]
    assert refused.headers["Request-Id"].startswith("req_")


@given(st.text(max_size=300))
def test_any_text_is_a_form_or_is_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(parse(text), dict)


_names = st.sampled_from(
    "amount currency customer payment_method payment_method_types[] payment_method_types[0] metadata[a] metadata confirm"
    " capture_method description expand[] expand return_url off_session card[number] card[exp_month] card[cvc] type"
    " billing_details[address][line1] billing_details evidence[uncategorized_text] submit payment_intent charge reason"
    " limit starting_after ending_before created created[gt] created[lte] query email name amount_to_capture"
    " cancellation_reason client_secret automatic_payment_methods[enabled] error_on_requires_action"
    " payment_method_data[type] payment_method_data[card][number] nonsense".split()
)
_values = st.sampled_from(
    "100 -1 eur usd true false card pm_card_visa pm_card_authenticationRequired manual automatic latest_charge data"
    " 4242424242424242 12 2040 pi_1 ch_1 cus_1 re_1 dp_1 evt_1 winning_evidence one_off 0".split()
) | st.text(max_size=20)
_calls = [
    (method, f"/v1/{path.replace('{part}', '{id}')}")
    for method, _, path in map(str.partition, ROUTES, " " * len(ROUTES))
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_parameters_whatever_break_an_endpoint(data: st.DataObject, fuzzed: Any) -> None:
    method, path = data.draw(st.sampled_from(_calls))
    form = data.draw(st.dictionaries(_names, _values, max_size=6))
    thing = data.draw(st.sampled_from(fuzzed.things))

    status, body = fuzzed.ask(method, path.replace("{id}", thing), form)

    assert status < 500, body
    assert status == 200 or body["error"]["message"]


@pytest.fixture
def fuzzed(settings: Any) -> Any:
    """A sandbox with some things in it, asked from outside its loop."""
    runner = asyncio.Runner()
    stack = Fuzzed(settings)
    runner.run(stack.start())
    stack.runner = runner
    yield stack
    runner.run(stack.stop())
    runner.close()


class Fuzzed:
    def __init__(self, settings: Any) -> None:
        self.context = Sandbox.running(settings)
        self.runner: Any = None
        self.things: list[str] = []

    async def start(self) -> None:
        sandbox = await self.context.__aenter__()
        self.session = aiohttp.ClientSession()
        self.api = Caller(sandbox.origin, self.session)
        held = await self.api.pay(capture_method="manual")
        paid = await self.api.pay("pm_card_createDispute")
        waiting = await self.api.pay("pm_card_authenticationRequired")
        await sandbox.settled()
        dispute = (await self.api("GET", "/v1/disputes"))["data"][0]
        self.things = [
            held["id"], paid["id"], waiting["id"], paid["latest_charge"], dispute["id"], paid["payment_method"],
            "pm_card_visa", "pi_nobody", "%00", "é", "id", "..%2f..", "search",
        ]  # fmt: skip

    def ask(self, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        said = self.runner.run(self.api(method, path, form))
        return said.status, said.body

    async def stop(self) -> None:
        await self.session.close()
        await self.context.__aexit__(None, None, None)


async def test_a_request_repeated_under_its_key_is_answered_alike_and_done_once(api: Caller, sandbox: Sandbox) -> None:
    first = await api.pay(key="k1")
    again = await api.pay(key="k1")

    assert again.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert [effect.what for effect in sandbox.effects("k1")] == ["authorized", "captured"]


async def test_a_decline_is_replayed_too_and_a_refused_form_is_not(api: Caller) -> None:
    declined = await api.pay("pm_card_chargeDeclined", key="k1")
    assert (await api.pay("pm_card_chargeDeclined", key="k1")).body == declined.body

    assert (await api.pay(amount="x", key="k2")).status == 400
    assert (await api.pay(key="k2")).status == 200


async def test_the_order_of_parameters_does_not_matter_and_their_values_do(api: Caller) -> None:
    form = payment()
    first = await api("POST", "/v1/payment_intents", form, key="k1")
    turned = await api("POST", "/v1/payment_intents", dict(reversed(form.items())), key="k1")
    other = await api("POST", "/v1/payment_intents", payment(amount="11001"), key="k1")
    elsewhere = await api("POST", "/v1/refunds", {"payment_intent": first["id"]}, key="k1")

    assert turned["id"] == first["id"]
    for refused in (other, elsewhere):
        assert (refused.status, refused.error["type"]) == (400, "idempotency_error")


async def test_many_at_once_under_one_key_are_one(api: Caller, sandbox: Sandbox) -> None:
    said = await asyncio.gather(*(api.pay(key="k1") for _ in range(30)))

    assert {one.status for one in said} <= {200, 409}
    assert len({one["id"] for one in said if one.status == 200}) == 1
    assert {one.error["code"] for one in said if one.status == 409} <= {"idempotency_key_in_use"}
    assert len(sandbox.effects()) == 2


async def test_a_key_in_flight_is_refused_and_free_again_afterwards(api: Caller, sandbox: Sandbox) -> None:
    sandbox.fail_next(Fault(what=What.DELAY, path="/v1/payment_intents", seconds=1.0))
    slow = asyncio.create_task(api.pay(key="k1"))
    await asyncio.sleep(0.05)
    meanwhile = await api.pay(key="k1")

    assert (meanwhile.status, meanwhile.error["code"]) == (409, "idempotency_key_in_use")
    assert meanwhile.headers["Stripe-Should-Retry"] == "true"
    first = await slow
    assert (await api.pay(key="k1"))["id"] == first["id"]


@pytest.mark.parametrize("what", [What.REFUSE, What.FAIL_ANSWER])
async def test_an_error_that_is_kept_is_answered_again(api: Caller, sandbox: Sandbox, what: What) -> None:
    sandbox.fail_next(Fault(what=what, path="/v1/payment_intents", kept=True))
    first, again = await api.pay(key="k1"), await api.pay(key="k1")

    assert (first.status, again.status) == (500, 500)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.effects()) == (0 if what is What.REFUSE else 2)


async def test_what_the_state_of_things_refused_is_refused_alike_under_its_key(api: Caller) -> None:
    paid = await api.pay()
    refund = {"payment_intent": paid["id"]}
    await api("POST", "/v1/refunds", refund)
    first = await api("POST", "/v1/refunds", refund, key="k1")
    again = await api("POST", "/v1/refunds", refund, key="k1")

    assert first.error["code"] == "charge_already_refunded"
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert first.error["request_log_url"].endswith(first.headers["Request-Id"])


async def test_a_rate_limit_says_so_and_whether_to_ask_again(api: Caller, sandbox: Sandbox) -> None:
    sandbox.fail_next(Fault(what=What.REFUSE, status=429, should_retry=False))
    limited = await api.pay()

    assert (limited.status, limited.error["code"]) == (429, "rate_limit")
    assert limited.headers["Stripe-Should-Retry"] == "false"


async def test_the_key_may_come_as_basic_authentication(api: Caller) -> None:
    basic = "Basic " + base64.b64encode(f"{KEYS.secret_key}:".encode()).decode()

    assert (await api("GET", "/v1/balance", Authorization=basic)).status == 200


async def test_an_address_nobody_serves_is_not_found(api: Caller) -> None:
    for method, path in (
        ("GET", "/v1/nothing"),
        ("POST", "/v1/events"),
        ("DELETE", "/v1/payment_intents/pi_1"),
        ("GET", "/v1/payment_intents/pi_1/confirm/x"),
        ("GET", "/elsewhere"),
    ):
        refused = await api(method, path)
        assert refused.status == 404
        assert "Unrecognized request URL" in refused.error["message"]


@pytest.mark.parametrize("what", list(What))
async def test_what_goes_wrong_on_purpose_goes_wrong_once(api: Caller, sandbox: Sandbox, what: What) -> None:
    sandbox.fail_next(Fault(what=what, path="/v1/payment_intents", status=503, seconds=0.01))
    try:
        status = (await api.pay(key="k1")).status
    except aiohttp.ClientError:
        status = 0
    after = [effect.what for effect in sandbox.effects("k1")]

    assert status == {What.LOSE_REQUEST: 0, What.LOSE_ANSWER: 0, What.REFUSE: 503, What.FAIL_ANSWER: 503}.get(what, 200)
    assert after == ([] if what in {What.LOSE_REQUEST, What.REFUSE} else ["authorized", "captured"])
    assert (await api.pay(key="k1")).status == 200
    assert len(sandbox.effects("k1")) == 2


async def test_the_desk_wants_the_secret_key_and_reads_strictly(api: Caller, sandbox: Sandbox) -> None:
    assert (await api("GET", "/_sandbox/health", secret=""))["status"] == "ok"
    for method, path in (("GET", "/_sandbox/backlog"), ("POST", "/_sandbox/faults"), ("GET", "/_sandbox/effects")):
        assert (await api(method, path, secret=KEYS.publishable_key)).status == 401

    assert (await api("POST", "/_sandbox/faults", b"{}")).status == 400
    assert (await api("POST", "/_sandbox/faults", b'{"what":"refuse","nonsense":1}')).status == 400
    assert (await api("POST", "/_sandbox/faults", b'{"what":"refuse","status":502}')).status == 200
    assert (await api.pay()).status == 502
    assert (await api("POST", "/_sandbox/webhooks", b'{"paused":true}'))["paused"] is True
    assert (await api("GET", "/_sandbox/backlog"))["deliveries"] == 0
    await api.pay(key="k9")
    async with api.session.get(
        f"{sandbox.origin}/_sandbox/effects?idempotency_key=k9", headers={"Authorization": f"Bearer {KEYS.secret_key}"}
    ) as answer:
        assert [effect["what"] for effect in await answer.json()] == ["authorized", "captured"]
