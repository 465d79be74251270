"""Bank accounts: a provider's to be paid to, a person's to pay from. Numbers go in and never come back."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ecosystem.api.roots import Ask, Plain, Roots
from ecosystem.contexts.bank_accounts import BankAccount, Method, Purpose
from ecosystem.journeys.bank_keeping import KeepBankAccount

ROOTS = Roots()

CENTS_MAX = 2


class OfOwner(Struct, frozen=True, kw_only=True):
    provider_id: str | None = None


class Confirm(Struct, frozen=True, kw_only=True):
    bank_account_id: str
    cents: Annotated[tuple[int, ...], Meta(max_length=CENTS_MAX)]


class Remove(Struct, frozen=True, kw_only=True):
    bank_account_id: str
    reason: str = ""


class OfPayment(Struct, frozen=True, kw_only=True):
    payment_id: str


@ROOTS.query
async def bank_accounts(ask: Ask, request: OfOwner) -> list[Plain]:
    return [told_account(each) for each in await ask.market.bank_keeping.of(request.provider_id, ask.actor)]


@ROOTS.query
async def mandate(ask: Ask, request: OfPayment) -> Plain:
    known = await ask.market.mandates.of(request.payment_id, ask.actor)
    return {
        "mandateId": known.mandate_id,
        "paymentId": known.payment_id,
        "bookingId": known.booking_id,
        "last4": known.last4,
        "version": known.version,
        "text": known.text,
        "textSha256": known.text_sha256,
        "givenAt": known.given_at,
        "keptUntil": known.kept_until,
    }


@ROOTS.mutation
async def add_bank_account(ask: Ask, request: KeepBankAccount) -> Plain:
    return told_account(await ask.market.bank_keeping.add(request, ask.actor))


@ROOTS.mutation
async def confirm_bank_account(ask: Ask, request: Confirm) -> Plain:
    return told_account(await ask.market.bank_accounts.confirm(request.bank_account_id, request.cents, ask.actor))


@ROOTS.mutation
async def remove_bank_account(ask: Ask, request: Remove) -> Plain:
    account = await ask.market.bank_accounts.remove(request.bank_account_id, ask.actor, reason=request.reason)
    return told_account(account)


def told_account(known: BankAccount) -> Plain:
    """An account as it may be shown: never its number."""
    return {
        "bankAccountId": known.account_id,
        "ownerId": known.owner_id,
        "purpose": known.purpose.value,
        "state": known.state.value,
        "bank": known.bank,
        "last4": known.last4,
        "kind": known.kind.value,
        "holderKind": known.holder_kind.value,
        "prenote": known.method is Method.PRENOTE,
        "awaitsAmounts": known.awaits_amounts,
        "triesLeft": known.tries_left,
        "verifyBy": known.until if known.awaits_amounts else None,
        "payableFrom": known.payable_from() if known.purpose is Purpose.PAYOUT else None,
        "refusal": known.reason or None,
        "addedAt": known.added_at,
    }
