"""What both pages of bank accounts do: add one, tell its amounts, take it out. Numbers go in and never come back."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ecosystem.contexts.bank_accounts import (
    AccountKind,
    AccountState,
    AddBankAccount,
    BankAccount,
    HolderKind,
    Method,
    Purpose,
)
from ecosystem.kernel.refusals import Invalid, Refusal
from ecosystem.ports.entropy import mint
from ecosystem.ports.secrets import Untold
from ecosystem.web import forms
from ecosystem.web.fields import Id
from ecosystem.web.forms import Form
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

Cents = Annotated[int, Meta(ge=1, le=99, description="Cents, from 1 to 99: 7 for $0.07.")]

STANDING: dict[AccountState, tuple[str, str, str]] = {
    AccountState.ADDED: ("Added", "wait", "Two amounts below a dollar will be sent to it."),
    AccountState.VERIFYING: ("Being verified", "wait", "Two amounts below a dollar are on their way to it."),
    AccountState.VERIFIED: ("Verified", "good", ""),
    AccountState.REFUSED: ("Refused", "bad", ""),
    AccountState.REMOVED: ("Removed", "", ""),
}
"""Each state as its owner reads it: a word, its tone, and a sentence."""
BY_PRENOTE = {
    AccountState.ADDED: "An entry of no money will be sent to it.",
    AccountState.VERIFYING: (
        "An entry of no money is on its way to it. Three banking days after that the account is verified, unless the "
        "entry comes back."
    ),
}
"""The sentence in its place, where no amounts are to be told."""
_SECRET = ("account_number", "again")


class NotTheSame(Invalid):
    """The two numbers differ: type them once more."""


class Adding(Untold, frozen=True, kw_only=True):
    """A bank account as it was typed, its number twice."""

    account_id: Id
    holder: Annotated[str, Meta(max_length=22)]
    holder_kind: HolderKind
    account_kind: AccountKind
    routing_number: Annotated[str, Meta(max_length=14)]
    account_number: Annotated[str, Meta(max_length=30)]
    again: Annotated[str, Meta(max_length=30)]
    method: Method = Method.MICRO_DEPOSITS


class Amounts(Struct, frozen=True, kw_only=True):
    """The amounts as they stand on the bank's statement."""

    first: Cents
    second: Cents


class Owner(Struct, frozen=True, kw_only=True):
    """Whose accounts the page is about, and where it stands."""

    owner_id: str
    user_id: str
    purpose: Purpose
    path: str


def blank(request: Visit) -> Form[Adding]:
    """An untouched form, under an id of its own."""
    account_id = mint("bac", request.at, request.market.ports.entropy)
    return forms.blank(
        Adding,
        account_id=account_id,
        holder_kind=HolderKind.PERSON.value,
        account_kind=AccountKind.CHECKING.value,
        method=Method.MICRO_DEPOSITS.value,
    )


async def add(request: Visit, owner: Owner) -> Form[Adding] | None:
    """Add what the form says; the form with what is wrong, else None. The numbers are not shown again."""
    form = await request.form_of(Adding)
    try:
        asked = form.asked
        if asked.account_number != asked.again:
            raise NotTheSame(field="again")
        wanted = AddBankAccount(
            account_id=asked.account_id,
            owner_id=owner.owner_id,
            purpose=owner.purpose,
            routing_number=asked.routing_number,
            account_number=asked.account_number,
            holder=asked.holder,
            holder_kind=asked.holder_kind,
            kind=asked.account_kind,
            method=asked.method,
        )
        await request.market.bank_accounts.add(wanted, request.actor, user_id=owner.user_id)
    except Refusal as no:
        kept = {name: said for name, said in form.values.items() if name not in _SECRET}
        return msgspec.structs.replace(form.refused(no), values=kept)
    return None


async def confirm(request: Visit, account_id: str) -> tuple[Toast | None, Form[Amounts] | None]:
    """Tell the amounts: what came of it, or the form with what is wrong."""
    form = await request.form_of(Amounts)
    try:
        asked = form.asked
        account = await request.market.bank_accounts.confirm(account_id, (asked.first, asked.second), request.actor)
    except Refusal as no:
        return None, form.refused(no)
    return _came_of(account), None


async def shown(request: Visit, owner: Owner, **forms_again: Any) -> dict[str, Any]:
    """What the page shows: the accounts, how each stands, and the forms."""
    accounts = await request.market.bank_accounts.of(
        owner.owner_id, owner.purpose, request.actor, user_id=owner.user_id
    )
    return {
        "owner": owner,
        "accounts": accounts,
        "paused": [
            account.is_usable and account.purpose is Purpose.PAYOUT and account.paused_until > request.at
            for account in accounts
        ],
        "stands": [_standing(account) for account in accounts],
        "form": blank(request),
        "amounts": forms.blank(Amounts),
        "in_person": request.actor.impersonator is None,
    } | forms_again


def _standing(account: BankAccount) -> tuple[str, str, str]:
    word, tone, sentence = STANDING[account.state]
    return word, tone, BY_PRENOTE.get(account.state, sentence) if account.method is Method.PRENOTE else sentence


def _came_of(account: BankAccount) -> Toast:
    if account.is_usable:
        return Toast(text="That is right: the account is verified.")
    if account.state is AccountState.REFUSED:
        return Toast(text=account.reason, tone="bad")
    tries = "one more try" if account.tries_left == 1 else f"{account.tries_left} more tries"
    return Toast(text=f"Those are not the amounts. You have {tries}.", tone="bad")
