"""The rules: listed with their effect, one to edit, and what it would have done to past cases before it is kept."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.fraud import (
    NAMES,
    All,
    AnyOf,
    Compare,
    Condition,
    Effect,
    Kind,
    Listed,
    Listing,
    Operator,
    Policy,
    Rehearsal,
    Rule,
    SetPolicy,
    rule_sentence,
)
from ecosystem.kernel.refusals import Invalid, NotFound, Refusal
from ecosystem.web import forms
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.console.fraud.words import EFFECTS, KINDS, LISTINGS, OPERATORS, VERDICTS, feature, features
from ecosystem.web.forms import Form
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

ROWS = 4
NEW = "new"
Text = Annotated[str, Meta(max_length=200)]
Score = Annotated[int, Meta(ge=1, le=1_000)]


class NoSuchRule(NotFound):
    """There is no such rule."""


class Thresholds(Struct, frozen=True, kw_only=True):
    """From which score a person looks, and from which it is refused; `version` is the one that was seen."""

    version: int
    review_at: Score
    decline_at: Score
    note: Annotated[str, Meta(max_length=500)] = ""


class Editing(Struct, frozen=True, kw_only=True):
    """A rule as a form: up to four comparisons joined, a list, or a whole condition as JSON where that is not enough."""

    version: int
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    effect: Effect
    points: Annotated[int, Meta(ge=-1_000, le=1_000)] = 0
    join: Annotated[str, Meta(pattern=r"^(all|any)$")] = "all"
    feature_1: Text = ""
    op_1: Text = Operator.AT_LEAST.value
    value_1: Text = ""
    feature_2: Text = ""
    op_2: Text = Operator.AT_LEAST.value
    value_2: Text = ""
    feature_3: Text = ""
    op_3: Text = Operator.AT_LEAST.value
    value_3: Text = ""
    feature_4: Text = ""
    op_4: Text = Operator.AT_LEAST.value
    value_4: Text = ""
    listing: Text = ""
    listed: Annotated[str, Meta(max_length=8_000)] = ""
    of: Kind = Kind.CHECKOUT
    condition: Annotated[str, Meta(max_length=8_000)] = ""
    enabled: bool = False
    act: Annotated[str, Meta(pattern=r"^(try|keep|remove)$")] = "try"


class Shown(Struct, frozen=True, kw_only=True):
    """A rule in the list."""

    rule: Rule
    when: str
    does: str


@get("/console/fraud/rules")
async def listed(request: Visit) -> Answer:
    """Thresholds and rules in force, and the versions before."""
    policy = await request.market.fraud_policies.latest()
    return await _listed(
        request,
        forms.blank(
            Thresholds, version=policy.version, review_at=policy.review_at, decline_at=policy.decline_at, note=""
        ),
    )


@post("/console/fraud/rules")
async def set_thresholds(request: Visit) -> Answer:
    """Other thresholds."""
    form = await request.form_of(Thresholds)
    try:
        asked = form.asked
        policy = await request.market.fraud_policies.latest()
        await request.market.fraud_policies.set(
            SetPolicy(
                version=asked.version,
                review_at=asked.review_at,
                decline_at=asked.decline_at,
                rules=policy.rules,
                note=asked.note,
            ),
            request.actor,
        )
    except Refusal as no:
        return await _listed(request, form.refused(no))
    return request.redirect("/console/fraud/rules", toast=Toast(text="These thresholds hold from now on."))


@get("/console/fraud/rules/{rule_id:str}")
async def edit(request: Visit, rule_id: FromPath[str]) -> Answer:
    """A rule to change, or a new one."""
    policy = await request.market.fraud_policies.latest()
    if rule_id == NEW:
        form = forms.blank(Editing, version=policy.version, join="all", enabled="1", effect="points", points=100)
    else:
        form = _form_of(_found(policy, rule_id), policy.version)
    return await _edited(request, rule_id, form, None)


@post("/console/fraud/rules/{rule_id:str}")
async def change(request: Visit, rule_id: FromPath[str]) -> Answer:
    """Try the rule on past cases, keep it, or take it away."""
    form = await request.form_of(Editing)
    try:
        asked = form.asked
        policy = await request.market.fraud_policies.latest()
        rule = _rule(asked, _new_id(policy, asked.name) if rule_id == NEW else rule_id)
        others = [each for each in policy.rules if each.rule_id != rule.rule_id]
        removed = asked.act == "remove"
        wanted = SetPolicy(
            version=asked.version,
            review_at=policy.review_at,
            decline_at=policy.decline_at,
            rules=tuple(others) if removed else tuple(_placed(policy, rule)),
            note=f"Removed {rule.name}" if removed else f"Kept {rule.name}",
        )
        if asked.act == "try":
            tried = await request.market.fraud_models.rehearse(wanted, rule, rule.kind, request.actor)
            return await _edited(request, rule_id, form, tried)
        await request.market.fraud_policies.set(wanted, request.actor)
    except Refusal as no:
        return await _edited(request, rule_id, form.refused(no, when="condition"), None)
    text = "The rule is taken away." if removed else "The rule holds from now on."
    return request.redirect("/console/fraud/rules", toast=Toast(text=text))


async def _listed(request: Visit, form: Form[Thresholds]) -> Answer:
    at_desk = await desk(request)
    policy = await request.market.fraud_policies.latest()
    versions = await request.market.fraud_policies.versions(request.actor)
    return at_desk.page(
        "fraud/rules.html",
        status=status_of(form.refusal) if form.refusal else 200,
        policy=policy,
        rules=[Shown(rule=rule, when=said(rule.when), does=rule_sentence(rule)) for rule in policy.rules],
        versions=versions,
        kinds=KINDS,
        form=form,
    )


async def _edited(request: Visit, rule_id: str, form: Form[Editing], tried: Rehearsal | None) -> Answer:
    at_desk = await desk(request)
    return at_desk.answer(
        "fraud/rule.html",
        "fraud/_rule.html",
        status=status_of(form.refusal) if form.refusal else 200,
        rule_id=rule_id,
        is_new=rule_id == NEW,
        form=form,
        tried=tried,
        rows=range(1, ROWS + 1),
        features=features(),
        operators=OPERATORS,
        effects=[(effect.value, words) for effect, words in EFFECTS.items()],
        listings=[(listing.value, words) for listing, words in LISTINGS.items()],
        kinds=[(kind.value, words) for kind, words in KINDS.items()],
        verdicts=[(verdict.value, words) for verdict, words in VERDICTS.items()],
    )


def _found(policy: Policy, rule_id: str) -> Rule:
    for rule in policy.rules:
        if rule.rule_id == rule_id:
            return rule
    raise NoSuchRule


def _placed(policy: Policy, rule: Rule) -> list[Rule]:
    """The rules with this one in the place of the former of its name, or after them all."""
    if any(each.rule_id == rule.rule_id for each in policy.rules):
        return [rule if each.rule_id == rule.rule_id else each for each in policy.rules]
    return [*policy.rules, rule]


def _new_id(policy: Policy, name: str) -> str:
    base = "-".join("".join(sign if sign.isascii() and sign.isalnum() else " " for sign in name.lower()).split())[:34]
    base = base or "rule"
    taken = {rule.rule_id for rule in policy.rules} | {NEW}
    return next(each for each in (base, *(f"{base}-{count}" for count in range(2, 200))) if each not in taken)


def _rule(asked: Editing, rule_id: str) -> Rule:
    """The rule that the form says. Raises `Invalid` for one that cannot be."""
    if asked.condition:
        kind, when = asked.of, _decoded(asked.condition)
    else:
        kind, when = _composed(asked)
    return Rule(
        rule_id=rule_id,
        name=asked.name,
        kind=kind,
        when=when,
        effect=asked.effect,
        points=asked.points if asked.effect is Effect.POINTS else 0,
        enabled=asked.enabled,
    )


def _composed(asked: Editing) -> tuple[Kind, Condition]:
    parts: list[Condition] = []
    kinds: set[Kind] = set()
    for row in range(1, ROWS + 1):
        named, text = getattr(asked, f"feature_{row}"), getattr(asked, f"value_{row}")
        if not named:
            continue
        kind, _, name = named.partition(":")
        if kind not in set(Kind) or name not in NAMES[Kind(kind)]:
            raise Invalid("Choose what is compared.", field=f"feature_{row}")
        kinds.add(Kind(kind))
        parts.append(Compare(feature=name, op=_operator(asked, row), value=_number(text, f"value_{row}")))
    if asked.listing:
        names = tuple(line.strip() for line in asked.listed.splitlines() if line.strip())
        if asked.listing not in set(Listing) or not names:
            raise Invalid("Name one on each line.", field="listed")
        parts.append(Listed(what=Listing(asked.listing), values=names))
    if len(kinds) > 1:
        raise Invalid("A rule is of checkouts or of payouts: it cannot compare both.", field="feature_2")
    if not parts:
        raise Invalid("Say when the rule holds.", field="feature_1")
    kind = kinds.pop() if kinds else asked.of
    return kind, AnyOf(of=tuple(parts)) if asked.join == "any" else All(of=tuple(parts))


def _operator(asked: Editing, row: int) -> Operator:
    text = getattr(asked, f"op_{row}")
    if text not in set(Operator):
        raise Invalid("Choose how it is compared.", field=f"op_{row}")
    return Operator(text)


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Invalid("A number, such as 3 or 0.5.", field=field) from None


def _decoded(text: str) -> Condition:
    try:
        return msgspec.json.decode(text, type=Condition)
    except msgspec.DecodeError as broken:
        raise Invalid(f"This is no condition: {broken}.", field="condition") from None


def _form_of(rule: Rule, version: int) -> Form[Editing]:
    """The rule as the form shows it: in rows where it is flat, as JSON where it is not."""
    values: dict[str, object] = {
        "version": version,
        "name": rule.name,
        "effect": rule.effect.value,
        "points": rule.points,
        "of": rule.kind.value,
        "enabled": "1" if rule.enabled else "",
        "join": "all",
    }
    flat = _flat(rule.when)
    if flat is None:
        condition = msgspec.json.format(msgspec.json.encode(rule.when)).decode()
        return forms.blank(Editing, **values, condition=condition)
    join, compares, listing = flat
    values["join"] = join
    for row, compare in enumerate(compares, 1):
        values |= {
            f"feature_{row}": f"{rule.kind}:{compare.feature}",
            f"op_{row}": compare.op.value,
            f"value_{row}": f"{compare.value:g}",
        }
    if listing is not None:
        values |= {"listing": listing.what.value, "listed": "\n".join(listing.values)}
    return forms.blank(Editing, **values)


def _flat(when: Condition) -> tuple[str, list[Compare], Listed | None] | None:
    parts = when.of if isinstance(when, All | AnyOf) else (when,)
    compares = [part for part in parts if isinstance(part, Compare)]
    lists = [part for part in parts if isinstance(part, Listed)]
    if len(compares) + len(lists) != len(parts) or len(compares) > ROWS or len(lists) > 1:
        return None
    return "any" if isinstance(when, AnyOf) else "all", compares, lists[0] if lists else None


def said(when: Condition) -> str:
    """A condition in words."""
    match when:
        case Compare():
            return f"{feature(when.feature)} {dict(OPERATORS)[when.op.value]} {when.value:g}"
        case Listed():
            return f"{LISTINGS[when.what]} is one of {len(when.values)}"
        case All():
            return " and ".join(said(each) for each in when.of)
        case AnyOf():
            return "(" + " or ".join(said(each) for each in when.of) + ")"
        case _:
            return f"not ({said(when.of)})"
