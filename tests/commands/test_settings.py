import re
from pathlib import Path

import pytest

from ecosystem.commands.settings import DEFAULTS, Wrong, settings


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()

    documented = re.findall(r"^\| `(ECOSYSTEM_\w+)` \| (\S+) \| (.*) \|$", page, re.MULTILINE)

    assert documented == [(name, f"`{value}`" if value else "-", text) for name, (value, text) in DEFAULTS.items()]


def test_the_defaults_serve_on_loopback_and_give_the_processor_an_origin_of_its_own() -> None:
    chosen = settings({})

    assert (chosen.url, chosen.port, chosen.processor_port) == ("http://127.0.0.1:8000", 8000, 8001)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ECOSYSTEM_PORT", "eighty"),
        ("ECOSYSTEM_PORT", "0"),
        ("ECOSYSTEM_PORT", "65535"),
        ("ECOSYSTEM_HOST", "example.org"),
        ("ECOSYSTEM_URL", "market.example"),
        ("ECOSYSTEM_URL", "https://market.example/path"),
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
