"""What is offered, and on which terms: the fields of a service, their limits, and what publishing needs of them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from ecosystem.contexts.catalogue.categories import categories
from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.profile import pictured
from ecosystem.contexts.catalogue.slugs import chosen
from ecosystem.kernel.money import Money, parse_decimal
from ecosystem.kernel.refusals import Invalid

TITLE_SHORTEST, TITLE_LONGEST = 3, 120
DESCRIPTION_LONGEST = 8000
DURATION_MIN_LEAST, DURATION_MIN_MOST = 5, 24 * 60
CAPACITY_MOST = 500
BUFFER_MIN_MOST = 12 * 60
NOTICE_MIN_MOST = 90 * 24 * 60
HORIZON_DAYS_MOST = 400
MEDIA_MOST = 12
PRICE_MINOR_MOST = 10**10
POLICIES = ("flexible", "moderate", "strict")


class Mode(StrEnum):
    """Where the service is done."""

    AT_PROVIDER = "at_provider"
    AT_CUSTOMER = "at_customer"
    REMOTE = "remote"


class ServiceFields(Struct, frozen=True, kw_only=True):
    """What an owner may edit. A field left out stays as it is.

    A new title brings a new `slug`, unless one is chosen. `price` is for one seat; buffers, notice and duration are in
    minutes. `instant` is confirmed at once; otherwise the provider is asked. `policy` names a cancellation policy.
    """

    title: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    price: Money | UnsetType | None = UNSET
    duration_min: int | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    buffer_before_min: int | UnsetType = UNSET
    buffer_after_min: int | UnsetType = UNSET
    notice_min: int | UnsetType = UNSET
    horizon_days: int | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    instant: bool | UnsetType = UNSET
    media: tuple[str, ...] | UnsetType = UNSET


def checked(fields: ServiceFields, findings: Findings) -> ServiceFields:
    """The fields in normal form; `findings` holds what is wrong with them."""

    def whole(name: str, number: int | UnsetType, least: int, most: int) -> int | UnsetType:
        return UNSET if number is UNSET else findings.whole(name, number, least=least, most=most)

    return ServiceFields(
        title=UNSET
        if fields.title is UNSET
        else findings.line("title", fields.title, shortest=TITLE_SHORTEST, longest=TITLE_LONGEST),
        slug=UNSET if fields.slug is UNSET else chosen(findings, fields.slug),
        description=UNSET
        if fields.description is UNSET
        else findings.prose("description", fields.description, longest=DESCRIPTION_LONGEST),
        category=UNSET if fields.category is UNSET else _category(findings, fields.category),
        price=_price(findings, fields.price) if isinstance(fields.price, Money) else fields.price,
        duration_min=whole("duration_min", fields.duration_min, DURATION_MIN_LEAST, DURATION_MIN_MOST),
        mode=fields.mode,
        capacity=whole("capacity", fields.capacity, 1, CAPACITY_MOST),
        buffer_before_min=whole("buffer_before_min", fields.buffer_before_min, 0, BUFFER_MIN_MOST),
        buffer_after_min=whole("buffer_after_min", fields.buffer_after_min, 0, BUFFER_MIN_MOST),
        notice_min=whole("notice_min", fields.notice_min, 0, NOTICE_MIN_MOST),
        horizon_days=whole("horizon_days", fields.horizon_days, 1, HORIZON_DAYS_MOST),
        policy=UNSET if fields.policy is UNSET else _policy(findings, fields.policy),
        instant=fields.instant,
        media=UNSET if fields.media is UNSET else pictured(findings, fields.media, most=MEDIA_MOST),
    )


def _category(findings: Findings, slug: str) -> str:
    slug = slug.strip().lower()
    if slug and slug not in categories():
        findings.note("category", f"There is no category {slug[:40]!r}.")
    return slug


def _price(findings: Findings, price: Money) -> Money:
    if not 0 < price.minor <= PRICE_MINOR_MOST:
        findings.note("price", "It is more than nothing, and at most 100 million.")
    return price


def _policy(findings: Findings, name: str) -> str:
    name = name.strip().lower()
    if name not in POLICIES:
        findings.note("policy", f"It is one of {', '.join(POLICIES)}.")
    return name


def parsed_mode(findings: Findings, text: str) -> Mode | UnsetType:
    """The mode a person wrote, noted under `mode` when there is none such."""
    try:
        return Mode(text.strip().lower().replace("-", "_").replace(" ", "_"))
    except ValueError:
        findings.note("mode", f"It is one of {', '.join(Mode)}.")
        return UNSET


def parsed_price(findings: Findings, amount: str, currency: str) -> Money | UnsetType:
    """The price a person wrote, noted under `price` or `currency` when it is none."""
    try:
        return parse_decimal(amount, currency.strip().upper())
    except Invalid as refused:
        findings.note("currency" if refused.field == "currency" else "price", refused.message)
        return UNSET
