"""How likely people do what, as parts of a whole. These numbers are all that decides how the demo turns out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Errand(StrEnum):
    """What somebody does who has found a time."""

    BOOKS = "books it"
    LEAVES = "leaves without a word"
    GIVES_BACK = "gives it back"


class Card(StrEnum):
    """The public test cards, by what happens to them."""

    VISA = "pm_card_visa"
    MASTERCARD = "pm_card_mastercard"
    CHALLENGED = "pm_card_authenticationRequired"
    DECLINED = "pm_card_chargeDeclined"
    WITHOUT_FUNDS = "pm_card_visa_chargeDeclinedInsufficientFunds"
    CHARGED_BACK = "pm_card_createDispute"
    INQUIRED_ABOUT = "pm_card_createDisputeInquiry"
    REFUND_FAILS = "pm_card_refundFail"
    REFUND_PENDS = "pm_card_pendingRefund"


class Challenge(StrEnum):
    """What somebody does whom their bank asks to confirm."""

    CONFIRMS = "confirms"
    REFUSES = "refuses"
    WALKS_AWAY = "walks away"


class Line(StrEnum):
    """How the line to the card processor is when somebody pays."""

    GOOD = "good"
    CUT = "cut before the answer"
    DOWN = "down for a moment"


class Request(StrEnum):
    """What a provider does with a request."""

    ACCEPTS = "accepts"
    DECLINES = "declines"
    SAYS_NOTHING = "says nothing"


class Change(StrEnum):
    """What becomes of a booking before its time."""

    NONE = "none"
    CUSTOMER_CANCELS = "the customer cancels"
    CUSTOMER_MOVES = "the customer moves it"
    PROVIDER_CANCELS = "the provider cancels"
    PROVIDER_MOVES = "the provider asks to move it"


class Coming(StrEnum):
    """Who comes."""

    BOTH = "both"
    NO_CUSTOMER = "the customer does not come"
    NO_PROVIDER = "the provider does not come"


class After(StrEnum):
    """What the customer says afterwards."""

    NOTHING = "nothing"
    DONE = "says that it is done"
    DISPUTES = "disputes it"


class Reply(StrEnum):
    """What a provider replies to a dispute."""

    ACCEPTS = "accepts"
    OFFERS = "offers a part"
    CONTESTS = "contests"
    SAYS_NOTHING = "says nothing"


class Offered(StrEnum):
    """What a customer does with an offer."""

    TAKES = "takes it"
    DECLINES = "declines it"
    SAYS_NOTHING = "says nothing"


class Decision(StrEnum):
    """How the operator decides."""

    FOR_CUSTOMER = "for the customer"
    HALF = "half"
    FOR_PROVIDER = "for the provider"
    NONE = "not in time"


class Evidence(StrEnum):
    """What the customer's bank is told about a chargeback."""

    WINNING = "winning_evidence"
    LOSING = "losing_evidence"
    ESCALATING = "escalate_inquiry_evidence"
    NONE = ""


ERRAND: Mapping[Errand, int] = {Errand.BOOKS: 92, Errand.LEAVES: 5, Errand.GIVES_BACK: 3}
CARD: Mapping[Card, int] = {
    Card.VISA: 62,
    Card.MASTERCARD: 18,
    Card.CHALLENGED: 6,
    Card.DECLINED: 4,
    Card.WITHOUT_FUNDS: 3,
    Card.CHARGED_BACK: 2,
    Card.INQUIRED_ABOUT: 1,
    Card.REFUND_FAILS: 2,
    Card.REFUND_PENDS: 2,
}
CHALLENGE: Mapping[Challenge, int] = {Challenge.CONFIRMS: 75, Challenge.REFUSES: 10, Challenge.WALKS_AWAY: 15}
LINE: Mapping[Line, int] = {Line.GOOD: 98, Line.CUT: 1, Line.DOWN: 1}
REQUEST: Mapping[Request, int] = {Request.ACCEPTS: 78, Request.DECLINES: 12, Request.SAYS_NOTHING: 10}
CHANGE: Mapping[Change, int] = {
    Change.NONE: 80,
    Change.CUSTOMER_CANCELS: 8,
    Change.CUSTOMER_MOVES: 6,
    Change.PROVIDER_CANCELS: 3,
    Change.PROVIDER_MOVES: 3,
}
COMING: Mapping[Coming, int] = {Coming.BOTH: 95, Coming.NO_CUSTOMER: 3, Coming.NO_PROVIDER: 2}
AFTER: Mapping[After, int] = {After.NOTHING: 62, After.DONE: 31, After.DISPUTES: 7}
REPLY: Mapping[Reply, int] = {Reply.ACCEPTS: 25, Reply.OFFERS: 30, Reply.CONTESTS: 30, Reply.SAYS_NOTHING: 15}
OFFERED: Mapping[Offered, int] = {Offered.TAKES: 55, Offered.DECLINES: 30, Offered.SAYS_NOTHING: 15}
DECISION: Mapping[Decision, int] = {
    Decision.FOR_CUSTOMER: 35,
    Decision.HALF: 30,
    Decision.FOR_PROVIDER: 25,
    Decision.NONE: 10,
}
EVIDENCE: Mapping[Evidence, int] = {Evidence.WINNING: 45, Evidence.LOSING: 45, Evidence.NONE: 10}

ANOTHER_CARD = 0.7
"""How often somebody whose card was declined tries another."""

AS_GUEST = 0.12
WITHDRAWN = 0.12
"""How often a customer takes a dispute back."""

MOVE_AGREED = 0.7
"""How often the other side agrees to another time."""

ABSENCE_DISPUTED = 0.4
"""How often somebody who is said not to have come disputes it."""

GOODWILL = 0.3
"""How often, on one day, the operator gives somebody a part back."""
