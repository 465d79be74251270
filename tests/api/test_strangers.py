"""What belongs to somebody else is neither shown nor done, whatever id is given."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLInputObjectType, get_named_type, is_non_null_type

from ecosystem.api.resolvers import ROOTS
from ecosystem.kernel.refusals import Denied

from .paying import intended, typed
from .programs import ADA, EVE, PEDRO, PEOPLE, Client, Shop, root_field, whole

OPEN = {
    "search", "suggestions", "categories", "service", "provider", "policies", "rates", "freeTimes", "firstFreeDay",
    "quote", "cardElement", "disputeRules", "me", "signUp", "mailConfirmationAgain", "confirmSignUp", "confirmSignUpByCode", "signIn",
    "payoutRules", "completeSignIn", "refresh", "askReset", "resetPassword", "resetPasswordByCode", "welcomeGuest",
}  # fmt: skip
"""What needs no token."""

OWN = {
    "myBookings", "myProviders", "sessions", "notices", "mailPreferences", "signOut", "signOutEverywhere",
    "revokeSession", "changePassword", "enrolSecondFactor", "enableSecondFactor", "disableSecondFactor",
    "renewRecoveryCodes", "editProfile", "takeHold", "takeOverHold", "registerProvider", "readNotices",
    "readAllNotices", "unreadNotices", "setMailPreferences", "savedCards", "forgetCard", "bankAccounts",
    "addBankAccount",
}  # fmt: skip
"""What is everybody's own, and names nobody else's."""

ELSEWHERE = {"mandate"}
"""Asked by strangers in `test_bank_accounts.py`: what Ada books here is paid by card."""


async def arguments(shop: Shop) -> dict[str, Any]:
    """Ids of what is Ada's and Pedro's, under the names that root fields ask for them by."""
    ada = await shop.signed_in(ADA)
    held = await shop.hold(ada, shop.tomorrow(8))
    waits = await shop.hold(ada, shop.tomorrow(12))
    booked = await ada.all_of("pay", input=shop.payment(held))
    account = await ada.all_of("addBankAccount", input=typed(shop))
    return {
        "payoutId": await intended(shop),
        "bankAccountId": account["bankAccountId"],
        "cents": [1, 2],
        "plan": {"cadence": "manual", "version": 0},
        "year": 2026,
        "month": "2026-11-20",
        "writeOffId": shop.id("wof"),
        "withdrawalId": shop.id("wdr"),
        "holdId": waits["holdId"],
        "bookingId": booked["booking"]["bookingId"],
        "paymentId": booked["payment"]["paymentId"],
        "providerId": shop.provider_id,
        "serviceId": shop.service_id,
        "ownerId": PEOPLE[ADA].actor_id,
        "userId": PEOPLE[ADA].actor_id,
        "pay": shop.payment(waits),
        "refundId": shop.id("rfd"),
        "disputeId": shop.id("dsp"),
        "text": "A reason",
        "answer": "accepted",
        "refund": {"minor": 1, "currency": "EUR"},
        "wanted": {"minor": 1, "currency": "EUR"},
        "limits": [],
        "state": "review",
        "startAt": shop.tomorrow(16),
        "firstDay": "2026-11-22",
        "lastDay": "2026-11-23",
        "zone": "Europe/Lisbon",
        "address": "https://calendar.example.org/basic.ics",
        "calendarId": shop.id("cal"),
        "currency": "EUR",
        "reason": "A reason",
        "status": "completed",
        "reference": booked["booking"]["bookingId"],
        "accountId": f"escrow:{booked['booking']['bookingId']}",
        "mailId": shop.id("mal"),
        "eventId": "BOOKING#x:1:BookingPlaced",
        "reaction": "tell",
        "rule": "tell",
        "executionId": "machine:name",
        "taskId": "a task",
        "accepted": True,
        "endAt": shop.tomorrow(17),
        "secret": "x" * 43,
        "groups": ["Admins"],
        "fields": {},
        "absent": "provider",
        "agree": True,
        "amount": {"minor": 1, "currency": "EUR"},
        "shareBps": 10_000,
        "providerShareBps": 9_000,
        "surchargeBps": 0,
        "week": {},
        "name": "strict",
        "tiers": [],
        "rescheduleMin": 0,
        "version": 1,
    }


STATUSES = {"bookingsInStatus": "completed", "providersInStatus": "active", "deliveries": "dead"}


def given(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Every needed argument of a root field, from what is known."""
    found = root_field(name)
    if "input" in found.args:
        wanted = get_named_type(found.args["input"].type)
        assert isinstance(wanted, GraphQLInputObjectType)
        needed = {field for field, each in wanted.fields.items() if is_non_null_type(each.type)}
        return {"input": known["pay"] if name == "pay" else {field: known[field] for field in needed}}
    needed = {argument for argument, each in found.args.items() if is_non_null_type(each.type) or argument == "secret"}
    return {argument: STATUSES[name] if argument == "status" else known[argument] for argument in needed}


