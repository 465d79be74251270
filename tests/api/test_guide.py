"""The guide to the API is true: its examples are queries of this schema, and its numbers those of the code."""

from __future__ import annotations

import json
import re

import graphql

from ecosystem.api import costs, endpoint, plain
from ecosystem.api.documents import Library
from house import ROOT

from .programs import SCHEMA

GUIDE = (ROOT / "docs" / "api.md").read_text()


def queries() -> list[str]:
    """The queries that the examples send, as a shell would send them."""
    found = [
        body.replace('\\"', '"').replace("\\$", "$").replace('\\\\"', '\\"')
        for body in re.findall(r'ask "(\{.*?\})"', GUIDE)
    ]
    found += re.findall(r"ask '(\{.*?\})'", GUIDE)
    return [
        json.loads(re.sub(r'"\$\w+"|: \$[A-Z]+', lambda name: ": 0" if name[0][0] == ":" else '"x"', each))["query"]
        for each in found
    ]


def test_the_examples_are_queries_of_this_schema() -> None:
    library = Library(SCHEMA)

    sent = queries()

    assert len(sent) == 9
    for text in sent:
        assert isinstance(library.read(text).node, graphql.DocumentNode)


def test_the_limits_are_those_of_the_code() -> None:
    told = GUIDE.split("## Limits")[1].split("##")[0]

    for limit in (
        f"{costs.TEXT_LENGTH_MAX:,} characters",
        f"{costs.SELECTIONS_MAX} fields",
        f"{costs.REPEATS_MAX} of one name",
        f"{costs.DEPTH_MAX} deep ({costs.INTROSPECTION_DEPTH_MAX} ",
        f"| {costs.ROOTS_MAX} |",
        f"{costs.COST_MAX:,}",
        f"| {plain.PAGE_MAX} |",
        f"{endpoint.BODY_BYTES_MAX // 1024} KiB",
    ):
        assert limit in told, limit
