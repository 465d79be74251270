"""Pictures that programs send: by providers alone, with the checks of the pages, and once under one id."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from ecosystem.ports.images import BYTES_MAX

from .programs import ADA, PEDRO, Client, Shop

HEADER = {"content-type": "application/octet-stream"}


def photograph(colour: str = "#0f766e", kind: str = "JPEG") -> bytes:
    file = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "A camera that tells"
    Image.new("RGB", (800, 600), colour).save(file, kind, exif=exif)
    return file.getvalue()


async def send(client: Client, content: bytes, **asked: Any) -> httpx.Response:
    return await client.http.post("/api/media", content=content, params=asked, headers=HEADER | client.headers())


def name_of(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    return error["errorType"]


async def test_a_picture_is_sent_shown_and_put_on_a_service(shop: Shop) -> None:
    pedro = await shop.signed_in(PEDRO)

    answer = await send(pedro, photograph(), alt="A mended tap")
    media = answer.json()
    edited = await pedro.ask(
        "mutation ($s: ID!, $m: [ID!]) { editService(serviceId: $s, fields: {media: $m}) { pictures { mediaId alt } } }",
        s=shop.service_id,
        m=[media["mediaId"]],
    )
    shown = await pedro.http.get(media["sizes"][0]["path"])

    assert answer.status_code == 201
    assert (media["width"], media["height"], media["alt"]) == (800, 600, "A mended tap")
    assert edited["pictures"] == [{"mediaId": media["mediaId"], "alt": "A mended tap"}]
    assert shown.headers["content-type"] == "image/webp"
    assert b"camera" not in shown.content


async def test_the_same_picture_under_the_same_id_is_kept_once(shop: Shop) -> None:
    pedro, media_id = await shop.signed_in(PEDRO), shop.market.id("med")

    first = await send(pedro, photograph(), mediaId=media_id)
    again = await send(pedro, photograph(), mediaId=media_id)
    other = await send(pedro, photograph("#b45309"), mediaId=media_id)

    assert first.json() == again.json()
    assert first.json()["mediaId"] == media_id
    assert (other.status_code, name_of(other)) == (409, "IdReused")


async def test_only_providers_with_a_token_that_holds_may(shop: Shop) -> None:
    visitor, ada, guest = shop.visitor(), await shop.signed_in(ADA), await shop.guest()
    broken = shop.visitor()
    broken.token = "nonsense"

    answers = [await send(each, photograph()) for each in (visitor, broken, guest, ada)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 403]
    assert name_of(answers[0]) == "TokenNeeded"
    assert name_of(answers[3]) == "ProvidersOnly"
    assert all("www-authenticate" in answer.headers for answer in answers[:3])


@pytest.mark.parametrize(
    ("content", "asked", "status", "name"),
    [
        (b"", {}, 422, "NotAnImage"),
        (b"<svg onload=alert(1)>", {}, 422, "NotAnImage"),
        (photograph()[:200], {}, 422, "NotAnImage"),
        (b"GIF89a<script>", {}, 422, "NotAnImage"),
        (b"\0" * (BYTES_MAX + 1), {}, 422, "ImageTooLarge"),
        (photograph(), {"mediaId": "med_1"}, 422, None),
        (photograph(), {"alt": "x" * 301}, 422, "FieldsRefused"),
        (photograph(), {"ownerId": "usr_1"}, 422, "UnknownArgument"),
        (photograph(), {"alt": ["a", "b"]}, 422, "UnknownArgument"),
    ],
)
async def test_what_is_no_picture_or_not_asked_rightly_is_refused(
    shop: Shop, content: bytes, asked: dict[str, Any], status: int, name: str | None
) -> None:
    pedro = await shop.signed_in(PEDRO)

    answer = await send(pedro, content, **asked)

    assert answer.status_code == status
    assert name is None or name_of(answer) == name


async def test_only_a_post_is_taken(shop: Shop) -> None:
    answer = await shop.visitor().http.get("/api/media")

    assert answer.status_code == 405


async def test_more_than_fits_is_not_read_to_its_end_whatever_length_it_claims(shop: Shop) -> None:
    pedro = await shop.signed_in(PEDRO)
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(400):
            read += 65_536
            yield b"\0" * 65_536

    answer = await pedro.http.post("/api/media", content=endless(), headers=HEADER | pedro.headers())

    assert answer.status_code == 413
    # The client under test hands over what it has; what matters is that it was not taken.
    assert read
