"""Signed tokens: JSON web tokens with the claims of the cloud's identity provider, in both deployments."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from ecosystem.kernel.refusals import Denied

TOKEN_LENGTH_MAX = 4096


class TokenRefused(Denied):
    """That token is not valid here: sign in again."""


class TokenExpired(TokenRefused):
    """That token has expired: refresh it, or sign in again."""


class TokenUse(StrEnum):
    """What a token is for. Only `ACCESS` and `ID` leave for other services; the rest are read by their issuer alone."""

    ACCESS = "access"
    ID = "id"
    GUEST = "guest"
    DEVICE = "device"
    SECOND_FACTOR = "second-factor"


class Acting(Struct, frozen=True):
    """Who acts in the subject's place (RFC 8693, section 4.1)."""

    sub: str


class Claims(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"groups": "cognito:groups", "username": "cognito:username"},
):
    """What a token states. Instants are seconds since 1970 (RFC 7519, section 2).

    `iss` and the audience (`client_id` of an access token, `aud` of any other) are the issuer's own: leave them out
    when asking for a signature.
    """

    sub: str
    token_use: TokenUse
    iat: int
    exp: int
    jti: str = ""
    origin_jti: str = ""
    iss: str = ""
    aud: str = ""
    client_id: str = ""
    groups: tuple[str, ...] = ()
    username: str = ""
    auth_time: int = 0
    email: str = ""
    email_verified: bool = False
    name: str = ""
    scope: str = ""
    act: Acting | None = None


class Tokens(Protocol):
    """The issuer: signs, verifies what it signed, and publishes its public keys."""

    async def signed(self, *claims: Claims) -> tuple[str, ...]:
        """A token for each of the claims, signed under the newest key."""
        ...

    def verified(self, token: str, use: TokenUse) -> Claims:
        """The claims of a token of this issuer, for that use. Raises `TokenExpired`, or `TokenRefused` for all else."""
        ...

    def keys(self) -> dict[str, Any]:
        """The public keys as a JSON web key set (RFC 7517, section 5)."""
        ...

    async def rotate_when(self, older_than: timedelta) -> bool:
        """Rotate if the signing key is older than that; whether it was. For a schedule."""
        ...

    async def rotate(self) -> str:
        """The id of a new signing key. The former one goes on verifying until the last of its tokens has expired."""
        ...
