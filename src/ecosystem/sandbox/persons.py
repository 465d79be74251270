"""Persons: who stands behind a connected account. What was said of them is kept, numbers are not."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Endpoint,
    Hash,
    Ignored,
    Integer,
    Kind,
    Later,
    Metadata,
    Text,
)
from ecosystem.sandbox.payment_methods import ADDRESS, merged
from ecosystem.sandbox.refusals import missing
from ecosystem.sandbox.shapes import NO_ADDRESS, OF, Body

_SHOWN = ("dob", "email", "first_name", "last_name", "phone")
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        "address_kana address_kanji first_name_kana first_name_kanji full_name_aliases gender id_number_secondary"
        " last_name_kana last_name_kanji maiden_name nationality person_token political_exposure registered_address"
        " us_cfpb_data".split(),
        Later(),
    ),
    "additional_tos_acceptances": Ignored(),
    "address": ADDRESS,
    "dob": Hash({"day": Integer(1, 31), "month": Integer(1, 12), "year": Integer(1900, 2100)}, unsettable=True),
    "documents": Ignored(),
    "email": Text(512),
    "first_name": Text(100),
    "id_number": Text(40),
    "last_name": Text(100),
    "metadata": Metadata(),
    "phone": Text(30),
    "relationship": Hash(
        {
            **dict.fromkeys("authorizer director executive legal_guardian owner representative".split(), Boolean()),
            "percent_ownership": Integer(0, 100),
            "title": Text(100),
        }
    ),
    "ssn_last_4": Text(4, pattern="[0-9]{4}"),
    "verification": Ignored(),
}
CREATE = UPDATE = Endpoint(_KINDS)
RETRIEVE = Endpoint()
LIST = Endpoint(
    {
        **LISTED,
        "relationship": Hash(dict.fromkeys("director owner representative".split(), Boolean())),
        "created": Later(),
        "type": Choice("person"),
    }
)

_NO_REQUIREMENTS: Body = {
    "alternatives": [],
    "currently_due": [],
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}
_NO_DOCUMENT: Body = {"back": None, "details": None, "details_code": None, "front": None}
_NO_RELATIONSHIP: Body = {
    **dict.fromkeys(("authorizer", "percent_ownership", "title")),
    **dict.fromkeys("director executive legal_guardian owner representative".split(), False),
}


def create(act: Act, given: dict[str, Any]) -> Body:
    return add(act, act.need("account", given["id"]), given).body


def add(act: Act, account: Record, given: dict[str, Any]) -> Record:
    template = OF["person"]
    body: Body = {
        **template,
        "id": act.mint("person"),
        "account": account.id,
        "additional_tos_acceptances": {"account": {"date": None, "ip": None, "user_agent": None}},
        "created": act.at,
        "dob": {"day": None, "month": None, "year": None},
        "future_requirements": _NO_REQUIREMENTS,
        "id_number_provided": False,
        "relationship": _NO_RELATIONSHIP,
        "requirements": _NO_REQUIREMENTS,
        "ssn_last_4_provided": False,
        "verification": {
            "additional_document": _NO_DOCUMENT,
            "details": None,
            "details_code": None,
            "document": _NO_DOCUMENT,
            "status": "unverified",
        },
    }
    body |= _changes(body, given)
    person = act.add("person", body, inside={"account": account.id}, links=[("person.account", account.id)])
    act.tell("person.created", person)
    return person


def represent(act: Act, account: Record, told: Body) -> None:
    """The owner said who they are: the account's representative, in place of whoever was."""
    year, month, day = (int(part) for part in told["born"].split("-"))
    given: Body = {
        "first_name": told["first_name"],
        "last_name": told["last_name"],
        "dob": {"day": day, "month": month, "year": year},
        "relationship": {"representative": True, "owner": True},
    }
    for person in act.linked("person.account", account.id):
        if person["relationship"]["representative"] and not person.inside.get("deleted"):
            act.change(person, **_changes(person.body, given))
            act.tell("person.updated", person)
            return
    add(act, account, given)


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return _needed(act, given).body


def update(act: Act, given: dict[str, Any]) -> Body:
    person = _needed(act, given)
    act.change(person, **_changes(person.body, given))
    act.tell("person.updated", person)
    return person.body


def delete(act: Act, given: dict[str, Any]) -> Body:
    person = _needed(act, given)
    act.tell("person.deleted", person)
    act.note(person, deleted=True)
    return {"id": person.id, "object": "person", "deleted": True}


def listed(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    wanted = given.get("relationship", {})
    found = [
        one.body
        for one in act.linked("person.account", account.id)
        if not one.inside.get("deleted") and all(one["relationship"][name] == value for name, value in wanted.items())
    ]
    return lists.slice_of(found, f"/v1/accounts/{account.id}/persons", given)


def verified(act: Act, account: Record) -> None:
    """Those who stand behind the account are who they say."""
    for person in act.linked("person.account", account.id):
        if not person.inside.get("deleted") and person["verification"]["status"] != "verified":
            act.change(person, verification={**person["verification"], "status": "verified"})
            act.tell("person.updated", person)


def _needed(act: Act, given: dict[str, Any]) -> Record:
    person = act.need("person", given["part"])
    if person.inside["account"] != act.need("account", given["id"]).id:
        raise missing("person", given["part"])
    return person


def _changes(known: Body, given: dict[str, Any]) -> Body:
    changes: Body = {name: given[name] for name in _SHOWN if name in given}
    if "dob" in given:
        changes["dob"] = {**known["dob"], **given["dob"]}
    if given.get("address"):
        changes["address"] = {**NO_ADDRESS, **given["address"]}
    if "relationship" in given:
        changes["relationship"] = {**known["relationship"], **given["relationship"]}
    if "id_number" in given:
        changes["id_number_provided"] = True
    if "ssn_last_4" in given:
        changes["ssn_last_4_provided"] = True
    if "metadata" in given:
        changes["metadata"] = merged(known["metadata"], given["metadata"])
    return changes
