"""Pictures of services and providers, in the size that a page has room for."""

from __future__ import annotations

import re

from litestar import get
from litestar.params import FromPath

from ecosystem.kernel import ids
from ecosystem.ports.blobs import BlobMissing
from ecosystem.web.answers import Answer, Drawn
from ecosystem.web.assets import NoSuchFile
from ecosystem.web.visit import Visit

_WIDTH = re.compile(r"([0-9]{2,4})\.webp")
FOR_EVER = "public, max-age=31536000, immutable"


@get("/media/{media_id:str}/{name:str}")
async def show(request: Visit, media_id: FromPath[str], name: FromPath[str]) -> Answer:
    """The picture at that width or the next there is: `640.webp`. What an id shows never changes, so it may be kept."""
    width = _WIDTH.fullmatch(name)
    if width is None:
        raise NoSuchFile
    media = (await request.market.media.load(ids.check("med", media_id, field="media_id"))).value
    size = media.fitting(int(width[1]))
    etag = f'"{size.name.rpartition("/")[2].removesuffix(".webp")[:20]}"'
    headers = (("cache-control", FOR_EVER), ("etag", etag))
    if request.arrival.headers.get("if-none-match") == etag:
        return Drawn(status=304, headers=headers, media_type="image/webp").answer()
    try:
        body = await request.market.ports.blobs.get(size.name)
    except BlobMissing:
        raise NoSuchFile from None
    return Drawn(status=200, headers=headers, body=body, media_type="image/webp").answer()
