"""The processor's card fields in a page: what the page's policy has to allow for them, and nothing more."""

from __future__ import annotations

from ecosystem.web.answers import Answer
from ecosystem.web.visit import Visit


def allow_element(request: Visit, answer: Answer) -> None:
    """Let this page load the processor's own script, if it has one. Framed fields are allowed everywhere."""
    origins = request.market.ports.cards.element.origins
    if origins is None:
        return
    policy = request.kit.policy.with_script(request.arrival.nonce, origins)
    answer.headers["content-security-policy"] = policy
