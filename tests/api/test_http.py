"""The door: what is a request to the API, who it is from, and how much one may ask."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query

from ecosystem.api import costs, endpoint, sdl
from ecosystem.api.documents import KEPT_LENGTH_MAX, KEPT_MAX, Library
from ecosystem.api.resolvers import ROOTS
from ecosystem.api.roots import Ask
from ecosystem.contexts.identity import Identified, Origin
from ecosystem.kernel.actor import VISITOR

from .programs import ADA, SCHEMA, Shop

BOTH = "application/graphql-response+json, application/json;q=0.9"


async def raw(shop: Shop, content: bytes | str, **headers: str) -> httpx.Response:
    return await shop.http.post("/graphql", content=content, headers={"content-type": "application/json", **headers})


def error_of(response: httpx.Response) -> dict[str, Any]:
    (error,) = response.json()["errors"]
    return error


async def test_a_query_may_be_sent_by_get(shop: Shop) -> None:
    asked = {"query": "query Q($s: ID!) { service(serviceId: $s) { title } }", "operationName": "Q"}
    asked["variables"] = json.dumps({"s": shop.service_id})

    response = await shop.http.get("/graphql", params=asked)

    assert response.json() == {"data": {"service": {"title": "Portrait session"}}}
    assert response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in response.headers


async def test_a_mutation_is_not_sent_by_get(shop: Shop) -> None:
    response = await shop.http.get("/graphql", params={"query": "mutation { welcomeGuest { token } }"})

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert error_of(response)["errorType"] == "OnlyQueries"


async def test_batches_are_refused(shop: Shop) -> None:
    response = await raw(shop, json.dumps([{"query": "{ rates { version } }"}] * 2))

    assert response.status_code == 400
    assert error_of(response)["errorType"] == "BatchRefused"


NO_REQUESTS: tuple[tuple[bytes, str | None], ...] = (
    (b"", None),
    (b"{", None),
    (b"\xff\xfe", None),
    (b'{"query": "\\ud800"}', None),
    (b"{}", "query"),
    (b'{"query": 7}', "query"),
    (b'{"query": "{ me { actorId } }", "variables": []}', "variables"),
    (b'{"query": "{ me { actorId } }", "operationName": {}}', "operationName"),
    (b'"{ me { actorId } }"', None),
)


async def test_what_is_no_request_is_told_so(shop: Shop) -> None:
    responses = [await raw(shop, content) for content, _ in NO_REQUESTS]

    assert {response.status_code for response in responses} == {400}
    assert {error_of(response)["errorType"] for response in responses} == {"NotJson"}
    assert [error_of(response)["errorInfo"].get("field") for response in responses] == [f for _, f in NO_REQUESTS]


async def test_other_media_types_are_not_taken(shop: Shop) -> None:
    response = await raw(shop, "{ me { actorId } }", **{"content-type": "application/graphql"})

    assert response.status_code == 415
    assert error_of(response)["errorType"] == "OnlyJson"


async def test_a_body_beyond_the_limit_is_not_read(shop: Shop) -> None:
    response = await raw(shop, b" " * (endpoint.BODY_BYTES_MAX + 1))

    assert response.status_code == 413


async def test_who_speaks_the_newer_media_type_is_answered_by_status(shop: Shop) -> None:
    body = json.dumps({"query": "{ nothing }"})

    older, newer = await raw(shop, body), await raw(shop, body, accept=BOTH)

    assert (older.status_code, older.headers["content-type"]) == (200, "application/json")
    assert (newer.status_code, newer.headers["content-type"]) == (400, "application/graphql-response+json")
    assert older.json() == newer.json()


async def test_an_operation_is_chosen_by_its_name(shop: Shop) -> None:
    text = "query A { rates { version } } query B { policies { name } }"

    chosen = await shop.visitor().post(text, operationName="A")
    unnamed, unknown = await shop.visitor().post(text), await shop.visitor().post(text, operationName="C")

    assert chosen.json() == {"data": {"rates": {"version": 1}}}
    assert error_of(unnamed)["errorInfo"]["field"] == "operationName"
    assert error_of(unknown)["errorType"] == "NoSuchOperation"


async def test_a_token_that_does_not_hold_is_refused_whole(shop: Shop) -> None:
    client = await shop.signed_in(ADA)
    good = client.token
    shop.clock.advance(timedelta(minutes=16))

    expired = await client.post("{ rates { version } }")
    client.token = good[:-4] + "AAAA"
    forged = await client.post("{ rates { version } }")
    other = await raw(shop, b'{"query": "{ rates { version } }"}', authorization="Basic YTpi")

    assert [each.status_code for each in (expired, forged, other)] == [401, 401, 401]
    assert [error_of(each)["errorType"] for each in (expired, forged, other)] == [
        "TokenExpired",
        "TokenRefused",
        "BearerNeeded",
    ]
    assert expired.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_no_cookie_says_who_asks(shop: Shop) -> None:
    client = await shop.signed_in(ADA)

    response = await raw(shop, b'{"query": "{ me { actorId } }"}', cookie=f"access={client.token}")

    assert response.json() == {"data": {"me": None}}


async def test_refresh_and_device_tokens_are_no_access_tokens(shop: Shop) -> None:
    signed = await shop.visitor().all_of("signIn", input={"email": ADA, "password": "Quiet-Harbour-93"})
    client = shop.visitor()

    for name in ("refreshToken", "deviceToken", "idToken"):
        client.token = signed["signedIn"][name]
        assert (await client.post("{ me { actorId } }")).status_code == 401


async def test_the_schema_may_be_asked_for(shop: Shop) -> None:
    response = await shop.visitor().post(get_introspection_query())

    types = {each["name"] for each in response.json()["data"]["__schema"]["types"]}
    assert {"Booking", "TakeHold", "AWSDateTime"} < types


TOO_MUCH = (
    "{ me { actorId } }" + " " * costs.TEXT_LENGTH_MAX,
    "{ me { " + " ".join(f"a{at}: actorId" for at in range(600)) + " } }",
    "{ me { " + "actorId " * 80 + "} }",
    "{ " + "x { " * 13 + "y" + " }" * 13 + " }",
    "{ " + " ".join(f"a{at}: rates {{ version }}" for at in range(13)) + " }",
    "{ myBookings { nodes { service { provider { services { facets } } } } } " + "}",
    "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    "{ ...A } "
    + " ".join(f"fragment {chr(65 + at)} on Query {{ ...{chr(66 + at)} ...{chr(66 + at)} }}" for at in range(20))
    + " fragment U on Query { rates { version } }",
    "{ me { actorId " + "{" * 3_000,
)


async def test_what_asks_for_too_much_is_refused_before_it_is_answered(shop: Shop) -> None:
    responses = [await raw(shop, json.dumps({"query": text}), accept=BOTH) for text in TOO_MUCH]

    assert {response.status_code for response in responses} == {400}
    assert [response.json() for response in responses if "data" in response.json()] == []


async def test_a_query_that_costs_too_much_is_refused(shop: Shop) -> None:
    deep = "nodes { service { pictures { sizes { path } } provider { services { rating { mean } } pictures { sizes { path } } } } }"
    parts = " ".join(f"a{at}: myBookings {{ {deep} }}" for at in range(10))

    error = await shop.visitor().refusal(f"{{ {parts} }}")

    assert error["errorType"] == "QueryTooLarge"


async def test_what_the_library_keeps_is_bounded() -> None:
    library = Library(SCHEMA)

    for at in range(KEPT_MAX + 50):
        library.read(f"{{ a{at}: rates {{ version }} }}")
    for at in range(40):
        library.read(f"{{ a{at}: rates {{ version }} }}" + " " * 9_900)

    kept = library._kept
    assert len(kept) <= KEPT_MAX
    assert sum(map(len, kept)) <= KEPT_LENGTH_MAX
    assert library.read(next(reversed(kept))) is next(reversed(kept.values()))


async def test_a_fault_tells_its_number_and_nothing_else(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_: Ask) -> Any:
        raise RuntimeError("the secret detail")

    broken = [replace(root, act=fails) if root.name == "rates" else root for root in ROOTS]
    schema = sdl.schema(broken)
    api = endpoint.Api(market=shop.market.app, schema=schema, library=Library(schema))
    posed = endpoint.Posed(query="{ rates { version } policies { name } }")

    told = await api.answer(posed, Identified(actor=VISITOR), Origin(address="127.0.0.1"))

    (error,) = told.said["errors"]
    assert error["errorType"] == "Fault"
    assert "secret" not in json.dumps(told.said)
    assert told.said["data"]["rates"] is None
    assert len(told.said["data"]["policies"]) == 3
    assert "the secret detail" in caplog.text


async def test_keys_are_published_for_whoever_takes_our_tokens(shop: Shop) -> None:
    response = await shop.http.get("/.well-known/jwks.json")

    (key,) = response.json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert "d" not in key
    assert "set-cookie" not in response.headers


async def test_the_request_id_of_the_caller_comes_back(shop: Shop) -> None:
    response = await raw(shop, b'{"query": "{ rates { version } }"}', **{"x-request-id": "caller-12345"})

    assert response.headers["x-request-id"] == "caller-12345"


async def test_a_session_tells_where_somebody_is_and_not_which_proxy_they_came_by(shop: Shop) -> None:
    enter = {"query": "mutation ($i: SignIn!) { signIn(input: $i) { signedIn { accessToken } } }"}
    variables = {"i": {"email": ADA, "password": "Quiet-Harbour-93"}}
    signed = await raw(shop, json.dumps(enter | {"variables": variables}), **{"x-forwarded-for": "203.0.113.9"})
    client = shop.visitor()
    client.token = signed.json()["data"]["signIn"]["signedIn"]["accessToken"]

    (session,) = await client.all_of("sessions")

    assert session["network"] == "203.0.113.9"