async def refused(client: Client, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    said = (await client.post(whole(name, asked, depth=1), asked)).json()
    assert "errors" in said, (name, said)
    return said["errors"][0]


async def kinds_of(client: Client, known: dict[str, Any]) -> dict[str, str]:
    """The kind of refusal that each field answers which is neither open nor everybody's own."""
    kinds: dict[str, str] = {}
    for root in ROOTS:
        if root.name not in OPEN | OWN | ELSEWHERE:
            # A new service has an id of its own, or the id alone would be refused.
            asked = known | {"serviceId": new_id(known)} if root.name == "draftService" else known
            kinds[root.name] = (await refused(client, root.name, given(root.name, asked)))["extensions"]["kind"]
    return kinds


def new_id(known: dict[str, Any]) -> str:
    return f"{known['serviceId'][:-4]}0000"


async def test_every_field_that_is_not_open_denies_a_stranger(shop: Shop) -> None:
    known = await arguments(shop)
    eve = await shop.signed_in(EVE)

    kinds = await kinds_of(eve, known)

    assert {name: kind for name, kind in kinds.items() if kind != Denied.__name__} == {}


async def test_every_field_that_is_not_open_denies_a_visitor(shop: Shop) -> None:
    known = await arguments(shop)

    kinds = await kinds_of(shop.visitor(), known)

    assert {name: kind for name, kind in kinds.items() if kind != Denied.__name__} == {}


async def test_what_is_everybodys_own_is_no_visitors(shop: Shop) -> None:
    visitor = shop.visitor()
    start = {
        "holdId": shop.id("hld"),
        "serviceId": shop.service_id,
        "startAt": shop.tomorrow(),
        "zone": "Europe/Lisbon",
    }
    asked: dict[str, dict[str, Any]] = {
        "sessions": {}, "notices": {}, "mailPreferences": {}, "signOut": {}, "signOutEverywhere": {},
        "readAllNotices": {}, "revokeSession": {"sessionId": "ses_x"}, "editProfile": {"input": {}},
        "takeHold": {"input": start}, "enrolSecondFactor": {"password": "x"},
        "registerProvider": {"input": {"providerId": shop.id("prv"), "fields": {"name": "Nobody"}}},
    }  # fmt: skip

    for name, arguments_ in asked.items():
        assert (await refused(visitor, name, arguments_))["extensions"]["kind"] == Denied.__name__, name
    assert (await visitor.ask("{ myBookings { nodes { bookingId } } }"))["nodes"] == []


async def test_a_guest_sees_what_they_booked_and_no_other_guest_does(shop: Shop) -> None:
    guest, other = await shop.guest(), await shop.guest()

    booked = await shop.book(guest, shop.tomorrow())

    assert (await guest.all_of("booking", bookingId=booked["bookingId"]))["status"] == "confirmed"
    assert (await other.refusal_of("booking", bookingId=booked["bookingId"]))["extensions"]["kind"] == "Denied"
    claim = {"bookingId": booked["bookingId"], "guestToken": other.token}
    eve = await shop.signed_in(EVE)
    assert (await eve.refusal_of("claimBooking", **claim))["extensions"]["kind"] == "Denied"


async def test_a_draft_is_seen_by_its_owner_alone(shop: Shop) -> None:
    pedro, visitor = await shop.signed_in(PEDRO), shop.visitor()
    wanted = {"serviceId": shop.id("svc"), "providerId": shop.provider_id, "fields": {"title": "Not yet"}}

    drafted = await pedro.all_of("draftService", input=wanted)

    assert (await pedro.all_of("service", serviceId=drafted["serviceId"]))["status"] == "draft"
    assert (await visitor.refusal_of("service", serviceId=drafted["serviceId"]))["errorType"] == "NotOffered"


async def test_a_repeated_id_is_for_the_same_request_alone(shop: Shop) -> None:
    ada, eve = await shop.signed_in(ADA), await shop.signed_in(EVE)
    held = await shop.hold(ada, shop.tomorrow())
    same = {"holdId": held["holdId"], "serviceId": shop.service_id, "startAt": shop.tomorrow(), "zone": "Europe/Lisbon"}

    again = await ada.all_of("takeHold", input=same)
    another = await ada.refusal_of("takeHold", input=same | {"startAt": shop.tomorrow(14)})
    anothers = await eve.refusal_of("takeHold", input=same)

    assert again == held
    assert (another["errorType"], anothers["errorType"]) == ("IdReused", "IdReused")
    assert another["extensions"]["field"] == "holdId"
