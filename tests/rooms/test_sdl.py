"""The API's document: one text for this server and for the cloud's, each root field with one resolver and its request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

import graphql
import pytest
from graphql import (
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeExtensionNode,
)
from msgspec import inspect

from ecosystem.api import resolvers, sdl
from ecosystem.api.arguments import Entry, camel
from ecosystem.api.roots import Root
from ecosystem.contexts.bank_accounts import AccountKind, AccountState, HolderKind, Purpose
from ecosystem.contexts.booking import BookingStatus, HoldStatus, Side
from ecosystem.contexts.booking import Mode as BookedMode
from ecosystem.contexts.catalogue import Mode, ProviderStatus, ServiceStatus
from ecosystem.contexts.disputes import Answer, Cause, Kind, Party
from ecosystem.contexts.disputes import State as DisputeState
from ecosystem.contexts.identity import Standing
from ecosystem.contexts.ledger import State
from ecosystem.contexts.notifications import LetterStatus, Topic
from ecosystem.contexts.payments import PaymentState, RefundState
from ecosystem.contexts.payouts import Cadence, Origin, PausedBy, PayoutStatus, Rail, Speed, WithdrawalStatus
from ecosystem.journeys.onboarding import Step
from ecosystem.kernel.actor import Group
from ecosystem.ports.search import Sort, SuggestionKind
from ecosystem.ports.workflows import ExecutionStatus
from ecosystem.workflows.archive import ReplayState
from ecosystem.workflows.deliveries import DeliveryStatus
from house import HOUSE

DOCUMENT = graphql.parse(sdl.document())
SCHEMA = sdl.schema(resolvers.ROOTS)
BY_FILE = {
    path.stem: graphql.parse(path.read_text()).definitions for path in sorted((HOUSE / "api/schema").glob("*.graphql"))
}
ENUMS: Mapping[str, type[Enum]] = {
    "BookingStatus": BookingStatus,
    "DeliveryStatus": DeliveryStatus,
    "ExecutionStatus": ExecutionStatus,
    "Group": Group,
    "HoldStatus": HoldStatus,
    "LetterStatus": LetterStatus,
    "Mode": Mode,
    "OnboardingStep": Step,
    "PaymentState": PaymentState,
    "ProviderStatus": ProviderStatus,
    "RefundState": RefundState,
    "ReplayState": ReplayState,
    "ServiceStatus": ServiceStatus,
    "Side": Side,
    "Sort": Sort,
    "Standing": Standing,
    "SuggestionKind": SuggestionKind,
    "Topic": Topic,
    "DisputeAnswer": Answer,
    "DisputeCause": Cause,
    "DisputeKind": Kind,
    "DisputeParty": Party,
    "DisputeState": DisputeState,
    "TransferState": State,
    "BankAccountHolder": HolderKind,
    "BankAccountKind": AccountKind,
    "BankAccountPurpose": Purpose,
    "BankAccountState": AccountState,
    "PausedBy": PausedBy,
    "PayoutCadence": Cadence,
    "PayoutOrigin": Origin,
    "PayoutRail": Rail,
    "PayoutSpeed": Speed,
    "PayoutStatus": PayoutStatus,
    "WithdrawalStatus": WithdrawalStatus,
}


def test_the_contents_page_holds_the_root_types_and_nothing_else() -> None:
    held = {name: [each.name.value for each in definitions] for name, definitions in BY_FILE.items()}  # type: ignore[attr-defined]

    assert held.pop("root") == ["Query", "Mutation"]
    assert not {"Query", "Mutation", "Subscription"} & {name for names in held.values() for name in names}
    assert set(BY_FILE) == set(sdl.FILES)


def test_each_root_field_has_one_resolver() -> None:
    bound = Counter((root.kind, root.name) for root in resolvers.ROOTS)
    declared = [
        (definition.name.value, each.name.value)
        for definition in BY_FILE["root"]
        if isinstance(definition, ObjectTypeDefinitionNode)
        for each in definition.fields or ()
    ]

    assert sorted(bound) == sorted(declared)
    assert set(bound.values()) == {1}


def test_each_root_field_says_what_it_does() -> None:
    silent = [
        each.name.value
        for definition in BY_FILE["root"]
        if isinstance(definition, ObjectTypeDefinitionNode)
        for each in definition.fields or ()
        if each.description is None
    ]

    assert silent == []


def test_the_resolvers_of_a_context_stand_in_its_file() -> None:
    files = {root.act.__module__.rpartition(".")[2] for root in resolvers.ROOTS}

    assert files == set(BY_FILE) - {"root", "kernel"}


def test_the_cloud_takes_the_document_as_it_is() -> None:
    """What AppSync refuses, or drops: its own scalars redefined, extensions, directive definitions, remarks in enums."""
    refused = [
        graphql.print_ast(each)
        for each in DOCUMENT.definitions
        if isinstance(each, TypeExtensionNode | DirectiveDefinitionNode | ScalarTypeDefinitionNode)
        or (isinstance(each, EnumTypeDefinitionNode) and any(value.description for value in each.values or ()))
        or (isinstance(each, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode) and each.interfaces)
    ]
    named = [each.name.value for each in DOCUMENT.definitions]  # type: ignore[attr-defined]
    defaults = [
        f"{each.name.value}.{field.name.value}"
        for each in DOCUMENT.definitions
        if isinstance(each, InputObjectTypeDefinitionNode)
        for field in each.fields or ()
        if field.default_value is not None
    ]

    assert refused == []
    assert [name for name in named if name.startswith(("AWS", "__"))] == []
    assert [name for name, times in Counter(named).items() if times > 1] == []
    assert defaults == []


def test_only_scalars_that_the_cloud_knows_are_used() -> None:
    known = {
        "AWSDate",
        "AWSDateTime",
        "AWSEmail",
        "AWSIPAddress",
        "AWSJSON",
        "AWSPhone",
        "AWSTime",
        "AWSTimestamp",
        "AWSURL",
    }
    scalars = {name for name, kind in SCHEMA.type_map.items() if graphql.is_scalar_type(kind)}

    assert scalars - {"ID", "Int", "Float", "String", "Boolean"} <= known


def test_each_type_is_in_use() -> None:
    used: set[str] = {"Query", "Mutation"}
    waiting: list[Any] = [SCHEMA.query_type, SCHEMA.mutation_type]
    while waiting:
        kind = waiting.pop()
        for field in getattr(kind, "fields", {}).values():
            for inner in (field.type, *(each.type for each in getattr(field, "args", {}).values())):
                named = graphql.get_named_type(inner)
                if named.name not in used:
                    used.add(named.name)
                    waiting.append(named)

    written = {each.name.value for each in DOCUMENT.definitions}  # type: ignore[attr-defined]
    assert written - used == set()


@pytest.mark.parametrize(
    "name", sorted(each.name.value for each in DOCUMENT.definitions if isinstance(each, EnumTypeDefinitionNode))
)
def test_an_enumeration_has_the_values_of_the_house(name: str) -> None:
    kind = SCHEMA.type_map[name]
    assert isinstance(kind, graphql.GraphQLEnumType)

    assert set(kind.values) == {str(each.value) for each in ENUMS[name]}


def test_a_mode_is_the_same_wherever_it_is_kept() -> None:
    assert [each.value for each in Mode] == [each.value for each in BookedMode]


@pytest.mark.parametrize("root", resolvers.ROOTS, ids=lambda root: root.name)
def test_arguments_are_those_of_the_request(root: Root) -> None:
    kind = SCHEMA.get_type(root.kind)
    assert isinstance(kind, graphql.GraphQLObjectType)
    declared: Mapping[str, Any] = kind.fields[root.name].args
    if "input" in declared:
        declared = graphql.get_named_type(declared["input"].type).fields

    if root.reader is None:
        assert not declared
    else:
        described = inspect.type_info(root.reader.kind)
        assert isinstance(described, inspect.StructType)
        compare(root.name, declared, root.reader.entries, described)


def compare(
    place: str, declared: Mapping[str, Any], entries: Mapping[str, Entry], described: inspect.StructType
) -> None:
    """Same names, needed and optional alike, all the way down."""
    fields = {camel(field.name): field for field in described.fields}
    assert set(declared) == set(fields), place
    for name, argument in declared.items():
        assert graphql.is_required_input_field(argument) == fields[name].required, f"{place}.{name}"
        inner, entry = graphql.get_named_type(argument.type), entries[name]
        if graphql.is_input_object_type(inner):
            assert entry.inner is not None
            compare(f"{place}.{name}", inner.fields, entry.inner, held(fields[name].type))


def held(kind: inspect.Type) -> inspect.StructType:
    if isinstance(kind, inspect.UnionType):
        return held(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
    if isinstance(kind, inspect.VarTupleType):
        return held(kind.item_type)
    assert isinstance(kind, inspect.StructType)
    return kind
