"""Bank debits: a booking paid from the customer's bank account, by entries of the Automated Clearing House.

| what happens | ledger | booking, payment |
| --- | --- | --- |
| the customer agrees to the mandate | - | awaits payment; intended |
| a person has to look at it first | clearing -> escrow, pending | awaits the look; authorized, nothing is originated |
| the debit is originated | clearing -> escrow | confirmed; captured, the funds pending |
| the bank's statement shows it | bank <- clearing | settled; two banking days later its funds are here |
| the booking ends before its funds are here | - | its shares lie in escrow until then |
| it comes back for want of money, and is presented again | the settlement reversed | unsettled |
| the booking is cancelled before it is sent | escrow -> clearing | cancelled, nothing is drawn; refunded |
| its account is removed or refused before it is sent | escrow -> clearing | as when it comes back for good |
| it comes back for good, before or after the release | the settlement reversed; then as a chargeback that was lost | disputed, decided by the bank |
| a refund, once its funds are here | escrow or shares -> clearing when decided; clearing -> bank when settled | refunded |

**When funds are here.** A receiving bank returns what it cannot pay so that we have it by the opening of the second
banking day after settlement (2013 NACHA Operating Rules, subsection 3.8.1). From the close of that day on the ordinary
returns are over. What a consumer did not authorize may come back for 60 days more (3.13.1): after the release that is
taken from the provider's balance, as a chargeback is.

The debit is offered where the booking begins after its funds are here, to people who are signed in, from accounts that
were verified: WEB debits have to be screened by validating the account (subsection 2.5.17.4, since 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts import payments as paying
from ecosystem.contexts.ach import (
    PRESENTMENTS_MAX,
    AccountKind,
    Authorization,
    Direction,
    Entries,
    Entry,
    EntryState,
    Holder,
    Inbox,
    MoneyAction,
    NotOriginating,
    OriginateEntry,
    Originators,
    Particulars,
    Purpose,
    Receiver,
    banking_days_after,
    eastern,
    next_window,
)
from ecosystem.contexts.bank_accounts import (
    BankAccount,
    BankAccounts,
    HolderKind,
    NoSuchBankAccount,
    NotUsable,
)
from ecosystem.contexts.bank_accounts import Purpose as AccountPurpose
from ecosystem.contexts.booking import Bookings, BookingStatus, Hold
from ecosystem.contexts.ledger import Ledger, State, Transfer, chart, reverse
from ecosystem.contexts.payments import (
    Asked,
    Consent,
    DebitTerms,
    Mandate,
    Mandates,
    Payment,
    Payments,
    Refund,
    Refunds,
    RefundState,
)
from ecosystem.journeys.ach_apart import Apart
from ecosystem.journeys.ach_causes import ACCOUNT_ENDED
from ecosystem.journeys.given_back import sale_of
from ecosystem.journeys.settlement import Settlement
from ecosystem.kernel import rates
from ecosystem.kernel.actor import Actor, system
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.nacha import RETURNS
from ecosystem.kernel.refusals import Conflict, Invalid
from ecosystem.ports.cards import (
    ChargebackOutcome,
    ChargebackStanding,
    OrderRefused,
    Outcome,
    RefundOutcome,
    RefundStanding,
    ShownCard,
    Standing,
)
from ecosystem.ports.clock import Clock
from ecosystem.ports.table import Row, Table, Write

ACTOR = system("ach-processor")
CURRENCY = "USD"
RETURN_BANKING_DAYS = 2
CLOSE = time(17)
"""The end of a banking day, Eastern: what comes back by then was dealt with."""
ACCOUNTS_MAX = 10
HELD_FOR = timedelta(days=1)
"""How long a debit waits at most until a person has looked at it: as long as a request waits for its answer."""
HOLD_LIFE = timedelta(days=7)
"""When a debit that was held is let go by the sweep, should nobody have done so: as an authorization would end."""


class DebitRefused(OrderRefused):
    """This booking cannot be paid from that bank account. Choose another way to pay."""


class NotOffered(Conflict):
    """Paying from a bank account is not offered for this booking."""


class PayByBank(Struct, frozen=True, kw_only=True):
    """From which account somebody pays, and to which text they agreed: its SHA-256, in hexadecimal."""

    account_id: str
    text_sha256: str


class BankOffer(Struct, frozen=True, kw_only=True):
    """What a checkout offers: accounts that may be debited, each with the text to agree to. `why_not` when it is none."""

    accounts: Sequence[BankAccount] = ()
    texts: Sequence[str] = ()
    funds_by: datetime | None = None
    why_not: str = ""


class Stopped(Struct, frozen=True, kw_only=True):
    """A debit that was taken out before it was sent: the payment then, and what is committed with it."""

    payment: Payment
    entry_id: str
    writes: Sequence[Write]


@dataclass(frozen=True, slots=True)
class BankDebits:
    table: Table
    clock: Clock
    brand: str
    accounts: BankAccounts
    mandates: Mandates
    entries: Entries
    originators: Originators
    bookings: Bookings
    payments: Payments
    refunds: Refunds
    ledger: Ledger
    settlement: Settlement
    inbox: Inbox
    apart: Apart

    # At checkout

    async def offer(self, hold: Hold, amount: Money, actor: Actor) -> BankOffer:
        """What may be paid from a bank account, and with which words."""
        try:
            debit_on, funds_by = await self._times(hold, amount, actor)
        except NotOffered as no:
            return BankOffer(why_not=no.message)
        accounts = [
            account
            for account in await self.accounts.of(actor.actor_id, AccountPurpose.DEBIT, actor, user_id=actor.actor_id)
            if account.is_usable
        ][:ACCOUNTS_MAX]
        asked = [self._asked(account, amount, hold.offer.title, debit_on) for account in accounts]
        return BankOffer(accounts=accounts, texts=[paying.mandate_text(each) for each in asked], funds_by=funds_by)

    async def agreed(
        self,
        wanted: PayByBank,
        hold: Hold,
        amount: Money,
        payment_id: str,
        booking_id: str,
        actor: Actor,
        *,
        address: str,
    ) -> tuple[DebitTerms, Mandate]:
        """The terms of the payment and its mandate, to be committed with the intention.

        Raises `NotOffered`, `DebitRefused`, `TermsChanged`.
        """
        debit_on, _ = await self._times(hold, amount, actor)
        try:
            account = (await self.accounts.row(wanted.account_id)).value
        except NoSuchBankAccount:
            raise DebitRefused(field="account") from None
        mine = account.owner_id == actor.actor_id and account.purpose is AccountPurpose.DEBIT
        if not (mine and account.is_usable):
            raise DebitRefused(field="account")
        terms = DebitTerms(account_id=account.account_id, bank=account.bank, last4=account.last4)
        asked = self._asked(account, amount, hold.offer.title, debit_on)
        at = self.clock.now()
        consent = Consent(text_sha256=wanted.text_sha256, address=address)
        mandate = await self.mandates.given(asked, consent, payment_id, booking_id, terms, actor, at)
        return terms, mandate

    async def instrument(self, wanted: PayByBank) -> str:
        """What tells the bank account from others, whoever added it: its blind index. Empty for none that is known."""
        try:
            return (await self.accounts.row(wanted.account_id)).value.fingerprint.hex()
        except NoSuchBankAccount:
            return ""

    async def may_wait(self, hold: Hold, amount: Money, actor: Actor) -> bool:
        """Whether the debit's funds would still be here in time if a person looked at it for a day first."""
        try:
            await self._times(hold, amount, actor, waits=HELD_FOR)
        except NotOffered:
            return False
        return True

    async def carry_out(self, payment: Payment, actor: Actor) -> Payment:
        """Originate the debit and confirm the booking with it, once. Raises `DebitRefused`: nothing was originated.

        One that a person looks at first is only held: nothing is originated until its request is accepted.
        """
        assert payment.debit is not None
        booking = (await self.bookings.row(payment.booking_id)).value
        if payment.is_open and payment.review and booking.status is BookingStatus.AWAITING_PAYMENT:
            return await self._held(payment, actor)
        accepted = booking.status is BookingStatus.AWAITING_PROVIDER and booking.accepted_by is not None
        if booking.status is not BookingStatus.AWAITING_PAYMENT and not accepted:
            raise DebitRefused("The booking is no longer there.")
        mandate = await self.mandates.of(payment.payment_id, ACTOR)
        try:
            request = await self._request(payment.debit.account_id, f"payment {payment.payment_id}")
            entry = replace(
                request,
                entry_id=_first_entry_id(payment),
                purpose=Purpose.DEBIT,
                direction=Direction.DEBIT,
                cause_id=payment.payment_id,
                cents=payment.amount.minor,
                authorization=Authorization(
                    authorization_id=mandate.mandate_id,
                    text_sha256=mandate.text_sha256,
                    given_at=mandate.given_at,
                ),
            )
            writes = await self.entries.originate(entry, ACTOR)
        except (NotUsable, NoSuchBankAccount, NotOriginating, Invalid) as refused:
            raise DebitRefused(refused.message) from refused
        outcome = Outcome(
            intent_id=entry.entry_id,
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
            standing=Standing.CAPTURED,
            amount=payment.amount,
            captured=payment.amount,
            card=ShownCard(brand=payment.debit.bank or "Bank account", last4=payment.debit.last4),
        )
        return await self.settlement.learn(payment.booking_id, payment.payment_id, outcome, actor, *writes)

    async def let_go(self, payment: Payment, actor: Actor) -> Payment:
        """End a debit that is held and was not originated."""
        outcome = self._unasked(payment, Standing.CANCELLED)
        return await self.settlement.learn(payment.booking_id, payment.payment_id, outcome, actor)

    async def _held(self, payment: Payment, actor: Actor) -> Payment:
        held = replace(self._unasked(payment, Standing.AUTHORIZED), authorized_until=self.clock.now() + HOLD_LIFE)
        return await self.settlement.learn(payment.booking_id, payment.payment_id, held, actor)

    def _unasked(self, payment: Payment, standing: Standing) -> Outcome:
        """How a debit stands of which the bank has not heard."""
        assert payment.debit is not None
        return Outcome(
            intent_id=_first_entry_id(payment),
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
            standing=standing,
            amount=payment.amount,
            captured=zero(payment.amount.currency),
            card=ShownCard(brand=payment.debit.bank or "Bank account", last4=payment.debit.last4),
        )

    # What becomes of entries: the causes that `ach_causes.py` asks for

    async def filed(self, entry: Entry) -> Sequence[Write]:
        """What is committed with the entry as it goes into a file: nothing, its money is in clearing already."""
        assert entry.purpose in {Purpose.DEBIT, Purpose.REFUND}
        return ()

    async def settled(self, entry: Entry) -> Sequence[Write]:
        """What is committed with the entry as the bank's statement shows it."""
        if entry.purpose is Purpose.REFUND:
            return await self._refund_settled(entry)
        row = await self._payment(entry)
        assert entry.settled_on is not None
        funds_at = eastern(banking_days_after(entry.settled_on, RETURN_BANKING_DAYS), CLOSE)
        after = paying.debit_settled(row.value, entry.settled_on, funds_at)
        if after == row.value:
            return ()
        booking = (await self.bookings.row(row.value.booking_id)).value
        cleared = chart.debit_cleared(sale_of(booking, after), entry.entry_id, after.amount)
        at = self.clock.now()
        return [*paying.becomes(row, after, ACTOR, at), *await self.ledger.writes(*cleared)]

    async def returned(self, entry: Entry, action: MoneyAction, code: str) -> None:
        """Carry out what follows a return that holds. Twice has one effect."""
        if entry.purpose is Purpose.REFUND:
            await self._refund_returned(entry, code)
        elif action is MoneyAction.PRESENT_AGAIN:
            await self._unsettled(entry)
        else:
            await self._taken_back(entry, code)

    async def still_wants(self, entry: Entry) -> bool:
        """Whether a debit that came back may be presented again: not once its booking was cancelled."""
        if entry.purpose is not Purpose.DEBIT:
            return False
        mandate = await self.mandates.of(entry.cause_id, ACTOR)
        booking = (await self.bookings.row(mandate.booking_id)).value
        return booking.status is not BookingStatus.CANCELLED

    # Afterwards

    async def stopped(self, payment: Payment, actor: Actor, at: datetime) -> Stopped | None:
        """The debit, taken out before it is sent, as the mandate promises; None when it is too late for that.

        To be committed with the refund of what is left (`payments.undrawn`). Refunds that waited for it are ended: what
        was never drawn need not be sent.
        """
        waiting = await self._waiting(payment)
        if waiting is None:
            return None
        writes = await self.entries.cancel(waiting.entry_id, actor)
        for row in await self.refunds.refunds_of(payment.booking_id):
            if row.value.payment_id == payment.payment_id and row.value.is_open:
                ended = self._outcome(row.value, waiting.entry_id, RefundStanding.SUCCEEDED)
                payment, after = paying.settle_refund(payment, row.value, ended, at)
                writes += paying.refund_becomes(row, after, actor, at)
        return Stopped(payment=payment, entry_id=waiting.entry_id, writes=writes)

    async def waits(self, payment: Payment) -> bool:
        """Whether its debit is not sent yet: calling the booking off now takes it out, and draws nothing."""
        return payment.debit is not None and await self._waiting(payment) is not None

    async def _waiting(self, payment: Payment) -> Entry | None:
        """The presentment of the debit that waits for its file, if one does."""
        first = _first_entry_id(payment)
        for entry_id in (first, *(f"{first}.retry{count}" for count in range(1, PRESENTMENTS_MAX))):
            row = await self.entries.find(entry_id)
            if row is not None and row.value.state is EntryState.WAITING:
                return row.value
        return None

    async def give_back(self, refund: Refund, payment: Payment, actor: Actor) -> Refund:
        """Originate the credit of a refund, once the debit's funds are here; until then it waits.

        A bank account that is gone by then fails the refund: an operator deals with it.
        """
        assert payment.debit is not None
        if refund.processor_id or funds_wait(payment, self.clock.now()):
            return refund
        entry_id = f"{refund.refund_id}.1"
        try:
            request = await self._request(payment.debit.account_id, f"refund {refund.refund_id}")
            entry = replace(
                request,
                entry_id=entry_id,
                purpose=Purpose.REFUND,
                direction=Direction.CREDIT,
                cause_id=payment.payment_id,
                cents=refund.amount.minor,
                identification=refund.refund_id[-15:],
            )
            writes = await self.entries.originate(entry, ACTOR)
        except (NotUsable, NoSuchBankAccount, NotOriginating, Invalid) as refused:
            return await self.settlement.learn_refund(refund.booking_id, refund.refund_id, refused.message, actor)
        return await self.settlement.learn_refund(
            refund.booking_id, refund.refund_id, self._outcome(refund, entry_id, RefundStanding.PENDING), actor, *writes
        )

    async def release_due(self, actor: Actor = ACTOR) -> int:
        """Share out what waited for funds that are here now; how many payments were dealt with.

        Funds are here when everything is heard that the bank put out until then: a return that we have not read yet
        came in time all the same.
        """
        heard_until = await self.inbox.heard_until()
        if heard_until is None:
            return 0
        until = min(heard_until, self.clock.now())
        due = await self.payments.debits_due(until)
        return await self.apart.each(
            due, lambda row: row.value.payment_id, lambda row: self._funds_here(row.value, until, actor)
        )

    async def _funds_here(self, payment: Payment, until: datetime, actor: Actor) -> None:
        async def act() -> None:
            row = await self.payments.payment(payment.booking_id, payment.payment_id)
            debit = row.value.debit
            at = self.clock.now()
            if debit is None or debit.over or not debit.are_here(until):
                return
            booking = await self.bookings.row(payment.booking_id)
            shares: list[Transfer] = []
            if debit.unreleased:
                owed = row.value.owed or zero(row.value.amount.currency)
                rest = rates.remaining(booking.value.lines, booking.value.rates, row.value.gone + owed)
                shares = chart.released(sale_of(booking.value, row.value), rest)
            after = paying.debit_over(row.value)
            await self.table.transact(*paying.becomes(row, after, actor, at), *await self.ledger.writes(*shares))

        provider_id = (await self.bookings.row(payment.booking_id)).value.provider_id
        await self.bookings.calendar.settle(provider_id, act)
        for refund in await self.refunds.refunds_of(payment.booking_id):
            if refund.value.is_open and refund.value.payment_id == payment.payment_id:
                current = (await self.payments.payment(payment.booking_id, payment.payment_id)).value
                await self.give_back(refund.value, current, actor)

    async def _unsettled(self, entry: Entry) -> None:
        """It came back, and is on its way again: what had settled is due in once more."""
        row = await self._payment(entry)
        reversal = await self._settlement_back(entry)
        after = paying.debit_unsettled(row.value)
        at = self.clock.now()
        writes = [*paying.becomes(row, after, ACTOR, at), *await self.ledger.writes(*reversal)]
        if after != row.value or reversal:
            await self.table.transact(*writes)

    async def _taken_back(self, entry: Entry, code: str) -> None:
        """It came back for good: as a chargeback that was lost, and what had settled with it."""
        payment = (await self._payment(entry)).value
        known = payment.chargeback_by(_return_id(entry))
        if known is not None and known.is_closed:
            return
        opened = ChargebackOutcome(
            chargeback_id=_return_id(entry),
            intent_id=payment.intent_id or entry.entry_id,
            payment_id=payment.payment_id,
            booking_id=payment.booking_id,
            charge_id="",
            amount=payment.amount,
            reason=_why(code),
            standing=ChargebackStanding.OPEN,
            opened_at=known.opened_at if known else self.clock.now(),
            taken=payment.amount,
            fee=zero(CURRENCY),
            movements=1,
        )
        if known is None:
            await self._drop_refunds(payment)
            postings = await self._settlement_back(entry)
            await self.settlement.learn_chargeback(
                payment.booking_id, payment.payment_id, opened, ACTOR, *await self.ledger.writes(*postings)
            )
        # Nobody hears evidence: what a bank sends back is decided with that. It is opened first, for both sides to be
        # told why the booking ends.
        lost = replace(opened, standing=ChargebackStanding.LOST)
        await self.settlement.learn_chargeback(payment.booking_id, payment.payment_id, lost, ACTOR)

    async def _drop_refunds(self, payment: Payment) -> None:
        """Give up refunds of money that never came: those that were not sent, and those that the bank sent back."""
        why = "The customer's bank sent the payment back: there is nothing to give back."
        for row in await self.refunds.refunds_of(payment.booking_id):
            refund = row.value
            if refund.payment_id != payment.payment_id:
                continue
            if refund.state is RefundState.REQUESTED and not refund.processor_id:
                await self.settlement.learn_refund(refund.booking_id, refund.refund_id, why, ACTOR)
            elif refund.is_open and refund.processor_id and not await self._taken_out(refund, why):
                continue  # It is on its way, and nothing calls it back.
            failed = await self.refunds.refund(refund.booking_id, refund.refund_id)
            if failed is not None and failed.value.state is RefundState.FAILED and failed.value.followed is None:
                at = self.clock.now()
                request = paying.FollowRefund(
                    refund_id=refund.refund_id, booking_id=refund.booking_id, how=paying.Follow.CLOSED, note=why
                )
                closed = paying.follow(failed.value, request, ACTOR, at)
                await self.table.transact(*paying.refund_becomes(failed, closed, ACTOR, at))

    async def _taken_out(self, refund: Refund, why: str) -> bool:
        """Whether the credit of a refund was taken out before its file was built; the refund failed with that."""
        assert refund.processor_id
        entry = (await self.entries.row(refund.processor_id)).value
        if entry.state is not EntryState.WAITING:
            return False
        outcome = replace(self._outcome(refund, entry.entry_id, RefundStanding.FAILED), failure=why)
        writes = await self.entries.cancel(entry.entry_id, ACTOR)
        await self.settlement.learn_refund(refund.booking_id, refund.refund_id, outcome, ACTOR, *writes)
        return True

    async def _settlement_back(self, entry: Entry) -> list[Transfer]:
        caused = await self.ledger.transfers([f"{entry.entry_id}.settled"])
        return [reverse(each, f"{each.transfer_id}.back") for each in caused if each.state is State.FINAL]

    async def _refund_settled(self, entry: Entry) -> Sequence[Write]:
        refund = await self._refund(entry)
        booking = (await self.bookings.row(refund.booking_id)).value
        payment = (await self.payments.payment(refund.booking_id, refund.payment_id)).value
        cleared = chart.refund_cleared(sale_of(booking, payment), entry.entry_id, refund.amount)
        outcome = self._outcome(refund, entry.entry_id, RefundStanding.SUCCEEDED)
        if not await self.ledger.transfers([each.transfer_id for each in cleared]):
            writes = await self.ledger.writes(*cleared)
            await self.settlement.learn_refund(refund.booking_id, refund.refund_id, outcome, ACTOR, *writes)
        return ()

    async def _refund_returned(self, entry: Entry, code: str) -> None:
        refund = await self._refund(entry)
        outcome = replace(self._outcome(refund, entry.entry_id, RefundStanding.FAILED), failure=_why(code))
        back = await self._settlement_back(entry)
        await self.settlement.learn_refund(
            refund.booking_id, refund.refund_id, outcome, ACTOR, *await self.ledger.writes(*back)
        )

    def _outcome(self, refund: Refund, entry_id: str, standing: RefundStanding) -> RefundOutcome:
        return RefundOutcome(
            processor_id=entry_id,
            refund_id=refund.refund_id,
            intent_id=refund.intent_id,
            amount=refund.amount,
            standing=standing,
            made_at=refund.requested_at,
        )

    async def _payment(self, entry: Entry) -> Row[Payment]:
        mandate = await self.mandates.of(entry.cause_id, ACTOR)
        return await self.payments.payment(mandate.booking_id, entry.cause_id)

    async def _refund(self, entry: Entry) -> Refund:
        mandate = await self.mandates.of(entry.cause_id, ACTOR)
        row = await self.refunds.refund(mandate.booking_id, entry.entry_id.rpartition(".")[0])
        if row is None:
            raise paying.NoSuchRefund
        return row.value

    async def _times(
        self, hold: Hold, amount: Money, actor: Actor, *, waits: timedelta = timedelta()
    ) -> tuple[date, datetime]:
        """The day on which it is debited, and the instant at which its funds are here, if it waits so long before.

        Raises `NotOffered`.
        """
        if amount.currency != CURRENCY:
            raise NotOffered("Bank accounts pay in US dollars only.")
        if actor.is_guest:
            raise NotOffered("Sign in to pay from your bank account.")
        if not hold.offer.instant:
            raise NotOffered("What the provider confirms first is paid by card.")
        who = await self.originators.find()
        if who is None:
            raise NotOffered
        lead = timedelta(seconds=who.value.lead_s)
        debit_on = next_window(self.clock.now() + waits, same_day=False, lead=lead).effective_on
        funds_at = eastern(banking_days_after(debit_on, RETURN_BANKING_DAYS), CLOSE)
        if hold.start_at < funds_at:
            raise NotOffered("A bank needs some banking days: this time is too soon. Pay by card.")
        return debit_on, funds_at

    def _asked(self, account: BankAccount, amount: Money, title: str, debit_on: date) -> Asked:
        return Asked(
            brand=self.brand,
            bank=account.bank,
            last4=account.last4,
            kind=account.kind.value,
            amount=amount,
            title=title,
            debit_on=debit_on,
        )

    async def _request(self, account_id: str, why: str) -> OriginateEntry:
        """An entry for that account, to be completed with what it is for. Raises `NotUsable`."""
        numbers = await self.accounts.opened(account_id, ACTOR, why=why)
        account = (await self.accounts.row(account_id)).value
        return OriginateEntry(
            entry_id="",
            purpose=Purpose.DEBIT,
            direction=Direction.DEBIT,
            cause_id="",
            receiver=Receiver(
                bank_account_id=account.account_id,
                owner_id=account.owner_id,
                holder=Holder.COMPANY if account.holder_kind is HolderKind.COMPANY else Holder.PERSON,
                kind=AccountKind(account.kind.value),
                last4=account.last4,
            ),
            particulars=Particulars(
                name=numbers.holder,
                routing_number=numbers.routing_number,
                account_number=numbers.account_number,
            ),
            cents=0,
        )


def funds_wait(payment: Payment, at: datetime) -> bool:
    """Whether what is everybody's share of a payment has to wait: its debit may still come back.

    The time alone does not tell: `release_due` says that its funds are here once the bank was heard until then.
    """
    return payment.debit is not None and not (payment.debit.over and payment.debit.are_here(at))


def _why(code: str) -> str:
    """Why an entry did not go, or came back."""
    if code == ACCOUNT_ENDED:
        return "The bank account was removed or refused before it was sent"
    return f"{RETURNS[code].meaning} ({code})" if code in RETURNS else "Our bank did not take it on"


def _first_entry_id(payment: Payment) -> str:
    return f"{payment.payment_id}.1"


def _return_id(entry: Entry) -> str:
    return f"{entry.entry_id}.return"
