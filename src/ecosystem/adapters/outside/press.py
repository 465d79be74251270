"""Letters printed from MJML by mrml, with minijinja inside, and their plain text twins.

Whatever a sheet says is escaped where it stands: as text of the markup, or as the value of an attribute.
"""

from __future__ import annotations

from importlib.resources import files

import minijinja
import mrml

from ecosystem.ports.press import Printed, Sheet

_LETTERHEAD = files("ecosystem.adapters.outside") / "letterhead"
_MARKUP = "letter.mjml"
_PLAIN = "letter.txt"


class MjmlPress:
    """The one letterhead of the house."""

    def __init__(self) -> None:
        self._environment = minijinja.Environment(
            templates={name: (_LETTERHEAD / name).read_text() for name in (_MARKUP, _PLAIN)},
            undefined_behavior="strict",
            auto_escape_callback=lambda name: "html" if name == _MARKUP else False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def printed(self, sheet: Sheet) -> Printed:
        markup = self._environment.render_template(_MARKUP, sheet=sheet)
        text = self._environment.render_template(_PLAIN, sheet=sheet)
        return Printed(html=mrml.to_html(markup).content, text=text.strip() + "\n")
