"""Photographs: sent, described, put in order by hand or by keyboard, removed and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from litestar.params import FromPath
from msgspec import Meta, Struct

from ecosystem.contexts.catalogue import MediaUnknown
from ecosystem.kernel.refusals import Refusal
from ecosystem.ports.images import BYTES_MAX
from ecosystem.web.answers import Answer
from ecosystem.web.fields import Path
from ecosystem.web.provider.area import area, post
from ecosystem.web.provider.photos.album import AlbumFull, Holder, album, moved, ordered, restored
from ecosystem.web.templates import Toast, link
from ecosystem.web.visit import Visit

AT_ONCE = 6
UPLOAD_BYTES_MAX = AT_ONCE * BYTES_MAX + 100_000
ALBUM = "provider/photos/_album.html"


class Sent(Struct, kw_only=True):
    back: Path = ""


class Ordered(Struct, kw_only=True):
    """`order` is the whole of it, after a drag; `move` one photograph and a direction, from a button."""

    back: Path = ""
    order: list[str] = []
    move: Annotated[str, Meta(max_length=60)] = ""


class Described(Struct, kw_only=True):
    back: Path = ""
    alt: Annotated[str, Meta(max_length=300)] = ""


class Removed(Struct, kw_only=True):
    back: Path = ""
    at: int = 0


@post("/provider/photos/{whose:str}", request_max_body_size=UPLOAD_BYTES_MAX)
async def add(request: Visit, whose: FromPath[str]) -> Answer:
    """Take up to six photographs at once; each that is none is named, the others are kept."""
    holder = Holder(await area(request), whose)
    back = (await request.form_of(Sent)).asked.back
    await holder.load()
    wrong: list[tuple[str, str]] = []
    taken: list[str] = []
    files = await request.uploads("photos")
    wrong += [(file.filename, f"At most {AT_ONCE} at once: send it after these.") for file in files[AT_ONCE:]]
    for file in files[:AT_ONCE]:
        try:
            media = await request.market.media.upload(request.user_id, await file.read(), "", request.actor)
            taken.append(media.media_id)
        except Refusal as no:
            wrong.append((file.filename, no.message))
    if not files:
        wrong.append(("", "Choose a photograph first."))
    room = (await album(request, await holder.load(), whose, back=back)).room
    if taken[room:]:
        wrong.append(("", AlbumFull().message))
    if taken[:room]:
        await holder.change(lambda media: [*media, *taken[:room]])
    return await _shown(request, holder, back, wrong=wrong, toast=_thanks(len(taken[:room])))


@post("/provider/photos/{whose:str}/order")
async def order(request: Visit, whose: FromPath[str]) -> Answer:
    """Put them in order: the whole of it, or one a place to the front or the back."""
    holder = Holder(await area(request), whose)
    asked = (await request.form_of(Ordered)).asked
    media_id, _, way = asked.move.partition(":")
    if asked.move:
        await holder.change(lambda media: moved(media, media_id, -1 if way == "earlier" else 1))
    else:
        await holder.change(lambda media: ordered(media, asked.order))
    return await _shown(request, holder, asked.back)


@post("/provider/photos/{whose:str}/{media_id:str}/alt")
async def describe(request: Visit, whose: FromPath[str], media_id: FromPath[str]) -> Answer:
    """Say what a photograph shows."""
    holder = Holder(await area(request), whose)
    form = await request.form_of(Described)
    _must_hold((await holder.load()).media, media_id)
    await request.market.media.describe(media_id, form.asked.alt, request.actor)
    return await _shown(request, holder, form.asked.back, toast=Toast(text="Description saved."))


@post("/provider/photos/{whose:str}/{media_id:str}/remove")
async def remove(request: Visit, whose: FromPath[str], media_id: FromPath[str]) -> Answer:
    """Take one out of the album; it stays in the library, so that it can come back."""
    holder = Holder(await area(request), whose)
    back = (await request.form_of(Removed)).asked.back
    before = (await holder.load()).media
    _must_hold(before, media_id)
    await holder.change(lambda media: [each for each in media if each != media_id])
    undo = link(f"/provider/photos/{whose}/{media_id}/restore", {"at": before.index(media_id), "back": back})
    return await _shown(request, holder, back, toast=Toast(text="Photograph removed.", undo=undo))


@post("/provider/photos/{whose:str}/{media_id:str}/restore")
async def restore(request: Visit, whose: FromPath[str], media_id: FromPath[str]) -> Answer:
    """Bring a photograph back to where it was."""
    holder = Holder(await area(request), whose)
    asked = request.query_of(Removed).asked
    media = await request.market.media.load(media_id)
    if media.value.owner != request.user_id:
        raise MediaUnknown(field="media_id")
    await holder.change(lambda media: restored(media, media_id, asked.at))
    return request.redirect(request.back(asked.back, otherwise="/provider/profile"))


def _must_hold(media: Sequence[str], media_id: str) -> None:
    if media_id not in media:
        raise MediaUnknown(field="media_id")


def _thanks(count: int) -> Toast | None:
    if not count:
        return None
    return Toast(text="Photograph added." if count == 1 else f"{count} photographs added.")


async def _shown(
    request: Visit, holder: Holder, back: str, *, wrong: Sequence[tuple[str, str]] = (), toast: Toast | None = None
) -> Answer:
    """The album anew for htmx, else the page it stands on."""
    back = request.back(back, otherwise="/provider/profile")
    if request.arrival.wants_fragment or wrong:
        values = await album(request, await holder.load(), holder.whose, back=back, wrong=wrong)
        status = 422 if wrong else 200
        return holder.here.answer(
            "provider/photos/page.html", ALBUM, status=status, toast=toast, album=values, title="Photographs"
        )
    return request.redirect(back, toast=toast)
