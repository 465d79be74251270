"""The parts of the console, each with its routes."""

from __future__ import annotations

from ecosystem.web.console.ach import returned as _ach_returned
from ecosystem.web.console.ach import routes as _ach
from ecosystem.web.console.acting import routes as _acting
from ecosystem.web.console.audit import routes as _audit
from ecosystem.web.console.audit import verifying as _verifying_audit
from ecosystem.web.console.bookings import acting as _acting_on_bookings
from ecosystem.web.console.bookings import routes as _bookings
from ecosystem.web.console.costs import routes as _costs
from ecosystem.web.console.disputes import evidence as _evidence
from ecosystem.web.console.disputes import routes as _disputes
from ecosystem.web.console.events import archive as _archive
from ecosystem.web.console.events import delivering as _delivering
from ecosystem.web.console.events import routes as _events
from ecosystem.web.console.events import rules as _rules
from ecosystem.web.console.find import routes as _find
from ecosystem.web.console.fraud import models as _fraud_models
from ecosystem.web.console.fraud import routes as _fraud
from ecosystem.web.console.fraud import rules as _fraud_rules
from ecosystem.web.console.keys import routes as _keys
from ecosystem.web.console.ledger import export as _export
from ecosystem.web.console.ledger import routes as _ledger
from ecosystem.web.console.ledger import verifying as _verifying
from ecosystem.web.console.mail import routes as _mail
from ecosystem.web.console.overview import routes as _overview
from ecosystem.web.console.payments import routes as _payments
from ecosystem.web.console.payouts import receivables as _receivables
from ecosystem.web.console.payouts import routes as _payouts
from ecosystem.web.console.people import routes as _people
from ecosystem.web.console.providers import routes as _providers
from ecosystem.web.console.reconciliation import routes as _reconciliation
from ecosystem.web.console.refunds import routes as _refunds
from ecosystem.web.console.settings import routes as _settings
from ecosystem.web.console.webhooks import routes as _webhooks
from ecosystem.web.console.workflows import execution as _execution
from ecosystem.web.console.workflows import functions as _functions
from ecosystem.web.console.workflows import listing as _executions
from ecosystem.web.console.workflows import schedules as _schedules

PARTS = (
    _ach, _ach_returned, _acting, _acting_on_bookings, _bookings, _costs, _disputes, _evidence, _events, _export, _find,
    _fraud, _fraud_models, _fraud_rules, _keys, _ledger, _mail, _overview, _payments, _payouts, _people, _providers, _receivables,
    _refunds, _settings, _verifying, _webhooks, _archive, _delivering,
    _reconciliation, _execution, _executions, _functions, _rules, _schedules,
    _audit, _verifying_audit,
)  # fmt: skip
