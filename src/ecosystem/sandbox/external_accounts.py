"""External accounts: the bank account or debit card that an account is paid out to. Numbers are looked at, not kept."""

from __future__ import annotations

import hmac
from typing import Any

from ecosystem.sandbox import banking, cards, lists
from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Boolean, Choice, Currency, Endpoint, Ignored, Integer, Kind, Metadata, Text
from ecosystem.sandbox.payment_methods import merged
from ecosystem.sandbox.refusals import Refused
from ecosystem.sandbox.shapes import BANK_ACCOUNT, OF, Body

KINDS = ("bank_account", "card")


class Given:
    """An external account as a parameter: a test token, or a bank account or card described."""

    def read(self, value: Any, name: str) -> dict[str, Any]:
        if isinstance(value, str):
            if value not in _TOKENS:
                raise Refused(f"No such token: '{value[:120]}'", code="resource_missing", param=name)
            return dict(_TOKENS[value])
        told: Any = Endpoint(_DESCRIBED, required=("object",)).read({**value} if isinstance(value, dict) else {})
        return told


_TOKENS: dict[str, dict[str, Any]] = {
    token: {
        "object": "bank_account",
        "country": "US",
        "currency": "usd",
        "routing_number": "110000000",
        "account_number": number,
    }
    for token, number in {
        "btok_us_verified": "000123456789",
        "btok_us": "000123456789",
        "btok_us_verified_noAccount": "000111111116",
        "btok_us_verified_accountClosed": "000111111113",
        "btok_us_verified_insufficientFunds": "000222222227",
        "btok_us_verified_debitNotAuthorized": "000333333335",
        "btok_us_verified_invalidCurrency": "000444444440",
    }.items()
}
_DESCRIBED: dict[str, Kind] = {
    "object": Choice("bank_account", "card"),
    "account_holder_name": Text(200),
    "account_holder_type": Choice("individual", "company"),
    "account_number": Text(40),
    "account_type": Choice("checking", "savings", "futsu", "toza"),
    "country": Text(2),
    "currency": Currency(),
    "cvc": Text(4),
    "documents": Ignored(),
    "exp_month": Integer(1, 12),
    "exp_year": Integer(2000, 2100),
    "metadata": Metadata(),
    "name": Text(200),
    "number": Text(25),
    "routing_number": Text(20),
}
CREATE = Endpoint(
    {"external_account": Given(), "default_for_currency": Boolean(), "metadata": Metadata()},
    required=("external_account",),
)
RETRIEVE = Endpoint()
UPDATE = Endpoint(
    {
        "account_holder_name": Text(200, unsettable=True),
        "account_holder_type": Choice("individual", "company", unsettable=True),
        "account_type": Choice("checking", "savings", "futsu", "toza"),
        "default_for_currency": Boolean(),
        "exp_month": Integer(1, 12),
        "exp_year": Integer(2000, 2100),
        "metadata": Metadata(),
        "name": Text(200),
    }
)
LIST = Endpoint(
    {
        "limit": Integer(1, 100),
        "starting_after": Text(120),
        "ending_before": Text(120),
        "object": Choice("bank_account", "card"),
    }
)


