"""Before money moves, a checkout or a payout is scored: it passes, waits for a person, or is refused.

What was thought is written in the commit of what it is about; a refusal, which has no such commit, is written by itself
and stands: asked again under the same id, it is refused again.
"""

from __future__ import annotations

import ipaddress
import logging
import math
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts import fraud
from ecosystem.contexts.booking import Booking, Mode
from ecosystem.contexts.fraud import (
    NAMES,
    Assessment,
    Assessments,
    CheckoutSeen,
    Facts,
    Kind,
    Listing,
    Past,
    PayoutSeen,
    Policy,
    PolicyBook,
    Subject,
    Verdict,
)
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.money import Money, exponent
from ecosystem.kernel.refusals import Denied
from ecosystem.kernel.time import local
from ecosystem.ports.blobs import BlobMissing, Blobs
from ecosystem.ports.clock import Clock
from ecosystem.ports.scoring import ModelId, ModelUnfit, Scoring
from ecosystem.ports.secrets import Seal
from ecosystem.ports.table import Table, Write

log = logging.getLogger(__name__)
HOUR_S = 3_600
DAY_S = 86_400
REFUSALS_MAX = 5
"""After so many refusals for one booking nothing more is thought of it: whoever goes on trying learns nothing."""


class NotTaken(Denied):
    """This payment cannot be taken here. Pay in another way, or write to us: we are glad to help."""


class Screened(Struct, frozen=True, kw_only=True):
    """What was thought, and what writes it down: to be committed with what it is about."""

    assessment: Assessment
    writes: list[Write]

    @property
    def verdict(self) -> Verdict:
        return self.assessment.verdict


