"""Products and their prices."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox import lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import (
    LISTED,
    Boolean,
    Choice,
    Currency,
    Endpoint,
    Hash,
    Ignored,
    Integer,
    Kind,
    Later,
    Many,
    Metadata,
    Text,
)  # fmt: skip
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import OF, Body, inner

_PRODUCT: dict[str, Kind] = {
    **dict.fromkeys(
        "default_price_data marketing_features package_dimensions provisioning tax_details".split(), Later()
    ),
    "active": Boolean(),
    "description": Text(5000, unsettable=True),
    "images": Many(Text(2048), most=8),
    "metadata": Metadata(),
    "name": Text(250),
    "shippable": Ignored(),
    "statement_descriptor": Text(22),
    "tax_code": Ignored(),
    "type": Ignored(),
    "unit_label": Text(12),
    "url": Ignored(),
}
RECURRING = Hash(
    {
        "interval": Choice("day", "week", "month", "year"),
        "interval_count": Integer(1, 36),
        "meter": Later(),
        "trial_period_days": Integer(1, 730),
        "usage_type": Choice("licensed"),
    },
    required=("interval",),
)
PRICE_DATA = Hash(
    {
        "currency": Currency(),
        "product": Text(120),
        "product_data": Hash(
            {
                "description": Text(5000),
                "images": Ignored(),
                "metadata": Metadata(),
                "name": Text(250),
                "tax_code": Ignored(),
            },
            required=("name",),
        ),
        "recurring": RECURRING,
        "tax_behavior": Choice("exclusive", "inclusive", "unspecified"),
        "unit_amount": Integer(),
        "unit_amount_decimal": Later(),
    },
    required=("currency", "unit_amount"),
)
CREATE_PRODUCT = Endpoint({**_PRODUCT, "id": Text(120)}, required=("name",))
UPDATE_PRODUCT = Endpoint({**_PRODUCT, "default_price": Text(120)})
RETRIEVE = Endpoint()
LIST_PRODUCTS = Endpoint(
    {**LISTED, "active": Boolean(), "ids": Many(Text(120)), "shippable": Later(), "type": Ignored(), "url": Later()}
)
_PRICE: dict[str, Kind] = {
    "active": Boolean(),
    "lookup_key": Text(200),
    "metadata": Metadata(),
    "nickname": Text(500),
    "tax_behavior": Choice("exclusive", "inclusive", "unspecified"),
    "transfer_lookup_key": Ignored(),
}
CREATE_PRICE = Endpoint(
    {
        **dict.fromkeys("currency_options custom_unit_amount tiers tiers_mode transform_quantity".split(), Later()),
        **_PRICE,
        **PRICE_DATA.kinds,
        "billing_scheme": Choice("per_unit"),
    },
    required=("currency", "unit_amount"),
)
UPDATE_PRICE = Endpoint({**_PRICE, "currency_options": Later()})
LIST_PRICES = Endpoint(
    {
        **LISTED,
        "active": Boolean(),
        "currency": Currency(),
        "lookup_keys": Many(Text(200)),
        "product": Text(120),
        "recurring": Later(),
        "type": Choice("one_time", "recurring"),
    }
)


def create_product(act: Act, given: dict[str, Any]) -> Body:
    product = _product(act, given)
    return product.body


def update_product(act: Act, given: dict[str, Any]) -> Body:
    product = act.need("product", given["id"])
    act.change(
        product, **_changed(product, given, ("active", "default_price", "description", "images", "name", "unit_label"))
    )
    act.change(product, updated=act.at)
    act.tell("product.updated", product)
    return product.body


def product(act: Act, given: dict[str, Any]) -> Body:
    return act.need("product", given["id"]).body


def products(act: Act, given: dict[str, Any]) -> Body:
    ids = given.get("ids")
    return lists.filtered(
        act,
        "product",
        "/v1/products",
        given,
        lambda body: body["active"] == given.get("active", body["active"]) and (ids is None or body["id"] in ids),
    )


def create_price(act: Act, given: dict[str, Any]) -> Body:
    return of(act, given, param="product").body


def of(act: Act, given: dict[str, Any], *, param: str) -> Record:
    """A new price, of a product that is named or described."""
    if bool(given.get("product")) == bool(given.get("product_data")):
        raise Refused("Name a product or describe one, and not both.", code="parameter_missing", param=param)
    held = (
        act.need("product", given["product"], param=param)
        if given.get("product")
        else _product(act, given["product_data"])
    )
    recurring = inner(given, "recurring")
    body: Body = {
        **OF["price"],
        "id": act.mint("price"),
        "active": given.get("active", True),
        "billing_scheme": "per_unit",
        "created": act.at,
        "currency": given["currency"],
        "lookup_key": given.get("lookup_key"),
        "metadata": merged({}, given.get("metadata", {})),
        "nickname": given.get("nickname"),
        "product": held.id,
        "recurring": {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": recurring.get("trial_period_days"),
            "usage_type": "licensed",
        }
        if recurring
        else None,
        "tax_behavior": given.get("tax_behavior") or "unspecified",
        "type": "recurring" if recurring else "one_time",
        "unit_amount": given["unit_amount"],
        "unit_amount_decimal": str(given["unit_amount"]),
    }
    price = act.add("price", body, links=[("price.product", held.id)])
    act.tell("price.created", price)
    return price


def update_price(act: Act, given: dict[str, Any]) -> Body:
    price = act.need("price", given["id"])
    act.change(price, **_changed(price, given, ("active", "lookup_key", "nickname", "tax_behavior")))
    act.tell("price.updated", price)
    return price.body


def price(act: Act, given: dict[str, Any]) -> Body:
    return act.need("price", given["id"]).body


def prices(act: Act, given: dict[str, Any]) -> Body:
    wanted = {name: given[name] for name in ("active", "currency", "product", "type") if name in given}
    keys = given.get("lookup_keys")

    def fits(body: Body) -> bool:
        return all(body[name] == value for name, value in wanted.items()) and (
            keys is None or body["lookup_key"] in keys
        )

    return lists.filtered(act, "price", "/v1/prices", given, fits)


def _product(act: Act, given: dict[str, Any]) -> Record:
    if known := act.get("product", given.get("id") or ""):
        raise Refused(f"Product already exists: {known.id}", code="resource_already_exists", param="id")
    names = ("active", "description", "images", "name", "statement_descriptor", "unit_label")
    body: Body = {
        **OF["product"],
        "active": True,
        **{name: given[name] for name in names if name in given},
        "id": given.get("id") or f"prod_{act.secret(14)}",
        "created": act.at,
        "metadata": merged({}, given.get("metadata", {})),
        "type": "service",
        "updated": act.at,
    }
    made = act.add("product", body)
    act.tell("product.created", made)
    return made


def _changed(known: Record, given: dict[str, Any], names: tuple[str, ...]) -> Body:
    changes: Body = {name: given[name] for name in names if name in given}
    if "metadata" in given:
        changes["metadata"] = merged(known["metadata"], given["metadata"])
    return changes
