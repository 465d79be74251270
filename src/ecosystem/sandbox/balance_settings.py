"""Balance settings: when an account is paid out by itself, as its balance's own settings have it."""

from __future__ import annotations

from typing import Any

from ecosystem.sandbox.acts import Act, Record
from ecosystem.sandbox.parameters import Boolean, Choice, Endpoint, Hash, Integer, Later, Many, Text
from ecosystem.sandbox.schedules import WEEKDAYS
from ecosystem.sandbox.shapes import Body, inner

RETRIEVE = Endpoint()
UPDATE = Endpoint(
    {
        "payments": Hash(
            {
                "debit_negative_balances": Boolean(),
                "payouts": Hash(
                    {
                        "automatic_transfer_rules_by_currency": Later(),
                        "minimum_balance_by_currency": Later(),
                        "schedule": Hash(
                            {
                                "interval": Choice("daily", "manual", "monthly", "weekly"),
                                "monthly_payout_days": Many(Integer(1, 31), most=1),
                                "weekly_payout_days": Many(Choice(*WEEKDAYS), most=1),
                            }
                        ),
                        "statement_descriptor": Text(22),
                    }
                ),
                "settlement_timing": Later(),
            }
        )
    }
)


def retrieve(act: Act, given: dict[str, Any]) -> Body:  # noqa: ARG001 — every endpoint is given its parameters
    return _shown(act.holder())


def update(act: Act, given: dict[str, Any]) -> Body:
    holder = act.holder()
    told = inner(given, "payments")
    known = holder["settings"]["payouts"]
    schedule: Body = dict(known["schedule"])
    asked = inner(inner(told, "payouts"), "schedule")
    if "interval" in asked:
        schedule = {"delay_days": schedule["delay_days"], "interval": asked["interval"]}
    for name, plural in (("monthly_anchor", "monthly_payout_days"), ("weekly_anchor", "weekly_payout_days")):
        if asked.get(plural):
            schedule[name] = asked[plural][0]
    payouts: Body = {
        **known,
        "debit_negative_balances": told.get("debit_negative_balances", known["debit_negative_balances"]),
        "schedule": schedule,
        "statement_descriptor": inner(told, "payouts").get("statement_descriptor", known["statement_descriptor"]),
    }
    act.change(holder, settings={**holder["settings"], "payouts": payouts})
    act.announce("balance_settings.updated", _shown(holder), act.account, {})
    return _shown(holder)


def _shown(holder: Record) -> Body:
    known = holder["settings"]["payouts"]
    schedule = known["schedule"]
    told: Body = {"interval": schedule["interval"]}
    if "monthly_anchor" in schedule:
        told["monthly_payout_days"] = [schedule["monthly_anchor"]]
    if "weekly_anchor" in schedule:
        told["weekly_payout_days"] = [schedule["weekly_anchor"]]
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": known["debit_negative_balances"],
            "payouts": {
                "automatic_transfer_rules_by_currency": {},
                "minimum_balance_by_currency": {},
                "schedule": told,
                "statement_descriptor": known["statement_descriptor"],
                "status": "enabled" if holder["payouts_enabled"] else "disabled",
            },
            "settlement_timing": {
                "delay_days": schedule["delay_days"],
                "start_of_day": {"hour": 0, "minutes": 0, "timezone": "Etc/UTC"},
            },
        },
    }
