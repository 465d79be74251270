"""`docs/machines.md` tells of each machine, and of each act of theirs why it may be done twice."""

from __future__ import annotations

import re

from ecosystem.workflows.definitions import definitions
from ecosystem.workflows.functions import TABLE
from ecosystem.workflows.triggers import OnTask
from house import ROOT

PAGE = (ROOT / "docs/machines.md").read_text()


def test_each_machine_is_described_with_what_begins_waits_and_ends_it() -> None:
    for definition in definitions():
        told = re.search(rf"^### `{definition.name}`\n(.+?)(?=\n\n#|\Z)", PAGE, re.MULTILINE | re.DOTALL)

        assert told, definition.name
        for word in ("Begins with", "Waits", "Ends", "Hands over"):
            assert f"- {word}" in told[1], f"{definition.name}: {word}"


def test_each_act_that_a_machine_may_ask_for_has_the_id_by_which_it_has_one_effect() -> None:
    acts = {(function.name, act) for function in TABLE for trigger in function.of(OnTask) for act in trigger.acts}

    section = PAGE.partition("## Why a step may be made twice")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| ((?:`[a-z-]+`(?:, )?)+) \| \S.+ \|$", section, re.MULTILINE)
    told = [(function, act) for function, names in rows for act in re.findall(r"`([a-z-]+)`", names)]

    assert len(told) == len(set(told))
    assert set(told) == acts
