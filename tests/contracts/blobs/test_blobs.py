"""What every blob store promises, asked of each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from ecosystem.adapters.aws.blobs import S3Blobs
from ecosystem.adapters.embedded.blobs import FileBlobs
from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Invalid, Unavailable
from ecosystem.ports import blobs as names
from ecosystem.ports.blobs import BlobMissing, Blobs, BlobTooLarge, UnfitName, Upload, UploadRefused

PHOTO = "users/usr_1/uploads/photo.jpg"
BUCKET = "ecosystem-blobs"
A_MINUTE = timedelta(minutes=1)

Send = Callable[[Upload, bytes], Awaitable[bool]]


class Store(NamedTuple):
    """A blob store, and how a browser's bytes reach an address it offered (True when they were taken)."""

    blobs: Blobs
    send: Send


@pytest.fixture(scope="session")
def s3(amazon: Account) -> Iterator[S3Client]:
    client = amazon.s3()
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    client.close()


@pytest.fixture(params=["embedded", pytest.param("aws", marks=pytest.mark.xdist_group("amazon"))])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock, entropy: SeededEntropy
) -> AsyncIterator[Store]:
    if request.param == "embedded":
        files = await FileBlobs.open(
            tmp_path / "blobs", address="/uploads", secret=b"k" * 32, clock=clock, entropy=entropy
        )
        yield Store(files, _receiving(files))
        return
    client: S3Client = request.getfixturevalue("s3")
    yield Store(S3Blobs(client=client, bucket=BUCKET, clock=clock, threads=Threads(4, waiting_max=64)), _put)
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])


@pytest.fixture
def blobs(store: Store) -> Blobs:
    return store.blobs


def _receiving(files: FileBlobs) -> Send:
    async def send(upload: Upload, content: bytes) -> bool:
        parts = urlsplit(upload.url)
        query = parse_qs(parts.query)
        try:
            await files.receive(
                parts.path.removeprefix("/uploads/"),
                content,
                until=int(query["until"][0]),
                signature=query["signature"][0],
            )
        except UploadRefused:
            return False
        return True

    return send


async def _put(upload: Upload, content: bytes) -> bool:
    async with (
        ClientSession() as session,
        session.request(upload.method, upload.url, data=content, headers=dict(upload.headers)) as answer,
    ):
        return answer.status == 200


async def test_what_was_put_is_got_byte_for_byte(blobs: Blobs) -> None:
    content = bytes(range(256)) * 100

    await blobs.put(PHOTO, content)

    assert await blobs.get(PHOTO) == content


async def test_a_blob_may_be_empty(blobs: Blobs) -> None:
    await blobs.put("system/marks/empty.bin", b"")

    assert await blobs.get("system/marks/empty.bin") == b""


async def test_putting_again_replaces(blobs: Blobs) -> None:
    await blobs.put(PHOTO, b"first, and longer")
    await blobs.put(PHOTO, b"second")

    assert await blobs.get(PHOTO) == b"second"


async def test_a_missing_blob_is_refused_when_read(blobs: Blobs) -> None:
    with pytest.raises(BlobMissing):
        await blobs.get(PHOTO)


async def test_the_head_tells_size_and_type(blobs: Blobs) -> None:
    await blobs.put(PHOTO, b"12345")

    head = await blobs.head(PHOTO)

    assert head is not None
    assert (head.name, head.size_bytes, head.content_type) == (PHOTO, 5, "image/jpeg")
    assert head.stored_at.tzinfo is not None


async def test_a_missing_blob_has_no_head(blobs: Blobs) -> None:
    assert await blobs.head(PHOTO) is None


async def test_a_deleted_blob_is_gone_and_deleting_again_is_no_error(blobs: Blobs) -> None:
    await blobs.put(PHOTO, b"x")

    await blobs.delete(PHOTO)
    await blobs.delete(PHOTO)

    assert await blobs.head(PHOTO) is None


async def test_a_listing_is_ordered_paged_and_stays_in_its_folder(blobs: Blobs) -> None:
    for name in ("c.txt", "a.txt", "deep/er/b.txt", "a-1.txt"):
        await blobs.put(f"users/usr_1/uploads/{name}", name.encode())
    await blobs.put("users/usr_1/backups/a.zip", b"x")
    await blobs.put("users/usr_10/uploads/a.txt", b"x")

    first = await blobs.list("users/usr_1/uploads/", limit=3)
    second = await blobs.list("users/usr_1/uploads/", after=first.next, limit=3)

    assert [blob.name.removeprefix("users/usr_1/uploads/") for blob in first.blobs] == [
        "a-1.txt",
        "a.txt",
        "c.txt",
    ]
    assert [(blob.name, blob.size_bytes) for blob in second.blobs] == [("users/usr_1/uploads/deep/er/b.txt", 13)]
    assert second.next is None


async def test_a_listing_that_ends_with_its_page_has_no_next(blobs: Blobs) -> None:
    await blobs.put("themes/plain/style.css", b"a{}")

    assert (await blobs.list("themes/plain/", limit=1)).next is None
    assert (await blobs.list("themes/gone/")).blobs == []


