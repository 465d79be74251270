"""The machines: documents in Amazon States Language, the same for both deployments, in the folder `machines`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from ecosystem.ports.workflows import Definition

ENDING = ".asl.json"


@lru_cache(maxsize=1)
def definitions() -> tuple[Definition, ...]:
    """Every machine, by name. A file is called as its machine: `ecosystem-booking-lifecycle.asl.json`."""
    folder = files("ecosystem.workflows").joinpath("machines")
    if not folder.is_dir():
        return ()
    documents = sorted((each for each in folder.iterdir() if each.name.endswith(ENDING)), key=lambda each: each.name)
    return tuple(
        Definition(name=each.name.removesuffix(ENDING), content=each.read_bytes(), file=each.name) for each in documents
    )
