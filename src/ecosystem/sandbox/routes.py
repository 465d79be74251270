"""Every endpoint of the card API that this processor has, with its parameters and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecosystem.sandbox import (
    accounts,
    application_fees,
    attempts,
    balance_settings,
    balances,
    bank_transfers,
    capabilities,
    charges,
    checkout_sessions,
    customers,
    debits,
    disputes,
    endpoints,
    events,
    external_accounts,
    intent_parameters,
    invoices,
    mandates,
    payment_intents,
    payment_methods,
    payouts,
    persons,
    prices,
    refunds,
    reports,
    reviews,
    schedules,
    setup_intents,
    subscriptions,
    topups,
    transfers,
    uploads,
    verification,
    warnings,
)
from ecosystem.sandbox.acts import Act, Answer, Record
from ecosystem.sandbox.parameters import Endpoint
from ecosystem.sandbox.shapes import Body

Handle = Callable[[Act, dict[str, Any]], Body | Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `public` ones may be called from a browser, with the publishable key."""

    endpoint: Endpoint
    handle: Handle
    public: bool = False


ROUTES: dict[str, Route] = {
    "POST payment_methods": Route(payment_methods.CREATE, payment_methods.create, public=True),
    "GET payment_methods/{id}": Route(payment_methods.RETRIEVE, payment_methods.retrieve),
    "POST payment_methods/{id}": Route(payment_methods.UPDATE, payment_methods.update),
    "POST payment_methods/{id}/attach": Route(payment_methods.ATTACH, payment_methods.attach),
    "POST payment_methods/{id}/detach": Route(payment_methods.RETRIEVE, payment_methods.detach),
    "POST payment_intents": Route(intent_parameters.CREATE, payment_intents.create),
    "GET payment_intents": Route(intent_parameters.LIST, payment_intents.listed),
    "GET payment_intents/search": Route(intent_parameters.SEARCH, payment_intents.search),
    "GET payment_intents/{id}": Route(intent_parameters.RETRIEVE, payment_intents.retrieve, public=True),
    "POST payment_intents/{id}": Route(intent_parameters.UPDATE, payment_intents.update),
    "POST payment_intents/{id}/confirm": Route(intent_parameters.CONFIRM, payment_intents.confirm),
    "POST payment_intents/{id}/capture": Route(intent_parameters.CAPTURE, payment_intents.capture),
    "POST payment_intents/{id}/cancel": Route(intent_parameters.CANCEL, payment_intents.cancel),
    "POST payment_intents/{id}/verify_microdeposits": Route(
        intent_parameters.VERIFY, payment_intents.verify, public=True
    ),
    "POST setup_intents": Route(setup_intents.CREATE, setup_intents.create),
    "GET setup_intents": Route(setup_intents.LIST, setup_intents.listed),
    "GET setup_intents/{id}": Route(setup_intents.RETRIEVE, setup_intents.retrieve, public=True),
    "POST setup_intents/{id}": Route(setup_intents.UPDATE, setup_intents.update),
    "POST setup_intents/{id}/confirm": Route(setup_intents.CONFIRM, setup_intents.confirm, public=True),
    "POST setup_intents/{id}/cancel": Route(setup_intents.CANCEL, setup_intents.cancel),
    "POST setup_intents/{id}/verify_microdeposits": Route(setup_intents.VERIFY, setup_intents.verify, public=True),
    "GET setup_attempts": Route(setup_intents.ATTEMPTS, setup_intents.attempts),
    "GET mandates/{id}": Route(mandates.RETRIEVE, mandates.retrieve),
    "GET payment_methods": Route(payment_methods.LIST, payment_methods.listed),
    "GET reviews": Route(reviews.LIST, reviews.listed),
    "GET reviews/{id}": Route(reviews.RETRIEVE, reviews.retrieve),
    "POST reviews/{id}/approve": Route(reviews.APPROVE, reviews.approve),
    "GET radar/early_fraud_warnings": Route(warnings.LIST, warnings.listed),
    "GET radar/early_fraud_warnings/{id}": Route(warnings.RETRIEVE, warnings.retrieve),
    "GET application_fees": Route(application_fees.LIST, application_fees.listed),
    "GET application_fees/{id}": Route(application_fees.RETRIEVE, application_fees.retrieve),
    "POST application_fees/{id}/refunds": Route(application_fees.REFUND, application_fees.refund),
    "GET application_fees/{id}/refunds": Route(application_fees.REFUNDS, application_fees.refunds),
    "GET application_fees/{id}/refunds/{part}": Route(application_fees.RETRIEVE, application_fees.one_refund),
    "POST application_fees/{id}/refunds/{part}": Route(application_fees.UPDATE_REFUND, application_fees.update_refund),
    "POST test_helpers/customers/{id}/fund_cash_balance": Route(bank_transfers.FUND, bank_transfers.fund),
    "POST products": Route(prices.CREATE_PRODUCT, prices.create_product),
    "GET products": Route(prices.LIST_PRODUCTS, prices.products),
    "GET products/{id}": Route(prices.RETRIEVE, prices.product),
    "POST products/{id}": Route(prices.UPDATE_PRODUCT, prices.update_product),
    "POST prices": Route(prices.CREATE_PRICE, prices.create_price),
    "GET prices": Route(prices.LIST_PRICES, prices.prices),
    "GET prices/{id}": Route(prices.RETRIEVE, prices.price),
    "POST prices/{id}": Route(prices.UPDATE_PRICE, prices.update_price),
    "POST checkout/sessions": Route(checkout_sessions.CREATE, checkout_sessions.create),
    "GET checkout/sessions": Route(checkout_sessions.LIST, checkout_sessions.listed),
    "GET checkout/sessions/{id}": Route(checkout_sessions.RETRIEVE, checkout_sessions.retrieve),
    "POST checkout/sessions/{id}": Route(checkout_sessions.UPDATE, checkout_sessions.update),
    "POST checkout/sessions/{id}/expire": Route(checkout_sessions.EXPIRE, checkout_sessions.expire),
    "GET checkout/sessions/{id}/line_items": Route(checkout_sessions.ITEMS, checkout_sessions.items),
    "POST subscriptions": Route(subscriptions.CREATE, subscriptions.create),
    "GET subscriptions": Route(subscriptions.LIST, subscriptions.listed),
    "GET subscriptions/{id}": Route(subscriptions.RETRIEVE, subscriptions.retrieve),
    "POST subscriptions/{id}": Route(subscriptions.UPDATE, subscriptions.update),
    "DELETE subscriptions/{id}": Route(subscriptions.CANCEL, subscriptions.cancel),
    "GET invoices": Route(invoices.LIST, invoices.listed),
    "GET invoices/{id}": Route(invoices.RETRIEVE, invoices.retrieve),
    "POST invoices/{id}/pay": Route(invoices.PAY, invoices.pay),
    "POST invoices/{id}/void": Route(invoices.VOID, invoices.void),
    "GET invoice_payments": Route(invoices.PAYMENTS, invoices.payments),
    "POST topups": Route(topups.CREATE, topups.create),
    "GET topups": Route(topups.LIST, topups.listed),
    "GET topups/{id}": Route(topups.RETRIEVE, topups.retrieve),
    "POST topups/{id}": Route(topups.UPDATE, topups.update),
    "POST topups/{id}/cancel": Route(topups.CANCEL, topups.cancel),
    "POST files": Route(uploads.CREATE, uploads.create),
    "GET files": Route(uploads.LIST, uploads.listed),
    "GET files/{id}": Route(uploads.RETRIEVE, uploads.retrieve),
    "GET files/{id}/contents": Route(uploads.RETRIEVE, uploads.contents),
    "POST reporting/report_runs": Route(reports.CREATE, reports.create),
    "GET reporting/report_runs": Route(reports.LIST, reports.listed),
    "GET reporting/report_runs/{id}": Route(reports.RETRIEVE, reports.retrieve),
    "GET reporting/report_types": Route(reports.TYPES, reports.report_types),
    "GET reporting/report_types/{id}": Route(reports.RETRIEVE, reports.report_type),
    "POST webhook_endpoints": Route(endpoints.CREATE, endpoints.create),
    "GET webhook_endpoints": Route(endpoints.LIST, endpoints.listed),
    "GET webhook_endpoints/{id}": Route(endpoints.RETRIEVE, endpoints.retrieve),
    "POST webhook_endpoints/{id}": Route(endpoints.UPDATE, endpoints.update),
    "DELETE webhook_endpoints/{id}": Route(endpoints.RETRIEVE, endpoints.delete),
    "GET balance_settings": Route(balance_settings.RETRIEVE, balance_settings.retrieve),
    "POST balance_settings": Route(balance_settings.UPDATE, balance_settings.update),
    "GET accounts/{id}/capabilities": Route(capabilities.LIST, capabilities.listed),
    "GET accounts/{id}/capabilities/{part}": Route(capabilities.RETRIEVE, capabilities.retrieve),
    "POST accounts/{id}/capabilities/{part}": Route(capabilities.UPDATE, capabilities.update),
    "POST accounts/{id}/persons": Route(persons.CREATE, persons.create),
    "GET accounts/{id}/persons": Route(persons.LIST, persons.listed),
    "GET accounts/{id}/persons/{part}": Route(persons.RETRIEVE, persons.retrieve),
    "POST accounts/{id}/persons/{part}": Route(persons.UPDATE, persons.update),
    "DELETE accounts/{id}/persons/{part}": Route(persons.RETRIEVE, persons.delete),
    "POST accounts/{id}/login_links": Route(accounts.RETRIEVE, accounts.login_link),
    "DELETE accounts/{id}": Route(accounts.RETRIEVE, accounts.delete),
    "GET charges": Route(charges.LIST, charges.listed),
    "GET charges/{id}": Route(charges.RETRIEVE, charges.retrieve),
    "POST charges/{id}": Route(charges.UPDATE, charges.update),
    "POST refunds": Route(refunds.CREATE, refunds.create),
    "GET refunds": Route(refunds.LIST, refunds.listed),
    "GET refunds/{id}": Route(refunds.RETRIEVE, refunds.retrieve),
    "POST refunds/{id}": Route(refunds.UPDATE, refunds.update),
    "GET disputes": Route(disputes.LIST, disputes.listed),
    "GET disputes/{id}": Route(disputes.RETRIEVE, disputes.retrieve),
    "POST disputes/{id}": Route(disputes.UPDATE, disputes.update),
    "POST disputes/{id}/close": Route(disputes.CLOSE, disputes.close),
    "POST customers": Route(customers.CREATE, customers.create),
    "GET customers": Route(customers.LIST, customers.listed),
    "GET customers/{id}": Route(customers.RETRIEVE, customers.retrieve),
    "POST customers/{id}": Route(customers.UPDATE, customers.update),
    "DELETE customers/{id}": Route(customers.RETRIEVE, customers.delete),
    "GET customers/{id}/payment_methods": Route(customers.METHODS, customers.methods),
    "GET customers/{id}/payment_methods/{part}": Route(customers.RETRIEVE, customers.method),
    "GET account": Route(accounts.RETRIEVE, accounts.own),
    "POST accounts": Route(accounts.CREATE, accounts.create),
    "GET accounts": Route(accounts.LIST, accounts.listed),
    "GET accounts/{id}": Route(accounts.RETRIEVE, accounts.retrieve),
    "POST accounts/{id}": Route(accounts.UPDATE, accounts.update),
    "POST accounts/{id}/reject": Route(accounts.REJECT, accounts.reject),
    "POST accounts/{id}/external_accounts": Route(external_accounts.CREATE, external_accounts.create),
    "GET accounts/{id}/external_accounts": Route(external_accounts.LIST, external_accounts.listed),
    "GET accounts/{id}/external_accounts/{part}": Route(external_accounts.RETRIEVE, external_accounts.retrieve),
    "POST accounts/{id}/external_accounts/{part}": Route(external_accounts.UPDATE, external_accounts.update),
    "DELETE accounts/{id}/external_accounts/{part}": Route(external_accounts.RETRIEVE, external_accounts.delete),
    "POST account_links": Route(accounts.CREATE_LINK, accounts.create_link),
    "GET events": Route(events.LIST, events.listed),
    "GET events/{id}": Route(events.RETRIEVE, events.retrieve),
    "GET balance": Route(balances.RETRIEVE, balances.balance),
    "GET balance_transactions": Route(balances.LIST, balances.entries),
    "GET balance_transactions/{id}": Route(balances.RETRIEVE, balances.entry),
    "GET balance/history": Route(balances.LIST, balances.entries),
    "GET balance/history/{id}": Route(balances.RETRIEVE, balances.entry),
    "POST transfers": Route(transfers.CREATE, transfers.create),
    "GET transfers": Route(transfers.LIST, transfers.listed),
    "GET transfers/{id}": Route(transfers.RETRIEVE, transfers.retrieve),
    "POST transfers/{id}": Route(transfers.UPDATE, transfers.update),
    "POST transfers/{id}/reversals": Route(transfers.REVERSE, transfers.reverse),
    "GET transfers/{id}/reversals": Route(transfers.REVERSALS, transfers.reversals),
    "GET transfers/{id}/reversals/{part}": Route(transfers.RETRIEVE, transfers.reversal),
    "POST transfers/{id}/reversals/{part}": Route(transfers.UPDATE_REVERSAL, transfers.update_reversal),
    "POST payouts": Route(payouts.CREATE, payouts.create),
    "GET payouts": Route(payouts.LIST, payouts.listed),
    "GET payouts/{id}": Route(payouts.RETRIEVE, payouts.retrieve),
    "POST payouts/{id}": Route(payouts.UPDATE, payouts.update),
    "POST payouts/{id}/cancel": Route(payouts.CANCEL, payouts.cancel),
    "POST payouts/{id}/reverse": Route(payouts.REVERSE, payouts.reverse),
}

