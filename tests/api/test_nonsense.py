"""Nonsense is told which argument it is, and changes nothing."""

from __future__ import annotations

from typing import Any

from .programs import ADA, OLGA, PEDRO, Shop

HOLD = {"holdId": "hld_01kag2m8xw0000000000000000", "startAt": "2026-11-21T10:00:00Z", "zone": "Europe/Lisbon"}
PAY = {
    "bookingId": "bkg_01kag2m8xw0000000000000000",
    "paymentId": "pay_01kag2m8xw0000000000000000",
    "holdId": "hld_01kag2m8xw0000000000000000",
    "contact": {"name": "Ada", "email": "ada@example.org"},
    "total": {"minor": 100, "currency": "EUR"},
    "card": "pm_card_visa",
    "returnUrl": "https://shop.example/back",
}
PLAN = {"zone": "Europe/Lisbon", "week": {}}


NONSENSE: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("search", {"first": 0}, "first"),
    ("search", {"first": 1_000}, "first"),
    ("search", {"after": "nonsense"}, "after"),
    ("search", {"ratingMin": 9.0}, "ratingMin"),
    ("search", {"category": "no-such"}, "category"),
    ("search", {"priceMin": {"minor": 0.5, "currency": "EUR"}}, "priceMin.minor"),
    ("search", {"priceMin": {"minor": 5, "currency": "XXQ"}}, "currency"),
    ("search", {"sort": "sideways"}, "sort"),
    ("search", {"near": {"lat": 91, "lon": 0}}, "near"),
    ("search", {"withinM": 5}, "near"),
    ("suggestions", {"text": "po", "first": 99}, "first"),
    ("service", {}, "serviceId"),
    ("service", {"serviceId": "svc_unknown"}, "serviceId"),
    ("service", {"serviceId": ""}, "serviceId"),
    ("service", {"serviceId": "x" * 1_000}, "serviceId"),
    ("service", {"slug": "x" * 1_000}, "slug"),
    ("provider", {"providerId": "prv_unknown"}, "providerId"),
    ("freeTimes", {"firstDay": "2026-11-31", "lastDay": "2026-11-21", "zone": "Europe/Lisbon"}, "firstDay"),
    ("freeTimes", {"firstDay": "2026-11-22", "lastDay": "2026-11-21", "zone": "Europe/Lisbon"}, "lastDay"),
    ("freeTimes", {"firstDay": "9999-12-31", "lastDay": "9999-12-31", "zone": "Europe/Lisbon"}, "firstDay"),
    ("freeTimes", {"firstDay": "2026-11-21", "lastDay": "2026-11-21", "zone": "Mars/Olympus"}, "zone"),
    ("quote", {"seats": 0}, "seats"),
    ("quote", {"seats": 2**31 - 1}, "seats"),
    ("quote", {"seats": 2**40}, "seats"),
    ("takeHold", {"input": HOLD | {"startAt": "2026-11-21T10:00:00"}}, "startAt"),
    ("takeHold", {"input": HOLD | {"startAt": "9999-12-31T23:59:59-14:00"}}, "startAt"),
    ("takeHold", {"input": HOLD | {"startAt": "2026-11-21T10:07:00Z"}}, "startAt"),
    ("takeHold", {"input": HOLD | {"holdId": "nonsense"}}, "holdId"),
    ("takeHold", {"input": HOLD | {"zone": "Mars/Olympus"}}, "zone"),
    ("takeHold", {"input": HOLD | {"seats": "two"}}, "seats"),
    ("takeHold", {"input": HOLD | {"serviceId": None}}, "serviceId"),
    ("takeHold", {"input": HOLD | {"color": "red"}}, "color"),
    ("hold", {"holdId": "hld_unknown"}, "holdId"),
    ("pay", {"input": PAY}, "holdId"),
    ("pay", {"input": PAY | {"returnUrl": "javascript:alert(1)"}}, "returnUrl"),
    ("pay", {"input": PAY | {"contact": {"name": "Ada"}}}, "contact.email"),
    ("pay", {"input": PAY | {"paymentId": "pay"}}, "paymentId"),
    ("pay", {"input": PAY | {"note": "x" * 30_000}}, "note"),
    ("pay", {"input": PAY | {"total": {"minor": 1e300, "currency": "EUR"}}}, "minor"),
    ("booking", {"bookingId": "bkg_unknown"}, "bookingId"),
    ("myBookings", {"after": "nonsense"}, "after"),
    ("myBookings", {"first": -1}, "first"),
    ("rescheduleBooking", {"input": {"bookingId": "bkg_unknown", "startAt": "2026-11-21T10:00:00Z"}}, "bookingId"),
    ("reportNoShow", {"input": {"bookingId": "bkg_unknown", "absent": "nobody"}}, "absent"),
    ("notices", {"first": 101}, "first"),
    ("readNotices", {"noticeIds": ["ntc_x"]}, "noticeIds"),
    ("signUp", {"input": {"userId": "usr", "email": "a@b.co", "password": "x", "name": "A"}}, "userId"),
    ("editProfile", {"input": {"phone": "call me"}}, "phone"),
    ("editProfile", {"input": {"zone": "Mars/Olympus"}}, "zone"),
    ("setMailPreferences", {"withoutMail": ["account"]}, "withoutMail"),
    ("revokeSession", {"sessionId": "ses"}, "sessionId"),
)
"""A root field, its arguments, and the one that is told to be at fault."""


