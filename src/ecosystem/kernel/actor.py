"""Who acts, and for whom."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ecosystem.kernel.refusals import Denied


class Group(StrEnum):
    """The groups of the identity provider, in order of precedence."""

    CUSTOMERS = "Customers"
    PROVIDERS = "Providers"
    ADMINS = "Admins"


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: a user, a guest (known by a secret link), or a part of the system itself.

    `impersonator` is the operator who acts as the user; both are recorded.
    """

    actor_id: str
    groups: tuple[Group, ...] = ()
    impersonator: str | None = None

    def within(self, group: Group) -> bool:
        return group in self.groups

    @property
    def is_operator(self) -> bool:
        return Group.ADMINS in self.groups

    @property
    def is_system(self) -> bool:
        return self.actor_id.startswith("system:")

    @property
    def is_guest(self) -> bool:
        return self.actor_id.startswith("gst_")

    def must_be(self, *ids: str) -> None:
        """Pass if the actor is one of these people, an operator, or the system. Raises `Denied` otherwise."""
        if not (self.actor_id in ids or self.is_operator or self.is_system):
            raise Denied("This belongs to someone else.")

    def must_operate(self) -> None:
        """Pass for operators and the system. Raises `Denied` otherwise."""
        if not (self.is_operator or self.is_system):
            raise Denied("Only an operator may do this.")


VISITOR = Actor(actor_id="visitor")


def system(part: str) -> Actor:
    """The system itself, acting through the named part: `system:sweep`."""
    return Actor(actor_id=f"system:{part}")
