import re
from pathlib import Path

import pytest

from ecosystem.__main__ import parser
from ecosystem.commands.settings import DEFAULTS, Wrong, settings


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()

    documented = re.findall(r"^\| `(ECOSYSTEM_\w+)` \| (\S+) \| (.*) \|$", page, re.MULTILINE)

    assert documented == [(name, f"`{value}`" if value else "-", text) for name, (value, text) in DEFAULTS.items()]


def test_the_defaults_serve_on_loopback_and_give_the_processor_an_origin_of_its_own() -> None:
    chosen = settings({})

    assert (chosen.url, chosen.port, chosen.processor_port) == ("http://127.0.0.1:8000", 8000, 8001)
    assert (chosen.processor_host, chosen.processor_url) == ("127.0.0.1", "http://127.0.0.1:8001")


def test_public_addresses_become_origins_as_browsers_write_them() -> None:
    chosen = settings(
        {
            "ECOSYSTEM_HOST": "0.0.0.0",
            "ECOSYSTEM_URL": "https://Market.example:443/",
            "ECOSYSTEM_PROCESSOR_HOST": "::",
            "ECOSYSTEM_PROCESSOR_URL": "https://cards.Market.example",
        }
    )

    assert chosen.url == "https://market.example"
    assert chosen.processor_url == "https://cards.market.example"
    assert settings({"ECOSYSTEM_PROCESSOR_HOST": "0.0.0.0"}).processor_url == "http://127.0.0.1:8001"
    assert settings({"ECOSYSTEM_PROCESSOR_HOST": "::"}).processor_url == "http://[::1]:8001"


@pytest.mark.parametrize(
    ("url", "processor_url"),
    [
        ("http://market.example:8000", "http://MARKET.example:8000"),
        ("https://market.example", "https://market.example:443"),
        ("https://market.example", "http://cards.market.example"),
    ],
)
def test_the_processor_is_an_origin_of_its_own_that_browsers_show(url: str, processor_url: str) -> None:
    with pytest.raises(Wrong) as refused:
        settings({"ECOSYSTEM_URL": url, "ECOSYSTEM_PROCESSOR_URL": processor_url})

    assert refused.value.field == "ECOSYSTEM_PROCESSOR_URL"
    assert "origin of its own" in refused.value.message or "begins with https" in refused.value.message


def test_a_secure_marketplace_needs_a_secure_address_of_its_processor() -> None:
    with pytest.raises(Wrong, match="is needed too") as refused:
        settings({"ECOSYSTEM_URL": "https://market.example"})

    assert refused.value.field == "ECOSYSTEM_PROCESSOR_URL"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
def test_the_processor_listens_on_a_port_of_its_own(host: str) -> None:
    with pytest.raises(Wrong, match="port of its own") as refused:
        settings({"ECOSYSTEM_PORT": "8001", "ECOSYSTEM_PROCESSOR_PORT": "8001", "ECOSYSTEM_PROCESSOR_HOST": host})

    assert refused.value.field == "ECOSYSTEM_PROCESSOR_PORT"


def test_the_processors_own_address_is_not_the_marketplaces_public_one() -> None:
    with pytest.raises(Wrong, match="origin of its own"):
        settings({"ECOSYSTEM_URL": "http://127.0.0.1:8001"})
    beside = settings(
        {"ECOSYSTEM_PORT": "8001", "ECOSYSTEM_PROCESSOR_PORT": "8001", "ECOSYSTEM_PROCESSOR_HOST": "127.0.0.2"}
    )
    assert beside.processor_url == "http://127.0.0.2:8001"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECOSYSTEM_PORT", "eighty"),
        ("ECOSYSTEM_PORT", "0"),
        ("ECOSYSTEM_PORT", "65535"),
        ("ECOSYSTEM_HOST", "example.org"),
        ("ECOSYSTEM_URL", "market.example"),
        ("ECOSYSTEM_URL", "https://market.example/path"),
        ("ECOSYSTEM_URL", "https://someone@market.example"),
        ("ECOSYSTEM_URL", "https://market.example:port"),
        ("ECOSYSTEM_PROCESSOR_HOST", "cards.example"),
        ("ECOSYSTEM_PROCESSOR_URL", "cards.example"),
        ("ECOSYSTEM_PROCESSOR_URL", "https://cards.example/element"),
        ("ECOSYSTEM_PROCESSOR_URL", "https://cards.example?theme=dark"),
        ("ECOSYSTEM_PROCESSOR_URL", "https://cards.example 'unsafe-inline'"),
        ("ECOSYSTEM_CURRENCY", "EURO"),
        ("ECOSYSTEM_LOG", "loud"),
        ("ECOSYSTEM_SMTP_URL", "mail.example"),
        ("ECOSYSTEM_PORTT", "8000"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(Wrong) as refused:
        settings({name: value})

    assert refused.value.field == name
    assert name in refused.value.message


STRIPE = {
    "ECOSYSTEM_PROCESSOR": "stripe",
    "ECOSYSTEM_DEMO": "0",
    "ECOSYSTEM_STRIPE_SECRET_KEY": "sk_test_51NotARealKey",
    "ECOSYSTEM_STRIPE_PUBLISHABLE_KEY": "pk_test_51NotARealKey",
    "ECOSYSTEM_STRIPE_WEBHOOK_SECRETS": "whsec_presentone, whsec_formerone",
}


def test_stripe_takes_the_cards_when_it_is_chosen_and_its_keys_are_given() -> None:
    chosen = settings(STRIPE | {"ECOSYSTEM_URL": "https://market.example"})

    assert chosen.stripe
    assert chosen.stripe.api == "https://api.stripe.com"
    assert chosen.stripe.webhook_secrets == ("whsec_presentone", "whsec_formerone")
    assert not chosen.stripe.is_live
    assert settings({}).stripe is None


def test_keys_may_lie_in_files(tmp_path: Path) -> None:
    held = tmp_path / "key"
    held.write_text("sk_test_51HeldInAFile\n")

    chosen = settings(STRIPE | {"ECOSYSTEM_STRIPE_SECRET_KEY": f"file:{held}"})

    assert chosen.stripe
    assert chosen.stripe.secret_key == "sk_test_51HeldInAFile"


def test_no_key_is_shown_where_settings_are() -> None:
    chosen = settings(STRIPE)

    assert "sk_test" not in repr(chosen)
    assert "whsec" not in repr(chosen)
    assert not [flag for flag in parser().format_help().split() if "secret" in flag]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECOSYSTEM_STRIPE_SECRET_KEY", ""),
        ("ECOSYSTEM_STRIPE_SECRET_KEY", "pk_test_51NotARealKey"),
        ("ECOSYSTEM_STRIPE_SECRET_KEY", "file:/nowhere/at/all"),
        ("ECOSYSTEM_STRIPE_PUBLISHABLE_KEY", "pk_live_51NotARealKey"),
        ("ECOSYSTEM_STRIPE_WEBHOOK_SECRETS", ""),
        ("ECOSYSTEM_STRIPE_WEBHOOK_SECRETS", "secret_whatever"),
        ("ECOSYSTEM_STRIPE_API", "http://api.stripe.com"),
        ("ECOSYSTEM_DEMO", "1"),
        ("ECOSYSTEM_PROCESSOR", "paypal"),
    ],
)
def test_a_wrong_setting_of_stripes_is_refused_without_repeating_a_key(name: str, value: str) -> None:
    with pytest.raises(Wrong) as refused:
        settings(STRIPE | {name: value})

    assert refused.value.field == name
    assert "51NotARealKey" not in refused.value.message
