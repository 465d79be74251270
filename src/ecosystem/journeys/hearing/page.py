"""The table of reactions as a page: `docs/webhooks.md`.

python -m ecosystem.journeys.hearing.page > docs/webhooks.md
"""

from __future__ import annotations

import inspect
import sys

from ecosystem.journeys.hearing.reactions import REACTIONS, UNKNOWN, Reaction, RecordOnly

HEAD = """# Webhooks
Made from `journeys/hearing/reactions.py` by `python -m ecosystem.journeys.hearing.page`; a test holds the two together.

An event is a hint: how things stand is asked of the processor, of a connected account in its name, and what follows from
that is committed with the word that the event was acted upon. So an event may come twice, late, in any order, or never:
`webhook-reconciliation` compares the processor's own lists with ours every day and acts upon what was missed
(`ecosystem webhooks reconcile`, and the page of webhooks in the console).

An event of a type that is not listed here is stored, recorded and shown to operators: "{unknown}"
"""
TEST = "tests/journeys/hearing/test_reactions.py"


def page() -> str:
    """The page, as Markdown."""
    acted = [(kind, what) for kind, what in REACTIONS.items() if isinstance(what, Reaction)]
    kept = [(kind, what) for kind, what in REACTIONS.items() if isinstance(what, RecordOnly)]
    acts = {what.act.__name__: what.act for _, what in acted}
    return "\n".join(
        [
            HEAD.format(unknown=UNKNOWN),
            f"## {len(acted)} types that something follows from",
            f"The change is asserted by the case of that type in `{TEST}`: the event alone brings it about.",
            "A type that is not asked for tells what another one tells too; it is acted upon when it comes.",
            "",
            "| type | reaction | what changes | asked for |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{kind}` | `{what.act.__name__}` | {what.changes} | {'yes' if what.asked else 'no'} |"
                for kind, what in acted
            ),
            "",
            f"## {len(kept)} types that are only recorded",
            "| type | why |",
            "| --- | --- |",
            *(f"| `{kind}` | {what.reason} |" for kind, what in kept),
            "",
            "## The reactions",
            *(f"- `{name}`: {' '.join((inspect.getdoc(act) or '').split())}" for name, act in sorted(acts.items())),
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
