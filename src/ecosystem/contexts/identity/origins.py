"""Where a request comes from, as far as identity needs to know."""

from __future__ import annotations

from msgspec import Struct

DEVICE_LENGTH_MAX = 200


class Origin(Struct, frozen=True, kw_only=True):
    """The client's network address, what it calls itself, and the token that a former sign-in left with it, if any."""

    address: str
    device: str = ""
    device_token: str = ""

    @property
    def device_name(self) -> str:
        """What the client calls itself, in one line of bounded length."""
        return " ".join(self.device.split())[:DEVICE_LENGTH_MAX]
