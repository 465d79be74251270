"""Capabilities: what an account asked to be able to do, and whether it may."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import accounts, verification
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Boolean, Endpoint
from ecosystem.sandbox.refusals import missing
from ecosystem.sandbox.shapes import Body

RETRIEVE = LIST = Endpoint()
UPDATE = Endpoint({"requested": Boolean()})


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return verification.capability(_holding(act, given), given["part"])


def listed(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    data = [verification.capability(account, name) for name in account["capabilities"]]
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/accounts/{account.id}/capabilities"}


def update(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    name = given["part"]
    if name not in verification.CAPABILITIES:
        raise missing("capability", name)
    if "requested" in given:
        accounts.update(act, {"id": account.id, "capabilities": {name: {"requested": given["requested"]}}})
    return verification.capability(account, name)


def _holding(act: Act, given: dict[str, Any]) -> Record:
    account = act.need("account", given["id"])
    if given["part"] not in account["capabilities"]:
        raise missing("capability", given["part"])
    return account
