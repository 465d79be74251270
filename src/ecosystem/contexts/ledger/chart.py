"""The product's chart of accounts, and the transfers that each act on a sale consists of.

Debit and credit are seen from the platform's books. The processor owes us what it captured (an asset); escrow and the
providers' balances are what we owe; commission and surcharge are what we earned.

    charge      processor   -> escrow:<booking>       base, surcharge
    release     escrow      -> provider, commission, surcharge
    refund      escrow      -> processor               before the release
                provider, commission, surcharge -> processor   after it
                the same   -> bank                 when the customer was paid by other means
    chargeback  see `withdrawals.py`
    bank debit  the same with clearing in the place of processor; bank <- clearing when it settled
    payout      see `payouts.py`

The id of a transfer is made from what caused it (a payment, a refund, a booking's release) and its own name, so that
the same cause never posts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from ecosystem.contexts.ledger.accounts import Account, AccountFlag
from ecosystem.contexts.ledger.transfers import ALL_OF_IT, Recorded, Transfer, TransferFlag, linked
from ecosystem.kernel.money import Money, zero
from ecosystem.kernel.rates import Lines


class AccountCode(IntEnum):
    """Kinds of account."""

    PROCESSOR = 1
    ESCROW = 2
    PROVIDER = 3
    COMMISSION = 4
    SURCHARGE = 5
    COSTS = 6
    BANK = 7
    PAYOUT = 8
    CLEARING = 9


class TransferCode(IntEnum):
    """What a transfer is for."""

    CHARGE_BASE = 10
    CHARGE_SURCHARGE = 11
    RELEASE_PROVIDER = 20
    RELEASE_COMMISSION = 21
    RELEASE_SURCHARGE = 22
    REFUND_BASE = 30
    REFUND_SURCHARGE = 31
    RETURN_PROVIDER = 40
    RETURN_COMMISSION = 41
    RETURN_SURCHARGE = 42
    CHARGEBACK_BASE = 50
    CHARGEBACK_SURCHARGE = 51
    CHARGEBACK_PROVIDER = 52
    CHARGEBACK_COMMISSION = 53
    CHARGEBACK_LYING = 54
    CHARGEBACK_BEYOND = 55
    CHARGEBACK_FEE = 56
    REINSTATE_BASE = 60
    REINSTATE_SURCHARGE = 61
    REINSTATE_PROVIDER = 62
    REINSTATE_COMMISSION = 63
    REINSTATE_LYING = 64
    REINSTATE_BEYOND = 65
    REINSTATE_FEE = 66
    PAYOUT_INTENDED = 70
    PAYOUT_SENT = 71
    PAYOUT_FEE = 72
    PAYOUT_SETTLED = 73
    PROCESSOR_FEE = 80
    BANK_FEE = 81
    WITHDRAWAL_ARRIVED = 90
    TOPPED_UP = 92
    DEBT_WRITTEN = 91
    CORRECTION = 95
    MICRO_SENT = 100
    MICRO_SETTLED = 101
    DEBIT_SETTLED = 110
    REFUND_SETTLED = 111
    RETURN_HELD = 112
    RETURN_DISHONORED = 113


_SUMMED = {
    "processor": AccountCode.PROCESSOR,
    "commission": AccountCode.COMMISSION,
    "surcharge": AccountCode.SURCHARGE,
    "costs": AccountCode.COSTS,
    "bank": AccountCode.BANK,
    "clearing": AccountCode.CLEARING,
}


_HOLDING = {"escrow": AccountCode.ESCROW, "payout": AccountCode.PAYOUT}
"""Accounts of one matter: they can never pay out more than came in."""

_SHARES = frozenset({"provider", "commission", "surcharge"})


class Sale(Struct, frozen=True, kw_only=True):
    """A booking that is paid: the transfers about it bear the booking as their reference."""

    booking_id: str
    provider_id: str
    payment_id: str
    currency: str
    through: str = ""
    """The account that its money comes and goes by; the one at the card processor when none is named."""

    @property
    def rail(self) -> str:
        return self.through or processor(self.currency)

    @property
    def escrow(self) -> str:
        return escrow(self.booking_id)

    @property
    def provider(self) -> str:
        return provider(self.provider_id, self.currency)


def processor(currency: str) -> str:
    """The account at the card processor. Summed: every sale debits it."""
    return f"processor:{currency}"


def escrow(booking_id: str) -> str:
    """The account that holds one booking's money. It can never pay out more than came in."""
    return f"escrow:{booking_id}"


