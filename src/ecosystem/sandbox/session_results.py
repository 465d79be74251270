"""What a bank's late answer means for the checkout session that the debit came from."""

from __future__ import annotations

from ecosystem.sandbox.acts import Act, Record


def settled(act: Act, intent: Record, *, paid: bool) -> None:
    """The debit was paid, or came back."""
    named = intent.inside.get("session")
    session = act.get("checkout.session", named) if named else None
    if session is None:
        return
    if paid:
        act.change(session, payment_status="paid")
        act.tell("checkout.session.async_payment_succeeded", session)
    else:
        act.tell("checkout.session.async_payment_failed", session)
