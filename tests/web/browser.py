"""The system's Chromium, driven by Playwright, and what every page must pass in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def page(
    browser: Browser,
    *,
    size: str = "desktop",
    theme: str = "light",
    scripts: bool = True,
    bypass_csp: bool = False,
    cookies: dict[str, str] | None = None,
    base: str = "",
) -> Iterator[Page]:
    """A page of a fresh visitor. Whatever the console complains about fails the test, unless a status was meant."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light",
        java_script_enabled=scripts, bypass_csp=bypass_csp, reduced_motion="reduce", base_url=base or None,
    )  # fmt: skip
    if cookies:
        context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
    opened = context.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "the server responded with a status" not in message.text:
            complaints.append(message.text)

    opened.on("console", heard)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == [], complaints


def violations(opened: Page) -> list[str]:
    """What axe finds on the page as it stands (WCAG 2.2 A and AA, and best practices)."""
    # Frames of other origins are other people's pages, and do not answer axe from here.
    found = Axe().run(opened, options={"iframes": False}).response["violations"]
    twice = opened.evaluate(
        "[...document.querySelectorAll('[id]')].map((each) => each.id).filter((id, at, all) => all.indexOf(id) !== at)"
    )
    return [f"id twice: {name}" for name in twice] + [
        f"{each['id']}: {node['target']} {node['html'][:160]}" for each in found for node in each["nodes"]
    ]


def overflow(opened: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def shoot(opened: Page, name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=folder / f"{name}.png", full_page=True)
