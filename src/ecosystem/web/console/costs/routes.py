"""What a month costs on each rail: the bill line by line, how it grows, and where one rail becomes the cheaper."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.rails import COUNT_MAX, VOLUME_MAX, BreakEven, MonthAsked, Scenario
from ecosystem.kernel.display import money_text
from ecosystem.kernel.refusals import Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.costs.drawing import drawn
from ecosystem.web.console.desk import desk, get
from ecosystem.web.statuses import status_of
from ecosystem.web.texts import Words
from ecosystem.web.visit import Visit


class Asked(Struct, frozen=True, kw_only=True):
    """The month, in whole units of the tables' currency. What is left open follows the tables' own proportions."""

    volume: Annotated[int, Meta(ge=0, le=VOLUME_MAX)] = 100_000
    transactions: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 500
    payouts: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 1_000
    entries: Annotated[int, Meta(ge=0, le=COUNT_MAX)] | None = None
    accounts: Annotated[int, Meta(ge=0, le=COUNT_MAX)] | None = None
    own_costs: Annotated[int, Meta(ge=0, le=VOLUME_MAX)] = 0

    @property
    def month(self) -> MonthAsked:
        return MonthAsked(
            volume=self.volume,
            transactions=self.transactions,
            payouts=self.payouts,
            entries=self.entries,
            accounts=self.accounts,
            own_costs=self.own_costs,
        )


@get("/console/costs")
async def show(request: Visit) -> Answer:
    """The comparison of a month; the reference month, unless another is asked for."""
    form = request.query_of(Asked)
    at_desk = await desk(request)
    try:
        asked = form.asked
    except Refusal as no:
        form = form.refused(no)
        return at_desk.page("costs/page.html", status=status_of(no), form=form, scenarios=(), asked=None)
    found = await request.market.rail_costs.compare(asked.month, request.actor)
    words = request.kit.templates.words
    return at_desk.page(
        "costs/page.html",
        form=forms.of(asked),
        asked=asked,
        scenarios=[
            {
                "told": scenario,
                "drawing": drawn(scenario),
                "heads": [words.say("Volume"), *((words.say(each.title), "number") for each in scenario.curves)],
                "said": [_said(words, each, scenario) for each in scenario.break_evens],
            }
            for scenario in found.scenarios
        ],
    )


def _said(words: Words, each: BreakEven, scenario: Scenario) -> str:
    names = {rail.rail: rail.title for rail in scenario.rails}
    cheaper, dearer = names[each.cheaper], names[each.dearer]
    if each.volume is None:
        return words.say("{cheaper}: never cheaper than {dearer} with this mix.", cheaper=cheaper, dearer=dearer)
    if not each.transactions:
        return words.say("{cheaper}: no dearer than {dearer} at any volume.", cheaper=cheaper, dearer=dearer)
    return words.say(
        "{cheaper}: no dearer than {dearer} from {volume} a month on, in {count} transactions.",
        cheaper=cheaper,
        dearer=dearer,
        volume=money_text(each.volume),
        count=f"{each.transactions:,}",
    )
