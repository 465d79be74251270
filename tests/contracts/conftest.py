"""What the contract suites of several ports share: a stand-in for Amazon, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecosystem.adapters.outside.amazon import Account
from ministack_server import serving
from table_dynamo import Clients, clients


@pytest.fixture(scope="session")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with serving(tmp_path_factory.mktemp("ministack")) as account:
        yield account


@pytest.fixture(scope="session")
def dynamo_clients(amazon: Account) -> Iterator[Clients]:
    with clients(amazon) as made:
        yield made
