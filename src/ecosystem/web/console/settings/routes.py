"""What an operator may set while the marketplace runs: rates and cancellation policies; and how it is doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.booking import Policy, SetPolicy, Tier
from ecosystem.kernel.rates import Rates
from ecosystem.kernel.refusals import NotFound, Refusal
from ecosystem.operations import Operations
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.lags import lags
from ecosystem.web.console.percents import Percent, basis_points
from ecosystem.web.formats import percent_text
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

TIERS = 4
Hours = Annotated[str, Meta(pattern=r"^[0-9]{1,4}([.,][0-9]{1,2})?$", description="Hours, such as 24. 168 is a week.")]


class NewRates(Struct, frozen=True, kw_only=True):
    """Rates for later bookings; `version` is that of the rates the asker saw."""

    share: Percent
    surcharge: Percent
    version: int


class NewPolicy(Struct, frozen=True, kw_only=True):
    """A policy for later bookings, with up to four tiers. A tier without a share is none."""

    version: int
    reschedule: Hours
    share_1: Percent = ""
    before_1: Hours = ""
    within_1: Hours = ""
    share_2: Percent = ""
    before_2: Hours = ""
    within_2: Hours = ""
    share_3: Percent = ""
    before_3: Hours = ""
    within_3: Hours = ""
    share_4: Percent = ""
    before_4: Hours = ""
    within_4: Hours = ""

    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that have a share, in their order."""
        return tuple(
            Tier(
                share_bps=basis_points(share),
                before_min=_minutes(getattr(self, f"before_{place}") or "0"),
                within_min=_minutes(within) if (within := getattr(self, f"within_{place}")) else None,
            )
            for place in range(1, TIERS + 1)
            if (share := getattr(self, f"share_{place}"))
        )


@get("/console/settings")
async def show(request: Visit) -> Answer:
    """Rates, policies, health."""
    return await _shown(request)


@post("/console/settings/rates")
async def set_rates(request: Visit) -> Answer:
    """Other rates, for bookings made from now on."""
    form = await request.form_of(NewRates)
    try:
        asked = form.asked
        wanted = Rates(provider_share_bps=basis_points(asked.share), surcharge_bps=basis_points(asked.surcharge))
        rates = await request.market.tariff.change(wanted, request.actor, seen=asked.version)
    except Refusal as no:
        return await _shown(request, form.refused(no, provider_share_bps="share", surcharge_bps="surcharge"))
    text = f"Version {rates.version} holds for bookings made from now on."
    return request.redirect("/console/settings", toast=Toast(text=text))


@get("/console/settings/policies/{name:str}")
async def edit_policy(request: Visit, name: FromPath[str]) -> Answer:
    """The form of a policy, with what holds now."""
    policy = await request.market.policies.current(name)
    return await _policy(request, policy, _filled(policy))


@post("/console/settings/policies/{name:str}")
async def set_policy(request: Visit, name: FromPath[str]) -> Answer:
    """Another policy of that name, for bookings made from now on."""
    policy = await request.market.policies.current(name)
    form = await request.form_of(NewPolicy)
    try:
        asked = form.asked
        wanted = SetPolicy(
            name=name, tiers=asked.tiers(), reschedule_min=_minutes(asked.reschedule), version=asked.version
        )
        became = await request.market.policies.set(wanted, request.actor)
    except NotFound:
        raise
    except Refusal as no:
        return await _policy(request, policy, form.refused(no, **_RENAMED))
    text = f"Version {became.version} of {name} holds for bookings made from now on."
    return request.redirect("/console/settings", toast=Toast(text=text))


_RENAMED = {"reschedule_min": "reschedule"} | {
    f"tiers[{place}].{field}": f"{name}_{place + 1}"
    for place in range(TIERS)
    for field, name in (("share_bps", "share"), ("before_min", "before"), ("within_min", "within"))
}


async def _shown(request: Visit, form: Form[NewRates] | None = None) -> Answer:
    market = request.market
    at_desk = await desk(request)
    rates = await market.tariff.current()
    blank = forms.blank(
        NewRates,
        share=percent_text(rates.provider_share_bps),
        surcharge=percent_text(rates.surcharge_bps),
        version=rates.version,
    )
    return at_desk.page(
        "settings/page.html",
        status=status_of(form.refusal) if form and form.refusal else 200,
        rates=rates,
        form=form or blank,
        history=await market.tariff.history(),
        policies=await market.policies.all(),
        health=await _health(request),
        lags=await lags(request),
    )


async def _policy(request: Visit, policy: Policy, form: Form[NewPolicy]) -> Answer:
    at_desk = await desk(request)
    return at_desk.answer(
        "settings/policy.html",
        "settings/_policy.html",
        status=status_of(form.refusal) if form.refusal else 200,
        policy=policy,
        form=form,
        places=range(1, TIERS + 1),
    )


async def _health(request: Visit) -> Mapping[str, str]:
    """Each thing that the marketplace depends on: `ok`, or what is wrong with it."""
    operations = cast("Operations | None", request.app.state.get("operations"))
    return await operations.ready() if operations else {}


def _filled(policy: Policy) -> Form[NewPolicy]:
    values: dict[str, object] = {"version": policy.version, "reschedule": _hours(policy.reschedule_min)}
    for place, tier in enumerate(policy.tiers[:TIERS], start=1):
        values[f"share_{place}"] = percent_text(tier.share_bps)
        values[f"before_{place}"] = _hours(tier.before_min)
        values[f"within_{place}"] = "" if tier.within_min is None else _hours(tier.within_min)
    return forms.blank(NewPolicy, **values)


def _minutes(hours: str) -> int:
    whole, _, part = hours.replace(",", ".").partition(".")
    return int(whole) * 60 + round(int(part.ljust(2, "0")) * 60 / 100)


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")
