"""The function table as a page: `docs/functions.md`.

python -m ecosystem.workflows.functions_page > docs/functions.md
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module

import msgspec

from ecosystem.workflows import functions
from ecosystem.workflows.functions import KNOWN, TABLE, Function
from ecosystem.workflows.triggers import (
    OnChanges,
    OnEvent,
    OnFields,
    OnHook,
    OnRoute,
    OnSchedule,
    OnTask,
    Trigger,
)

HEAD = """# Functions
Made from `workflows/functions.py` by `python -m ecosystem.workflows.functions_page`; a test holds the two together.
"""


def page() -> str:
    """The page, as Markdown."""
    absent = ", ".join(f"`{name}`" for name in sorted(KNOWN - {function.name for function in TABLE}))
    return "\n".join(
        [
            HEAD,
            _paragraphs(inspect.getdoc(functions) or ""),
            "",
            "| function | what it does | time | memory | retries | may |",
            "| --- | --- | ---: | ---: | ---: | --- |",
            *(_row(function) for function in TABLE),
            "",
            "## Triggers",
            *(line for function in TABLE for line in _triggers(function)),
            "",
            "## Not built yet",
            f"{absent}.",
            "",
        ]
    )


def purpose(function: Function) -> str:
    """What the entry says of itself."""
    module = import_module(f"ecosystem.workflows.entries.{function.name.replace('-', '_')}")
    first = (inspect.getdoc(module) or "").partition("\n\n")[0]
    return " ".join(first.partition(": ")[2].split()).rstrip(".")


def shown(trigger: Trigger) -> str:  # noqa: PLR0911 — one answer for each kind
    """The trigger in words."""
    match trigger:
        case OnEvent(pattern=pattern, rule=rule):
            of = f" (rule `{rule}`)" if rule else ""
            return f"events{of} `{msgspec.json.encode(pattern).decode()}`"
        case OnChanges(entities=entities):
            return f"changes of {', '.join(f'`{each}`' for each in entities)}"
        case OnSchedule(name=name, expression=None):
            return f"one-time schedules `{name}/<matter>`"
        case OnSchedule(name=name, expression=expression, zone=zone, catch_up=catch_up):
            return f"schedule `{name}`: `{expression}` in {zone}; of missed times: {catch_up}"
        case OnRoute(method=method, path=path):
            return f"requests `{method} {path}`"
        case OnTask(acts=acts):
            return f"tasks of machines: {', '.join(f'`{act}`' for act in acts)}"
        case OnHook(hook=hook):
            return f"the identity provider's `{hook}`"
        case OnFields(fields=fields):
            return f"fields of the API: {', '.join(f'`{field}`' for field in fields)}"


def _row(function: Function) -> str:
    may = ", ".join(function.permissions)
    return (
        f"| `{function.name}` | {purpose(function)} | {function.timeout_s} s | {function.memory_mb} MB "
        f"| {function.retries} | {may} |"
    )


def _triggers(function: Function) -> list[str]:
    return ["", f"`{function.name}`", "", *(f"- {shown(trigger)}" for trigger in function.triggers)]


def _paragraphs(text: str) -> str:
    """The text without its line breaks within paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


if __name__ == "__main__":
    sys.stdout.write(page())
