"""Styles, scripts, fonts and icons: for ever under their fingerprint, by tag under their plain name."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.params import FromPath

from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.assets import Asset
from ecosystem.web.visit import Visit

FOR_EVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=3600"


@get("/static/{name:str}")
async def static(request: Visit, name: FromPath[str]) -> Answer:
    """A file of ours."""
    asset, hashed = request.kit.assets.find(name)
    return _sent(request, asset, FOR_EVER if hashed else A_WHILE)


@get(["/favicon.ico", "/favicon.svg"])
async def favicon(request: Visit) -> Answer:
    """What browsers ask for unbidden."""
    return _sent(request, request.kit.assets.plain["favicon.svg"], A_WHILE)


@get("/site.webmanifest")
async def manifest(request: Visit) -> Answer:
    """What a phone needs to keep the site beside its apps (W3C web app manifest)."""
    kit = request.kit
    said = {
        "name": kit.site.name,
        "short_name": kit.site.name,
        "start_url": "/",
        "display": "minimal-ui",
        "background_color": "#ffffff",
        "theme_color": "#0f766e",
        "icons": [{"src": kit.assets.url("favicon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return Drawn(
        status=200,
        headers=(("cache-control", A_WHILE),),
        body=msgspec.json.encode(said),
        media_type="application/manifest+json",
    ).answer()


_CLOSED = ("/account", "/bookings", "/checkout", "/console", "/provider/", "/api/")
"""What search engines need not look at: the areas behind a sign-in."""


@get("/robots.txt")
async def robots() -> Answer:
    """What search engines may look at."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _CLOSED)]
    return Drawn(
        status=200,
        headers=(("cache-control", A_WHILE),),
        body="\n".join([*lines, ""]).encode(),
        media_type="text/plain; charset=utf-8",
    ).answer()


def _sent(request: Visit, asset: Asset, cache: str) -> Answer:
    coding, body = asset.fitting(request.arrival.headers.get("accept-encoding", ""))
    headers = (("cache-control", cache), ("etag", asset.etag), ("vary", "Accept-Encoding"))
    if request.arrival.headers.get("if-none-match") == asset.etag:
        return Drawn(status=304, headers=headers, media_type=asset.media_type).answer()
    if coding != "identity":
        headers = (*headers, ("content-encoding", coding))
    return Drawn(status=200, headers=headers, body=body, media_type=asset.media_type).answer()