def create(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    told = given["external_account"]
    told["metadata"] = {**told.get("metadata", {}), **given.get("metadata", {})}
    made = add(act, account, told, default=given.get("default_for_currency", False))
    act.tell("account.updated", account)
    return made.body


def add(act: Act, holder: Record, told: dict[str, Any], *, default: bool = False) -> Record:
    """A new external account. The first of a currency is the one that is paid out to."""
    made = _card(act, holder, told) if told["object"] == "card" else _bank(act, holder, told)
    if default or default_of(act, holder, made["currency"]) is None:
        _prefer(act, holder, made)
    _show(act, holder, [*_all(act, holder), made])
    act.tell("account.external_account.created", made)
    return made


def keep(act: Act, holder: Record, body: Body, behaviour: Body) -> None:
    """The bank account that the owner named on our pages, in place of those before."""
    made = added(act, holder, {**body, "id": act.mint("ba")}, behaviour)
    for earlier in _all(act, holder):
        if earlier.id != made.id:
            act.note(earlier, deleted=True)
    act.note(holder, preferred={made["currency"]: made.id})
    _show(act, holder, [made])
    act.tell("account.external_account.created", made)


def retrieve(act: Act, given: dict[str, Any]) -> Body:
    return _needed(act, given)[1].body


def update(act: Act, given: dict[str, Any]) -> Body:
    """Change what is said of it; one that was set aside after a failed payout is tried again."""
    holder, found = _needed(act, given)
    names = ("account_holder_name", "account_holder_type", "account_type", "exp_month", "exp_year", "name")
    changes = {name: given[name] for name in names if name in given and name in found.body}
    if "metadata" in given:
        changes["metadata"] = merged(found["metadata"], given["metadata"])
    if found.kind == "bank_account" and found["status"] == "errored":
        changes["status"] = "new"
    act.change(found, **changes)
    if given.get("default_for_currency"):
        _prefer(act, holder, found)
    _show(act, holder, _all(act, holder))
    act.tell("account.external_account.updated", found)
    return found.body


def delete(act: Act, given: dict[str, Any]) -> Body:
    holder, found = _needed(act, given)
    others = [one for one in _all(act, holder) if one.id != found.id]
    preferred = holder.inside.get("preferred", {})
    if preferred.get(found["currency"]) == found.id:
        if any(one["currency"] == found["currency"] for one in others):
            raise Refused(
                "You cannot delete the default external account for your default currency. Please make another"
                " external account the default using the `default_for_currency` param, and then delete this one."
            )
        act.note(holder, preferred={name: one for name, one in preferred.items() if one != found.id})
    act.note(found, deleted=True)
    _show(act, holder, others)
    act.tell("account.external_account.deleted", found)
    if holder.kind == "account":
        act.tell("account.updated", holder)
    return {"id": found.id, "object": found.kind, "deleted": True}


def listed(act: Act, given: dict[str, Any]) -> Body:
    account = act.need("account", given["id"])
    wanted = [one.body for one in _all(act, account) if given.get("object", one.kind) == one.kind]
    return lists.slice_of(wanted, f"/v1/accounts/{account.id}/external_accounts", given)


def default_of(act: Act, holder: Record, currency: str) -> Record | None:
    """The external account that payouts in the currency go to, if there is one."""
    chosen = holder.inside.get("preferred", {}).get(currency)
    return of(act, chosen) if chosen else None


def of(act: Act, external_id: str, *, param: str | None = None) -> Record:
    """The external account of that id. Raises `Refused` when there is none any more."""
    found = act.get("bank_account", external_id) or act.get("card", external_id)
    if found is None or found.inside.get("deleted"):
        raise Refused(
            f"No such external account: '{external_id[:120]}'",
            status=400 if param else 404,
            code="resource_missing",
            param=param or "id",
        )
    return found


def fail(act: Act, external: Record) -> None:
    """A payout to it came back: it is set aside until it is changed."""
    if external.kind == "bank_account" and not external.inside.get("deleted"):
        act.change(external, status="errored")
        holder = act.holder(external.inside["account"])
        _show(act, holder, _all(act, holder))
        act.tell("account.external_account.updated", external)


def own(act: Act, holder: Record, currency: str) -> Record:
    """The platform's own bank account in the currency, as its owner gave it at the processor's desk."""
    body: Body = {
        **BANK_ACCOUNT,
        "id": act.mint("ba"),
        "account_holder_name": "Ecosystem",
        "account_holder_type": "company",
        "available_payout_methods": ["standard", "instant"],
        "country": holder["country"],
        "currency": currency,
        "fingerprint": fingerprint(f"{holder.id}{currency}"),
        "last4": "6789",
        "routing_number": "110000000",
    }
    made = added(act, holder, body, banking.behaviour("000123456789"))
    _prefer(act, holder, made)
    return made


def _needed(act: Act, given: dict[str, Any]) -> tuple[Record, Record]:
    account = act.need("account", given["id"])
    found = of(act, given["part"])
    if found.inside["account"] != account.id:
        raise Refused(f"No such external account: '{given['part'][:120]}'", status=404, code="resource_missing")
    return account, found


def _all(act: Act, holder: Record) -> list[Record]:
    found = act.linked("external_account.holder", holder.id)
    return [one for one in reversed(found) if not one.inside.get("deleted")]


def _show(act: Act, holder: Record, externals: list[Record]) -> None:
    if holder.kind == "account":
        unique = {one.id: one.body for one in externals}
        act.change(holder, external_accounts={**holder["external_accounts"], "data": list(unique.values())[:10]})


def _prefer(act: Act, holder: Record, external: Record) -> None:
    act.note(holder, preferred={**holder.inside.get("preferred", {}), external["currency"]: external.id})


def _bank(act: Act, holder: Record, told: dict[str, Any]) -> Record:
    country = (told.get("country") or holder["country"]).upper()
    if country not in banking.CURRENCIES:
        raise Refused(f"Country '{country}' is unknown.", code="country_unsupported", param="external_account[country]")
    number = (told.get("account_number") or "").replace(" ", "").replace("-", "").upper()
    if not number:
        raise Refused(
            "Missing required param: external_account[account_number].",
            code="parameter_missing",
            param="external_account[account_number]",
        )
    routing = told.get("routing_number")
    if country in banking.WITH_IBAN:
        trouble = banking.trouble_with_iban(number)
    else:
        trouble = banking.trouble_with_number(number)
        if country == "US" and (bad := banking.trouble_with_routing(routing or "")):
            raise Refused(bad, code="routing_number_invalid", param="external_account[routing_number]")
    if trouble:
        raise Refused(trouble, code="account_number_invalid", param="external_account[account_number]")
    body: Body = {
        **BANK_ACCOUNT,
        "id": act.mint("ba"),
        "account_holder_name": told.get("account_holder_name"),
        "account_holder_type": told.get("account_holder_type") or "individual",
        "account_type": told.get("account_type"),
        "available_payout_methods": banking.methods(number),
        "country": country,
        "currency": told.get("currency") or banking.CURRENCIES[country],
        "fingerprint": fingerprint(number + (routing or "")),
        "last4": number[-4:],
        "metadata": merged({}, told.get("metadata", {})),
        "routing_number": routing,
    }
    return added(act, holder, body, banking.behaviour(number))


def added(act: Act, holder: Record, body: Body, behaviour: Body) -> Record:
    """The bank account, kept with how payouts to it behave."""
    account = "" if holder.kind == "platform" else holder.id
    inside = {**behaviour, "account": account}
    return act.add("bank_account", body, inside=inside, links=[("external_account.holder", holder.id)])


def _card(act: Act, holder: Record, told: dict[str, Any]) -> Record:
    number = (told.get("number") or "").replace(" ", "")
    card = cards.BY_NUMBER.get(number)
    if not cards.is_number(number) or card is None:
        raise Refused("Your card number is incorrect.", status=402, type="card_error", code="incorrect_number")
    if card.funding != "debit":
        raise Refused(
            "This card doesn't appear to be a debit card.", code="invalid_card_type", param="external_account"
        )
    body: Body = {
        **OF["card"],
        "id": act.mint("card"),
        "available_payout_methods": ["standard", "instant"],
        "brand": card.brand.capitalize(),
        "country": card.country,
        "currency": told.get("currency") or holder["default_currency"],
        "exp_month": told.get("exp_month", 12),
        "exp_year": told.get("exp_year", 2040),
        "fingerprint": fingerprint(card.name),
        "funding": card.funding,
        "last4": card.last4,
        "metadata": merged({}, told.get("metadata", {})),
        "name": told.get("name"),
    }
    inside = {"account": "" if holder.kind == "platform" else holder.id, "instant": True, "failure": ""}
    return act.add("card", body, inside=inside, links=[("external_account.holder", holder.id)])


def fingerprint(told: str) -> str:
    """The same for the same number, and no way back to it."""
    return hmac.digest(b"fingerprint", told.encode(), "sha256").hex()[:16]
