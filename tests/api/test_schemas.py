"""Programs find out what events look like."""

from .programs import Shop


async def test_anyone_may_read_the_list_of_types_and_each_schema(shop: Shop) -> None:
    types = (await shop.http.get("/api/schemas/events")).json()["types"]
    entry = next(each for each in types if each["type"] == "BookingConfirmed")
    answer = await shop.http.get(entry["schema"])
    found = answer.json()

    assert (entry["source"], entry["schema"]) == ("booking", "/api/schemas/events/BookingConfirmed.json")
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert (found["title"], found["$schema"]) == ("BookingConfirmed", "https://json-schema.org/draft/2020-12/schema")


async def test_a_type_that_is_not_has_no_schema(shop: Shop) -> None:
    for name in ("Nonsense.json", "BookingConfirmed", "..%2Fevents.json"):
        assert (await shop.http.get(f"/api/schemas/events/{name}")).status_code == 404
