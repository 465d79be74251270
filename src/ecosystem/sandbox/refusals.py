"""What the card API answers when it refuses: an error object with a type, a code, a sentence and the parameter."""

from __future__ import annotations

from typing import Any

import msgspec

DOCUMENTATION = "https://stripe.com/docs/error-codes/"


class Refused(Exception):
    """A request refused before it had any effect."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002 — the API's own word
        code: str | None = None,
        param: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = error(message, type=type, code=code, param=param, **details)


def error(
    message: str,
    *,
    type: str = "invalid_request_error",  # noqa: A002 — the API's own word
    code: str | None = None,
    param: str | None = None,
    **details: Any,
) -> dict[str, Any]:
    """The error object, with only the keys that have a value."""
    told: dict[str, Any] = {"message": message, "type": type}
    if code:
        told |= {"code": code, "doc_url": DOCUMENTATION + code.replace("_", "-")}
    if param:
        told["param"] = param
    return {"error": told | {name: value for name, value in details.items() if value is not None}}


def encoded(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body)


def logged(body: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The error object with the address at which the account's owner finds the request."""
    return {"error": {**body["error"], "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}}


def missing(kind: str, thing_id: str, *, param: str | None = None) -> Refused:
    """The thing does not exist: 404 where the address names it, 400 where a parameter does."""
    return Refused(
        f"No such {kind}: '{thing_id[:120]}'",
        status=400 if param else 404,
        code="resource_missing",
        param=param or "id",
    )


def unexpected_state(message: str, *, code: str = "payment_intent_unexpected_state", **details: Any) -> Refused:
    """The thing exists, but not in a state that allows this."""
    return Refused(message, code=code, **details)
