"""What every page is made with: the site's name and address, templates, assets, clock, and who opens the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.web.arrival import Arrival
from ecosystem.web.assets import Assets
from ecosystem.web.cookies import Jar
from ecosystem.web.headers import Policy
from ecosystem.web.icons import Icons
from ecosystem.web.limits import Limits, Rates
from ecosystem.web.templates import Site, Templates


class Doorkeeper(Protocol):
    async def admit(self, arrival: Arrival) -> None:
        """Fill in who sent the request, from its cookies; renew them where they are about to run out."""
        ...


class OpenDoor:
    """A doorkeeper who knows nobody: every request is a visitor's."""

    async def admit(self, arrival: Arrival) -> None:
        """Leave the visitor as they came."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Made once at start; every request has it at hand."""

    site: Site
    assets: Assets
    icons: Icons
    templates: Templates
    policy: Policy
    jar: Jar
    limits: Limits
    door: Doorkeeper
    clock: Clock
    entropy: Entropy

    @classmethod
    def of(
        cls,
        site: Site,
        *,
        clock: Clock,
        entropy: Entropy,
        door: Doorkeeper | None = None,
        rates: Rates | None = None,
        templates: dict[str, str] | None = None,
    ) -> Kit:
        assets, icons = Assets.load(), Icons.load()
        return cls(
            site=site,
            assets=assets,
            icons=icons,
            templates=Templates.of(assets, icons, templates),
            policy=Policy(https=site.https, frames=(site.cards_origin,) if site.cards_origin else ()),
            jar=Jar(site.https),
            limits=Limits.of(rates or Rates()),
            door=door or OpenDoor(),
            clock=clock,
            entropy=entropy,
        )