def provider(provider_id: str, currency: str) -> str:
    """The balance of a provider in that currency. It may fall below nothing, and is then recovered from later sales."""
    return f"provider:{provider_id}:{currency}"


def commission(currency: str) -> str:
    """What the platform earns of base prices. Summed."""
    return f"commission:{currency}"


def surcharge(currency: str) -> str:
    """What guests pay on top. Summed."""
    return f"surcharge:{currency}"


def costs(currency: str) -> str:
    """What the platform bears: the fees of processor and bank, and what nobody else bears. Summed."""
    return f"costs:{currency}"


def bank(currency: str) -> str:
    """The platform's own bank account, as far as these books move it. Summed."""
    return f"bank:{currency}"


def payout(payout_id: str) -> str:
    """The account of one payout: money off a provider's balance that the rail does not have yet."""
    return f"payout:{payout_id}"


def clearing(currency: str) -> str:
    """Entries given to the bank that its statement does not show yet: debits are due in, credits due out. Summed."""
    return f"clearing:{currency}"


def account(account_id: str, currency: str) -> Account | None:
    """The account that this id names in the chart, for a ledger to open when it is first needed."""
    kind, _, rest = account_id.partition(":")
    if kind in _SUMMED and rest == currency:
        return Account(account_id=account_id, ledger=currency, code=_SUMMED[kind], flags=AccountFlag.SUMMED)
    if kind in _HOLDING and rest:
        flags = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
        return Account(account_id=account_id, ledger=currency, code=_HOLDING[kind], flags=flags)
    if kind == "provider" and rest.endswith(f":{currency}"):
        return Account(account_id=account_id, ledger=currency, code=AccountCode.PROVIDER)
    return None


def booking_of(account_id: str) -> str | None:
    """The booking whose money an account holds; None when it is no escrow account."""
    kind, _, rest = account_id.partition(":")
    return rest if kind == "escrow" else None


def charged(sale: Sale, lines: Lines) -> list[Transfer]:
    """The card was charged: the price is in escrow."""
    return _charge(sale, lines, "charge", 0)


def authorized(sale: Sale, lines: Lines) -> list[Transfer]:
    """The card was authorized: the price is pending in escrow until it is captured or voided."""
    return _charge(sale, lines, "authorize", TransferFlag.PENDING)


def captured(sale: Sale, lines: Lines) -> list[Transfer]:
    """The authorization was captured, whole."""
    return _settle(sale, lines, "capture", TransferFlag.POST, ALL_OF_IT)


def voided(sale: Sale, lines: Lines) -> list[Transfer]:
    """The authorization was given back."""
    return _settle(sale, lines, "void", TransferFlag.VOID, 0)


def released(sale: Sale, lines: Lines) -> list[Transfer]:
    """The service was done: what is still held goes to the provider and to the platform.

    `lines` are what remains of the charge (`kernel.rates.remaining`); nothing remains of a full refund.
    """
    code = TransferCode
    return _posted(
        sale,
        f"{sale.booking_id}.release",
        [
            (code.RELEASE_PROVIDER, sale.escrow, sale.provider, lines.provider_share),
            (code.RELEASE_COMMISSION, sale.escrow, commission(sale.currency), lines.commission),
            (code.RELEASE_SURCHARGE, sale.escrow, surcharge(sale.currency), lines.surcharge),
        ],
    )


def refunded(sale: Sale, lines: Lines, refund_id: str, source: str = "") -> list[Transfer]:
    """Money went back to the customer out of escrow, before the release. `lines` are the refund's.

    It was paid out of the account `source`; by the processor when none is named.
    """
    code, to = TransferCode, source or sale.rail
    return _posted(
        sale,
        refund_id,
        [
            (code.REFUND_BASE, sale.escrow, to, lines.base),
            (code.REFUND_SURCHARGE, sale.escrow, to, lines.surcharge),
        ],
    )