@dataclass(slots=True)
class Screening:
    """`screen` and `screen_payout` read and think; nobody's item is written by them."""

    table: Table
    clock: Clock
    seal: Seal
    scoring: Scoring
    blobs: Blobs
    policies: PolicyBook
    assessments: Assessments
    _began_at: datetime | None = field(default=None, init=False)

    async def screen(
        self,
        booking: Booking,
        payment_id: str,
        actor: Actor,
        *,
        address: str = "",
        card: str = "",
        may_wait: bool = True,
    ) -> Screened:
        """What is thought of paying for the booking, asked from that network address.

        `card` is the lasting name of what pays: the processor's of a saved card, the blind index of a bank account;
        empty for a card that was just entered. What may not wait for a person is refused where somebody should look.
        Raises `NotTaken` when this very payment was refused before, or `REFUSALS_MAX` others for the booking.
        """
        thought = await self.assessments.of_booking(booking.booking_id)
        earlier = next((each for each in thought if each.subject_id == payment_id), None)
        if earlier is not None:
            return self._again(earlier)
        if sum(each.standing is fraud.Standing.REFUSED for each in thought) >= REFUSALS_MAX:
            raise NotTaken
        at = self.clock.now()
        what = self._checkout(booking, payment_id, card, self.network(address), at)
        what = replace(what, market_days=await self._market_days(at))
        named = (
            (Subject.CUSTOMER, what.customer_id),
            (Subject.CARD, what.card),
            (Subject.PROVIDER, what.provider_id),
            (Subject.NETWORK, what.network),
        )
        past = Past(of=await self.assessments.histories(named))
        names = {
            Listing.CUSTOMER: what.customer_id,
            Listing.CARD: what.card,
            Listing.PROVIDER: what.provider_id,
            Listing.NETWORK: what.network,
            Listing.CURRENCY: what.currency,
        }
        numbers = fraud.of_checkout(what, past)
        assessment = await self._assessed(
            Kind.CHECKOUT, payment_id, numbers, names, booking.lines.total, at, booking.booking_id, may_wait=may_wait
        )
        return Screened(assessment=assessment, writes=fraud.made(assessment, actor))

    async def screen_payout(
        self, payout_id: str, provider_id: str, amount: Money, bank: str, actor: Actor, *, instant: bool = False
    ) -> Screened:
        """What is thought of paying that much out to that bank account (its blind index, or the rail's name of it).

        Commit `writes` with what begins the payout; asked again, there are none. On `review` the payout waits: its
        answer is the event `ReviewApproved` or `ReviewDeclined` with the payout's id as `subject_id`, and the standing
        of the assessment at any time (`standing`). On `decline` nothing is sent.
        """
        earlier = await self.assessments.of_payout(payout_id)
        if earlier is not None:
            return Screened(assessment=earlier.value, writes=[])
        at = self.clock.now()
        begun = ids.made_at(provider_id)
        what = PayoutSeen(
            at=at,
            payout_id=payout_id,
            provider_id=provider_id,
            bank=bank,
            amount=_number(fraud.worth(amount, at)),
            currency=amount.currency,
            instant=instant,
            market_days=await self._market_days(at),
            provider_days=_days(begun, at),
        )
        named = ((Subject.PROVIDER, provider_id), (Subject.BANK, bank))
        numbers = fraud.of_payout(what, Past(of=await self.assessments.histories(named)))
        names = {Listing.PROVIDER: provider_id, Listing.BANK: bank, Listing.CURRENCY: amount.currency}
        assessment = await self._assessed(Kind.PAYOUT, payout_id, numbers, names, amount, at, "")
        return Screened(assessment=assessment, writes=fraud.made(assessment, actor))

    async def standing(self, payout_id: str) -> fraud.Standing | None:
        """Where the payout's assessment stands; None when it was never asked for."""
        row = await self.assessments.of_payout(payout_id)
        return row.value.standing if row else None

    async def refuse(self, screened: Screened) -> None:
        """Keep a refusal that has no other commit to stand in, and raise `NotTaken`."""
        if screened.writes:
            await self.table.transact(*screened.writes)
        raise NotTaken

    def network(self, address: str) -> str:
        """A digest of the network that the address lies in: /24, or /48 of IPv6; empty for addresses of no network.

        Addresses of one's own machine or network tell nothing: everybody behind the same proxy would be one.
        """
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return ""
        if not known.is_global:
            return ""
        prefix = ipaddress.ip_network((known, 24 if known.version == 4 else 48), strict=False)
        return self.seal.digest("fraud-network", str(prefix)).hex()[:16]

    async def ready(self, model: ModelId) -> ModelId:
        """The model, taken in from where models are kept if this process has not met it; the shipped one for none."""
        model = model or self.scoring.shipped
        if not self.scoring.knows(model):
            kept = await self.blobs.get(fraud.model_blob(model))
            self.scoring.take(kept)
        return model

    async def _market_days(self, at: datetime) -> float:
        """How far back the histories reach: asked for until they begin, which they do once."""
        if self._began_at is None:
            self._began_at = await self.assessments.began_at()
        return _days(self._began_at, at)

    def _again(self, known: Assessment) -> Screened:
        if known.verdict is Verdict.DECLINE:
            raise NotTaken
        return Screened(assessment=known, writes=[])

    def _checkout(self, booking: Booking, payment_id: str, card: str, network: str, at: datetime) -> CheckoutSeen:
        customer = local(booking.start_at, booking.zone)
        ahead = customer.utcoffset()
        provider = local(booking.start_at, booking.offer.zone).utcoffset()
        assert ahead is not None
        assert provider is not None
        return CheckoutSeen(
            at=at,
            payment_id=payment_id,
            booking_id=booking.booking_id,
            customer_id=booking.customer_id,
            provider_id=booking.provider_id,
            card=card,
            amount=_number(fraud.worth(booking.lines.total, at)),
            currency=booking.lines.total.currency,
            guest=booking.guest,
            network=network,
            account_days=_days(ids.made_at(booking.customer_id), at),
            lead_h=max(0.0, (booking.start_at - at).total_seconds() / HOUR_S),
            zone_gap_h=abs((ahead - provider).total_seconds()) / HOUR_S,
            local_hour=float(local(at, booking.zone).hour),
            remote=booking.offer.mode is Mode.REMOTE,
            seats=booking.seats,
        )

    async def _assessed(
        self,
        kind: Kind,
        subject_id: str,
        numbers: tuple[float, ...],
        names: dict[Listing, str],
        amount: Money,
        at: datetime,
        booking_id: str,
        *,
        may_wait: bool = True,
    ) -> Assessment:
        policy = await self.policies.current()
        model = await self._champion(policy)
        chance = self.scoring.score(model, kind.value, numbers)
        facts = Facts(kind=kind, numbers=dict(zip(NAMES[kind], numbers, strict=True)), names=names)
        young = not fraud.is_grown(await self._market_days(at))
        decision = fraud.decide(chance, fraud.fired(policy.rules, facts), policy, young=young)
        if not may_wait:
            decision = fraud.unheld(decision)
        return Assessment(
            kind=kind,
            subject_id=subject_id,
            booking_id=booking_id,
            at=at,
            customer_id=names.get(Listing.CUSTOMER, ""),
            provider_id=names[Listing.PROVIDER],
            card=names.get(Listing.CARD, ""),
            network=names.get(Listing.NETWORK, ""),
            bank=names.get(Listing.BANK, ""),
            amount=hundredths(amount),
            currency=amount.currency,
            worth=fraud.worth(amount, at),
            numbers=numbers,
            model=model,
            policy=policy.version,
            chance=chance,
            score=decision.score,
            verdict=decision.verdict,
            standing=fraud.first_standing(decision.verdict),
            rules=decision.rules,
            challenger=policy.challenger,
            shadow=await self._shadow(policy, kind, numbers),
        )

    async def _champion(self, policy: Policy) -> ModelId:
        """The model that decides; the shipped one while the policy's cannot be had, rather than that nobody may pay."""
        try:
            return await self.ready(policy.champion)
        except (BlobMissing, ModelUnfit):
            log.exception(
                "the model that decides cannot be read: the shipped one scores", extra={"model": policy.champion}
            )
            return self.scoring.shipped

    async def _shadow(self, policy: Policy, kind: Kind, numbers: tuple[float, ...]) -> float | None:
        """What the challenger thinks of it; it decides nothing."""
        if not policy.challenger:
            return None
        try:
            return self.scoring.score(await self.ready(policy.challenger), kind.value, numbers)
        except (BlobMissing, ModelUnfit):
            return None


def hundredths(amount: Money) -> int:
    """The amount in hundredths of its currency's unit, so that yen and dinar are shown like euro."""
    places = exponent(amount.currency)
    return amount.minor * 100 // 10**places


def _number(known: int | None) -> float:
    return math.nan if known is None else float(known)


def _days(since: datetime | None, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds() / DAY_S) if since else math.nan