async def test_an_argument_that_is_nonsense_is_named(shop: Shop) -> None:
    client = await shop.signed_in(ADA)
    told: list[tuple[str, dict[str, Any], str]] = []

    for name, arguments, _ in NONSENSE:
        asked = {"input": dict(arguments["input"])} if "input" in arguments else dict(arguments)
        if name in {"freeTimes", "quote"}:
            asked["serviceId"] = shop.service_id
        if name == "takeHold":
            asked["input"].setdefault("serviceId", shop.service_id)
        error = await client.refusal_of(name, **asked)
        assert error["extensions"]["kind"] in {"Invalid", "NotFound", "Conflict"}, error
        assert error["extensions"]["errorType"] == error["errorType"]
        told.append((name, arguments, error["extensions"].get("field")))

    assert told == list(NONSENSE)


IN_THE_QUERY = (
    ("{ quote(serviceId: 5.5) { title } }", "serviceId"),
    ('{ quote(serviceId: "a", seats: "two") { title } }', "seats"),
    ('{ quote(serviceId: "a", chairs: 2) { title } }', "chairs"),
    ("{ quote { title } }", "serviceId"),
    ("{ quoth { title } }", "quoth"),
    ('mutation { takeHold(input: {holdId: "h", startAt: "soon"}) { holdId } }', "serviceId"),
    ('{ search(near: {lat: "x", lon: 1}) { total } }', "near.lat"),
    ("{ search(near: {lat: 1, lon: 1, height: 2}) { total } }", "near.height"),
    ("{ search(sort: sideways) { total } }", "sort"),
    ("query($id: ID!) { booking(bookingId: $id) { title } }", "id"),
)


async def test_nonsense_in_the_query_itself_is_named(shop: Shop) -> None:
    for query, field in IN_THE_QUERY:
        said = (await shop.visitor().post(query)).json()

        assert field in {error["extensions"].get("field") for error in said["errors"]}, (query, said)
        assert said.get("data") is None


async def test_what_does_not_fit_a_provider_is_told_field_by_field(shop: Shop) -> None:
    client = await shop.signed_in(PEDRO)
    fields = {
        "name": "x",
        "radiusKm": 9_000,
        "languages": ["xx"],
        "location": {"lat": 500, "lon": 1, "place": "L", "zone": "Nowhere"},
    }

    error = await client.refusal_of("editProvider", providerId=shop.provider_id, fields=fields)
    week = {"monday": [{"opens": "09:00", "closes": "12:00"}, {"opens": "11:00", "closes": "13:00"}]}
    overlapping = await client.refusal_of("setPlan", input=PLAN | {"providerId": shop.provider_id, "week": week})
    unread = await client.refusal_of(
        "setPlan", input=PLAN | {"providerId": shop.provider_id, "week": {"monday": [{"opens": 9, "closes": "10:00"}]}}
    )

    named = {each["field"] for each in error["extensions"]["problems"]}
    assert named == {"name", "lat", "place", "zone", "radiusKm", "languages"}
    assert overlapping["extensions"]["field"] == "week.monday[1].opens"
    assert unread["extensions"]["field"].startswith("week.monday[0]")


async def test_nothing_is_half_done_by_a_request_that_is_refused(shop: Shop) -> None:
    client = await shop.signed_in(ADA)
    held = await shop.hold(client, shop.tomorrow())
    wanted = shop.payment(held) | {"total": {"minor": 1, "currency": "EUR"}}

    refused = await client.refusal_of("pay", input=wanted)

    assert (refused["errorType"], refused["extensions"]["field"]) == ("PriceChanged", "total")
    assert (await client.all_of("hold", holdId=held["holdId"]))["status"] == "held"
    assert (await client.refusal_of("booking", bookingId=wanted["bookingId"]))["errorType"] == "BookingGone"


async def test_an_operator_is_told_what_does_not_fit(shop: Shop) -> None:
    operator = await shop.signed_in(OLGA)

    rates = await operator.refusal_of("setRates", input={"providerShareBps": 10_001, "surchargeBps": 0})
    tier = {"name": "strict", "tiers": [{"shareBps": -1}], "rescheduleMin": 0, "version": 1}
    policy = await operator.refusal_of("setPolicy", input=tier)
    account = await operator.refusal_of("ledgerStatement", accountId="processor:EUR")
    groups = await operator.refusal_of("setGroups", userId="usr_01kag2m8xw0000000000000ada", groups=[])

    assert rates["extensions"]["field"] == "providerShareBps"
    assert policy["extensions"]["field"] == "tiers[0].shareBps"
    assert account["errorType"] in {"NoSuchAccount", "Invalid"}
    assert groups["extensions"]["field"] == "groups"
