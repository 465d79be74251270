"""The public test cards: each number, the test payment method that stands for it, and what happens to a payment.

The numbers and names are those of the processor's public testing page (docs.stripe.com/testing, read in 2026). A
number is looked at once, when a payment method is made, and never kept: what stays is the card's name here, its
brand, last four digits and a fingerprint.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Authentication(StrEnum):
    """Whether the bank asks the customer to prove who they are (3-D Secure)."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"
    NOT_SUPPORTED = "not_supported"
    BROKEN = "broken"


class Refunding(StrEnum):
    """What becomes of a refund to the card."""

    AT_ONCE = "at_once"
    LATER = "later"
    FAILS = "fails"


class Declined(Struct, frozen=True):
    """Why the bank declines: the API's error code, its decline code, and the sentence."""

    code: str
    decline_code: str | None
    message: str
    blocked: bool = False


class Disputed(Struct, frozen=True):
    """The dispute that the bank opens after the payment."""

    reason: str
    inquiry: bool = False


class Card(Struct, frozen=True, kw_only=True):
    """A card that behaves in one way. `names` are its test payment methods, without `pm_card_`."""

    number: str
    names: tuple[str, ...] = ()
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    authentication: Authentication = Authentication.OPTIONAL
    declined: Declined | None = None
    refunding: Refunding = Refunding.AT_ONCE
    disputed: Disputed | None = None
    risk: str = "normal"
    cvc_check: str = "pass"
    line1_check: str = "pass"
    postal_check: str = "pass"
    available_at_once: bool = False
    warned: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def name(self) -> str:
        """The name it is known by once its number is forgotten."""
        return self.names[0] if self.names else f"{self.brand}_{self.country}_{self.last4}"


