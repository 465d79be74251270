"""What becomes of a picture from outside."""

from __future__ import annotations

import asyncio
import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import ExifTags, Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from ecosystem.adapters.outside.images import PillowImages
from ecosystem.adapters.outside.threads import TooBusy
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports import images as port
from ecosystem.ports.images import ImageTooLarge, NotAnImage

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "AVIF"]


@pytest.fixture
def images() -> PillowImages:
    return PillowImages()


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    written = BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def read(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def photo(width: int = 800, height: int = 600) -> Image.Image:
    """Red above, blue below: which way is up can be seen."""
    picture = Image.new("RGB", (width, height), (200, 30, 30))
    ImageDraw.Draw(picture).rectangle((0, height // 2, width, height), fill=(30, 30, 200))
    return picture


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that claims this size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        body += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return body


@pytest.mark.parametrize("kind", FORMATS)
async def test_every_format_becomes_webp_in_three_widths(images: PillowImages, kind: str) -> None:
    made = await images.remake(encoded(photo(1600, 1200), kind))

    assert (made.width, made.height) == (1600, 1200)
    assert [(each.width, each.height) for each in made.renditions] == [(320, 240), (640, 480), (1280, 960)]
    for each in made.renditions:
        assert each.content[8:12] == b"WEBP"
        assert read(each.content).size == (each.width, each.height)


async def test_a_picture_is_never_made_wider_than_it_is(images: PillowImages) -> None:
    small = await images.remake(encoded(photo(200, 100), "PNG"))
    middling = await images.remake(encoded(photo(500, 400), "PNG"))

    assert [each.width for each in small.renditions] == [200]
    assert [each.width for each in middling.renditions] == [320, 500]


async def test_a_picture_of_one_pixel_is_a_picture(images: PillowImages) -> None:
    made = await images.remake(encoded(Image.new("RGB", (1, 1), "red"), "PNG"))

    assert [(each.width, each.height) for each in made.renditions] == [(1, 1)]


async def test_a_very_tall_picture_keeps_its_shape(images: PillowImages) -> None:
    made = await images.remake(encoded(photo(10, 6000), "PNG"))

    assert [(each.width, each.height) for each in made.renditions] == [(10, 6000)]


@pytest.mark.parametrize(
    ("orientation", "size", "top"),
    [(1, (640, 480), "red"), (3, (640, 480), "blue"), (6, (480, 640), None), (8, (480, 640), None)],
)
async def test_a_photograph_is_turned_as_its_camera_was_held(
    images: PillowImages, orientation: int, size: tuple[int, int], top: str | None
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation

    made = await images.remake(encoded(photo(640, 480), "JPEG", exif=exif.tobytes()))

    assert (made.width, made.height) == size
    widest = read(made.renditions[-1].content).convert("RGB")
    assert widest.size == size
    red, _, blue = pixel(widest, widest.width // 2, 10)
    if top is not None:
        assert ("red" if red > blue else "blue") == top
    else:
        left, _, right = pixel(widest, 10, widest.height // 2)
        assert (left > right) == (orientation == 8)


async def test_a_large_photograph_turned_on_its_side_keeps_its_true_size(images: PillowImages) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6

    made = await images.remake(encoded(photo(8000, 6000), "JPEG", exif=exif.tobytes(), quality=30))

    assert (made.width, made.height) == (6000, 8000)
    assert [(each.width, each.height) for each in made.renditions] == [(320, 427), (640, 853), (1280, 1707)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_nothing_beside_the_picture_is_kept(images: PillowImages, kind: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SecretCamera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSDateStamp] = "2026:11:20"
    text = PngInfo()
    text.add_text("Comment", "SecretCamera")
    options: dict[str, Any] = {"exif": exif.tobytes()} | ({"pnginfo": text} if kind == "PNG" else {})
    sent = encoded(photo(), kind, **options)
    assert b"SecretCamera" in sent

    made = await images.remake(sent)

    for each in made.renditions:
        assert b"SecretCamera" not in each.content
        assert b"EXIF" not in each.content
        assert b"ICCP" not in each.content
        assert dict(read(each.content).getexif()) == {}


async def test_colours_of_a_wide_profile_are_brought_to_srgb(images: PillowImages) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sent = encoded(Image.new("RGB", (64, 64), (200, 30, 30)), "PNG", icc_profile=profile)

    made = await images.remake(sent)

    assert close(pixel(read(made.renditions[0].content).convert("RGB"), 32, 32), (200, 30, 30))


async def test_a_broken_profile_is_passed_over(images: PillowImages) -> None:
    made = await images.remake(encoded(photo(), "PNG", icc_profile=b"not a profile"))

    assert made.renditions


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
async def test_every_kind_of_pixel_is_taken(images: PillowImages, mode: str) -> None:
    sent = encoded(photo(64, 64).convert("L").point(lambda grey: grey * 256, "I").convert("I;16"), "PNG")
    if mode != "I;16":
        sent = encoded(photo(64, 64).convert(mode), "PNG")

    made = await images.remake(sent)

    grey = read(made.renditions[0].content).convert("L")
    upper, lower = grey.getpixel((32, 8)), grey.getpixel((32, 56))
    assert isinstance(upper, int)
    assert isinstance(lower, int)
    assert upper > lower > 0 or mode == "1"


async def test_cmyk_photographs_are_taken(images: PillowImages) -> None:
    made = await images.remake(encoded(photo().convert("CMYK"), "JPEG"))

    assert read(made.renditions[0].content).mode == "RGB"


async def test_what_is_seen_through_stays_so(images: PillowImages) -> None:
    clear = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    ImageDraw.Draw(clear).ellipse((100, 100, 300, 300), fill=(0, 128, 0, 255))

    made = await images.remake(encoded(clear, "PNG"))

    shown = read(made.renditions[0].content)
    assert shown.mode == "RGBA"
    assert shown.getpixel((2, 2))[3] == 0  # type: ignore[index]
    assert made.colour > "#a0a0a0"


async def test_of_moving_pictures_the_first_frame_is_kept(images: PillowImages) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "green")]

    made = await images.remake(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    shown = read(made.renditions[0].content)
    assert getattr(shown, "n_frames", 1) == 1
    assert close(pixel(shown.convert("RGB"), 5, 5), (255, 0, 0))


async def test_the_placeholder_is_the_mean_colour_and_a_few_bytes(images: PillowImages) -> None:
    made = await images.remake(encoded(Image.new("RGB", (640, 480), (10, 200, 100)), "PNG"))

    assert close(tuple(bytes.fromhex(made.colour[1:])), (10, 200, 100))
    assert read(made.blur).size == (16, 12)
    assert len(made.blur) < 200


async def test_the_same_picture_gives_the_same_bytes(images: PillowImages) -> None:
    sent = encoded(photo(), "JPEG")

    first, second = await images.remake(sent), await images.remake(sent)

    assert first == second


NOT_PICTURES: list[tuple[str, Callable[[], bytes]]] = [
    ("nothing", lambda: b""),
    ("text", lambda: b"hello"),
    ("html", lambda: b"<!DOCTYPE html><html><body>hi</body></html>"),
    ("svg", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ("svg with a declaration", lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    ("pdf", lambda: b"%PDF-1.7 ..."),
    ("postscript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
    ("tiff", lambda: encoded(photo(), "TIFF")),
    ("bmp", lambda: encoded(photo(), "BMP")),
    ("ico", lambda: encoded(photo(64, 64), "ICO")),
    ("a gif that is a page", lambda: b"GIF89a/*<html><script>alert(1)</script>*/=1;" + b"\x00" * 100),
    ("a jpeg that ends as a page", lambda: encoded(photo(), "JPEG") + b"<script>alert(1)</script>"),
    ("a png that ends as a page", lambda: encoded(photo(), "PNG") + b"<HTML><body onload=alert(1)>"),
    ("a jpeg with a page in its comment", lambda: encoded(photo(), "JPEG", comment=b"<svg onload=alert(1)>")),
    ("the start of a jpeg", lambda: encoded(photo(), "JPEG")[:200]),
    ("half a jpeg", lambda: encoded(noise(), "JPEG")[:6000]),
    ("half a png", lambda: encoded(noise(), "PNG")[:6000]),
    ("half a webp", lambda: encoded(noise(), "WEBP")[:3000]),
    ("half a gif", lambda: encoded(noise(), "GIF")[:6000]),
    ("half an avif", lambda: encoded(noise(), "AVIF")[:3000]),
    ("a png without pixels", lambda: png(0, 0)),
    ("a png that lies", lambda: png(100, 100, (b"IDAT", zlib.compress(b"\x00" * 10)))),
]


@pytest.mark.parametrize("content", [made for _, made in NOT_PICTURES], ids=[name for name, _ in NOT_PICTURES])
async def test_what_is_no_whole_picture_is_refused(images: PillowImages, content: Callable[[], bytes]) -> None:
    with pytest.raises(NotAnImage) as refused:
        await images.remake(content())

    assert refused.value.field == "content"


TOO_LARGE: list[tuple[str, Callable[[], bytes]]] = [
    ("bytes", lambda: b"\xff\xd8\xff" + bytes(port.BYTES_MAX)),
    ("png bomb", lambda: png(50_000, 50_000, (b"IDAT", zlib.compress(b"\x00" * 1000)))),
    ("wide png", lambda: png(12_001, 1, (b"IDAT", zlib.compress(b"\x00" * 40000)))),
    ("png of many pixels", lambda: png(11_000, 11_000, (b"IDAT", zlib.compress(b"\x00" * 1000)))),
    ("gif bomb", lambda: b"GIF89a" + struct.pack("<HH", 65535, 65535) + encoded(photo(8, 8), "GIF")[10:]),
    ("jpeg bomb", lambda: claimed_jpeg(65_000, 65_000)),
]


@pytest.mark.parametrize("content", [made for _, made in TOO_LARGE], ids=[name for name, _ in TOO_LARGE])
async def test_what_is_too_large_is_refused_before_it_is_unpacked(
    images: PillowImages, content: Callable[[], bytes]
) -> None:
    with pytest.raises(ImageTooLarge) as refused:
        await images.remake(content())

    assert refused.value.field == "content"


async def test_damaged_pictures_are_refused_and_never_break_anything(images: PillowImages) -> None:
    chance = random.Random(7)
    for kind in FORMATS:
        whole = encoded(noise(96, 64), kind)
        for _ in range(60):
            bent = bytearray(whole)
            for _ in range(chance.choice([1, 3, 30])):
                bent[chance.randrange(len(bent))] = chance.randrange(256)
            try:
                await images.remake(bytes(bent), (48,))
            except (NotAnImage, ImageTooLarge):
                continue


@pytest.mark.parametrize("widths", [(), (0,), (-1,), (20_000,), tuple(range(1, 10))])
async def test_widths_have_limits(images: PillowImages, widths: tuple[int, ...]) -> None:
    with pytest.raises(Invalid):
        await images.remake(encoded(photo(), "PNG"), widths)


async def test_when_too_many_wait_the_next_is_told_so() -> None:
    images = PillowImages(threads=1, waiting_max=1)
    sent = encoded(photo(2000, 1500), "PNG")

    outcomes = await asyncio.gather(*(images.remake(sent) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(outcome, port.Picture) for outcome in outcomes) >= 1
    assert sum(isinstance(outcome, TooBusy) for outcome in outcomes) >= 1
    assert await images.remake(sent)


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    found = picture.getpixel((x, y))
    assert isinstance(found, tuple)
    return tuple(int(part) for part in found)


def close(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return all(abs(one - other) <= 12 for one, other in zip(found, wanted, strict=True))


def noise(width: int = 300, height: int = 200) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(3).randbytes(width * height * 3))


def claimed_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims another size."""
    whole = encoded(photo(16, 16), "JPEG")
    frame = whole.index(b"\xff\xc0")
    return whole[: frame + 5] + struct.pack(">HH", height, width) + whole[frame + 9 :]