TIMERS: dict[str, Callable[[Act, Record], None]] = {
    "expire": attempts.expire,
    "dispute": disputes.open_for,
    "decide": disputes.decide,
    "succeed": refunds.succeed,
    "fail": refunds.fail,
    "verify": verification.verify,
    "settle_debit": debits.settle,
    "warn": warnings.warn,
    "topup": topups.arrive,
    "report": reports.make,
    "renew": subscriptions.renew,
    "retry": subscriptions.retry,
    "trial_ends": subscriptions.trial_ends,
    "expire_session": checkout_sessions.lapse,
    "mature": schedules.mature,
    "payday": schedules.payday,
    "payout_send": payouts.send,
    "payout_arrive": payouts.arrive,
    "payout_return": payouts.returned,
}
"""What happens to a thing by itself, by the timer's name."""

_PLACES = {"{id}": "id", "{part}": "part"}


def _index() -> dict[tuple[str, str, int], list[tuple[tuple[str, ...], Route]]]:
    """The endpoints by method, first word and length; those whose words are all fixed come first."""
    found: dict[tuple[str, str, int], list[tuple[tuple[str, ...], Route]]] = {}
    for spelled, route in sorted(ROUTES.items(), key=lambda item: item[0].count("{")):
        method, _, path = spelled.partition(" ")
        words = tuple(path.split("/"))
        found.setdefault((method, words[0], len(words)), []).append((words, route))
    return found


_INDEX = _index()


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The endpoint at an address under `/v1/`, and the ids in it."""
    asked = path.split("/")
    for words, route in _INDEX.get((method, asked[0], len(asked)), ()):
        if all(word == given or (word in _PLACES and given) for word, given in zip(words, asked, strict=True)):
            return route, {_PLACES[word]: given for word, given in zip(words, asked, strict=True) if word in _PLACES}
    return None
