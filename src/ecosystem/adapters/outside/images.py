"""Pictures made anew with Pillow, in threads of their own: decoding and scaling can take a second."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from struct import error as StructError  # noqa: N812 — it is an exception, whatever its name

from PIL import ExifTags, Image, ImageCms, ImageOps, ImageStat

from ecosystem.adapters.outside.threads import Threads
from ecosystem.ports.images import WIDTHS, NotAnImage, Picture, Rendition, check_bytes, check_sides, check_widths, sniff

QUALITY = 80
BLUR_WIDTH = 16
BLUR_QUALITY = 30

# The size is checked by the port's own rule before a pixel is decoded; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None

_SIDEWAYS = (5, 6, 7, 8)

# What broken files raise: seen in 140,000 mutated ones, and what Pillow's own `open` passes over.
_BROKEN = (OSError, SyntaxError, ValueError, RuntimeError, EOFError, StructError, IndexError, TypeError)


class PillowImages:
    """Two at a time: a picture of the largest size takes some 200 MB while it is made."""

    def __init__(self, *, threads: int = 2, waiting_max: int = 32) -> None:
        self._threads = Threads(threads, waiting_max=waiting_max)

    async def remake(self, content: bytes, widths: Sequence[int] = WIDTHS) -> Picture:
        check_bytes(content)
        wanted = check_widths(widths)
        found = sniff(content)
        return await self._threads.run(_remade, content, found, wanted)


def _remade(content: bytes, found: str, widths: Sequence[int]) -> Picture:
    scaled, (width, height) = _upright(content, found, widths[-1])
    # The widest is made first and the others from it: scaling down a scaled picture costs a fraction.
    narrower = [wanted for wanted in widths if wanted < width]
    wanted = [*narrower, width] if len(narrower) < len(widths) else narrower
    renditions: list[Rendition] = []
    for each in reversed(wanted):
        scaled = _scaled(scaled, each, max(1, round(height * each / width)))
        renditions.append(Rendition(width=scaled.width, height=scaled.height, content=_webp(scaled, QUALITY)))
    tiny = _flat(_scaled(scaled, BLUR_WIDTH, min(4 * BLUR_WIDTH, max(1, round(height * BLUR_WIDTH / width)))))
    return Picture(
        width=width, height=height, colour=_mean(tiny), blur=_webp(tiny, BLUR_QUALITY), renditions=renditions[::-1]
    )


def _upright(content: bytes, found: str, width_max: int) -> tuple[Image.Image, tuple[int, int]]:
    """The first frame in sRGB, turned as its camera was held, and the size it was sent in, turned likewise."""
    try:
        with Image.open(BytesIO(content), formats=[found]) as opened:
            width, height = opened.size
            check_sides(width, height)
            turned = opened.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
            profile = opened.info.get("icc_profile")
            # A JPEG can be decoded at a half or a quarter of its size. The draft keeps both sides above what it is
            # given, so that nothing wanted is lost, whichever way the picture is turned.
            opened.draft(None, (width_max * 2, width_max * 2))
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            return _standard(upright, profile), (height, width) if turned else (width, height)
    except _BROKEN as broken:
        raise NotAnImage("That picture is damaged: it cannot be read to its end.", field="content") from broken


def _standard(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile and picture.mode in {"RGB", "RGBA", "L", "CMYK"}:
        target = "RGBA" if picture.mode == "RGBA" else "RGB"
        try:
            seen = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, seen, _srgb(), outputMode=target)
        except (ImageCms.PyCMSError, OSError):
            converted = None  # a broken profile, or one of another kind of device: the picture shows without it
        if converted is not None:
            return converted
    if picture.mode.startswith("I"):
        # Sixteen bits of grey: the conversion would cut off what is above 255 instead of scaling it.
        picture = picture.convert("I").point(lambda grey: grey / 256).convert("L")
    seethrough = picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info
    return picture.convert("RGBA" if seethrough else "RGB")


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]: its stub leaves the answer open


def _scaled(picture: Image.Image, width: int, height: int) -> Image.Image:
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _webp(picture: Image.Image, quality: int) -> bytes:
    # A new picture, of pixels alone: what the old one carried beside them stays behind.
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    written = BytesIO()
    bare.save(written, "WEBP", quality=quality, method=4)
    return written.getvalue()


def _flat(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _mean(picture: Image.Image) -> str:
    red, green, blue = ImageStat.Stat(picture).mean
    return f"#{round(red):02x}{round(green):02x}{round(blue):02x}"
