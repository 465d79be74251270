"""Bank accounts as their owners ask for them: a provider's to be paid to, a person's own to pay from.

Who runs the owner of an account is read here from what we know, never taken from whoever asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecosystem.contexts.bank_accounts import (
    AccountKind,
    AddBankAccount,
    BankAccount,
    BankAccounts,
    HolderKind,
    Method,
    Purpose,
)
from ecosystem.contexts.catalogue import Providers
from ecosystem.kernel.actor import VISITOR, Actor
from ecosystem.kernel.refusals import Denied
from ecosystem.ports.secrets import Untold


class KeepBankAccount(Untold, frozen=True, kw_only=True):
    """The request for a bank account: the provider's that is named, to be paid to, or the asker's own, to pay from.

    With `prenote` it is verified by an entry of no money, else by two small amounts. One to pay from always by amounts.
    """

    bank_account_id: str
    provider_id: str | None = None
    routing_number: str
    account_number: str
    holder: str
    holder_kind: HolderKind = HolderKind.PERSON
    kind: AccountKind = AccountKind.CHECKING
    prenote: bool = False


@dataclass(frozen=True, slots=True)
class BankKeeping:
    """For owners. Each act raises `ProviderUnknown`, `Denied`."""

    accounts: BankAccounts
    providers: Providers

    async def of(self, provider_id: str | None, actor: Actor) -> Sequence[BankAccount]:
        """A provider's accounts, or the asker's own, newest first."""
        owner_id, user_id, purpose = await self._owner(provider_id, actor)
        return await self.accounts.of(owner_id, purpose, actor, user_id=user_id)

    async def add(self, request: KeepBankAccount, actor: Actor) -> BankAccount:
        """Keep an account, to be verified as its owner asks. Raises what `BankAccounts.add` does."""
        owner_id, user_id, purpose = await self._owner(request.provider_id, actor)
        wanted = AddBankAccount(
            account_id=request.bank_account_id,
            owner_id=owner_id,
            purpose=purpose,
            routing_number=request.routing_number,
            account_number=request.account_number,
            holder=request.holder,
            holder_kind=request.holder_kind,
            kind=request.kind,
            method=Method.PRENOTE if request.prenote else Method.MICRO_DEPOSITS,
        )
        return await self.accounts.add(wanted, actor, user_id=user_id)

    async def _owner(self, provider_id: str | None, actor: Actor) -> tuple[str, str, Purpose]:
        """Whose accounts they are, who runs that owner, and what the accounts are for."""
        if provider_id is None:
            if actor == VISITOR or actor.is_guest or actor.is_system:
                raise Denied("Sign in to keep a bank account.")
            return actor.actor_id, actor.actor_id, Purpose.DEBIT
        provider = (await self.providers.load(provider_id)).value
        actor.must_be(provider.owner_id or provider_id)
        return provider_id, provider.owner_id or provider_id, Purpose.PAYOUT