def returned(
    sale: Sale, lines: Lines, refund_id: str, source: str = "", *, lying: Money | None = None
) -> list[Transfer]:
    """Money went back to the customer after the release: everyone gives back a share. `lines` are the refund's.

    `lying` is what lay in escrow of refunds that came back; it goes first, and `lines` are then those of the rest.
    """
    code, to = TransferCode, source or sale.rail
    return _posted(
        sale,
        refund_id,
        [
            (code.REFUND_BASE, sale.escrow, to, lying or zero(sale.currency)),
            (code.RETURN_PROVIDER, sale.provider, to, lines.provider_share),
            (code.RETURN_COMMISSION, commission(sale.currency), to, lines.commission),
            (code.RETURN_SURCHARGE, surcharge(sale.currency), to, lines.surcharge),
        ],
    )


def debit_cleared(sale: Sale, entry_id: str, amount: Money) -> list[Transfer]:
    """The bank's statement shows the customer's debit: what was due in is there."""
    rows = [(TransferCode.DEBIT_SETTLED, bank(sale.currency), sale.rail, amount)]
    return chain(sale.booking_id, entry_id, rows)


def refund_cleared(sale: Sale, entry_id: str, amount: Money) -> list[Transfer]:
    """The bank's statement shows the credit by which the customer was given money back."""
    rows = [(TransferCode.REFUND_SETTLED, sale.rail, bank(sale.currency), amount)]
    return chain(sale.booking_id, entry_id, rows)


def release_ids(booking_id: str) -> list[str]:
    """The ids that transfers of the release may have."""
    return [f"{booking_id}.release.{line}" for line in ("provider", "commission", "surcharge")]


def to_shares(recorded: Recorded) -> int:
    """What the transfer brought to the shares of provider and platform; below nothing when it took from them."""
    to, out_of = (
        account_id.partition(":")[0] in _SHARES
        for account_id in (recorded.credit_account_id, recorded.debit_account_id)
    )
    return recorded.amount * (to - out_of)


def refund_ids(refund_id: str) -> list[str]:
    """The ids that transfers of this refund may have: to read them without an index, for a reversal."""
    return [f"{refund_id}.{line}" for line in ("base", "surcharge", "provider", "commission")]


def _charge(sale: Sale, lines: Lines, act: str, flags: int) -> list[Transfer]:
    source = sale.rail
    return _posted(
        sale,
        f"{sale.payment_id}.{act}",
        [
            (TransferCode.CHARGE_BASE, source, sale.escrow, lines.base),
            (TransferCode.CHARGE_SURCHARGE, source, sale.escrow, lines.surcharge),
        ],
        flags,
    )


def _settle(sale: Sale, lines: Lines, act: str, flag: int, amount: int) -> list[Transfer]:
    """A post or a void of each line that was authorized."""
    pending = authorized(sale, lines)
    return linked(
        [
            Transfer(
                transfer_id=transfer.transfer_id.replace(".authorize.", f".{act}."),
                pending_id=transfer.transfer_id,
                amount=amount,
                flags=flag,
                reference=sale.booking_id,
            )
            for transfer in pending
        ]
    )


def _posted(
    sale: Sale, cause: str, rows: Sequence[tuple[TransferCode, str, str, Money]], flags: int = 0
) -> list[Transfer]:
    return chain(sale.booking_id, cause, rows, flags)


def chain(
    reference: str, cause: str, rows: Sequence[tuple[TransferCode, str, str, Money]], flags: int = 0
) -> list[Transfer]:
    """One chain of the rows that move anything. The line's name ends its id: `pay_01k....charge.base`."""
    return linked(
        [
            Transfer(
                transfer_id=f"{cause}.{code.name.rpartition('_')[2].lower()}",
                debit_account_id=debit,
                credit_account_id=credit,
                amount=amount.minor,
                ledger=amount.currency,
                code=code,
                flags=flags,
                reference=reference,
            )
            for code, debit, credit, amount in rows
            if amount
        ]
    )
