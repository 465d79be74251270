"""An operation of one field is answered as the library would answer it, whatever its variables hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLNonNull, OperationDefinitionNode, build_schema, get_named_type, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.api import execution
from ecosystem.api.costs import fragments_of
from ecosystem.api.documents import Library
from ecosystem.api.execution import Request
from ecosystem.api.singles import Single, single
from ecosystem.contexts.identity import Identified, Origin
from ecosystem.kernel.actor import VISITOR

from .programs import SCHEMA, Shop, whole

TOY = build_schema("""
    enum Colour { RED GREEN }
    input Inner { text: String! colour: Colour = GREEN }
    input Wish { id: ID! count: Int price: Float inner: Inner! many: [Inner!] loop: Loop }
    input Loop { again: Loop }
    input Fit { id: ID! count: Int price: Float inner: Inner! many: [Inner!] colours: [Colour] }
    type Answer { said: String }
    type Query {
        wish(wish: Wish): Answer
        fit(fit: Fit!, limit: Int): Answer
        usual(limit: Int = 3): Answer
        count: Int
    }
""")
for _field in TOY.query_type.fields.values():  # type: ignore[union-attr]
    _field.resolve = lambda _source, _info, **arguments: {"said": repr(sorted(arguments.items()))}

LEAVES = st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats() | st.sampled_from(["", "a", "RED", "BLUE"])
INNER = st.dictionaries(st.sampled_from(["text", "colour", "other"]), LEAVES, max_size=3) | LEAVES
FIT = st.dictionaries(
    st.sampled_from(["id", "count", "price", "inner", "many", "colours", "other"]),
    LEAVES | INNER | st.lists(INNER | LEAVES, max_size=2),
)


def made(text: str) -> Single | None:
    node = parse(text)
    (operation,) = (each for each in node.definitions if isinstance(each, OperationDefinitionNode))
    return single(TOY, operation, fragments_of(node))


@pytest.mark.parametrize(
    "text",
    [
        "{ count }",
        "{ usual { said } }",
        '{ fit(fit: {id: 1, inner: {text: "a"}}) { said } }',
        "query($fit: Fit!) { fit(fit: $fit) @include(if: true) { said } }",
        "query($fit: Fit!) { fit(fit: $fit) { said @skip(if: false) } }",
        "query($fit: Fit!, $limit: Int = 3) { fit(fit: $fit, limit: $limit) { said } }",
        "query($wish: Wish) { wish(wish: $wish) { said } }",
        "query($fit: Fit!) { fit(fit: $fit) { said } again: fit(fit: $fit) { said } }",
    ],
)  # fmt: skip
def test_whatever_takes_more_is_left_to_the_library(text: str) -> None:
    assert made(text) is None


@settings(max_examples=400, deadline=None)
@given(FIT, st.dictionaries(st.sampled_from(["limit", "more"]), LEAVES))
def test_variables_are_read_as_the_library_reads_them_or_left_to_it(fit: Any, more: dict[str, Any]) -> None:
    from graphql import graphql_sync

    text = "query($fit: Fit!, $limit: Int) { fit(fit: $fit, limit: $limit) { said } }"
    found = made(text)
    assert found is not None

    arguments = found.read({"fit": fit, **more})
    library = graphql_sync(TOY, text, variable_values={"fit": fit, **more})

    if arguments is None:
        # One of few things that it leaves over although the library takes them, such as a list of one without brackets.
        return
    assert library.errors is None
    assert library.data is not None
    assert _sorted(arguments) == library.data["fit"]["said"]


def _sorted(arguments: dict[str, Any]) -> str:
    def ordered(value: Any) -> Any:
        if isinstance(value, dict):
            names = ["id", "count", "price", "inner", "many", "colours", "text", "colour"]
            return {name: ordered(value[name]) for name in names if name in value}
        return [ordered(each) for each in value] if isinstance(value, list) else value

    return repr(sorted((name, ordered(value)) for name, value in arguments.items()))


async def answers(shop: Shop, text: str, variables: dict[str, Any]) -> tuple[ExecutionResult, ExecutionResult]:
    """What the operation comes to as a single, and by the library."""
    document = Library(SCHEMA).read(text)
    assert document.single is not None
    request = Request(shop.market.app, Identified(actor=VISITOR), Origin(address="127.0.0.1"), document)
    alone = await execution.carried_out(SCHEMA, request, None, variables)
    with_library = replace(request, document=replace(document, single=None))
    return alone, await execution.carried_out(SCHEMA, with_library, None, variables)


async def test_answers_and_refusals_are_those_of_the_library(shop: Shop) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("quote", {"serviceId": shop.service_id, "seats": 1}),
        ("quote", {"serviceId": shop.service_id, "seats": 99}),
        ("quote", {"serviceId": "svc_00000000000000000000000000", "seats": None}),
        ("booking", {"bookingId": "bkg_00000000000000000000000000"}),
        ("provider", {"providerId": shop.provider_id}),
        ("hold", {"holdId": "nonsense"}),
    ]
    for name, variables in asked:
        alone, library = await answers(shop, whole(name, variables, depth=2), variables)

        assert alone.data == library.data
        assert [error.formatted for error in alone.errors or ()] == [error.formatted for error in library.errors or ()]


def test_no_root_field_must_be_there() -> None:
    """A single that is refused answers `null` for its field: no other type may hold it."""
    for kind in (SCHEMA.query_type, SCHEMA.mutation_type):
        assert kind is not None
        for each in kind.fields.values():
            assert not isinstance(each.type, GraphQLNonNull) or get_named_type(each.type) is None
