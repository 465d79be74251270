"""Webhook endpoints: addresses that the platform names by itself, each with its secret and its types of event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Books
from ecosystem.sandbox.events import is_of
from ecosystem.sandbox.parameters import LISTED, Boolean, Endpoint, Ignored, Kind, Many, Metadata, Text, Url
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.shapes import OF, Body

MOST = 16
_KINDS: dict[str, Kind] = {
    "description": Text(500, unsettable=True),
    "enabled_events": Many(Text(120), most=300),
    "metadata": Metadata(),
    "url": Url(),
}
CREATE = Endpoint(
    {**_KINDS, "api_version": Text(60), "connect": Boolean(), "events_from": Ignored()},
    required=("url", "enabled_events"),
)
UPDATE = Endpoint({**_KINDS, "disabled": Boolean()})
RETRIEVE = Endpoint()
LIST = Endpoint(LISTED)


def create(act: Act, given: dict[str, Any]) -> Body:
    """A new address. Its secret is told now, and never again."""
    secret = f"whsec_{act.secret(32)}"
    body: Body = {
        **OF["webhook_endpoint"],
        "id": act.mint("we"),
        "api_version": given.get("api_version"),
        "created": act.at,
        "description": given.get("description"),
        "enabled_events": given["enabled_events"],
        "metadata": merged({}, given.get("metadata", {})),
        "status": "enabled",
        "url": given["url"],
    }
    inside = {"secret": secret, "connect": bool(given.get("connect"))}
    act.rerouted = True
    act.add("webhook_endpoint", body, inside=inside, links=[("webhook_endpoint", "all")])
    return {**body, "secret": secret}


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return act.need("webhook_endpoint", given["id"]).body


def update(act: Act, given: dict[str, Any]) -> Body:
    found = act.need("webhook_endpoint", given["id"])
    changes = {name: given[name] for name in ("description", "enabled_events", "url") if name in given}
    if "disabled" in given:
        changes["status"] = "disabled" if given["disabled"] else "enabled"
    if "metadata" in given:
        changes["metadata"] = merged(found["metadata"], given["metadata"])
    act.rerouted = True
    act.change(found, **changes)
    return found.body


def delete(act: Act, given: dict[str, Any]) -> Body:
    found = act.need("webhook_endpoint", given["id"])
    act.rerouted = True
    act.note(found, deleted=True)
    return {"id": found.id, "object": "webhook_endpoint", "deleted": True}


def listed(act: Act, given: dict[str, Any]) -> Body:
    found = [one.body for one in act.linked("webhook_endpoint", "all") if not one.inside.get("deleted")]
    return lists.slice_of(found, "/v1/webhook_endpoints", given)


@dataclass(frozen=True, slots=True)
class Address:
    """Where events go, the secret they are signed with, and which go there: `only` names types, all when it is empty.

    `connect` are the events of connected accounts: True for these alone, False for the platform's own, None for all.
    """

    url: str
    secret: str
    only: frozenset[str] = frozenset()
    connect: bool | None = None

    def takes(self, event: Body) -> bool:
        fits = self.connect is None or self.connect == ("account" in event)
        return fits and (not self.only or is_of(event["type"], self.only))


def addresses(books: Books) -> dict[str, Address]:
    """The endpoints that are enabled, by their ids."""
    return {
        record.id: Address(
            url=record["url"],
            secret=record.inside["secret"],
            only=frozenset() if "*" in record["enabled_events"] else frozenset(record["enabled_events"]),
            connect=record.inside["connect"],
        )
        for record in books.linked("webhook_endpoint", "all", MOST)
        if record["status"] == "enabled" and not record.inside.get("deleted")
    }
