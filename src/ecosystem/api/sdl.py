"""The API's document: its files as one text, as the cloud's GraphQL service takes it, and the schema made of it here.

The cloud knows its own scalars and directives by themselves; here they are declared in front of the same text.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from importlib import resources
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from ariadne import MutationType, QueryType, ScalarType, make_executable_schema
from graphql import GraphQLError, GraphQLSchema

from ecosystem.api.roots import UNANSWERED, Root

FILES = (
    "root",
    "kernel",
    "search",
    "catalogue",
    "booking",
    "disputes",
    "payments",
    "bank_accounts",
    "ledger",
    "payouts",
    "rails",
    "identity",
    "notifications",
    "workflows",
)
_OFFSET = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")

CLOUD = """
scalar AWSDate
scalar AWSDateTime
scalar AWSEmail
scalar AWSJSON
scalar AWSURL
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_lambda on OBJECT | FIELD_DEFINITION
directive @aws_oidc on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
"""
"""What the cloud's service declares by itself."""


def document() -> str:
    """The text that is deployed."""
    folder = resources.files("ecosystem.api") / "schema"
    return "\n".join((folder / f"{name}.graphql").read_text(encoding="utf-8") for name in FILES)


def schema(roots: Iterable[Root]) -> GraphQLSchema:
    """The schema as this process serves it: every root field bound to who answers it."""
    bound = {"Query": QueryType(), "Mutation": MutationType()}
    for root in roots:
        cast("Any", bound[root.kind]).set_field(root.name, _resolver(root))
    return make_executable_schema(CLOUD + document(), *bound.values(), *_scalars())


def _resolver(root: Root) -> Callable[..., Awaitable[Any]]:
    async def resolve(_: None, info: Any, **arguments: Any) -> Any:
        if info.context.answered is not UNANSWERED:
            return info.context.answered
        return await root.answer(info.context.ask(info.field_nodes), arguments)

    return resolve


def _scalars() -> list[ScalarType]:
    """Answers are plain already, so all pass as they are. What is sent in is looked at for its shape."""

    def passed(value: Any) -> Any:
        return value

    parsers = {
        "AWSDate": _date,
        "AWSDateTime": _instant,
        "AWSEmail": _string,
        "AWSJSON": _string,
        "AWSURL": _url,
    }
    return [ScalarType(name, serializer=passed, value_parser=parser) for name, parser in parsers.items()]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("That is a text.")
    return value


def _date(value: Any) -> str:
    text = _string(value)
    try:
        date.fromisoformat(text)
    except ValueError:
        text = ""
    if len(text) != len("2026-11-20"):
        raise GraphQLError("That is a date such as 2026-11-20.")
    return text


def _instant(value: Any) -> str:
    text = _string(value)
    try:
        msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        text = ""
    if not _OFFSET.search(text):
        raise GraphQLError("That is a time with its offset, such as 2026-11-20T10:00:00Z or 2026-11-20T11:00:00+01:00.")
    return text


def _url(value: Any) -> str:
    text = _string(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(text) > 2_000:
        raise GraphQLError("That is an address such as https://example.org/back.")
    return text