LIVE_CARD = Declined(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test"
    " cards, visit: https://stripe.com/docs/testing.",
)
GENERIC = Declined("card_declined", "generic_decline", "Your card was declined.")
FUNDS = Declined("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Declined("card_declined", "lost_card", "Your card was declined.")
STOLEN = Declined("card_declined", "stolen_card", "Your card was declined.")
VELOCITY = Declined(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)
EXPIRED = Declined("expired_card", None, "Your card has expired.")
CVC = Declined("incorrect_cvc", None, "Your card's security code is incorrect.")
PROCESSING = Declined(
    "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
)
BLOCKED = Declined("card_declined", "fraudulent", "Your card was declined.", blocked=True)
AUTHENTICATION = Declined(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
REQUIRED = Authentication.REQUIRED


def _plain() -> list[Card]:
    return [
        Card(number="4242424242424242", names=("visa",)),
        Card(number="4000056655665556", names=("visa_debit",), funding="debit"),
        Card(number="5555555555554444", names=("mastercard",), brand="mastercard"),
        Card(number="2223003122003222", brand="mastercard"),
        Card(number="5200828282828210", names=("mastercard_debit",), brand="mastercard", funding="debit"),
        Card(number="5105105105105100", names=("mastercard_prepaid",), brand="mastercard", funding="prepaid"),
        Card(
            number="378282246310005",
            names=("amex", "amex_threeDSecureNotSupported"),
            brand="amex",
            authentication=Authentication.NOT_SUPPORTED,
        ),
        Card(number="371449635398431", brand="amex", authentication=Authentication.NOT_SUPPORTED),
        Card(number="6011111111111117", names=("discover",), brand="discover"),
        Card(number="6011000990139424", brand="discover"),
        Card(number="6011981111111113", brand="discover", funding="debit"),
        Card(number="3056930009020004", names=("diners",), brand="diners"),
        Card(number="36227206271667", brand="diners"),
        Card(number="6555900000604105", brand="discover"),
        Card(number="3566002020360505", names=("jcb",), brand="jcb", country="JP"),
        Card(number="6200000000000005", names=("unionpay",), brand="unionpay", country="CN"),
        Card(number="6200000000000047", brand="unionpay", funding="debit", country="CN"),
        Card(number="6205500000000000004", brand="unionpay", country="CN"),
    ]


_COUNTRIES = """
    us:4242424242424242 ar:4000000320000021 br:4000000760000002 ca:4000001240000000 mx:4000004840008001
    ae:4000007840000001 at:4000000400000008 be:4000000560000004 bg:4000001000000000 by:4000001120000005
    hr:4000001910000009 cy:4000001960000008 cz:4000002030000002 dk:4000002080000001 ee:4000002330000009
    fi:4000002460000001 fr:4000002500000003 de:4000002760000016 gi:4000002920000005 gr:4000003000000030
    hu:4000003480000005 ie:4000003720000005 it:4000003800000008 lv:4000004280000005 li:4000004380000004
    lt:4000004400000000 lu:4000004420000006 mt:4000004700000007 nl:4000005280000002 no:4000005780000007
    pl:4000006160000005 pt:4000006200000007 ro:4000006420000001 si:4000007050000006 sk:4000007030000001
    es:4000007240000007 se:4000007520000008 ch:4000007560000009 gb:4000008260000000 au:4000000360000006
    cn:4000001560000002 hk:4000003440000004 in:4000003560000008 jp:4000003920000003 my:4000004580000002
    nz:4000005540000008 sg:4000007020000003 tw:4000001580000008
"""


def _countries() -> list[Card]:
    pairs = (entry.split(":") for entry in _COUNTRIES.split())
    return [
        Card(number=number, names=(country,), country=country.upper()) for country, number in pairs if country != "us"
    ]


def _declines() -> list[Card]:
    return [
        Card(number="4000000000000002", names=("visa_chargeDeclined", "chargeDeclined"), declined=GENERIC),
        Card(
            number="4000000000009995",
            names=("visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"),
            declined=FUNDS,
        ),
        Card(
            number="4000000000009987",
            names=("visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"),
            declined=LOST,
        ),
        Card(
            number="4000000000009979",
            names=("visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"),
            declined=STOLEN,
        ),
        Card(
            number="4000000000000069",
            names=("chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"),
            declined=EXPIRED,
        ),
        Card(
            number="4000000000000127",
            names=("chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"),
            declined=CVC,
            cvc_check="fail",
        ),
        Card(
            number="4000000000000119",
            names=("chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"),
            declined=PROCESSING,
        ),
        Card(
            number="4000000000006975",
            names=("visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"),
            declined=VELOCITY,
        ),
        Card(number="4000000000000341", names=("chargeCustomerFail",), declined=GENERIC),
        Card(
            number="4100000000000019",
            names=("radarBlock", "chargeDeclinedFraudulent"),
            declined=BLOCKED,
            risk="highest",
        ),
        Card(number="4000000000004954", names=("riskLevelHighest",), declined=BLOCKED, risk="highest"),
        Card(number="4000000000009235", names=("riskLevelElevated",), risk="elevated"),
        Card(number="4000000000000101", names=("cvcCheckFail",), cvc_check="fail"),
        Card(number="4000000000000010", names=("avsFail",), line1_check="fail", postal_check="fail"),
        Card(number="4000000000000028", names=("avsLine1Fail",), line1_check="fail"),
        Card(number="4000000000000036", names=("avsZipFail",), postal_check="fail"),
        Card(
            number="4000000000000044",
            names=("avsUnchecked",),
            line1_check="unavailable",
            postal_check="unavailable",
        ),
    ]


def _authentications() -> list[Card]:
    return [
        Card(number="4000002500003155", names=("authenticationRequiredOnSetup",), authentication=REQUIRED),
        Card(number="4000002760003184", names=("authenticationRequired",), authentication=REQUIRED),
        Card(number="4000003800000446", names=("authenticationRequiredSetupForOffSession",), authentication=REQUIRED),
        Card(
            number="4000008260003178",
            names=("authenticationRequiredChargeDeclinedInsufficientFunds",),
            authentication=REQUIRED,
            declined=FUNDS,
        ),
        Card(
            number="4000000000003220",
            names=("threeDSecure2Required", "threeDSecureRequired"),
            authentication=REQUIRED,
        ),
        Card(
            number="4000008400001629",
            names=("threeDSecureRequiredChargeDeclined",),
            authentication=REQUIRED,
            declined=GENERIC,
        ),
        Card(
            number="4000008400001280",
            names=("threeDSecureRequiredProcessingError",),
            authentication=Authentication.BROKEN,
        ),
        Card(number="4000000000003055", names=("threeDSecureOptional",)),
        Card(number="4000000000003097", names=("threeDSecureOptionalProcessingError",)),
    ]


def _afterwards() -> list[Card]:
    return [
        Card(number="4000000000000259", names=("createDispute",), disputed=Disputed("fraudulent")),
        Card(
            number="4000000000002685",
            names=("createDisputeProductNotReceived",),
            disputed=Disputed("product_not_received"),
        ),
        Card(
            number="4000000000001976",
            names=("createDisputeInquiry",),
            disputed=Disputed("fraudulent", inquiry=True),
        ),
        Card(number="4000000000005423", names=("createIssuerFraudRecord",), warned=True),
        Card(number="4000000000007726", names=("pendingRefund",), refunding=Refunding.LATER),
        Card(number="4000000000005126", names=("refundFail",), refunding=Refunding.FAILS),
        Card(number="4000000000000077", names=("bypassPending",), available_at_once=True),
        Card(
            number="4000003720000278",
            names=("bypassPendingInternational",),
            country="IE",
            available_at_once=True,
        ),
        Card(number="4000000000000093", names=("domesticPricing",)),
    ]


CARDS = (*_plain(), *_countries(), *_declines(), *_authentications(), *_afterwards())
BY_NUMBER = {card.number: card for card in CARDS}
BY_NAME = {card.name: card for card in CARDS}
BY_METHOD = {f"pm_card_{name}": card for card in CARDS for name in card.names} | {"pm_card_us": CARDS[0]}

_BRANDS = (
    # Longest prefixes first: ranges of the card schemes, ISO/IEC 7812.
    ("amex", ("34", "37"), (15,)),
    ("diners", ("300", "301", "302", "303", "304", "305", "36", "38", "39"), (14, 16)),
    ("discover", ("6011", "644", "645", "646", "647", "648", "649", "65"), (16,)),
    ("jcb", tuple(str(number) for number in range(3528, 3590)), (16,)),
    ("unionpay", ("62", "81"), (16, 17, 18, 19)),
    ("mastercard", (*map(str, range(51, 56)), *map(str, range(2221, 2721))), (16,)),
    ("visa", ("4",), (13, 16, 19)),
)


def brand(number: str) -> str:
    """The scheme a number belongs to, `unknown` where none has that range."""
    for name, prefixes, _ in _BRANDS:
        if number.startswith(prefixes):
            return name
    return "unknown"


def is_number(number: str) -> bool:
    """Whether the digits have a length that their scheme issues, and a right check digit (ISO/IEC 7812-1, annex B)."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    lengths = next((lengths for name, _, lengths in _BRANDS if name == brand(number)), None)
    if lengths and len(number) not in lengths:
        return False
    doubled = (int(digit) * 2 for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(pair - 9 if pair > 9 else pair for pair in doubled)) % 10 == 0
