"""What the public samples say of the shape of each kind of object, and how an answer differs from it.

`shapes.json` is made by `scripts/processor_shapes.py` from stripe/openapi, fixtures3.json (MIT): a type for each path,
with a question mark where the SDK says that it may be null.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

TABLE: dict[str, dict[str, str]] = msgspec.json.decode((Path(__file__).parent / "shapes.json").read_bytes())
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

# Keys the API has at times only; its samples were taken at another.
AT_TIMES = {
    "balance": {"instant_available"},
    "bank_account": {"available_payout_methods"},
    "card": {"available_payout_methods", "currency"},
    "charge": {"payment_method_details.card.capture_before", "outcome.risk_level", "outcome.risk_score"},
    "event": {"account"},
    "refund": {"failure_reason", "failure_balance_transaction"},
    "mandate": {"single_use", "customer_acceptance.offline"},
    "person": {"address", "email", "phone", "requirements.alternatives", "future_requirements.alternatives"},
    "radar.early_fraud_warning": {"payment_intent"},
    "review": {"payment_intent"},
    "setup_intent": {"automatic_payment_methods.allow_redirects"},
    "webhook_endpoint": {"secret"},
}
# What a kind has depends on its type: there is a field of that name, with what belongs to it.
VARIANTS = {
    "charge": "payment_method_details",
    "mandate": "payment_method_details",
    "payment_method": "",
    "setup_attempt": "payment_method_details",
    "dispute": "payment_method_details",
}
OPEN = {
    "metadata",
    "data",
    "previous_attributes",
    "capabilities",
    "controller",
    "next_action",
    "payment_method_options",
    "last_payment_error",
    "last_setup_error",
    "setup_error",
}
"""Objects whose fields are the platform's own, or say what is so of a case."""


def differences(kind: str, value: dict[str, Any]) -> list[str]:
    """In words, in what the answer is another shape than the sample of its kind."""
    return list(_differences(kind, TABLE[kind], value, ""))


def _differences(kind: str, table: dict[str, str], value: dict[str, Any], above: str) -> Iterator[str]:
    wanted = {path for path in table if path.rpartition(".")[0] == above.rstrip(".")}
    variant = _variant(kind, value, above)
    for path in sorted(wanted):
        name = path.rpartition(".")[2]
        if variant and name in variant and name != value.get("type"):
            continue
        if name not in value:
            yield f"{kind} lacks {path}"
            continue
        held, type_ = value[name], table[path]
        if type_ == "any" or (held is None and type_.endswith("?")):
            continue
        if TYPES.get(type(held)) != type_.rstrip("?") and (type_, type(held)) != ("string?", dict):
            yield f"{kind} has {path} as {type(held).__name__}, not {type_}"
        elif isinstance(held, dict) and name not in OPEN and any(one.startswith(f"{path}.") for one in table):
            yield from _differences(kind, table, held, f"{path}.")
    for name in sorted(value.keys() - {path.rpartition(".")[2] for path in wanted}):
        if f"{above}{name}" not in AT_TIMES.get(kind, set()) and name != value.get("type"):
            yield f"{kind} has {above}{name} of its own"


def _variant(kind: str, value: dict[str, Any], above: str) -> set[str]:
    """The fields of which there is only the one that the type names."""
    if VARIANTS.get(kind) != above.rstrip("."):
        return set()
    return {"card", "us_bank_account", "sepa_debit", "customer_balance"} if "type" in value else set()
