"""Keys and rotation: versions, what each still wraps, how a rotation goes on, and when a key was last used."""

from __future__ import annotations

from litestar.params import FromPath

from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.keys import KeyName, NoSuchVersion
from ecosystem.web.answers import Answer
from ecosystem.web.console.desk import desk, get, post
from ecosystem.web.statuses import status_of
from ecosystem.web.templates import Toast
from ecosystem.web.visit import Visit

FOR = {
    KeyName.PAYMENTS: "Nothing yet: kept for secrets of payments, of which the processor has all.",
    KeyName.BANK_ACCOUNTS: "Numbers and holders of bank accounts.",
    KeyName.PERSONAL_DATA: "Secrets of people: evidence of what they agreed to.",
    KeyName.AUDIT: "Signs the checkpoints of the audit log.",
    KeyName.BACKUPS: "Copies that leave this machine.",
}


@get("/console/keys")
async def show(request: Visit) -> Answer:
    """Every key."""
    return await _shown(request)


@post("/console/keys/{name:str}/rotate")
async def rotate(request: Visit, name: FromPath[str]) -> Answer:
    """A new version; what former ones wrapped is re-wrapped beside everything else."""
    try:
        rotation = await request.market.key_rings.rotate(_named(name), request.actor)
    except Refusal as no:
        return await _shown(request, no)
    text = f"Version {rotation.version} of {name} wraps from now on. Copy the file of keys to where you keep it."
    return request.redirect("/console/keys", toast=Toast(text=text))


@post("/console/keys/{name:str}/{version:str}/retire")
async def retire(request: Visit, name: FromPath[str], version: FromPath[str]) -> Answer:
    """A former version, gone for ever."""
    try:
        await request.market.key_rings.retire(_named(name), _numbered(version), request.actor)
    except Refusal as no:
        return await _shown(request, no)
    return request.redirect("/console/keys", toast=Toast(text=f"Version {version} of {name} is gone for ever."))


def _named(name: str) -> KeyName:
    if name not in set(KeyName):
        raise NoSuchVersion
    return KeyName(name)


def _numbered(version: str) -> int:
    if not (version.isascii() and version.isdigit() and len(version) < 6):
        raise NoSuchVersion
    return int(version)


async def _shown(request: Visit, trouble: Refusal | None = None) -> Answer:
    at_desk = await desk(request)
    rings = await request.market.key_rings.all(request.actor)
    return at_desk.page(
        "keys/page.html",
        status=status_of(trouble) if trouble else 200,
        trouble=trouble,
        rings=rings,
        purposes=[FOR[ring.name] for ring in rings],
    )
