"""Lucide's icons by name, drawn into the page: no request, and the colour of the text around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import msgspec
from minijinja import escape, safe


@dataclass(frozen=True, slots=True)
class Icons:
    """The drawings that `front/icons.txt` names: what stands inside an SVG of 24 by 24."""

    drawn: Mapping[str, str]

    @classmethod
    def load(cls) -> Icons:
        source = (files("ecosystem.web") / "static" / "dist" / "icons.json").read_bytes()
        return cls(msgspec.json.decode(source, type=dict[str, str]))

    def icon(self, name: str, classes: str = "size-4", *, label: str = "") -> str:
        """The icon as SVG. Without a label it is decoration, and assistive technology passes over it.

        An unknown name is a slip in a template, not a refusal: it raises `KeyError` and the tests find it.
        """
        said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
        return safe(f'<svg class="icon {escape(classes)}" viewBox="0 0 24 24" {said}>{self.drawn[name]}</svg>')


# Which icon stands for a category (data/taxonomy.csv): its own, or its parent's.
_CATEGORY = {
    "home": "house", "plumbing": "wrench", "electrical": "plug", "hvac": "snowflake", "carpentry": "hammer",
    "painting": "paintbrush", "handyman": "hammer", "furniture-assembly": "sofa", "locksmith": "key-round",
    "appliance-repair": "washing-machine", "kitchen-bath-remodel": "bath", "solar-installation": "sun-dim",
    "smart-home": "wifi", "interior-design": "swatch-book", "home-inspection": "scan-search",
    "cleaning": "spray-can", "laundry-ironing": "shirt", "junk-removal": "trash-2", "home-organizing": "boxes",
    "garden": "sprout", "tree-service": "tree-deciduous", "pool-maintenance": "waves", "snow-removal": "snowflake",
    "moving": "truck", "packing-storage": "package", "courier-delivery": "package",
    "auto": "car", "bicycle-repair": "bike", "tire-service": "circle-dot",
    "beauty": "scissors", "makeup": "brush", "nails": "sparkles", "skincare-facials": "smile", "lashes-brows": "eye",
    "wellness": "heart-pulse", "personal-training": "dumbbell", "yoga": "flower-2", "pilates": "flower-2",
    "meditation": "flower-2", "massage": "hand-heart", "swimming-lessons": "waves", "dance-lessons": "music",
    "counselling": "message-circle", "life-coaching": "target", "nutrition": "utensils",
    "care": "hand-heart", "babysitting": "baby", "home-nursing": "heart-pulse",
    "pets": "paw-print", "dog-walking": "dog", "dog-training": "dog", "pet-sitting": "cat", "pet-grooming": "bath",
    "lessons": "graduation-cap", "piano-lessons": "piano", "guitar-lessons": "guitar", "singing-lessons": "mic",
    "violin-lessons": "music", "drum-lessons": "music", "art-lessons": "palette", "programming-tutoring": "code",
    "language-lessons": "languages", "english-esl": "languages", "reading-writing-tutoring": "book-open",
    "cooking-classes": "chef-hat", "science-tutoring": "flask-conical",
    "events": "party-popper", "catering": "utensils", "private-chef": "chef-hat", "dj": "headphones",
    "live-music": "music", "florist": "flower", "cake-baking": "cake", "photo-booth": "camera",
    "kids-entertainment": "smile", "event-rental": "package",
    "media": "camera", "videography": "video", "video-editing": "video", "drone-filming": "plane",
    "audio-production": "mic",
    "tech": "laptop", "phone-repair": "smartphone", "network-wifi": "wifi", "web-development": "code",
    "mobile-app-development": "smartphone", "data-analysis": "chart-column", "tv-mounting": "tv",
    "cybersecurity": "shield-check",
    "business": "briefcase", "accounting": "receipt-text", "tax-preparation": "percent", "legal-advice": "scale",
    "notary": "file-text", "translation": "languages", "insurance-advice": "shield", "recruiting": "users",
    "creative": "palette", "copywriting": "pencil", "seo-marketing": "megaphone", "social-media": "share-2",
    "voice-over": "mic", "tailoring": "shirt", "upholstery": "sofa", "architecture": "building-2",
    "travel": "map-pinned", "airport-transfer": "plane", "astrology-tarot": "moon", "travel-planning": "globe",
}  # fmt: skip


def category_icon(slug: str, parent: str | None = None) -> str:
    """The name of the icon that stands for a category."""
    return _CATEGORY.get(slug) or _CATEGORY.get(parent or "", "store")
