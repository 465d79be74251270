"""Everything the API offers, asked over HTTP by the people it is for: each root field answers, whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import msgspec
import pyotp

from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.api.resolvers import ROOTS
from ecosystem.contexts.catalogue import Standings
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import Known, Reading
from ecosystem.ports.workflows import Definition, StartExecution, TaskCall
from ecosystem.workflows.deliveries import ATTEMPTS_MAX, failed, kept
from ecosystem.workflows.scheduler import Scheduler
from ecosystem.workflows.schedules import Schedule
from ecosystem.workflows.wiring import Wiring
from market import SYSTEM

from .paying import is_paid_out, owes, pays_by_bank
from .programs import ADA, EVE, OLGA, PASSWORD, PEDRO, PEOPLE, Client, Shop, text_of

WEEK = {
    day: [{"opens": "00:00", "closes": "24:00"}] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
}
ZONE = "Europe/Lisbon"


async def test_every_root_field_answers_over_http(shop: Shop) -> None:
    operator = await shop.signed_in(OLGA)

    await looks_around(shop)
    await comes_in(shop, operator)
    await becomes_a_provider(shop)
    await books_and_moves(shop)
    await ends_in_every_way(shop, operator)
    await is_paid_out(shop, operator)
    await owes(shop, operator)
    await pays_by_bank(shop)
    await books_as_a_guest(shop)
    await is_told(shop)
    await is_operated(shop, operator)

    assert {root.name for root in ROOTS} - shop.answered == set()


async def looks_around(shop: Shop) -> None:
    await shop.indexed()
    visitor = shop.visitor()
    assert await visitor.ask("{ me { actorId } }") is None
    visitor.answered.add("me")
    found = await visitor.all_of("search", text="portrait", first=5, sort="price", modes=["at_provider"])
    (hit,) = found["nodes"]
    assert found["total"] == 1
    assert found["facets"]["instant"] == 1
    assert hit["price"] == {"__typename": "Money", "minor": 10_000, "currency": "EUR", "text": "€100.00"}
    assert (await visitor.all_of("suggestions", text="portr"))[0]["kind"] == "service"
    assert {"plumbing"} < {each["slug"] for each in await visitor.all_of("categories")}
    service = await visitor.all_of("service", slug=hit["slug"])
    assert service["provider"]["ownerId"] is None
    assert service == await visitor.all_of("service", serviceId=shop.service_id)
    provider = await visitor.all_of("provider", slug=service["provider"]["slug"])
    assert [each["serviceId"] for each in provider["services"]] == [shop.service_id]
    assert provider == await visitor.all_of("provider", providerId=shop.provider_id)
    assert {each["name"] for each in await visitor.all_of("policies")} == {"flexible", "moderate", "strict"}
    assert (await visitor.all_of("rates"))["surchargeBps"] == 1000
    assert (await visitor.all_of("cardElement"))["publishableKey"].startswith("pk_test")
    day = await visitor.all_of("firstFreeDay", serviceId=shop.service_id, zone=ZONE)
    times = await visitor.all_of(
        "freeTimes", serviceId=shop.service_id, firstDay=day["day"], lastDay=day["day"], zone=ZONE
    )
    assert times["days"] == [day]
    quoted = await visitor.all_of("quote", serviceId=shop.service_id)
    assert quoted["price"]["total"]["minor"] == 11_000


async def comes_in(shop: Shop, operator: Client) -> None:
    visitor = shop.visitor()
    user_id, email = shop.id("usr"), "new@example.org"
    wish = {"userId": user_id, "email": email, "password": PASSWORD, "name": "New Person", "zone": ZONE}
    assert await visitor.all_of("signUp", input=wish)
    shop.clock.advance(timedelta(minutes=1))  # The outbox shows the newest first.
    assert await visitor.all_of("mailConfirmationAgain", userId=user_id)
    letters = (await operator.all_of("outbox", to=email))["nodes"]
    code = await _code(operator, letters[0]["mailId"])
    assert (await visitor.all_of("confirmSignUpByCode", userId=user_id, code=code))["userId"] == user_id
    other = wish | {"userId": shop.id("usr"), "email": "other@example.org"}
    await visitor.all_of("signUp", input=other)
    (letter,) = (await operator.all_of("outbox", to="other@example.org"))["nodes"]
    token = await _token(operator, letter["mailId"])
    assert (await visitor.all_of("confirmSignUp", token=token))["email"] == "other@example.org"

    person = await shop.signed_in(email)
    me = await person.all_of("me")
    assert (me["actorId"], me["email"], me["profile"]["zone"]) == (user_id, email, ZONE)
    edited = await person.all_of("editProfile", input={"phone": "+351 912 345 678"})
    assert (edited["name"], edited["phone"]) == ("New Person", "+351912345678")
    assert await person.all_of("changePassword", present=PASSWORD, password="Other-Harbour-94")
    enrolled = await person.all_of("enrolSecondFactor", password="Other-Harbour-94")
    codes = pyotp.TOTP(enrolled["secret"])
    await person.all_of("enableSecondFactor", code=codes.at(shop.clock.now()))
    shop.clock.advance(timedelta(minutes=1))
    asked = await shop.visitor().all_of("signIn", input={"email": email, "password": "Other-Harbour-94"})
    assert asked["signedIn"] is None
    code = codes.at(shop.clock.now())
    signed = await visitor.all_of("completeSignIn", token=asked["codeWanted"]["token"], code=code)
    signed = await visitor.all_of("refresh", refreshToken=signed["refreshToken"])
    person.token = signed["accessToken"]
    assert len(await person.all_of("renewRecoveryCodes", password="Other-Harbour-94")) == 10
    shop.clock.advance(timedelta(minutes=1))
    assert await person.all_of("disableSecondFactor", password="Other-Harbour-94", code=codes.at(shop.clock.now()))
    sessions = await person.all_of("sessions")
    assert [each["current"] for each in sessions].count(True) == 1
    assert await person.all_of("revokeSession", sessionId=next(s["sessionId"] for s in sessions if not s["current"]))
    assert await person.all_of("signOutEverywhere")
    assert (await person.post("{ me { actorId } }")).status_code == 401

    assert await visitor.all_of("askReset", email=email)
    letters = (await operator.all_of("outbox", to=email))["nodes"]
    assert await visitor.all_of("resetPassword", token=await _token(operator, letters[0]["mailId"]), password=PASSWORD)
    shop.clock.advance(timedelta(minutes=1))
    await visitor.all_of("askReset", email=email)
    letters = (await operator.all_of("outbox", to=email))["nodes"]
    reset = {"email": email, "code": await _code(operator, letters[0]["mailId"]), "password": "Third-Harbour-95"}
    assert await visitor.all_of("resetPasswordByCode", **reset)
    person = await shop.signed_in(email, "Third-Harbour-95")
    assert await person.all_of("signOut")


async def becomes_a_provider(shop: Shop) -> None:
    person = await shop.signed_in(EVE)
    provider_id, service_id = shop.id("prv"), shop.id("svc")
    fields = {"name": "Eve Arnold", "headline": "Small steps", "languages": ["en"]}
    await person.all_of("registerProvider", input={"providerId": provider_id, "fields": fields})
    progress = await person.all_of("onboarding", providerId=provider_id)
    assert progress["next"] == "place"
    place = {"lat": 38.7, "lon": -9.1, "place": "Lisbon", "zone": ZONE}
    edited = await person.all_of("editProvider", providerId=provider_id, fields={"location": place}, version=1)
    assert (edited["location"]["place"], edited["version"]) == ("Lisbon", 2)
    drafted = {"serviceId": service_id, "providerId": provider_id, "fields": {"title": "Garden day"}}
    assert (await person.all_of("draftService", input=drafted))["status"] == "draft"
    terms = {
        "description": "A day in your garden.",
        "category": "plumbing",
        "price": {"minor": 5_000, "currency": "EUR"},
        "mode": "at_provider",
        "instant": False,
    }
    assert (await person.all_of("editService", serviceId=service_id, fields=terms))["price"]["minor"] == 5_000
    plan = {"providerId": provider_id, "zone": ZONE, "week": WEEK, "version": 0}
    off = [{"startAt": "2026-12-24T00:00:00Z", "endAt": "2026-12-27T00:00:00+00:00"}]
    plan |= {"exceptions": [{"day": "2026-12-31", "windows": [], "note": "New Year"}], "timeOff": off}
    assert (await person.all_of("setPlan", input=plan))["version"] == 1
    assert (await person.all_of("plan", providerId=provider_id))["exceptions"][0]["note"] == "New Year"
    await _keeps_a_calendar_elsewhere(shop, person, provider_id)
    assert (await person.all_of("goLive", providerId=provider_id))["isLive"]
    assert (await person.all_of("submitProvider", providerId=provider_id))["status"] == "active"
    assert (await person.all_of("closeService", serviceId=service_id))["status"] == "closed"
    assert (await person.all_of("publishService", serviceId=service_id))["status"] == "published"
    assert (await person.all_of("pauseProvider", providerId=provider_id))["status"] == "paused"
    assert (await person.all_of("resumeProvider", providerId=provider_id))["status"] == "active"
    assert [each["serviceId"] for each in await person.all_of("providerServices", providerId=provider_id)] == [
        service_id
    ]
    assert [each["providerId"] for each in await person.all_of("myProviders")] == [provider_id]
    former = await person.all_of("calendarFeed", ownerId=provider_id)
    assert former != await person.all_of("renewCalendarFeed", ownerId=provider_id)


async def _keeps_a_calendar_elsewhere(shop: Shop, person: Client, provider_id: str) -> None:
    app = shop.market.app
    busy = Span(shop.market.tomorrow(3), shop.market.tomorrow(4))
    object.__setattr__(app, "outside_calendars", replace(app.outside_calendars, calendars=Elsewhere(busy)))
    address = "https://calendar.example.org/private/basic.ics"
    added = await person.all_of("addCalendar", providerId=provider_id, address=address, name="Home")
    assert (added["host"], added["busy"], added["problem"]) == ("calendar.example.org", 1, None)
    calendar = {"providerId": provider_id, "calendarId": added["calendarId"]}
    assert (await person.all_of("readCalendar", **calendar))["busy"] == 1
    assert [each["name"] for each in await person.all_of("outsideCalendars", providerId=provider_id)] == ["Home"]
    assert await person.all_of("removeCalendar", **calendar) == []


@dataclass(frozen=True)
class Elsewhere:
    """A calendar on another server, with one busy time."""

    busy: Span

    async def read(self, address: str, *, window: Span, zone: str, known: Known | None = None) -> Reading:
        return Reading(busy=(self.busy,))


async def books_and_moves(shop: Shop) -> None:
    ada, pedro = await shop.signed_in(ADA), await shop.signed_in(PEDRO)
    held = await shop.hold(ada, shop.tomorrow(9))
    assert held == await ada.all_of("hold", holdId=held["holdId"])
    assert (await ada.all_of("releaseHold", holdId=held["holdId"]))["status"] == "released"
    held = await shop.hold(ada, text_of(shop.market.tomorrow(10) + timedelta(days=9)))
    wanted = shop.payment(held) | {"keep": True}
    paid = await ada.all_of("pay", input=wanted)
    assert (paid["booking"]["status"], paid["payment"]["state"]) == ("confirmed", "captured")
    await shop.market.passes()
    (card,) = (await ada.all_of("savedCards"))["cards"]
    assert (card["brand"], card["last4"]) == ("visa", "4242")
    assert (await ada.all_of("forgetCard", cardId=card["cardId"]))["cards"] == []
    booking_id = wanted["bookingId"]
    standing = await ada.all_of("checkoutStanding", bookingId=booking_id, paymentId=wanted["paymentId"])
    assert standing["payment"] == paid["payment"]

    booking = await ada.all_of("booking", bookingId=booking_id)
    assert [each["type"] for each in booking["timeline"]] == ["BookingPlaced", "BookingConfirmed"]
    assert booking["payments"][0]["card"]["last4"] == "4242"
    assert (booking["seenAs"], booking["split"]) == ("customer", None)
    theirs = await pedro.all_of("booking", bookingId=booking_id)
    assert (theirs["seenAs"], theirs["split"]["providerShare"]["minor"]) == ("provider", 9_000)
    assert theirs["payments"][0]["card"] is None
    mine = await ada.all_of("myBookings", depth=2, first=1)
    assert mine["nodes"][0]["bookingId"] == booking_id
    assert mine["pageInfo"] == {"__typename": "PageInfo", "hasNextPage": False, "endCursor": None}
    assert (await pedro.all_of("providerBookings", depth=2, providerId=shop.provider_id))["nodes"]

    day = (shop.market.tomorrow() + timedelta(days=10)).date().isoformat()
    times = await ada.all_of("rescheduleTimes", bookingId=booking_id, firstDay=day, lastDay=day, zone=ZONE)
    start_at = times["days"][0]["slots"][0]["startAt"]
    moved = await ada.all_of("rescheduleBooking", input={"bookingId": booking_id, "startAt": start_at})
    assert moved["startAt"] == start_at
    other = times["days"][0]["slots"][5]["startAt"]
    proposed = await pedro.all_of(
        "rescheduleBooking", input={"bookingId": booking_id, "startAt": other, "reason": "Rain"}
    )
    assert proposed["proposal"]["by"] == "provider"
    answer = {"bookingId": booking_id, "startAt": other, "agree": True}
    assert (await ada.all_of("answerProposal", input=answer))["startAt"] == other
    preview = await ada.all_of("cancellationPreview", bookingId=booking_id)
    assert preview["amount"]["minor"] == 10_000
    cancelled = await ada.all_of("cancelBooking", input={"bookingId": booking_id, "reason": "Rain"})
    assert (cancelled["status"], cancelled["refund"]["shareBps"]) == ("cancelled", 10_000)
    assert cancelled["refunds"][0]["amount"]["minor"] == 10_000


async def is_disputed(shop: Shop, booking_id: str, operator: Client) -> None:
    ada, pedro = await shop.signed_in(ADA), await shop.signed_in(PEDRO)
    dispute = {"bookingId": booking_id, "disputeId": shop.id("dsp")}
    eur = {"currency": "EUR"}
    asked = dispute | {"cause": "cut_short", "text": "Late", "wanted": eur | {"minor": 8_000}}
    assert (await ada.all_of("openDispute", input=asked))["state"] == "review"
    offer = dispute | {"answer": "offered", "offered": eur | {"minor": 2_000}}
    offered = await pedro.all_of("answerDispute", input=offer)
    assert (offered["state"], offered["said"]["offered"]["minor"]) == ("offered", 2_000)
    assert (await ada.all_of("declineOffer", **dispute))["state"] == "contested"
    waiting = await operator.all_of("disputesInState", depth=2, state="contested")
    assert [each["disputeId"] for each in waiting["nodes"]] == [dispute["disputeId"]]
    decided = dispute | {"refund": eur | {"minor": 5_000}, "reason": "Half"}
    assert (await operator.all_of("decideDispute", input=decided))["verdict"]["refund"]["minor"] == 5_000
    assert (await pedro.all_of("dispute", **dispute))["state"] == "decided"
    assert len(await ada.all_of("disputesOf", bookingId=booking_id)) == 1
    rules = await operator.all_of("disputeRules")
    limits = {"limits": [eur | {"minor": 3_000}], "version": rules["version"]}
    assert (await operator.all_of("setDisputeRules", input=limits))["limits"][0]["minor"] == 3_000


async def is_settled_between_the_two(shop: Shop, *, taken_back: str, offered: str) -> None:
    ada, pedro = await shop.signed_in(ADA), await shop.signed_in(PEDRO)
    first = {"bookingId": taken_back, "disputeId": shop.id("dsp")}
    assert (await ada.all_of("openDispute", input=first | {"text": "Late"}))["wanted"]["minor"] == 10_000
    assert (await ada.all_of("withdrawDispute", **first))["state"] == "withdrawn"
    second = {"bookingId": offered, "disputeId": shop.id("dsp")}
    await ada.all_of("openDispute", input=second | {"text": "Cold"})
    offer = {"answer": "offered", "offered": {"minor": 100, "currency": "EUR"}}
    await pedro.all_of("answerDispute", input=second | offer)
    assert (await ada.all_of("acceptOffer", **second))["verdict"]["by"] == "customer"


async def ends_in_every_way(shop: Shop, operator: Client) -> None:
    ada, pedro = await shop.signed_in(ADA), await shop.signed_in(PEDRO)
    asking = await shop.market.service(shop.provider_id, owner=PEOPLE[PEDRO], instant=False)
    request = await shop.book(ada, shop.tomorrow(7), asking)
    assert request["status"] == "awaiting_provider"
    seen = await pedro.all_of("booking", bookingId=request["bookingId"])
    assert (seen["customerName"], seen["customerEmail"]) == ("Ada L.", "")
    assert (await pedro.all_of("acceptBooking", bookingId=request["bookingId"]))["status"] == "confirmed"
    declined = await shop.book(ada, shop.tomorrow(8), asking)
    assert (await pedro.all_of("declineBooking", bookingId=declined["bookingId"]))["status"] == "declined"

    done, missed, disputed = [await shop.book(ada, shop.tomorrow(hour)) for hour in (10, 12, 14)]
    shop.clock.advance(timedelta(days=1, hours=4))
    ada, pedro = await shop.signed_in(ADA), await shop.signed_in(PEDRO)
    operator.token = (await shop.signed_in(OLGA)).token
    assert (await pedro.all_of("startBooking", bookingId=done["bookingId"]))["status"] == "in_progress"
    assert (await ada.all_of("completeBooking", bookingId=done["bookingId"]))["status"] == "completed"
    report = {"bookingId": missed["bookingId"], "absent": "provider"}
    assert (await ada.all_of("reportNoShow", input=report))["absent"] == "provider"
    settled = await pedro.all_of("settleNoShow", bookingId=missed["bookingId"])
    assert settled["refund"]["amount"]["minor"] == 10_000
    await is_disputed(shop, disputed["bookingId"], operator)
    await is_settled_between_the_two(shop, taken_back=request["bookingId"], offered=done["bookingId"])

    earned = await pedro.all_of("earnings", depth=2, providerId=shop.provider_id, currency="EUR")
    assert earned["balances"][0]["money"]["minor"] == 9_000 + 4_500 - 90
    assert [each["booking"]["bookingId"] for each in earned["releases"]] == [request["bookingId"]]
    lines = await pedro.all_of("earningsStatement", depth=2, providerId=shop.provider_id, currency="EUR", first=1)
    assert lines["pageInfo"]["hasNextPage"]
    given = {"refundId": shop.id("rfd"), "bookingId": done["bookingId"], "reason": "Kindness"}
    given["amount"] = {"minor": 1_000, "currency": "EUR"}
    assert (await operator.all_of("giveBack", input=given))["state"] == "issued"
    await shop.market.sequence()
    account = await operator.all_of("ledgerAccount", accountId="commission:EUR")
    assert account["net"] == str(1_000 + 500 - 100 - 10)
    today = shop.clock.now().date()
    span = {"startAt": f"{today}T00:00:00Z", "endAt": f"{today + timedelta(days=1)}T00:00:00Z"}
    statement = await operator.all_of("ledgerStatement", accountId="commission:EUR", first=2, **span)
    assert len(statement["nodes"]) == 2
    transfers = await operator.all_of("ledgerTransfers", reference=done["bookingId"])
    assert {each["transferId"].rpartition(".")[2] for each in transfers} == {"base", "provider", "commission"}
    found = await operator.all_of("bookingsInStatus", depth=2, status="completed")
    assert {each["bookingId"] for each in found["nodes"]} == {done["bookingId"], disputed["bookingId"]}
    await shop.market.verified()


async def books_as_a_guest(shop: Shop) -> None:
    guest, ada = await shop.guest(), await shop.signed_in(ADA)
    assert (await guest.all_of("me"))["isGuest"]
    booked = await shop.book(guest, shop.tomorrow(15))
    assert booked["price"]["surcharge"]["minor"] == 1_000
    assert len(booked["claimSecret"]) == 43
    claimed = await ada.all_of("claimBooking", bookingId=booked["bookingId"], guestToken=guest.token)
    assert (claimed["seenAs"], claimed["claimSecret"]) == ("customer", None)
    held = await shop.hold(guest, shop.tomorrow(17))
    over = {"holdId": shop.id("hld"), "replaces": held["holdId"], "guestToken": guest.token}
    assert (await ada.all_of("takeOverHold", **over))["price"]["surcharge"]["minor"] == 0
    again = await shop.book(guest, shop.tomorrow(19))
    secret = {"bookingId": again["bookingId"], "secret": again["claimSecret"]}
    assert (await ada.all_of("claimBooking", **secret))["seenAs"] == "customer"


async def is_told(shop: Shop) -> None:
    wiring = Wiring.of(shop.market.app)
    await wiring.relay.drain()
    ada = await shop.signed_in(ADA)
    page = await ada.all_of("notices", first=2)
    first, second = (each["noticeId"] for each in page["nodes"])
    assert page["pageInfo"]["hasNextPage"]
    assert (await ada.all_of("notices", after=page["pageInfo"]["endCursor"]))["nodes"][0]["noticeId"] not in {
        first,
        second,
    }
    assert await ada.all_of("readNotices", noticeIds=[first]) == [first]
    assert await ada.all_of("unreadNotices", noticeIds=[first]) == [first]
    assert set(await ada.all_of("readAllNotices")) > {first, second}
    assert (await ada.all_of("notices"))["unread"] == 0
    assert (await ada.all_of("mailPreferences"))["withoutMail"] == []
    assert (await ada.all_of("setMailPreferences", withoutMail=["money"]))["withoutMail"] == ["money"]


async def is_operated(shop: Shop, operator: Client) -> None:
    operator.token = (await shop.signed_in(OLGA)).token
    people = await operator.all_of("people", beginning="ad")
    assert [each["email"] for each in people["nodes"]] == [ADA]
    ada = people["nodes"][0]["userId"]
    assert (await operator.all_of("person", userId=ada))["standing"] == "active"
    assert (await operator.all_of("lockPerson", userId=ada, reason="A look"))["standing"] == "locked"
    assert (await operator.all_of("unlockPerson", userId=ada))["standing"] == "active"
    groups = ["Customers", "Providers"]
    assert (await operator.all_of("setGroups", userId=ada, groups=groups))["groups"] == groups
    acting = shop.visitor()
    acting.token = (await operator.all_of("actAs", userId=ada, reason="Help"))["accessToken"]
    assert (await acting.all_of("me"))["impersonatorId"] == PEOPLE[OLGA].actor_id

    await _unowned_provider(shop, operator)
    waiting = await operator.all_of("providersInStatus", depth=2, status="pending")
    provider_id = waiting["nodes"][0]["providerId"]
    sent_back = await operator.all_of("sendBackProvider", providerId=provider_id, reason="A better headline, please")
    assert (sent_back["status"], sent_back["reason"]) == ("draft", "A better headline, please")
    assert (await operator.all_of("approveProvider", providerId=provider_id))["status"] == "active"
    suspended = await operator.all_of("suspendProvider", providerId=provider_id, reason="Complaints")
    assert suspended["status"] == "suspended"
    assert (await operator.all_of("reinstateProvider", providerId=provider_id))["status"] == "active"
    claimer = await shop.signed_in(EVE)
    assert (await claimer.all_of("claimProvider", providerId=provider_id))["ownerId"] == PEOPLE[EVE].actor_id

    assert (await operator.all_of("setRates", input={"providerShareBps": 8_800, "surchargeBps": 900}))["version"] == 2
    assert (await operator.all_of("ratesHistory"))[0]["actorId"] == PEOPLE[OLGA].actor_id
    compared = await operator.all_of("railCosts", volume=100_000, transactions=500, payouts=1_000)
    totals = {each["rail"]: each["total"]["minor"] for each in compared["scenarios"][0]["rails"]}
    assert totals == {"cards": 345_000, "native": 27_500}
    policy = {"name": "strict", "tiers": [{"shareBps": 5_000, "beforeMin": 60}], "rescheduleMin": 60, "version": 1}
    assert (await operator.all_of("setPolicy", input=policy))["version"] == 2
    letter = (await operator.all_of("outbox", first=1))["nodes"][0]
    # Without a mail server the outbox is all there is, and says so.
    refused = await operator.refusal_of("sendLetterAgain", mailId=letter["mailId"])
    assert refused["errorType"] == "NoMailServer"
    operator.answered.add("sendLetterAgain")
    await _dead_letter(shop, operator)
    await watches_workflows(shop, operator)


async def watches_workflows(shop: Shop, operator: Client) -> None:
    """What an operator's pages of workflows and the bus show and do, by program."""
    engine = cast("EmbeddedWorkflows", shop.market.app.ports.workflows)
    asking = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "End": True,
              "Parameters": {"FunctionName": "ask", "Payload": {"answers": ["accept"], "token.$": "$$.Task.Token"}}}  # fmt: skip
    written = {"StartAt": "Ask", "States": {"Ask": asking}}

    async def ask(call: TaskCall) -> None:
        assert call.token

    engine.bind([Definition(name="asking", content=msgspec.json.encode(written), file="asking.asl.json")], {"ask": ask})
    ids: list[str] = []
    for name in ("bkg_one", "bkg_two"):
        given = {"booking_id": name, "email": ADA}
        begun = await engine.start(StartExecution(machine="asking", name=name, input=given), SYSTEM)
        ids.append(begun.execution_id)
    await engine.drained()

    listed = await operator.all_of("executions", machine="asking", status="RUNNING", first=1)
    assert listed["pageInfo"]["hasNextPage"]
    (named,) = await operator.all_of("executionsNamed", name="bkg_one")
    assert json.loads(named["input"]) == {"booking_id": "bkg_one", "email": ADA}
    seen = await operator.all_of("execution", executionId=ids[0])
    (task,) = seen["openTasks"]
    assert json.loads(task["input"]) == {"answers": ["accept"], "token": "•••"}
    history = await operator.all_of("executionHistory", executionId=ids[0], first=2)
    assert [each["type"] for each in history["nodes"]] == ["ExecutionStarted", "TaskStateEntered"]
    more = await operator.all_of("executionHistory", executionId=ids[0], after=history["pageInfo"]["endCursor"])
    assert more["nodes"][0]["id"] == 3
    answer = {
        "executionId": ids[0],
        "taskId": task["taskId"],
        "accepted": True,
        "reason": "Seen",
        "output": '{"refund_minor": 1}',
    }
    answered = json.loads((await operator.all_of("answerTask", input=answer))["output"])
    assert (answered["refund_minor"], answered["reason"]) == (1, "Seen")
    stopped = await operator.all_of("stopExecution", executionId=ids[1], reason="A look")
    assert (stopped["status"], stopped["cause"]) == ("ABORTED", "A look")
    assert (await operator.all_of("redriveExecution", executionId=ids[1]))["redrives"] == 1

    assert "webhook-authorizer" in {each["name"] for each in await operator.all_of("functions")}
    assert "profile-events" in {each["name"] for each in await operator.all_of("busRules")}
    window = {"startAt": text_of(shop.clock.now() - timedelta(days=30)), "endAt": text_of(shop.clock.now())}
    confirmed = window | {"pattern": '{"detail-type": ["BookingConfirmed"]}'}
    counted = await operator.all_of("archiveCount", **confirmed)
    assert counted["byType"][0]["count"] == counted["events"] > 0
    events = await operator.all_of("archivedEvents", **confirmed, first=1)
    assert events["nodes"][0]["type"] == "BookingConfirmed"
    begun = await operator.all_of("startReplay", input=confirmed | {"name": "again", "rules": ["profile-events"]})
    assert begun["state"] == "running"
    assert [each["name"] for each in await operator.all_of("replays")] == ["again"]
    assert (await operator.all_of("cancelReplay", name="again"))["state"] == "cancelled"
    assert (await operator.all_of("replay", name="again"))["endedAt"]

    scheduler = Scheduler(shop.market.app.ports.table, shop.clock)
    await scheduler.put(Schedule(name="look", expression="rate(1 hour)", next_at=shop.clock.now() + timedelta(hours=1)))
    assert "look" in {each["name"] for each in await operator.all_of("schedules")}
    assert "look" in {each["name"] for each in await operator.all_of("upcomingSchedules", first=50)}
    assert (await operator.all_of("pauseSchedule", name="look"))["pausedAt"]
    assert (await operator.all_of("resumeSchedule", name="look"))["pausedAt"] is None
    assert (await operator.all_of("fireSchedule", name="look"))["name"] == "look"
    assert await operator.all_of("replayDeadLetters", rule="nobody") == 0


