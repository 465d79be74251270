"""What a provider fills in about their payouts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.contexts.payouts import Cadence, PayoutPlan, Rail, SetPayoutPlan
from ecosystem.kernel.money import Money, decimal_text, parse_decimal
from ecosystem.kernel.refusals import Invalid
from ecosystem.web import forms
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form

Amount = Annotated[str, Meta(max_length=24)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="That is not a currency.")]


class Wanted(Struct, frozen=True, kw_only=True):
    """An amount to be paid out now. `fee` is the price for speed that was shown, in minor units; -1: not yet."""

    payout_id: Id
    amount: Amount
    currency: Currency
    instant: bool = False
    fee: Annotated[int, Meta(ge=-1)] = -1

    def money(self) -> Money:
        """Raises `Invalid`, naming `amount`."""
        return typed(self.amount, self.currency, "amount")


class PlanForm(Struct, frozen=True, kw_only=True):
    """When and how a provider is paid. `version` is that of the plan they saw."""

    cadence: Cadence
    weekday: Annotated[int, Meta(ge=1, le=7)] = 1
    minimum: Amount = ""
    currency: Currency
    rail: Rail = Rail.STRIPE
    version: int

    def request(self, bank_account_id: str) -> SetPayoutPlan:
        """Raises `Invalid`, naming `minimum`."""
        return SetPayoutPlan(
            cadence=self.cadence,
            weekday=self.weekday,
            minimum=typed(self.minimum, self.currency, "minimum") if self.minimum else None,
            rail=self.rail,
            bank_account_id=bank_account_id,
            version=self.version,
        )


def plan_form(plan: PayoutPlan, version: int, currency: str) -> Form[PlanForm]:
    """The form as the plan has it."""
    own = plan.minimum if plan.minimum and plan.minimum.currency == currency else None
    return forms.blank(
        PlanForm,
        cadence=plan.cadence,
        weekday=plan.weekday,
        minimum=decimal_text(own) if own else "",
        currency=currency,
        rail=plan.rail,
        version=version,
    )


def typed(text: str, currency: str, field: str) -> Money:
    """The amount a person typed: a comma for the decimals means the point, where both stand it parts thousands."""
    text = text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    text = text.replace(",", "") if "." in text else text.replace(",", ".")
    try:
        return parse_decimal(text, currency)
    except Invalid as no:
        raise Invalid(no.message, field=field) from None
