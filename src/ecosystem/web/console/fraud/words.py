"""The words in which fraud's values are shown."""

from __future__ import annotations

from collections.abc import Mapping

from ecosystem.contexts.fraud import NAMES, Effect, Kind, LabelSource, Listing, Operator, Standing, Verdict

KINDS: Mapping[Kind, str] = {Kind.CHECKOUT: "Checkouts", Kind.PAYOUT: "Payouts"}
STANDINGS: Mapping[Standing, tuple[str, str]] = {
    Standing.WAITING: ("Wants your decision", "wait"),
    Standing.APPROVED: ("Let through", "good"),
    Standing.REFUSED: ("Refused", "bad"),
    Standing.RELEASED: ("Let through by an operator", "good"),
    Standing.BLOCKED: ("Refused by an operator", "bad"),
    Standing.LAPSED: ("Ended before a decision", ""),
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.APPROVE: "Let through",
    Verdict.REVIEW: "Looked at",
    Verdict.DECLINE: "Refused",
}
EFFECTS: Mapping[Effect, str] = {
    Effect.POINTS: "Add points (or take them off)",
    Effect.REVIEW: "Ask for a look",
    Effect.DECLINE: "Refuse",
    Effect.APPROVE: "Let through",
}
SOURCES: Mapping[LabelSource, str] = {
    LabelSource.DECISION: "an operator's decision",
    LabelSource.WARNING: "an early warning of the card network",
    LabelSource.RETURN: "a returned bank debit",
    LabelSource.CHARGEBACK: "a chargeback",
}
OPERATORS: tuple[tuple[str, str], ...] = (
    (Operator.AT_LEAST.value, "at least"),
    (Operator.MORE.value, "more than"),
    (Operator.EQUAL.value, "exactly"),
    (Operator.AT_MOST.value, "at most"),
    (Operator.LESS.value, "less than"),
)
LISTINGS: Mapping[Listing, str] = {
    Listing.CUSTOMER: "the customer",
    Listing.PROVIDER: "the provider",
    Listing.CARD: "the card",
    Listing.NETWORK: "the network",
    Listing.BANK: "the bank account",
    Listing.CURRENCY: "the currency",
}


AMOUNTS = frozenset({"amount", "customer_amount_24h", "provider_mean_amount"})


def feature(name: str) -> str:
    """A feature's name as words: `customer_attempts_24h` is "Customer attempts, 24 h". Amounts are told in euro cents."""
    words = name.split("_")
    last = words[-1]
    span = f", {last[:-1]} {last[-1]}" if last[:-1].isdigit() and last[-1] in "hd" else ""
    said = " ".join(words[:-1] if span else words).capitalize() + span
    return f"{said} (euro cents)" if name in AMOUNTS else said


def features() -> list[tuple[str, str, str]]:
    """Every feature for a choice: its name, its words, and of what kind it is."""
    return [(f"{kind}:{name}", feature(name), KINDS[kind]) for kind in Kind for name in NAMES[kind]]
