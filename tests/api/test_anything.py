"""Whatever the schema allows is answered, with data or with refusals: never with a fault, and quickly."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.api import sdl

from .programs import ADA, OLGA, PEDRO, Client, open_shop

EXAMPLES = 250
SCALARS = {
    "AWSDate": ["2026-11-21", "2026-12-31", "0001-01-01", "9999-12-31", "soon"],
    "AWSDateTime": ["2026-11-21T10:00:00Z", "2026-11-22T12:00:00+01:00", "0001-01-01T00:00:00+14:00", "2026-11-21"],
    "AWSEmail": ["ada@example.org", "a@b", "", "x" * 400],
    "AWSURL": ["https://shop.example/back", "javascript:alert(1)"],
    "AWSJSON": ["{}", "nonsense"],
}

LAST_ACTS = {"signOut", "signOutEverywhere"}
"""After these the clients would have nothing more to say."""


def queries(folder: Path) -> st.SearchStrategy[str]:
    """Operations that the schema allows, with arguments of all kinds."""
    for name, values in SCALARS.items():
        schemathesis.graphql.scalar(name, st.sampled_from(values).map(nodes.String))
    written = folder / "schema.graphql"
    written.write_text(sdl.CLOUD + sdl.document())
    operations = [each.ok() for each in schemathesis.graphql.from_path(str(written)).get_all_operations()]
    asked = [each for each in operations if each.label.rpartition(".")[2] not in LAST_ACTS]
    return st.one_of(*(each.as_strategy() for each in asked)).map(lambda case: case.body)


@contextlib.asynccontextmanager
async def busy_shop(folder: Path, clock: VirtualClock) -> AsyncGenerator[tuple[list[Client], dict[str, str]]]:
    """A shop with something in it, those who may ask, and ids of what there is."""
    async with open_shop(folder, clock) as shop:
        clients = [shop.visitor(), await shop.guest()] + [await shop.signed_in(who) for who in (ADA, PEDRO, OLGA)]
        booked = await shop.book(clients[2], shop.tomorrow())
        held = await shop.hold(clients[2], shop.tomorrow(14))
        known = {
            "bookingId": booked["bookingId"],
            "holdId": held["holdId"],
            "providerId": shop.provider_id,
            "serviceId": shop.service_id,
            "paymentId": booked["payments"][0]["paymentId"],
            "accountId": "processor:EUR",
            "ownerId": shop.provider_id,
        }
        await shop.indexed()
        yield clients, known


def test_anything_the_schema_allows_is_answered(tmp_path: Path, clock: VirtualClock) -> None:
    told: list[dict[str, Any]] = []

    with asyncio.Runner() as runner, contextlib.ExitStack() as closing:
        opened = contextlib.AsyncExitStack()
        clients, known = runner.run(opened.enter_async_context(busy_shop(tmp_path, clock)))
        closing.callback(lambda: runner.run(opened.aclose()))

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(queries(tmp_path), st.sampled_from(clients), st.booleans())
        def ask(text: str, client: Client, knows: bool) -> None:
            if knows:
                text = re.sub(r'(\w+Id): "[^"]*"', lambda found: f'{found[1]}: "{known.get(found[1], "none")}"', text)
            response = runner.run(client.post(text))
            assert response.status_code in {200, 401}, (response.status_code, text)
            errors = response.json().get("errors", [])
            assert not [error for error in errors if error["errorType"] == "Fault"], (text, errors)
            told.append(response.json())

        ask()

    assert len(told) >= EXAMPLES // 2
    assert [each for each in told if each.get("data") and any(each["data"].values())]
