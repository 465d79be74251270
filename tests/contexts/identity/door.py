"""How a person comes in, told briefly, for the tests of identity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pyotp.totp import TOTP

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.credentials import Argon2Cost, Argon2Passwords
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.contexts.identity import (
    Account,
    Admission,
    Identified,
    Identity,
    Invitation,
    Mailed,
    Origin,
    SignedIn,
    SignIn,
    SignUp,
)
from ecosystem.contexts.identity.accounts import account_of
from ecosystem.kernel.actor import Actor, Group, system
from ecosystem.ports.entropy import mint
from ecosystem.ports.table import Table

PASSWORD = "Lisbon-Tram-28"
CHEAP = Argon2Cost(memory_kib=64, passes=1)
PHONE = Origin(address="203.0.113.7", device="Phone")
LAPTOP = Origin(address="198.51.100.9", device="Laptop")


@dataclass(repr=False)
class Door:
    """How people come in, told briefly."""

    identity: Identity
    table: Table
    clock: VirtualClock
    passwords: Argon2Passwords

    def id(self, prefix: str = "usr") -> str:
        return mint(prefix, self.clock.now(), SystemEntropy())

    async def sign_up(self, email: str = "ana@example.com", password: str = PASSWORD, **more: str) -> Invitation:
        request = SignUp(user_id=self.id(), email=email, password=password, name=more.pop("name", "Ana"), **more)
        prepared = await self.identity.registrations.sign_up(request, PHONE)
        await self.table.transact(*prepared.writes)
        assert prepared.outcome
        return prepared.outcome

    async def person(self, email: str = "ana@example.com", password: str = PASSWORD, **more: str) -> Account:
        invitation = await self.sign_up(email, password, **more)
        return await self.identity.registrations.confirm(invitation.mailed.token)

    async def admitted(self, email: str, *groups: Group) -> Account:
        """A person who came in without a mail."""
        user_id = self.id()
        admission = Admission(
            user_id=user_id,
            email=email,
            password=await self.passwords.hashed(PASSWORD),
            name="Olga",
            groups=(Group.CUSTOMERS, *groups),
        )
        await self.table.transact(*self.identity.people.admitting(admission, system("tests")))
        return (await account_of(self.table, user_id)).value

    async def operator(self, email: str = "operator@example.com") -> Actor:
        account = await self.admitted(email, Group.ADMINS)
        return Actor(actor_id=account.user_id, groups=account.groups)

    async def sign_in(
        self, email: str = "ana@example.com", password: str = PASSWORD, origin: Origin = PHONE
    ) -> SignedIn:
        signed_in = await self.identity.sign_ins.sign_in(SignIn(email=email, password=password), origin)
        assert isinstance(signed_in, SignedIn)
        return signed_in

    async def who(self, signed_in: SignedIn) -> Identified:
        return await self.identity.sessions.identified(signed_in.access_token)

    async def reset_mail(self, email: str = "ana@example.com", origin: Origin = PHONE) -> Mailed:
        prepared = await self.identity.passwords.ask_reset(email, origin)
        await self.table.transact(*prepared.writes)
        assert prepared.outcome
        return prepared.outcome.mailed

    async def second_factor(self, who: Identified) -> tuple[TOTP, list[str]]:
        enrolment = await self.identity.second_factors.enrol(PASSWORD, who.actor)
        app = TOTP(enrolment.secret)
        codes = await self.identity.second_factors.enable(app.at(self.clock.now()), who.actor)
        self.clock.advance(timedelta(seconds=30))
        return app, codes
