"""Ports and adapters fit: the same names on both sides, and promises written once for all of them."""

from __future__ import annotations

import pytest

from house import HOUSE, ROOT, modules, protocols, shown

PORTS = sorted(path.stem for path in (HOUSE / "ports").glob("*.py") if protocols(path))
CONTRACTS = ROOT / "tests" / "contracts"

# What one deployment needs and no other has a word for.
OWN = {
    "backup": "a managed store backs itself up; a file is copied while it is written",
    "backup_envelope": "and encrypts itself",
    "deployment": "puts the adapters of one machine together, which is behind no port",
    "states": "the cloud interprets machines itself; here pure functions do, behind workflows.py",
}


def test_there_are_ports() -> None:
    assert {"table", "blobs", "clock"} <= set(PORTS)


@pytest.mark.parametrize("deployment", ["embedded", "aws"])
def test_each_file_of_a_deployment_is_named_after_the_port_it_stands_behind(deployment: str) -> None:
    strangers = [
        shown(path)
        for path in modules(f"adapters/{deployment}")
        if path.stem != "__init__"
        and not {path.stem, path.parent.name} & OWN.keys()
        and not any(path.stem == port or path.stem.startswith(f"{port}_") for port in PORTS)
    ]

    assert strangers == [], "name it after its port (`table_stream.py`), or give its reason in OWN"


@pytest.mark.parametrize("port", PORTS)
def test_each_port_has_an_adapter(port: str) -> None:
    adapters = [path.parent.name for path in modules("adapters") if path.stem == port]

    assert adapters, f"no adapter is named {port}.py"


@pytest.mark.parametrize("port", PORTS)
def test_each_port_has_its_promises_tested(port: str) -> None:
    asked = [*CONTRACTS.glob(f"test_{port}.py"), *(CONTRACTS / port).glob("test_*.py")]

    assert asked, f"write tests/contracts/{port}/ or tests/contracts/test_{port}.py"


def test_each_contract_folder_is_for_a_port() -> None:
    folders = {path.name for path in CONTRACTS.iterdir() if path.is_dir() and any(path.glob("test_*.py"))}

    assert folders <= set(PORTS)
