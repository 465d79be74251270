"""Pictures: taken in, made anew, described, removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ecosystem.adapters.embedded.blobs import FileBlobs
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.images import PillowImages
from ecosystem.contexts.catalogue import FieldsRefused, MediaId, MediaLibrary, MediaUnknown, TooManyPictures
from ecosystem.contexts.catalogue.keys import media_count_key
from ecosystem.kernel.actor import VISITOR, Actor, system
from ecosystem.kernel.refusals import Denied, IdReused, Invalid, Unavailable
from ecosystem.ports.blobs import BlobMissing, UnfitName, cache_control, is_public
from ecosystem.ports.bus import Event
from ecosystem.ports.images import BYTES_MAX, ImageTooLarge, NotAnImage
from ecosystem.ports.table import Add, Counter, Put, Table
from ecosystem.ports.table_codec import decoded

OWNER = Actor(actor_id="usr_01kag2m8xw0000000000000001")
OTHER = Actor(actor_id="usr_01kag2m8xw0000000000000002")
MINE = OWNER.actor_id
THIS = MediaId("med_01kag2m8xw0000000000000001")


@pytest.fixture
async def blobs(tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy) -> FileBlobs:
    return await FileBlobs.open(tmp_path / "blobs", address="/uploads", secret=b"k" * 32, clock=clock, entropy=entropy)


@pytest.fixture
def library(table: Table, blobs: FileBlobs, clock: VirtualClock, entropy: SeededEntropy) -> MediaLibrary:
    return MediaLibrary(table=table, blobs=blobs, images=PillowImages(), clock=clock, entropy=entropy)


def picture(width: int = 800, height: int = 600, colour: str = "teal", kind: str = "PNG") -> bytes:
    written = BytesIO()
    Image.new("RGB", (width, height), colour).save(written, kind)
    return written.getvalue()


async def names(blobs: FileBlobs) -> list[str]:
    return [blob.name for blob in (await blobs.list(f"users/{MINE}/")).blobs]


async def test_an_upload_becomes_a_picture_in_sizes(library: MediaLibrary, blobs: FileBlobs) -> None:
    media = await library.upload(MINE, picture(), "  A teal \n wall ", OWNER)

    assert (media.owner, media.alt, media.width, media.height) == (MINE, "A teal wall", 800, 600)
    assert [(size.width, size.height) for size in media.sizes] == [(320, 240), (640, 480), (800, 600)]
    assert (await library.load(media.media_id)).value == media
    assert sorted(await names(blobs)) == sorted(size.name for size in media.sizes)


async def test_each_size_is_named_after_its_content_public_and_kept_for_good(
    library: MediaLibrary, blobs: FileBlobs
) -> None:
    media = await library.upload(MINE, picture(), "", OWNER)

    for size in media.sizes:
        content = await blobs.get(size.name)
        assert size.name == f"users/{MINE}/generated/{media.media_id}/{sha256(content).hexdigest()}.webp"
        assert is_public(size.name)
        assert "immutable" in cache_control(size.name)


async def test_a_picture_tells_what_stands_in_its_place(library: MediaLibrary) -> None:
    media = await library.upload(MINE, picture(colour="#0aa0c8"), "", OWNER)

    assert media.colour.startswith("#0")
    assert media.placeholder.startswith("data:image/webp;base64,")
    assert len(media.placeholder) < 300


async def test_a_page_chooses_among_the_sizes(library: MediaLibrary) -> None:
    media = await library.upload(MINE, picture(), "", OWNER)

    assert [media.fitting(width).width for width in (1, 320, 321, 800, 2000)] == [320, 320, 640, 800, 800]
    assert media.source_set("/media") == ", ".join(f"/media/{size.name} {size.width}w" for size in media.sizes)


async def test_adding_a_picture_is_told(library: MediaLibrary, table: Table) -> None:
    media = await library.upload(MINE, picture(), "", OWNER)

    events = [
        decoded(change.new, Event)
        for change in await table.changes(None)
        if change.new is not None and change.new.entity == "event"
    ]

    assert [(event.type, event.detail["media_id"], event.actor) for event in events] == [
        ("MediaAdded", media.media_id, OWNER)
    ]


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7"])
async def test_what_is_no_picture_is_refused_and_leaves_nothing(
    library: MediaLibrary, blobs: FileBlobs, table: Table, content: bytes
) -> None:
    with pytest.raises(NotAnImage) as refused:
        await library.upload(MINE, content, "", OWNER)

    assert refused.value.field == "content"
    assert await names(blobs) == []
    assert list(await table.changes(None)) == []


async def test_too_large_a_picture_is_refused(library: MediaLibrary) -> None:
    with pytest.raises(ImageTooLarge):
        await library.upload(MINE, b"\xff\xd8\xff" + bytes(BYTES_MAX), "", OWNER)


@pytest.mark.parametrize("alt", ["x" * 301, "a\x00b", "a\u202eb"])
async def test_words_that_do_not_fit_are_refused(library: MediaLibrary, blobs: FileBlobs, alt: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        await library.upload(MINE, picture(), alt, OWNER)

    assert refused.value.field == "alt"
    assert await names(blobs) == []


@pytest.mark.parametrize("actor", [OTHER, VISITOR])
async def test_nobody_adds_pictures_for_somebody_else(library: MediaLibrary, actor: Actor) -> None:
    with pytest.raises(Denied):
        await library.upload(MINE, picture(), "", actor)
    with pytest.raises(Denied):
        await library.offer(MINE, 10, actor)


async def test_the_system_adds_pictures_for_anybody(library: MediaLibrary) -> None:
    assert await library.upload(MINE, picture(), "", system("demo"))


async def test_the_same_upload_again_is_the_first(library: MediaLibrary, blobs: FileBlobs) -> None:
    first = await library.upload(MINE, picture(), "wall", OWNER, media_id=THIS)
    again = await library.upload(MINE, picture(), "wall", OWNER, media_id=THIS)

    assert again == first
    assert len(await names(blobs)) == 3


async def test_the_same_upload_twice_at_once_is_one(library: MediaLibrary, blobs: FileBlobs, table: Table) -> None:
    both = await asyncio.gather(*(library.upload(MINE, picture(), "wall", OWNER, media_id=THIS) for _ in range(2)))

    assert both[0] == both[1]
    assert len(await names(blobs)) == 3
    counted = await table.get(media_count_key(MINE), Counter)
    assert counted is not None
    assert counted.counters["media"] == 1


async def test_an_id_that_names_another_upload_is_refused(library: MediaLibrary, blobs: FileBlobs) -> None:
    await library.upload(MINE, picture(), "wall", OWNER, media_id=THIS)

    with pytest.raises(IdReused):
        await library.upload(MINE, picture(colour="red"), "wall", OWNER, media_id=THIS)
    with pytest.raises(IdReused):
        await library.upload(MINE, picture(), "door", OWNER, media_id=THIS)
    with pytest.raises(IdReused):
        await library.upload(OTHER.actor_id, picture(), "wall", OTHER, media_id=THIS)
    assert len(await names(blobs)) == 3


async def test_what_is_no_id_is_refused(library: MediaLibrary) -> None:
    with pytest.raises(Invalid) as refused:
        await library.upload(MINE, picture(), "", OWNER, media_id=MediaId("../../etc"))

    assert refused.value.field == "media_id"


async def test_an_owner_has_a_bounded_number_of_pictures(library: MediaLibrary, blobs: FileBlobs, table: Table) -> None:
    await table.transact(Put(key=media_count_key(MINE), value=Counter(), counters={"media": 499}))
    await library.upload(MINE, picture(), "", OWNER)

    with pytest.raises(TooManyPictures):
        await library.upload(MINE, picture(), "", OWNER)

    assert len(await names(blobs)) == 3


async def test_removing_a_picture_makes_room_and_leaves_no_blob(
    library: MediaLibrary, blobs: FileBlobs, table: Table
) -> None:
    media = await library.upload(MINE, picture(), "", OWNER)
    await table.transact(Add(key=media_count_key(MINE), by={"media": 499}))

    await library.remove(media.media_id, OWNER)

    assert await names(blobs) == []
    assert await library.find([media.media_id]) == {}
    assert await library.upload(MINE, picture(), "", OWNER)


async def test_only_its_owner_removes_or_describes_a_picture(library: MediaLibrary) -> None:
    media = await library.upload(MINE, picture(), "", OWNER)

    with pytest.raises(Denied):
        await library.remove(media.media_id, OTHER)
    with pytest.raises(Denied):
        await library.describe(media.media_id, "mine", OTHER)
    with pytest.raises(MediaUnknown):
        await library.remove("med_01kag2m8xw0000000000000009", OWNER)


async def test_that_blobs_could_not_be_removed_does_not_keep_the_picture(library: MediaLibrary) -> None:
    class Stuck(FileBlobs):
        async def delete(self, name: str) -> None:
            raise Unavailable

    media = await library.upload(MINE, picture(), "", OWNER)
    held = library.blobs
    assert isinstance(held, FileBlobs)
    stuck = Stuck(folder=held.folder, address="", secret=b"", clock=held.clock, entropy=held.entropy)

    await replace(library, blobs=stuck).remove(media.media_id, OWNER)

    assert await library.find([media.media_id]) == {}


async def test_a_picture_is_described_anew(library: MediaLibrary) -> None:
    media = await library.upload(MINE, picture(), "wall", OWNER)

    became = await library.describe(media.media_id, "A wall in teal", OWNER)

    assert became.alt == "A wall in teal"
    assert became.sizes == media.sizes
    assert await library.describe(media.media_id, "A wall in teal", OWNER) == became
    assert (await library.load(media.media_id)).version == 2


async def test_pictures_are_found_by_id_and_by_owner(library: MediaLibrary, clock: VirtualClock) -> None:
    first = await library.upload(MINE, picture(), "first", OWNER)
    second = await library.upload(MINE, picture(), "second", OWNER)
    await library.upload(OTHER.actor_id, picture(), "other", OTHER)

    found = await library.find([second.media_id, "med_01kag2m8xw0000000000000009", first.media_id, first.media_id])
    page = await library.of(MINE)

    assert {media.alt for media in found.values()} == {"first", "second"}
    assert {media.alt for media in page.values} == {"first", "second"}


async def test_a_browser_puts_a_picture_by_itself_and_has_it_adopted(library: MediaLibrary, blobs: FileBlobs) -> None:
    content = picture(kind="JPEG")
    name, upload = await library.offer(MINE, len(content), OWNER)
    await blobs.put(name, content)

    media = await library.adopt(MINE, name, "wall", OWNER)

    assert upload.url.startswith("/uploads/")
    assert media.width == 800
    assert sorted(await names(blobs)) == sorted(size.name for size in media.sizes)


async def test_only_ones_own_uploads_are_adopted(library: MediaLibrary, blobs: FileBlobs) -> None:
    theirs = f"users/{OTHER.actor_id}/uploads/a.bin"
    await blobs.put(theirs, picture())

    with pytest.raises(BlobMissing):
        await library.adopt(MINE, theirs, "", OWNER)
    with pytest.raises(BlobMissing):
        await library.adopt(MINE, f"users/{MINE}/uploads/none.bin", "", OWNER)
    with pytest.raises(UnfitName):
        await library.adopt(MINE, f"users/{MINE}/uploads/../../{OTHER.actor_id}/uploads/a.bin", "", OWNER)


async def test_an_adopted_upload_that_is_no_picture_is_refused(library: MediaLibrary, blobs: FileBlobs) -> None:
    name, _ = await library.offer(MINE, 6, OWNER)
    await blobs.put(name, b"<html>")

    with pytest.raises(NotAnImage):
        await library.adopt(MINE, name, "", OWNER)
    with pytest.raises(ImageTooLarge):
        await library.offer(MINE, BYTES_MAX + 1, OWNER)
