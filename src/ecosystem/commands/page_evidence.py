"""What the pages that a browser gets say of card data: where it could go, which fields, which scripts may run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from ecosystem.adapters.outside.stripe.cards import STRIPE_ELEMENT
from ecosystem.commands.evidence import Line
from ecosystem.commands.settings import Settings
from ecosystem.commands.visitor import Answer, Visitor
from ecosystem.ports.cards import ElementOrigins

PAGES = ("/", "/sign-in", "/sign-up", "/reset-password", "/help", "/help/cancellation", "/help/privacy")
CHECKOUT = "/checkout/..."
CARD_FIELD = re.compile(r"autocomplete=[\"']?cc-|name=[\"']?(?:card_?number|cvc|cvv)\b", re.IGNORECASE)
ELIGIBILITY = "SAQ A eligibility; 3.2.1"
SCRIPTS = "SAQ A eligibility (script attacks); 6.4.3; 11.6.1"
_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)
_SOURCE = re.compile(r"\bsrc=\"([^\"]+)\"")
_NONCE = re.compile(r"'nonce-[^']+'")


def seen(visitor: Visitor, *, with_checkout: bool) -> dict[str, Answer]:
    """The pages that answered, by their path; the checkout's under `CHECKOUT`."""
    pages = {path: answer for path in PAGES if (answer := visitor.page(path)) is not None}
    if pages and with_checkout and (checkout := visitor.checkout()) is not None:
        pages[CHECKOUT] = checkout[1]
    return pages


def unasked(requirement: str, about: str) -> Line:
    return Line(
        requirement=requirement,
        about=about,
        found="not measured: the marketplace did not answer",
        holds=None,
        by_hand="Start it (ecosystem serve), and write this report again.",
    )


def card_data(chosen: Settings, pages: Mapping[str, Answer], *, with_checkout: bool) -> Iterator[Line]:
    """Where a card number could go: the element's origins alone, and no field of ours."""
    named = sorted(_with_card_fields())
    yield Line(
        requirement=ELIGIBILITY,
        about="code and templates of the marketplace that name a card field (the sandbox processor is another program)",
        found=", ".join(named) or "none",
        holds=not named,
        by_hand="Keep the processor's attestation of compliance: its element takes the card.",
    )
    for path, answer in pages.items():
        yield _flows(path, answer.policy, _origins(chosen) if path == CHECKOUT else _plain(chosen))
        fields = len(CARD_FIELD.findall(answer.text))
        yield Line(
            requirement=ELIGIBILITY, about=f"{path}: card fields of ours", found=f"{fields} fields", holds=fields == 0
        )
    if not pages:
        yield unasked(ELIGIBILITY, "where pages may send or frame")
        return
    for path in PAGES:
        if path not in pages:
            yield Line(requirement=ELIGIBILITY, about=f"{path}: the page", found="it was not served", holds=False)
    if CHECKOUT not in pages:
        why = "no service that it lists first has a free time" if with_checkout else "it was to be left out"
        yield Line(
            requirement=ELIGIBILITY,
            about=f"{CHECKOUT}: the page where a card is asked for",
            found=f"not measured: {why}",
            holds=None,
            by_hand="Publish a service with a free time, and write this report again without --no-checkout.",
        )


def _flows(path: str, policy: str, origins: ElementOrigins) -> Line:
    """Where the page may frame, call and send to, beside what the element needs."""
    may = {
        "frame-src": {"'none'", *origins.frames},
        "connect-src": {"'self'", *origins.calls},
        "form-action": {"'self'"},
        "default-src": {"'none'"},
    }
    does = {name: directive(policy, name) for name in may}
    return Line(
        requirement=ELIGIBILITY,
        about=f"{path}: where the page may send or frame",
        found=", ".join(f"{name} {value or 'unsaid'}" for name, value in does.items()),
        holds=all(value and set(value.split()) <= may[name] for name, value in does.items()),
    )


def scripts(chosen: Settings, pages: Mapping[str, Answer], visitor: Visitor) -> Iterator[Line]:
    """Every script that pages load, beside what was built; and whether others could run."""
    if not pages:
        yield unasked(SCRIPTS, "scripts and their integrity")
    theirs = set(_origins(chosen).scripts)
    served: dict[str, set[str]] = {}
    for path, answer in pages.items():
        policy = directive(answer.policy, "script-src")
        known = {"'strict-dynamic'", "'self'", *(theirs if path == CHECKOUT else ())}
        held = bool(_NONCE.search(policy)) and set(_NONCE.sub("", policy).split()) <= known
        shown = _NONCE.sub("'nonce-...'", policy)
        yield Line(requirement=SCRIPTS, about=f"{path}: what may run", found=shown or "no policy", holds=held)
        for tag in _SCRIPT.findall(answer.text):
            for source in _SOURCE.findall(tag):
                served.setdefault(source, set()).add(path)
    for source, where in sorted(served.items()):
        about = f"{source}, on {len(where)} of {len(pages)} pages"
        yield _ours(about, source, visitor) if source.startswith("/") else _theirs(about, source, where, theirs)


def _ours(about: str, source: str, visitor: Visitor) -> Line:
    answer = visitor.page(source)
    digest = sha256(answer.body).hexdigest() if answer else ""
    held = bool(digest) and digest == _built(source)
    return Line(
        requirement=SCRIPTS,
        about=about,
        found=f"sha256 {digest}" if digest else "not served",
        holds=held,
        by_hand="" if held else "This is not what was built: find out who changed it.",
    )


def _theirs(about: str, source: str, where: set[str], theirs: set[str]) -> Line:
    parts = urlsplit(source)
    held = f"{parts.scheme}://{parts.netloc}" in theirs and where == {CHECKOUT}
    return Line(
        requirement=SCRIPTS,
        about=about,
        found="the processor's own, whose bytes are theirs to answer for"
        if held
        else "neither ours nor the processor's",
        holds=held,
        by_hand="" if held else "Find out who put it there.",
    )


def directive(policy: str, name: str) -> str:
    """What a content security policy says under that name; empty where it says nothing."""
    for part in policy.split(";"):
        said = part.strip()
        if said.startswith(f"{name} "):
            return said.removeprefix(f"{name} ")
    return ""


def _origins(chosen: Settings) -> ElementOrigins:
    """What the page that takes a card may load, frame and call for the processor's element."""
    return STRIPE_ELEMENT if chosen.stripe else ElementOrigins(scripts=(), frames=(chosen.processor_url,), calls=())


def _plain(chosen: Settings) -> ElementOrigins:
    return ElementOrigins(scripts=(), frames=_origins(chosen).frames, calls=())


def _with_card_fields() -> Iterator[str]:
    root = Path(str(files("ecosystem")))
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        if (
            path.suffix in {".html", ".js"}
            and inside.parts[0] != "sandbox"
            and CARD_FIELD.search(path.read_text("utf-8"))
        ):
            yield inside.as_posix()


def _built(source: str) -> str:
    """The digest of the file that was built, whatever fingerprint its name bears."""
    stem, _, ending = source.rpartition("/")[2].rpartition(".")
    name = f"{stem.rpartition('.')[0] or stem}.{ending}"
    for folder in ("dist", "plain"):
        path = Path(str(files("ecosystem.web"))) / "static" / folder / name
        if path.is_file():
            return sha256(path.read_bytes()).hexdigest()
    return ""
