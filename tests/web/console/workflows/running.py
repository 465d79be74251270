"""Executions of a machine that shows everything, carried out by the real interpreter in a shop."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from tests.web.console.workflows.machines import document
from tests.web.shop import Shop

from ecosystem.adapters.embedded.workflows import EmbeddedWorkflows
from ecosystem.kernel.actor import system
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.workflows import Definition, Execution, StartExecution, TaskCall, TaskFailed

MACHINE = "ecosystem-payment-processing"
ORCHESTRATOR = system("workflow-orchestrator")


def machine() -> dict[str, Any]:
    """Like a payment: a charge with retries, a status check in a loop, people told side by side, an operator asked."""

    def task(name: str, **more: Any) -> dict[str, Any]:
        parameters = {"FunctionName": f"${{{name}}}", "Payload.$": "$"}
        call = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
        return call | {"ResultSelector": {"value.$": "$.Payload"}, "ResultPath": "$.last"} | more

    asked = {
        "FunctionName": "${workflow-orchestrator}",
        "Payload": {"answers": ["accept", "reject"], "matter.$": "$.payment_id", "token.$": "$$.Task.Token"},
    }
    return {
        "Comment": "From the intention to pay until the money is held or given back.",
        "StartAt": "Charge",
        "TimeoutSeconds": 600,
        "States": {
            "Charge": task(
                "payment-processor",
                Comment="Ask the processor for the money, once.",
                Retry=[{"ErrorEquals": ["Unavailable"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2.0}],
                Catch=[{"ErrorEquals": ["CardDeclined"], "ResultPath": "$.refused", "Next": "LetGo"}],
                Next="HowIsIt",
            ),
            "HowIsIt": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.last.value.state", "StringEquals": "captured", "Next": "TellBoth"},
                    {"Variable": "$.last.value.state", "StringEquals": "unclear", "Next": "AskOperator"},
                ],
                "Default": "WaitForRail",
            },
            "WaitForRail": {"Type": "Wait", "Seconds": 30, "Next": "CheckStatus"},
            "CheckStatus": task("status-check", Next="HowIsIt"),
            "AskOperator": {
                "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": asked,
                "TimeoutSeconds": 300, "ResultPath": "$.decision", "Next": "TellBoth",
                "Catch": [{"ErrorEquals": ["Rejected", "States.Timeout"], "ResultPath": "$.refused", "Next": "LetGo"}],
            },
            "TellBoth": {
                "Type": "Parallel",
                "ResultPath": None,
                "Branches": [
                    {"StartAt": "MailCustomer", "States": {"MailCustomer": task("notification-handler", End=True)}},
                    {"StartAt": "MailProvider", "States": {"MailProvider": task("notification-handler", End=True)}},
                ],
                "Next": "Held",
            },
            "Held": {"Type": "Succeed"},
            "LetGo": task("refund-processor", Next="NotPaid"),
            "NotPaid": {"Type": "Fail", "Error": "NotPaid", "Cause": "The money could not be taken."},
        },
    }  # fmt: skip


@dataclass
class Functions:
    """What the machine calls. `plan` says for each payment what its charge answers, one after the other."""

    plan: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    async def charge(self, call: TaskCall) -> Any:
        answers = self.plan[call.input["payment_id"]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"state": answer}

    async def ask(self, call: TaskCall) -> Any:
        assert call.token is not None
        self.tokens[call.input["matter"]] = call.token
        return None

    async def tell(self, call: TaskCall) -> Any:
        return {"mailed": call.input["contact"]["email"]}


@dataclass(frozen=True, slots=True)
class Running:
    """A shop with executions in it. Execution ids by what became of them."""

    shop: Shop
    functions: Functions
    executions: dict[str, str]
    booking_id: str
    provider_id: str

    @property
    def engine(self) -> EmbeddedWorkflows:
        return cast("EmbeddedWorkflows", self.shop.market.app.ports.workflows)

    async def go_on(self, seconds: float = 0) -> None:
        self.shop.market.clock.advance(timedelta(seconds=seconds))
        await self.engine.drained()
        await self.engine.step()


async def running(shop: Shop) -> Running:
    """Executions that succeeded after retries, failed, were declined, wait for a person, and wait for a time."""
    market = shop.market
    provider_id = await market.provider()
    service_id = await market.service(provider_id)
    booked = await market.book(service_id, market.tomorrow(8))
    functions = Functions()
    engine = cast("EmbeddedWorkflows", market.app.ports.workflows)
    bound = {
        "payment-processor": functions.charge, "status-check": functions.charge, "workflow-orchestrator": functions.ask,
        "notification-handler": functions.tell, "refund-processor": functions.charge,
    }  # fmt: skip
    written = Definition(
        name=MACHINE,
        content=document(machine()).encode(),
        file="payment-processing.asl.json",
        bindings={name: name for name in bound},
    )
    engine.bind([written], bound)
    found = Running(shop, functions, {}, booked.booking.booking_id, provider_id)
    plans: dict[str, list[Any]] = {
        "paid": [Unavailable("The processor does not answer."), Unavailable("Still not."), "pending", "captured"],
        "declined": [TaskFailed("CardDeclined", "The bank of ada@example.org said no."), "refunded"],
        "broken": [ValueError("Nobody thought of that.")],
        "asked": ["unclear"],
        "slow": ["pending"],
    }
    for name, plan in plans.items():
        payment_id = booked.payment.payment_id if name == "paid" else market.id("pay")
        functions.plan[payment_id] = plan
        begun = await _start(market.app.ports.workflows, payment_id, found)
        found.executions[name] = begun.execution_id
        await found.go_on()
        if name != "slow":
            for _ in range(4):
                await found.go_on(16)
    return found


async def _start(engine: Any, payment_id: str, found: Running) -> Execution:
    given = {
        "booking_id": found.booking_id,
        "payment_id": payment_id,
        "provider_id": found.provider_id,
        "amount": {"minor": 11_000, "currency": "EUR"},
        "contact": {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+351 912 345 678"},
        "note": "Ring twice, call +351 912 345 678.",
        "client_secret": "pi_123_secret_456",
    }
    return await engine.start(StartExecution(machine=MACHINE, name=payment_id, input=given), ORCHESTRATOR)
