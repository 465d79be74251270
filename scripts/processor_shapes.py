"""Writes the shapes of the sandbox processor's objects from the public samples: `scripts/processor_shapes.py FIXTURES`.

FIXTURES is `fixtures3.json` of stripe/openapi (MIT). Two files are made: the templates that the sandbox fills in, and the
table that its tests compare every answer with. Which fields may be null is read from the annotations of the SDK.
"""

from __future__ import annotations

import json
import sys
import typing
from importlib import import_module
from pathlib import Path
from typing import Any

from stripe import StripeObject
from stripe._object_classes import OBJECT_CLASSES

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "src/ecosystem/sandbox/shapes.json"
TABLE = ROOT / "tests/sandbox/shapes.json"
SERVED = """
    account account_link application application_fee balance balance_settings balance_transaction bank_account capability
    card charge checkout.session customer deleted_account deleted_bank_account deleted_card deleted_customer deleted_person
    deleted_webhook_endpoint dispute event fee_refund file invoice invoice_payment item line_item login_link mandate payment_intent
    payment_method payout person price product radar.early_fraud_warning refund reporting.report_run
    reporting.report_type review setup_attempt setup_intent source subscription subscription_item topup transfer
    transfer_reversal webhook_endpoint
""".split()
NAMES = {"boolean": bool, "integer": int, "number": float, "string": str, "array": list, "object": dict}


def main() -> None:
    samples = json.loads(Path(sys.argv[1]).read_text())["resources"]
    templates = {name: template(samples[name], class_of(name)) for name in SERVED}
    table = {name: dict(sorted(types(samples[name], class_of(name)))) for name in SERVED}
    TEMPLATES.write_text(json.dumps(templates, indent=1, sort_keys=True) + "\n")
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")


def class_of(name: str) -> Any:
    known = OBJECT_CLASSES.get(name.removeprefix("deleted_"))
    return getattr(import_module(known[0]), known[1]) if known else None


def annotated(kind: Any, field: str) -> tuple[bool, Any]:
    """Whether the field may be null, and the class of the object in it."""
    told = getattr(kind, "__annotations__", {}).get(field)
    if told is None:
        return True, None
    parts = typing.get_args(told) if typing.get_origin(told) is typing.Union else (told,)
    inner = next((part for part in parts if isinstance(part, type) and issubclass(part, StripeObject)), None)
    return type(None) in parts, inner


def template(sample: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The object with nothing to say: null where it may be, else the empty value of its type."""
    made: dict[str, Any] = {}
    for field, value in sample.items():
        nullable, inner = annotated(kind, field)
        if field == "object":
            made[field] = value
        elif field == "metadata":
            made[field] = {}
        elif isinstance(value, dict) and value.get("object") == "list":
            made[field] = {"object": "list", "data": [], "has_more": False, "url": ""}
        elif nullable or value is None:
            made[field] = None
        elif isinstance(value, dict):
            made[field] = template(value, inner) if inner else {}
        else:
            made[field] = type(value)()
    return made


def types(sample: dict[str, Any], kind: Any, above: str = "") -> typing.Iterator[tuple[str, str]]:
    """Each field's path and its type in JSON, with a question mark where it may be null."""
    for field, value in sample.items():
        nullable, inner = annotated(kind, field)
        name = next((name for name, one in NAMES.items() if type(value) is one), "any")
        yield f"{above}{field}", name + ("?" if nullable and name != "any" else "")
        if isinstance(value, dict) and field != "metadata" and value.get("object", "list") == "list":
            yield from types(value, inner, f"{above}{field}.")


if __name__ == "__main__":
    main()