async def test_everything_of_a_user_is_listed_for_erasure(blobs: Blobs) -> None:
    await blobs.put("users/usr_1/uploads/a.txt", b"x")
    await blobs.put("users/usr_1/backups/a.zip", b"x")
    await blobs.put("users/usr_2/uploads/a.txt", b"x")

    listing = await blobs.list("users/usr_1/")

    assert [blob.name for blob in listing.blobs] == ["users/usr_1/backups/a.zip", "users/usr_1/uploads/a.txt"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "photo.jpg",
        "users/usr_1/photo.jpg",
        "users/usr_1/uploads/",
        "users/usr_1/uploads/../../usr_2/uploads/a.jpg",
        "users/usr_1/uploads/./a.jpg",
        "users/../system/a.json",
        "/etc/passwd.txt",
        "../outside.txt",
        "system//a.json",
        "system/.hidden.json",
        "system/a\x00.json",
        "system/a.json\n",
        "system/a%2f..%2fb.json",
        "system\\a.json",
        "system/no_ending",
        "system/folder.with.dot/a.json",
        "System/a.json",
        "system/ä.json",
        "elsewhere/a.json",
        "system/" + "a" * 512 + ".json",
    ],
)
async def test_what_is_no_name_is_refused_by_every_act(blobs: Blobs, name: str) -> None:
    for act in (
        blobs.put(name, b"x"),
        blobs.get(name),
        blobs.head(name),
        blobs.delete(name),
        blobs.offer(name, size_bytes=1, life=A_MINUTE),
    ):
        with pytest.raises(UnfitName) as refused:
            await act
        assert refused.value.field == "name"


@pytest.mark.parametrize("prefix", ["", "/", "users", "users/../", "users//", ".", "users/usr_1/uploads/a.txt"])
async def test_what_is_no_folder_is_not_listed(blobs: Blobs, prefix: str) -> None:
    with pytest.raises(UnfitName):
        await blobs.list(prefix)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_listing_has_a_limit(blobs: Blobs, limit: int) -> None:
    with pytest.raises(Invalid):
        await blobs.list("system/", limit=limit)


async def test_too_much_is_refused_and_nothing_is_stored(blobs: Blobs) -> None:
    with pytest.raises(BlobTooLarge):
        await blobs.put(PHOTO, bytes(names.BLOB_BYTES_MAX + 1))

    assert await blobs.head(PHOTO) is None


async def test_an_offered_upload_stores_the_bytes(store: Store) -> None:
    upload = await store.blobs.offer(PHOTO, size_bytes=5, life=A_MINUTE)

    taken = await store.send(upload, b"12345")

    assert taken
    assert await store.blobs.get(PHOTO) == b"12345"


async def test_an_offer_takes_just_the_size_it_was_made_for(store: Store) -> None:
    upload = await store.blobs.offer(PHOTO, size_bytes=5, life=A_MINUTE)

    assert not await store.send(upload, b"123456")
    assert not await store.send(upload, b"1234")
    assert await store.blobs.head(PHOTO) is None


async def test_an_offer_is_not_good_for_another_name(store: Store) -> None:
    upload = await store.blobs.offer(PHOTO, size_bytes=5, life=A_MINUTE)
    bent = Upload(
        method=upload.method, url=upload.url.replace("usr_1", "usr_2"), headers=upload.headers, until=upload.until
    )

    assert not await store.send(bent, b"12345")
    assert await store.blobs.head(PHOTO.replace("usr_1", "usr_2")) is None


@pytest.mark.parametrize("name", ["users/usr_1/generated/a.webp", "themes/plain/style.css", "system/a.json"])
async def test_uploads_are_offered_into_upload_folders_alone(blobs: Blobs, name: str) -> None:
    with pytest.raises(UnfitName):
        await blobs.offer(name, size_bytes=5, life=A_MINUTE)


@pytest.mark.parametrize(
    ("size_bytes", "life"),
    [(0, A_MINUTE), (names.BLOB_BYTES_MAX + 1, A_MINUTE), (5, timedelta(0)), (5, timedelta(hours=2))],
)
async def test_an_offer_has_limits(blobs: Blobs, size_bytes: int, life: timedelta) -> None:
    with pytest.raises(Invalid):
        await blobs.offer(PHOTO, size_bytes=size_bytes, life=life)


def test_what_was_generated_is_public_and_uploads_are_not() -> None:
    assert names.is_public("users/usr_1/generated/a.webp")
    assert names.is_public("themes/plain/style.css")
    assert not names.is_public(PHOTO)
    assert not names.is_public("users/usr_1/backups/all.zip")
    assert not names.is_public("system/keys.json")


def test_only_a_name_made_from_the_content_is_kept_for_good() -> None:
    addressed = f"users/usr_1/generated/{'0' * 64}.webp"

    assert names.cache_control(addressed).endswith("immutable")
    assert names.cache_control("users/usr_1/generated/logo.webp") == "public, max-age=300"
    assert names.cache_control(PHOTO) == "private, no-store"


@given(st.text(alphabet="abz09_-./\\% \n", max_size=30))
def test_no_name_leads_out_of_its_folder(rest: str) -> None:
    try:
        name = names.uploaded("usr_1", rest)
    except UnfitName:
        return

    assert Path("/data", name).resolve().is_relative_to("/data/users/usr_1/uploads")


async def test_a_store_that_does_not_answer_is_unavailable(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account._config, "__defaults__", (1,))
    nowhere = Account(region="eu-central-1", endpoint="http://127.0.0.1:9", access_key="a", secret_key="b")
    store = await S3Blobs.open(nowhere, BUCKET, clock)

    with pytest.raises(Unavailable):
        await store.get(PHOTO)
    await store.close()
