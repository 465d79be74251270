"""Media: pictures of providers and their work, made anew in sizes, with words for those who do not see them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, NewType

from msgspec import Struct
from msgspec.structs import replace

from ecosystem.contexts.catalogue import events
from ecosystem.contexts.catalogue.fields import Findings
from ecosystem.contexts.catalogue.keys import media_count_key, media_index, media_key
from ecosystem.contexts.catalogue.providers import EditedMeanwhile
from ecosystem.kernel import ids
from ecosystem.kernel.actor import Actor
from ecosystem.kernel.refusals import Conflict, IdReused, NotFound, Refusal, Unavailable
from ecosystem.ports import blobs, images
from ecosystem.ports.blobs import Blobs, Upload
from ecosystem.ports.bus import Fact, announce
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy, mint
from ecosystem.ports.images import Images, Picture
from ecosystem.ports.table import ABSENT, PRESENT, Add, Cursor, Delete, Index, Page, Put, Row, Stored, Table

MediaId = NewType("MediaId", str)

ALT_LONGEST = 300
PICTURES_MOST = 500
OFFER_LIFE = timedelta(minutes=15)


class MediaUnknown(NotFound):
    """There is no such picture."""


class TooManyPictures(Conflict):
    """You have as many pictures as fit: remove one first."""


class Size(Struct, frozen=True, kw_only=True):
    """One rendition: its pixels, and the blob that holds it. The name is made from the content and never changes."""

    width: int
    height: int
    name: str


class Media(Stored, frozen=True, kw_only=True):
    """A picture. `alt` says what it shows, and is empty where it only adorns.

    `width` and `height` are those of the picture as sent, upright; `sizes` go from narrow to wide. `colour` and `blur`
    (a WebP of a few bytes) stand in its place until it is there. `made_by` and `made_from` tell a repeated request from
    another one.
    """

    entity: ClassVar[str] = "media"

    media_id: MediaId
    owner: str
    alt: str = ""
    width: int
    height: int
    colour: str
    blur: bytes
    sizes: tuple[Size, ...]
    made_by: str
    made_from: str
    created_at: datetime

    @property
    def placeholder(self) -> str:
        """The blur as an address that needs no request."""
        return f"data:image/webp;base64,{b64encode(self.blur).decode()}"

    @property
    def widest(self) -> Size:
        return self.sizes[-1]

    def fitting(self, width: int) -> Size:
        """The narrowest size that is at least that wide, or the widest there is."""
        return next((size for size in self.sizes if size.width >= width), self.widest)

    def source_set(self, base: str) -> str:
        """The `srcset` of an `img`, its addresses below `base`."""
        return ", ".join(f"{base}/{size.name} {size.width}w" for size in self.sizes)


def described(alt: str) -> str:
    """The words as they are kept. Raises `FieldsRefused`."""
    findings = Findings()
    alt = findings.line("alt", alt, longest=ALT_LONGEST)
    findings.settle()
    return alt


def kept(
    picture: Picture, *, media_id: MediaId, owner: str, alt: str, made_by: str, made_from: str, at: datetime
) -> Media:
    """The picture as it is kept, its sizes named after their content."""
    return Media(
        media_id=media_id,
        owner=owner,
        alt=alt,
        width=picture.width,
        height=picture.height,
        colour=picture.colour,
        blur=picture.blur,
        sizes=tuple(
            Size(
                width=each.width,
                height=each.height,
                name=blobs.generated(owner, f"{media_id}/{sha256(each.content).hexdigest()}.webp"),
            )
            for each in picture.renditions
        ),
        made_by=made_by,
        made_from=made_from,
        created_at=at,
    )


def request_digest(owner: str, content: bytes, alt: str) -> str:
    """A fingerprint of an upload, to tell it from another under the same id."""
    return sha256(b"\0".join([owner.encode(), alt.encode(), content])).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class MediaLibrary:
    """Takes pictures from outside, keeps what was made of them, and lets go of them."""

    table: Table
    blobs: Blobs
    images: Images
    clock: Clock
    entropy: Entropy

    async def upload(
        self, owner: str, content: bytes, alt: str, actor: Actor, *, media_id: MediaId | None = None
    ) -> Media:
        """Add a picture for that owner (a user's id). The same upload under the same id returns the first outcome.

        Raises `Denied`, `NotAnImage`, `ImageTooLarge`, `FieldsRefused`, `TooManyPictures`, `IdReused`.
        """
        actor.must_be(owner)
        at = self.clock.now()
        media_id = MediaId(
            mint("med", at, self.entropy) if media_id is None else ids.check("med", media_id, field="media_id")
        )
        alt = described(alt)
        images.check_bytes(content)
        digest = request_digest(owner, content, alt)
        if (earlier := await self.table.get(media_key(media_id), Media)) is not None:
            return _first_outcome(earlier.value, actor, digest)
        picture = await self.images.remake(content)
        media = kept(picture, media_id=media_id, owner=owner, alt=alt, made_by=actor.actor_id, made_from=digest, at=at)
        # The blobs first: an item never names what is not there.
        for size, rendition in zip(media.sizes, picture.renditions, strict=True):
            await self.blobs.put(size.name, rendition.content)
        return await self._added(media, actor, at)

    async def offer(self, owner: str, size_bytes: int, actor: Actor) -> tuple[str, Upload]:
        """A place where the owner's browser may put a picture by itself, and the name to `adopt` it by afterwards.

        Raises `Denied`, `ImageTooLarge`, `NotAnImage`.
        """
        actor.must_be(owner)
        if size_bytes > images.BYTES_MAX:
            raise images.ImageTooLarge(field="size_bytes")
        name = blobs.uploaded(owner, f"{mint('med', self.clock.now(), self.entropy)}.bin")
        return name, await self.blobs.offer(name, size_bytes=size_bytes, life=OFFER_LIFE)

    async def adopt(self, owner: str, name: str, alt: str, actor: Actor, *, media_id: MediaId | None = None) -> Media:
        """Add the picture that was put there, and let go of what was sent. Raises as `upload`, and `BlobMissing`."""
        actor.must_be(owner)
        if not blobs.check_name(name).startswith(f"users/{owner}/uploads/"):
            raise blobs.BlobMissing(field="name")
        head = await self.blobs.head(name)
        if head is not None and head.size_bytes > images.BYTES_MAX:
            raise images.ImageTooLarge(field="content")
        media = await self.upload(owner, await self.blobs.get(name), alt, actor, media_id=media_id)
        await self.blobs.delete(name)
        return media

    async def load(self, media_id: str) -> Row[Media]:
        """The picture as stored. Raises `MediaUnknown`."""
        row = await self.table.get(media_key(media_id), Media)
        if row is None:
            raise MediaUnknown(field="media_id")
        return row

    async def find(self, media_ids: Sequence[str]) -> Mapping[str, Media]:
        """Up to a hundred pictures by id; those that are gone are left out."""
        wanted = [media_key(media_id) for media_id in dict.fromkeys(media_ids)]
        rows = await self.table.batch_get(wanted, Media)
        return {row.value.media_id: row.value for row in rows if row is not None}

    async def of(self, owner: str, *, after: Cursor | None = None, limit: int = 50) -> Page[Media]:
        """An owner's pictures, newest first. Of an index, so what was just added may be missing."""
        partition = media_index(owner, "").partition
        return await self.table.query(partition, Media, index=Index.STATUS, after=after, descending=True, limit=limit)

    async def describe(self, media_id: str, alt: str, actor: Actor) -> Media:
        """Say anew what the picture shows. Raises `MediaUnknown`, `Denied`, `FieldsRefused`, `EditedMeanwhile`."""
        row = await self.load(media_id)
        actor.must_be(row.value.owner)
        became = replace(row.value, alt=described(alt))
        if became == row.value:
            return became
        fact = events.MediaDescribed(media_id=media_id, owner=became.owner, alt=became.alt)
        put = Put(key=row.key, value=became, index=row.index, expected=row.unchanged, otherwise=EditedMeanwhile())
        await self.table.transact(put, _told(fact, row.version + 1, actor, self.clock.now(), row.value))
        return became

    async def remove(self, media_id: str, actor: Actor) -> None:
        """Let go of the picture; whoever still names it shows nothing. Raises `MediaUnknown`, `Denied`."""
        row = await self.load(media_id)
        media = row.value
        actor.must_be(media.owner)
        fact = events.MediaRemoved(media_id=media_id, owner=media.owner)
        await self.table.transact(
            Delete(key=row.key, expected=PRESENT, otherwise=MediaUnknown(field="media_id")),
            Add(key=media_count_key(media.owner), by={"media": -1}),
            _told(fact, row.version + 1, actor, self.clock.now(), media),
        )
        await self._discard(media.sizes)

    async def _added(self, media: Media, actor: Actor, at: datetime) -> Media:
        fact = events.MediaAdded(media_id=media.media_id, owner=media.owner)
        put = Put(
            key=media_key(media.media_id),
            value=media,
            index={Index.STATUS: media_index(media.owner, media.media_id)},
            expected=ABSENT,
            otherwise=IdReused(field="media_id"),
        )
        counted = Add(
            key=media_count_key(media.owner),
            by={"media": 1},
            at_most={"media": PICTURES_MOST},
            otherwise=TooManyPictures(),
        )
        try:
            await self.table.transact(put, counted, _told(fact, 1, actor, at))
        except IdReused:
            # The same request, sent twice at once: the other one was first.
            earlier = (await self.load(media.media_id)).value
            await self._discard([size for size in media.sizes if size not in earlier.sizes])
            return _first_outcome(earlier, actor, media.made_from)
        except Refusal:
            await self._discard(media.sizes)
            raise
        return media

    async def _discard(self, sizes: Sequence[Size]) -> None:
        # Blobs that nobody names harm nobody: that they stay is no reason to refuse what is already decided.
        with suppress(Unavailable):
            for size in sizes:
                await self.blobs.delete(size.name)


def _first_outcome(earlier: Media, actor: Actor, digest: str) -> Media:
    if (earlier.made_by, earlier.made_from) != (actor.actor_id, digest):
        raise IdReused(field="media_id")
    return earlier


def _told(fact: Fact, version: int, actor: Actor, at: datetime, before: Media | None = None) -> Put:
    assert isinstance(fact, events.MediaAdded | events.MediaDescribed | events.MediaRemoved)
    partition, previous = media_key(fact.media_id).partition, {"alt": before.alt} if before else {}
    return announce(fact, aggregate=partition, sequence=version, actor=actor, at=at, previous=previous)
