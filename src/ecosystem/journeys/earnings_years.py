"""A year of a provider's earnings, month by month: what customers paid for their work, what was taken of it, what is left.

Everything is read from the ledger: a share has its commission beside it, under the same cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from msgspec import Struct

from ecosystem.contexts.ledger import Ledger, Line, chart
from ecosystem.journeys.earnings import Earnings, Entry
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.time import local, midnight

_CODE = chart.TransferCode
SHARES = frozenset({_CODE.RELEASE_PROVIDER, _CODE.RETURN_PROVIDER, _CODE.CHARGEBACK_PROVIDER, _CODE.REINSTATE_PROVIDER})
"""Movements of a provider's share; each has the platform's beside it."""
PIECE = 100
MONTHS = 12


class Month(Struct, frozen=True, kw_only=True):
    """One month, in minor units: `gross` less `refunds` less `fees` is `net`. `paid_out` is what left the balance.

    `refunds` are what went back to customers of it, `fees` the platform's commission, less what of it was given back.
    """

    month: int
    gross: int = 0
    refunds: int = 0
    fees: int = 0
    net: int = 0
    paid_out: int = 0


class Year(Struct, frozen=True, kw_only=True):
    """Twelve months in one currency, and their sum."""

    year: int
    currency: str
    months: Sequence[Month]

    @property
    def total(self) -> Month:
        sums = {
            name: sum(getattr(each, name) for each in self.months)
            for name in Month.__struct_fields__
            if name != "month"
        }
        return Month(month=0, **sums)


class Period(Struct, frozen=True, kw_only=True):
    """A statement of `[first, last]` days: the balance before and after, and every movement between, oldest first."""

    currency: str
    first: date
    last: date
    opening: int
    closing: int
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class EarningsYears:
    """For the owner of a provider and operators. Raises `ProviderUnknown`, `Denied`."""

    earnings: Earnings
    ledger: Ledger

    async def year(self, provider_id: str, currency: str, year: int, zone: str, actor: Actor) -> Year:
        """A year in the provider's own zone."""
        entries = await self.earnings.export(
            provider_id,
            currency,
            actor,
            start_at=midnight(date(year, 1, 1), zone),
            end_at=midnight(date(year + 1, 1, 1), zone),
        )
        lines = [entry.line for entry in entries]
        commissions = await self._commissions(lines)
        months = [
            _month(number, [line for line in lines if local(line.transfer.at, zone).month == number], commissions)
            for number in range(1, MONTHS + 1)
        ]
        return Year(year=year, currency=currency, months=months)

    async def period(
        self, provider_id: str, currency: str, actor: Actor, *, first: date, last: date, zone: str, end_at: datetime
    ) -> Period:
        """The statement of the days from `first` to `last`, which ends at `end_at`."""
        start_at = midnight(first, zone)
        entries = await self.earnings.export(provider_id, currency, actor, start_at=start_at, end_at=end_at)
        if entries:
            opening = (entries[0].line.balance or 0) - entries[0].line.posted
            closing = entries[-1].line.balance or 0
        else:
            opening = closing = await self.earnings.balance_at(provider_id, currency, actor, at=start_at)
        return Period(currency=currency, first=first, last=last, opening=opening, closing=closing, entries=entries)

    async def _commissions(self, lines: Sequence[Line]) -> dict[str, int]:
        """The platform's part beside each movement of a share, by the share's transfer id."""
        named = {
            f"{line.transfer.transfer_id.removesuffix('.provider')}.commission": line.transfer.transfer_id
            for line in lines
            if line.transfer.code in SHARES
        }
        beside = list(named)
        found: dict[str, int] = {}
        for start in range(0, len(beside), PIECE):
            for recorded in await self.ledger.transfers(beside[start : start + PIECE]):
                found[named[recorded.transfer_id]] = recorded.amount
        return found


def _month(number: int, lines: Sequence[Line], commissions: dict[str, int]) -> Month:
    gross = refunds = fees = net = paid_out = 0
    for line in lines:
        code = line.transfer.code
        if code == _CODE.PAYOUT_INTENDED:
            paid_out -= line.posted
        if code not in SHARES:
            continue
        commission = commissions.get(line.transfer.transfer_id, 0)
        net += line.posted
        if code == _CODE.RELEASE_PROVIDER:
            gross += line.posted + commission
            fees += commission
        else:
            back = commission if line.posted < 0 else -commission
            refunds += back - line.posted
            fees -= back
    return Month(month=number, gross=gross, refunds=refunds, fees=fees, net=net, paid_out=paid_out)
