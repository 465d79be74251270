"""Profiles: how a person wants to be called and spoken to, and by which clock."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import TOLD_OF, Account, UserId, account_of, announced
from ecosystem.contexts.identity.events import ProfileChanged
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Invalid
from ecosystem.kernel.time import zone
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import ABSENT, Put, Row, Stale, Stored, Table

NAME_LENGTH_MAX = 80
# RFC 5646 in the part that is used: a language, perhaps a script, perhaps a region.
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class Profile(Stored, frozen=True, kw_only=True):
    """What a person says of themselves. `phone` is in E.164, or empty."""

    entity: ClassVar[str] = "profile"

    user_id: UserId
    name: str
    locale: str
    zone: str
    phone: str = ""

    @classmethod
    def of(cls, account: Account) -> Profile:
        """The profile as it begins: with what was given at sign-up."""
        return cls(user_id=account.user_id, name=account.name, locale=account.locale, zone=account.zone)


class EditProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET


class Addressee(Struct, frozen=True, kw_only=True):
    """How to reach a person: where, by which name, in which language, by which clock."""

    user_id: UserId
    email: str
    name: str
    locale: str
    zone: str


def checked_name(name: str) -> str:
    """The name in one line. Raises `Invalid` when it is empty, too long, or holds signs that do not print."""
    text = " ".join(name.split())
    if not text:
        raise Invalid("What should we call you?", field="name")
    if len(text) > NAME_LENGTH_MAX or not text.isprintable():
        raise Invalid(f"A name has at most {NAME_LENGTH_MAX} signs, all of them readable.", field="name")
    return text


def checked_locale(locale: str) -> str:
    """The language tag. Raises `Invalid`."""
    if not _LOCALE.fullmatch(locale):
        raise Invalid("That is not a language tag such as en or pt-BR.", field="locale")
    return locale


def checked_zone(name: str) -> str:
    """The IANA zone's name. Raises `Invalid`."""
    return zone(name).key


def checked_phone(phone: str) -> str:
    """The number in E.164 without the signs people put between digits, or nothing. Raises `Invalid`."""
    text = re.sub(r"[\s().\-/]", "", phone)
    if text and not _PHONE.fullmatch(text):
        raise Invalid("Write the number with its country code, such as +351 912 345 678.", field="phone")
    return text


def edited(profile: Profile, request: EditProfile) -> Profile:
    """Decide an edit: the profile as it becomes. Raises `Invalid`, which names the field."""
    return replace(
        profile,
        name=profile.name if request.name is UNSET else checked_name(request.name),
        locale=profile.locale if request.locale is UNSET else checked_locale(request.locale),
        zone=profile.zone if request.zone is UNSET else checked_zone(request.zone),
        phone=profile.phone if request.phone is UNSET else checked_phone(request.phone),
    )


@dataclass(frozen=True, slots=True)
class Profiles:
    table: Table
    clock: Clock

    async def of(self, user_id: str, actor: Actor) -> Profile:
        """The person's profile, for themselves and for operators. Raises `Denied`, `NoSuchPerson`."""
        actor.must_be(user_id)
        return (await self._of(user_id))[0]

    async def edit(self, user_id: str, request: EditProfile, actor: Actor) -> Profile:
        """The profile as it became. Raises `Invalid`, `Denied`, `NoSuchPerson`, `Stale`."""
        actor.must_be(user_id)
        profile, row = await self._of(user_id)
        becomes = edited(profile, request)
        changed = tuple(name for name in Profile.__struct_fields__ if getattr(becomes, name) != getattr(profile, name))
        if not changed:
            return profile
        fact = ProfileChanged(user_id=user_id, changed=changed)
        previous = {name: getattr(profile, name) for name in changed if name in TOLD_OF}
        await self.table.transact(
            Put(key=keys.profile_key(user_id), value=becomes, expected=row.unchanged if row else ABSENT),
            announced(fact, (row.version if row else 0) + 1, actor, self.clock.now(), previous),
        )
        return becomes

    async def addressee(self, user_id: str) -> Addressee:
        """How to reach the person, for whoever writes to them on the house's behalf. Raises `NoSuchPerson`."""
        account = (await account_of(self.table, user_id)).value
        profile, _ = await self._of(user_id, account)
        return Addressee(
            user_id=account.user_id, email=account.email, name=profile.name, locale=profile.locale, zone=profile.zone
        )

    async def make(self, user_id: str) -> None:
        """Make the profile from what was given at sign-up, unless it is there. As often as asked, with one effect."""
        if await self.table.get(keys.profile_key(user_id), Profile):
            return
        account = (await account_of(self.table, user_id)).value
        # A first edit, or the same event once more, may come between: whichever was first stands.
        with suppress(Stale):
            await self.table.transact(Put(key=keys.profile_key(user_id), value=Profile.of(account), expected=ABSENT))

    async def _of(self, user_id: str, account: Account | None = None) -> tuple[Profile, Row[Profile] | None]:
        """The profile, and its row. Until `post-confirmation-trigger` has run, what was given at sign-up stands in."""
        row = await self.table.get(keys.profile_key(user_id), Profile)
        if row:
            return row.value, row
        return Profile.of(account or (await account_of(self.table, user_id)).value), None
