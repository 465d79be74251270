"""What counts: the changes of bookings and of the ledger, as figures that an operator watches.

| group | now | by day (UTC) |
| --- | --- | --- |
| `bookings` | how many are in each status | booked, cancelled, completed ...; `h00` to `h23`: booked in that hour |
| `categories` | - | booked, by the top category of the service |
| `money:<currency>` | escrow, providers, commission, surcharge: what each kind of account holds | charged, refunded, and what each kind of account gained |
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from ecosystem.contexts.booking import Booking, BookingStatus
from ecosystem.contexts.catalogue import Services, ServiceUnknown, categories
from ecosystem.contexts.insights import Count, Inventory, Standing
from ecosystem.contexts.ledger import Recorded, chart
from ecosystem.ports.table import Change, Image, Table, every
from ecosystem.ports.table_codec import decoded

_PAID = frozenset({BookingStatus.CONFIRMED, BookingStatus.AWAITING_PROVIDER})
_KINDS: Mapping[str, str] = {
    "escrow": "escrow",
    "provider": "providers",
    "commission": "commission",
    "surcharge": "surcharge",
}
_CHARGES = frozenset({chart.TransferCode.CHARGE_BASE, chart.TransferCode.CHARGE_SURCHARGE})
COUNTABLE_MAX = 2**53
"""Beyond this no booking reaches; a ledger played for other purposes may."""


@dataclass(frozen=True, slots=True)
class Counting:
    table: Table
    services: Services

    @property
    def inventory(self) -> Inventory:
        """What there is, for counting anew: bookings by their status, and all that transfers tell."""
        return Inventory(self._everything, _standing)

    async def _everything(self) -> AsyncIterator[Standing]:
        async for row in every(self.table, Booking):
            yield Standing(key=row.key, counts=_status(row.value), changed_at=row.value.changed_at)
        async for row in every(self.table, Recorded):
            yield Standing(key=row.key, counts=_transfer(row.value), changed_at=row.value.at)

    async def read(self, change: Change) -> Sequence[Count]:
        """What the change counts; nothing for most."""
        if change.new is None:
            return ()
        if change.new.entity == Booking.entity:
            before = decoded(change.old, Booking) if change.old else None
            return await self._booking(before, decoded(change.new, Booking))
        if change.new.entity == Recorded.entity and change.old is None:
            return _transfer(decoded(change.new, Recorded))
        return ()

    async def _booking(self, before: Booking | None, after: Booking) -> Sequence[Count]:
        if before is not None and before.status is after.status:
            return ()
        day = after.changed_at.date()
        counts = [
            Count(group="bookings", name=after.status, by=1),
            Count(group="bookings", name=after.status, by=1, day=day),
        ]
        if before is not None:
            counts.append(Count(group="bookings", name=before.status, by=-1))
        if before is not None and before.status is BookingStatus.AWAITING_PAYMENT and after.status in _PAID:
            counts += [
                Count(group="bookings", name="booked", by=1, day=day),
                Count(group="bookings", name=f"h{after.changed_at:%H}", by=1, day=day),
            ]
            if category := await self._category(after):
                counts.append(Count(group="categories", name=category, by=1, day=day))
        return counts

    async def _category(self, booking: Booking) -> str:
        """The top category of what was booked, as it is now; nothing if the service or its category is gone."""
        try:
            service = (await self.services.load(booking.provider_id, booking.offer.service_id)).value
        except ServiceUnknown:
            return ""
        return categories().path(service.category)[0].slug if service.category in categories() else ""


def _standing(image: Image) -> Sequence[Count]:
    if image.entity == Booking.entity:
        return _status(decoded(image, Booking))
    return _transfer(decoded(image, Recorded)) if image.entity == Recorded.entity else ()


def _status(booking: Booking) -> Sequence[Count]:
    return (Count(group="bookings", name=booking.status, by=1),)


def _transfer(made: Recorded) -> Sequence[Count]:
    _, posted = made.moved
    if not 0 < posted < COUNTABLE_MAX or not made.ledger:
        return ()
    group, day = f"money:{made.ledger}", made.at.date()
    counts: list[Count] = []
    for account_id, by in ((made.debit_account_id, -posted), (made.credit_account_id, posted)):
        kind = account_id.partition(":")[0]
        if name := _KINDS.get(kind):
            counts += [Count(group=group, name=name, by=by), Count(group=group, name=name, by=by, day=day)]
        elif kind == "processor":
            # What comes in is a debit of the account at the processor. A refund that failed comes in again.
            is_charge = made.code in _CHARGES
            counts.append(
                Count(group=group, name="charged" if is_charge else "refunded", by=-by if is_charge else by, day=day)
            )
    return counts
