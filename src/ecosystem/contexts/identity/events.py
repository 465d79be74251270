"""What happens to people's accounts. No fact carries an address, a name or a secret: events are kept for ever."""

from __future__ import annotations

from typing import ClassVar

from ecosystem.kernel.actor import Group
from ecosystem.ports.audit import AuditKind
from ecosystem.ports.bus import Fact


class AccountFact(Fact, frozen=True, kw_only=True):
    source: ClassVar[str] = "identity"

    user_id: str


class UserConfirmed(AccountFact, frozen=True, kw_only=True):
    """A person proved the address they signed up with, and has an account. `post-confirmation-trigger` follows."""

    audited: ClassVar[AuditKind | None] = AuditKind.CONSENT


class ProfileChanged(AccountFact, frozen=True, kw_only=True):
    """A person's name, language, zone or telephone changed; `changed` names the fields."""

    changed: tuple[str, ...]


class PasswordChanged(AccountFact, frozen=True, kw_only=True):
    """The password is another one, and other sessions have ended. `by_mail`: it was reset through a mailed link."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS

    by_mail: bool


class SecondFactorEnabled(AccountFact, frozen=True, kw_only=True):
    """Signing in asks for a code of an authenticator app from now on."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS


class SecondFactorDisabled(AccountFact, frozen=True, kw_only=True):
    """Signing in asks for the password alone again."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS


class RecoveryCodeUsed(AccountFact, frozen=True, kw_only=True):
    """A recovery code stood in for the authenticator; `left` remain."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS

    left: int


class SignedOutEverywhere(AccountFact, frozen=True, kw_only=True):
    """All sessions of the account ended at once."""


class RefreshReused(AccountFact, frozen=True, kw_only=True):
    """A refresh token came back that was replaced before: it was copied, so its session has ended."""

    audited: ClassVar[AuditKind | None] = AuditKind.ACCESS

    session_id: str


class GroupsChanged(AccountFact, frozen=True, kw_only=True):
    """The account belongs to these groups now."""

    audited: ClassVar[AuditKind | None] = AuditKind.PRIVILEGE

    groups: tuple[Group, ...]


class UserLocked(AccountFact, frozen=True, kw_only=True):
    """An operator shut the account; its sessions have ended."""

    audited: ClassVar[AuditKind | None] = AuditKind.PRIVILEGE

    reason: str


class UserUnlocked(AccountFact, frozen=True, kw_only=True):
    """An operator opened the account again."""

    audited: ClassVar[AuditKind | None] = AuditKind.PRIVILEGE


class ActedAs(AccountFact, frozen=True, kw_only=True):
    """An operator began a session in which they act as this person."""

    audited: ClassVar[AuditKind | None] = AuditKind.IMPERSONATION

    session_id: str
    operator_id: str
    reason: str
