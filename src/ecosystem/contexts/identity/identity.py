"""Identity as a whole: its services, made once from the ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ecosystem.contexts.identity.first_operator import FirstOperators
from ecosystem.contexts.identity.guests import Guests
from ecosystem.contexts.identity.passwords import PasswordChanges, Reproof
from ecosystem.contexts.identity.people import People
from ecosystem.contexts.identity.post_confirmation import PostConfirmation
from ecosystem.contexts.identity.profiles import Profiles
from ecosystem.contexts.identity.registrations import Registrations
from ecosystem.contexts.identity.second_factors import SecondFactors
from ecosystem.contexts.identity.sessions import Sessions
from ecosystem.contexts.identity.sign_ins import SignIns
from ecosystem.contexts.identity.throttles import Limits, Throttles
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import OneTimeCodes, Passwords
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.secrets import Seal
from ecosystem.ports.table import Table
from ecosystem.ports.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Identity:
    registrations: Registrations
    sign_ins: SignIns
    sessions: Sessions
    passwords: PasswordChanges
    second_factors: SecondFactors
    profiles: Profiles
    people: People
    guests: Guests
    first_operators: FirstOperators
    post_confirmation: PostConfirmation
    tokens: Tokens

    @classmethod
    def of(
        cls,
        table: Table,
        clock: Clock,
        entropy: Entropy,
        *,
        passwords: Passwords,
        codes: OneTimeCodes,
        tokens: Tokens,
        seal: Seal,
        issuer: str = "Ecosystem",
        limits: Limits | None = None,
    ) -> Self:
        """The services over these ports. `issuer` is the name an authenticator app shows."""
        limits = limits or Limits()
        throttles = Throttles(table, seal, clock)
        sessions = Sessions(table, tokens, seal, clock, entropy)
        reproof = Reproof(table, passwords, throttles, limits)
        second_factors = SecondFactors(table, codes, reproof, throttles, limits, seal, clock, entropy, issuer)
        people = People(table, sessions, clock, entropy)
        profiles = Profiles(table, clock)
        return cls(
            registrations=Registrations(table, passwords, throttles, limits, seal, clock, entropy),
            sign_ins=SignIns(table, passwords, tokens, sessions, second_factors, throttles, limits, clock, entropy),
            sessions=sessions,
            passwords=PasswordChanges(table, passwords, reproof, sessions, throttles, limits, seal, clock, entropy),
            second_factors=second_factors,
            profiles=profiles,
            people=people,
            guests=Guests(tokens, throttles, limits, clock, entropy),
            first_operators=FirstOperators(table, people, passwords, clock, entropy),
            post_confirmation=PostConfirmation(profiles),
            tokens=tokens,
        )
