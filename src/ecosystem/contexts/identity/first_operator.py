"""The first operator: made by whoever holds the one-time link that the first start prints."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from ecosystem.contexts.identity import keys
from ecosystem.contexts.identity.accounts import Account, account_of
from ecosystem.contexts.identity.addresses import normalised
from ecosystem.contexts.identity.mailed_secrets import LinkRefused
from ecosystem.contexts.identity.password_rules import check_password
from ecosystem.contexts.identity.people import Admission, People
from ecosystem.contexts.identity.registrations import SignUp
from ecosystem.kernel.actor import Group, system
from ecosystem.ports.clock import Clock
from ecosystem.ports.credentials import Passwords
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.table import Put, Stored, Table

LIFE = timedelta(hours=24)


class FirstOperator(Stored, frozen=True, kw_only=True):
    """The link's hash until it is used; then it is never made again."""

    entity: ClassVar[str] = "first-operator"

    link: bytes
    expires_at: datetime
    used_by: str = ""


@dataclass(frozen=True, slots=True)
class FirstOperators:
    table: Table
    people: People
    passwords: Passwords
    clock: Clock
    entropy: Entropy

    async def invite(self) -> str | None:
        """The token of a link, good once and for a day; a former one is void. None when there was a first operator."""
        row = await self.table.get(keys.first_operator_key(), FirstOperator)
        if row and row.value.used_by:
            return None
        token = base64.urlsafe_b64encode(self.entropy.bytes(32)).rstrip(b"=").decode()
        invitation = FirstOperator(link=_hash(token), expires_at=self.clock.now() + LIFE)
        await self.table.transact(Put(key=keys.first_operator_key(), value=invitation))
        return token

    async def close(self) -> None:
        """No link is made any more: operators came by other ways, such as the demonstration."""
        used = FirstOperator(link=b"", expires_at=self.clock.now(), used_by="another way")
        await self.table.transact(Put(key=keys.first_operator_key(), value=used))

    async def claim(self, token: str, request: SignUp) -> Account:
        """The first operator's account, confirmed at once. Raises `LinkRefused`, `WeakPassword`, `Invalid`, `AddressTaken`."""
        row = await self.table.get(keys.first_operator_key(), FirstOperator)
        genuine = row is not None and hmac.compare_digest(row.value.link, _hash(token))
        if row is None or not genuine or row.value.used_by or self.clock.now() >= row.value.expires_at:
            raise LinkRefused
        check_password(request.password, address=normalised(request.email), name=request.name)
        admission = Admission(
            user_id=request.user_id,
            email=request.email,
            password=await self.passwords.hashed(request.password),
            name=request.name,
            locale=request.locale,
            zone=request.zone,
            groups=(Group.CUSTOMERS, Group.ADMINS),
        )
        used = FirstOperator(link=row.value.link, expires_at=row.value.expires_at, used_by=request.user_id)
        await self.table.transact(
            Put(key=row.key, value=used, expected=row.unchanged, otherwise=LinkRefused()),
            *self.people.admitting(admission, system("first-operator")),
        )
        return (await account_of(self.table, request.user_id)).value


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