async def _unowned_provider(shop: Shop, operator: Client) -> None:
    """A provider that an operator registered for somebody, and that waits to be listed."""
    place = {"lat": 38.7, "lon": -9.1, "place": "Lisbon", "zone": ZONE}
    fields = {"name": "Vacant Post", "headline": "Soon", "languages": ["pt"], "location": place}
    wanted = {"providerId": shop.id("prv"), "fields": fields, "ownerEmail": EVE}
    made = await operator.all_of("registerProvider", input=wanted)
    moderated = Standings(shop.market.app.providers, moderated=True)
    await moderated.submit(made["providerId"], PEOPLE[OLGA])


async def _dead_letter(shop: Shop, operator: Client) -> None:
    app = shop.market.app
    booking_id = (await operator.all_of("bookingsInStatus", depth=2, status="completed"))["nodes"][0]["bookingId"]
    event = (await app.timelines.of_booking(booking_id, SYSTEM))[0]
    delivery = None
    for _ in range(ATTEMPTS_MAX):
        delivery = failed(event, "tell", "No reason", shop.clock.now(), delivery)
    assert delivery is not None
    await app.ports.table.transact(kept(delivery))
    (dead,) = (await operator.all_of("deliveries", status="dead"))["nodes"]
    named: dict[str, Any] = {"eventId": dead["eventId"], "reaction": dead["reaction"]}
    assert await operator.all_of("replayDelivery", **named)
    assert (await operator.all_of("deliveries", status="dead"))["nodes"] == []
    assert await operator.all_of("giveUpDelivery", **named)


async def _code(operator: Client, mail_id: str) -> str:
    found = re.search(r"\b(\d{6})\b", (await operator.all_of("letter", mailId=mail_id))["text"])
    assert found
    return found[1]


async def _token(operator: Client, mail_id: str) -> str:
    found = re.search(r"token=([\w.-]+)", (await operator.all_of("letter", mailId=mail_id))["text"])
    assert found
    return found[1]
