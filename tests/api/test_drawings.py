"""Answers drawn the short way are those that the library completes; and what a drawing finds amiss, the library says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import graphql
import msgspec
import pytest

from ecosystem.api import execution, sdl
from ecosystem.api.documents import Document, Library
from ecosystem.api.resolvers import ROOTS
from ecosystem.api.roots import Ask
from ecosystem.contexts.identity import Identified, Origin

from .programs import ADA, PEOPLE, SCHEMA, Shop, whole

QUERIES = (
    "{ rates { version } }",
    "{ r: rates { v: version __typename kind: __typename } again: rates { surchargeBps } __typename }",
    (
        "query Q($s: ID!) { service(serviceId: $s) { ...S ... on Service { price { ...M } provider { name location { lat } } } } }"
        " fragment S on Service { title price { minor } policy { tiers { shareBps beforeMin withinMin } } }"
        " fragment M on Money { currency text ... { minor } }"
    ),
    "query Q($s: ID!, $no: Boolean = false) { service(serviceId: $s) { title @skip(if: $no) price @include(if: $no) { minor } } }",
    "query Q($s: ID!) { service(serviceId: $s) { title } service(serviceId: $s) { slug price { minor } } }",
    "query Q($s: ID!) { service(serviceId: $s) { title ... @include(if: true) { slug } } }",
    "{ policies { name tiers { withinMin } } categories { slug parent } me { groups profile { phone } } }",
    "{ myBookings { nodes { bookingId price { total { minor } } timeline { type } } pageInfo { endCursor } } }",
    '{ __schema { queryType { name } } __type(name: "Money") { fields { name } } }',
)


async def answered(
    shop: Shop, text: str, executor: Any, schema: graphql.GraphQLSchema = SCHEMA
) -> tuple[Any, list[str]]:
    """Data and errors, as that executor finds them."""
    document = Library(schema).read(text)
    who = Identified(actor=PEOPLE[ADA])
    request = execution.Request(shop.market.app, who, Origin(address="127.0.0.1"), document)
    variables = {"s": shop.service_id} if "$s" in text else {}
    result = cast("Any", graphql.execute)(
        schema, document.node, context_value=request, variable_values=variables, executor_class=executor
    )
    result = result if isinstance(result, graphql.ExecutionResult) else await result
    found = msgspec.json.decode(msgspec.json.encode(result.data))
    return found, [f"{error.path}: {error.message}" for error in result.errors or ()]


async def test_what_is_drawn_is_what_the_library_completes(shop: Shop) -> None:
    client = await shop.signed_in(ADA)
    await shop.book(client, shop.tomorrow())
    everything = [
        whole(name, {}, depth=2) for name in ("myBookings", "cardElement", "me", "policies", "mailPreferences")
    ]

    for text in (*QUERIES, *everything):
        drawn, library = await answered(shop, text, execution.Drawn), await answered(shop, text, graphql.Executor)

        assert drawn == library, text
        assert not drawn[1], drawn


@pytest.mark.parametrize(
    ("told", "data"),
    [
        ({"version": None, "providerShareBps": 1}, {"rates": None}),
        ({"providerShareBps": 1}, {"rates": None}),
        ({"version": 2**40, "providerShareBps": 1}, None),
    ],
)
async def test_a_value_that_has_to_be_there_is_missed_as_the_specification_says(
    shop: Shop, told: dict[str, Any], data: Any
) -> None:
    async def rates(_: Ask) -> Any:
        return told

    schema = sdl.schema([replace(root, act=rates) if root.name == "rates" else root for root in ROOTS])

    drawn = await answered(shop, "{ rates { version providerShareBps } }", execution.Drawn, schema)
    library = await answered(shop, "{ rates { version providerShareBps } }", graphql.Executor, schema)

    if data is not None:
        assert drawn == library
        assert drawn[0] == data
        assert "non-nullable" in drawn[1][0]


def test_a_drawing_is_made_once_for_a_document() -> None:
    document = Library(SCHEMA).read("{ rates { version } }")
    kind, node = _first(document)

    assert document.drawing(kind, node) is document.drawing(kind, node)


def _first(document: Document) -> tuple[graphql.GraphQLObjectType, graphql.FieldNode]:
    (node,) = document.operations[0].selection_set.selections
    assert isinstance(node, graphql.FieldNode)
    kind = SCHEMA.get_type("Rates")
    assert isinstance(kind, graphql.GraphQLObjectType)
    return kind, node
