"""Machines to draw: any that hypothesis thinks of, and some that show everything."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KINDS = ["Task", "Pass", "Wait", "Choice", "Parallel", "Map", "Succeed", "Fail"]


@st.composite
def machines(draw: st.DrawFn, depth: int = 2, prefix: str = "S") -> dict[str, Any]:
    """A machine of up to fourteen states whose ways lead anywhere, loops and states nothing leads to among them."""
    count = draw(st.integers(1, 14 if depth == 2 else 4))
    names = [f"{prefix}{at}{'LongNamedState' * (at % 3)}" for at in range(count)]
    states: dict[str, Any] = {}
    for name in names:
        kind = draw(st.sampled_from(KINDS if depth else KINDS[:4]))
        body: dict[str, Any] = {"Type": kind}
        target = st.sampled_from(names)
        if kind in {"Succeed", "Fail"}:
            states[name] = body
            continue
        if kind == "Choice":
            body["Choices"] = [
                {"Variable": "$.x", "NumericEquals": at, "Next": draw(target)} for at in range(draw(st.integers(1, 4)))
            ]
            if draw(st.booleans()):
                body["Default"] = draw(target)
        elif draw(st.booleans()):
            body["Next"] = draw(target)
        else:
            body["End"] = True
        if kind in {"Task", "Parallel", "Map"} and draw(st.booleans()):
            body["Catch"] = [{"ErrorEquals": [f"E{at}"], "Next": draw(target)} for at in range(draw(st.integers(1, 2)))]
        if kind == "Parallel":
            body["Branches"] = [
                draw(machines(depth=depth - 1, prefix=f"{name}b{at}")) for at in range(draw(st.integers(1, 3)))
            ]
        if kind == "Map":
            body["ItemProcessor"] = draw(machines(depth=depth - 1, prefix=f"{name}i"))
        states[name] = body
    return {"StartAt": names[0], "States": states}


def showing_everything() -> dict[str, Any]:
    """A machine with each kind of state, branches, caught errors and a loop."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
    return {
        "Comment": "From the hold to the booking",
        "StartAt": "ReadHold",
        "TimeoutSeconds": 900,
        "States": {
            "ReadHold": task | {
                "Parameters": {"FunctionName": "${booking-processor}"},
                "Next": "IsItPaid",
                "Retry": [{"ErrorEquals": ["Unavailable"], "MaxAttempts": 3}],
                "Catch": [{"ErrorEquals": ["HoldGone"], "Next": "LetGo"}],
            },
            "IsItPaid": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.hold.status", "StringEquals": "paid", "Next": "TellEverybody"},
                    {"Variable": "$.tries", "NumericGreaterThan": 5, "Next": "LetGo"},
                ],
                "Default": "WaitForPayment",
            },
            "WaitForPayment": {"Type": "Wait", "Seconds": 30, "Next": "AskProcessor"},
            "AskProcessor": task | {
                "Resource": "payment-status",
                "Next": "IsItPaid",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "AskOperator"}],
            },
            "AskOperator": task | {
                "Resource": "workflow-orchestrator.waitForTaskToken",
                "Next": "LetGo",
                "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "LetGo"}],
            },
            "TellEverybody": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "MailCustomer", "States": {"MailCustomer": task | {"End": True}}},
                    {
                        "StartAt": "MailProvider",
                        "States": {
                            "MailProvider": task | {"Next": "WriteCalendar"},
                            "WriteCalendar": task | {"End": True},
                        },
                    },
                ],
                "Next": "EachSeat",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "AskOperator"}],
            },
            "EachSeat": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "PrintTicket", "States": {"PrintTicket": task | {"End": True}}},
                "Next": "Booked",
            },
            "Booked": {"Type": "Succeed"},
            "LetGo": task | {"Resource": "release-hold", "Next": "Expired"},
            "Expired": {"Type": "Fail", "Error": "HoldExpired"},
        },
    }  # fmt: skip


def long(count: int = 60) -> dict[str, Any]:
    """Many states in a row that all catch, with a choice at every fifth, and ways back."""
    states: dict[str, Any] = {}
    for at in range(count):
        following = f"Step{at + 1}" if at + 1 < count else "Done"
        if at % 5 == 4:
            states[f"Step{at}"] = {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.x", "NumericEquals": 1, "Next": following},
                    {"Variable": "$.x", "NumericEquals": 2, "Next": f"Step{max(0, at - 4)}"},
                ],
                "Default": f"Step{min(count - 1, at + 6)}" if at + 6 < count else "Done",
            }
        else:
            states[f"Step{at}"] = {
                "Type": "Task", "Resource": "f", "Next": following,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Mend"}],
            }  # fmt: skip
    states["Mend"] = {"Type": "Pass", "Next": "Done"}
    states["Done"] = {"Type": "Succeed"}
    return {"StartAt": "Step0", "States": states}


def document(machine: dict[str, Any]) -> str:
    return json.dumps(machine)
