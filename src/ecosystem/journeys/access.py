"""Coming in: the acts of identity whose answer goes out by mail, and the mails that keep an account safe.

What a mail carries a secret of is committed with the letter that carries it: there is no link that nobody gets, and no
letter whose link does not work. What only tells of something that happened follows its event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from msgspec import Struct

from ecosystem.contexts.identity import (
    Identity,
    Invitation,
    Origin,
    PasswordChanged,
    RecoveryCodeUsed,
    RefreshReused,
    ResetMail,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SignUp,
    UserLocked,
    UserUnlocked,
)
from ecosystem.contexts.notifications import AlreadyTold, Audience, Kind, Message, Notifications, Recipient
from ecosystem.ports.bus import Event
from ecosystem.ports.table import Stale, Table, Write

_TRIES_MAX = 3


class Doors(Struct, frozen=True, kw_only=True):
    """Where links in mails lead, below the marketplace's address."""

    confirm: str = "/confirm"
    reset: str = "/reset-password"
    sign_in: str = "/sign-in"
    security: str = "/account/security"


DOORS = Doors()


@dataclass(frozen=True, slots=True)
class Access:
    """Sign-up and reset with their mails. Answers are the same whether or not an address is known."""

    table: Table
    identity: Identity
    notifications: Notifications
    doors: Doors = DOORS

    TOLD: ClassVar[dict[str, Kind]] = {
        PasswordChanged.__name__: Kind.PASSWORD_CHANGED,
        SecondFactorEnabled.__name__: Kind.SECOND_FACTOR_ENABLED,
        SecondFactorDisabled.__name__: Kind.SECOND_FACTOR_DISABLED,
        RecoveryCodeUsed.__name__: Kind.RECOVERY_CODE_USED,
        RefreshReused.__name__: Kind.SESSION_COPIED,
        UserLocked.__name__: Kind.ACCOUNT_LOCKED,
        UserUnlocked.__name__: Kind.ACCOUNT_UNLOCKED,
    }
    """The events of identity of which their person is told."""

    async def sign_up(self, request: SignUp, origin: Origin) -> None:
        """Register a wish for an account and mail its confirmation; the same wish again does nothing.

        Raises `Invalid`, `WeakPassword`, `TooManyAttempts`, `IdReused`; never whether the address has an account.
        """
        for _ in range(_TRIES_MAX):
            prepared = await self.identity.registrations.sign_up(request, origin)
            if prepared.outcome is None:
                return
            try:
                await self._commit(prepared.writes, self._invitation(prepared.outcome))
            except Stale:
                continue  # The same wish came twice at once; the other one was first.
            return
        raise Stale

    async def mail_again(self, user_id: str, origin: Origin) -> None:
        """Mail another link and code for a registration. Raises `RegistrationGone`, `TooManyAttempts`."""
        prepared = await self.identity.registrations.mail_again(user_id, origin)
        await self._commit(prepared.writes, self._invitation(prepared.outcome))

    async def ask_reset(self, email: str, origin: Origin) -> None:
        """Mail a link and a code for another password, if the address has an account; nobody is told whether it has.

        Raises `NotAnAddress`, `TooManyAttempts`.
        """
        prepared = await self.identity.passwords.ask_reset(email, origin)
        await self._commit(prepared.writes, self._reset(prepared.outcome) if prepared.outcome else None)

    async def tell(self, event: Event) -> None:
        """Tell a person what happened to their account: the reaction to the events of `TOLD`."""
        addressee = await self.identity.profiles.addressee(str(event.detail["user_id"]))
        kind = self.TOLD[event.type]
        door = self.doors.sign_in if kind is Kind.ACCOUNT_UNLOCKED else self.doors.security
        message = Message(
            kind=kind,
            audience=Audience.PERSON,
            event_id=event.event_id,
            at=event.at,
            recipient=Recipient(
                user_id=addressee.user_id,
                email=addressee.email,
                name=addressee.name,
                locale=addressee.locale,
                zone=addressee.zone,
            ),
            facts={"left": str(event.detail["left"])} if "left" in event.detail else {},
            link=self._link(door),
        )
        await self.notifications.tell(message)

    async def _commit(self, writes: tuple[Write, ...], message: Message | None) -> None:
        told = self.notifications.telling(message) if message else []
        try:
            await self.table.transact(*writes, *told)
        except AlreadyTold:
            return  # A retry of what was committed before.

    def _invitation(self, invitation: Invitation) -> Message:
        kind = Kind.SIGN_UP_ATTEMPTED if invitation.known else Kind.CONFIRM_ADDRESS
        link = self._link(self.doors.sign_in)
        if not invitation.known:
            link = self._link(self.doors.confirm, token=invitation.mailed.token)
        return Message(
            kind=kind,
            audience=Audience.PERSON,
            event_id=invitation.mail_id,
            at=invitation.at,
            recipient=Recipient(
                email=invitation.email, name=invitation.name, locale=invitation.locale, zone=invitation.zone
            ),
            facts={"expires_at": invitation.expires_at},
            link=link,
            code="" if invitation.known else invitation.mailed.code,
        )

    def _reset(self, mail: ResetMail) -> Message:
        return Message(
            kind=Kind.RESET_PASSWORD,
            audience=Audience.PERSON,
            event_id=mail.mail_id,
            at=mail.at,
            recipient=Recipient(email=mail.email, name=mail.name, locale=mail.locale, zone=mail.zone),
            facts={"expires_at": mail.expires_at},
            link=self._link(self.doors.reset, token=mail.mailed.token),
            code=mail.mailed.code,
        )

    def _link(self, door: str, **query: str) -> str:
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.notifications.brand.url}{door}{asked}"
