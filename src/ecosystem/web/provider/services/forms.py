"""A service as its form has it, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from ecosystem.contexts.catalogue import Mode, Service, ServiceFields, categories
from ecosystem.kernel.money import Money, currencies, decimal_text, parse_decimal, zero
from ecosystem.kernel.refusals import Invalid
from ecosystem.web import forms
from ecosystem.web.formats import minutes_text
from ecosystem.web.forms import Form

Act = Annotated[str, Meta(max_length=20)]
"""Which of its buttons sent the form."""

COMMON_CURRENCIES = ("EUR", "USD", "GBP", "CHF", "BRL", "INR", "JPY")
BUFFERS = (0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180)
NOTICES = (0, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 4_320, 10_080)
HORIZONS = (7, 14, 30, 60, 90, 180, 365)


class ServiceForm(Struct, kw_only=True):
    """`service_id` is the one to be made; of a service that is there, it stands in the address."""

    service_id: str = ""
    version: int = 0
    act: Act = ""
    title: Annotated[str, Meta(min_length=3, max_length=120)]
    category: Annotated[str, Meta(max_length=60)] = ""
    description: Annotated[str, Meta(max_length=8_000)] = ""
    price: Annotated[str, Meta(max_length=24)] = ""
    currency: Annotated[str, Meta(max_length=3)] = "EUR"
    duration_min: Annotated[int, Meta(ge=5, le=1_440)] = 60
    mode: Mode = Mode.AT_PROVIDER
    capacity: Annotated[int, Meta(ge=1, le=500)] = 1
    buffer_before_min: Annotated[int, Meta(ge=0, le=720)] = 0
    buffer_after_min: Annotated[int, Meta(ge=0, le=720)] = 0
    notice_min: Annotated[int, Meta(ge=0, le=129_600)] = 0
    horizon_days: Annotated[int, Meta(ge=1, le=400)] = 60
    policy: Annotated[str, Meta(max_length=20)] = "flexible"
    booking: Annotated[str, Meta(pattern="^(instant|request)$", description="Choose one of those offered.")] = "instant"

    def __post_init__(self) -> None:
        self.money()

    def money(self) -> Money | None:
        """The price; none where it is not known yet. Raises `Invalid`, naming `price` or `currency`."""
        if not self.price:
            return None
        # Whoever writes a comma for the decimals means the point; where both stand, the commas part thousands.
        text = self.price.replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
        text = text.replace(",", "") if "." in text else text.replace(",", ".")
        try:
            return parse_decimal(text, self.currency.upper())
        except Invalid as no:
            raise Invalid(no.message, field="currency" if no.field == "currency" else "price") from None

    @property
    def fields(self) -> ServiceFields:
        return ServiceFields(
            title=self.title,
            category=self.category,
            description=self.description,
            price=self.money(),
            duration_min=self.duration_min,
            mode=self.mode,
            capacity=self.capacity,
            buffer_before_min=self.buffer_before_min,
            buffer_after_min=self.buffer_after_min,
            notice_min=self.notice_min,
            horizon_days=self.horizon_days,
            policy=self.policy,
            instant=self.booking == "instant",
        )


LABELS = {
    "title": "Title",
    "category": "Category",
    "description": "Description",
    "price": "Price",
    "currency": "Currency",
    "duration_min": "Length",
    "mode": "Where",
    "capacity": "Seats",
    "buffer_before_min": "Time before",
    "buffer_after_min": "Time after",
    "notice_min": "Notice",
    "horizon_days": "How far ahead",
    "policy": "Cancellation",
    "booking": "Confirmation",
}


def opened(service: Service, **values: Any) -> Form[ServiceForm]:
    """The form as it stands for this service."""
    price = service.price
    return forms.blank(
        ServiceForm,
        title=service.title,
        category=service.category,
        description=service.description,
        price=decimal_text(price) if price else "",
        currency=price.currency if price else values.pop("currency", "EUR"),
        duration_min=service.duration_min,
        mode=service.mode.value,
        capacity=service.capacity,
        buffer_before_min=service.buffer_before_min,
        buffer_after_min=service.buffer_after_min,
        notice_min=service.notice_min,
        horizon_days=service.horizon_days,
        policy=service.policy,
        booking="instant" if service.instant else "request",
        **{name: value for name, value in values.items() if name != "currency"},
    )


def new(currency: str, **values: Any) -> Form[ServiceForm]:
    """The form of a service to be made, with what most choose."""
    usual = {
        "currency": currency,
        "duration_min": 60,
        "mode": Mode.AT_PROVIDER.value,
        "capacity": 1,
        "buffer_before_min": 0,
        "buffer_after_min": 0,
        "notice_min": 120,
        "horizon_days": 60,
        "policy": "flexible",
        "booking": "instant",
    }
    return forms.blank(ServiceForm, **(usual | values))


def category_choices() -> Sequence[tuple[str, str, str]]:
    """Every category under its parent; a parent may be chosen itself."""
    tree = categories()
    return [
        (each.slug, each.title if each.slug != root.slug else f"{root.title}: other", root.title)
        for root in tree.roots()
        for each in (*tree.children(root.slug), root)
    ]


def currency_choices(form: Form[Any], first: str) -> Sequence[tuple[str, str]]:
    """The marketplace's currency, the common ones, then all."""
    names = dict.fromkeys([first, *form.values.get("currency", ()), *COMMON_CURRENCIES, *sorted(currencies())])
    return [(name, name) for name in names if name in currencies()]


def amount_like(currency: str) -> str:
    """An amount as that currency has it, to show in an empty field: `0.00`, `0` for the yen."""
    return decimal_text(zero(currency if currency in currencies() else "EUR"))


def lengths(form: Form[Any], name: str, offered: Sequence[int], nothing: str) -> Sequence[tuple[int, str]]:
    """Lengths in minutes to choose from, the present one among them even where it is unusual."""
    present = {int(text) for text in form.values.get(name, ()) if text.isascii() and text.isdigit()}
    return [(minutes, minutes_text(minutes) if minutes else nothing) for minutes in sorted({*offered, *present})]


def horizons(form: Form[Any]) -> Sequence[tuple[int, str]]:
    present = {int(text) for text in form.values.get("horizon_days", ()) if text.isascii() and text.isdigit()}
    return [(days, f"{days} days") for days in sorted({*HORIZONS, *present})]
