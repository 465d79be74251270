"""JSON web tokens under RS256, the algorithm of the cloud's identity provider, with keys that rotate.

RS256 is the one algorithm accepted, whatever a token's header says; a key is found by its `kid` among the issuer's own
and never taken from the token. Verified tokens are remembered by their hash until they expire.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from msgspec import Struct

from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.ids import make
from ecosystem.ports.clock import Clock
from ecosystem.ports.entropy import Entropy
from ecosystem.ports.secrets import Secrets
from ecosystem.ports.tokens import TOKEN_LENGTH_MAX, Claims, TokenExpired, TokenRefused, TokenUse

ALGORITHM = "RS256"
KEY_BITS = 2048
LIFE_MAX = timedelta(days=91)
"""No token lives longer, so a former key may be dropped this long after it was replaced."""

REMEMBERED_MAX = 20_000
_LEEWAY_S = 60
_SECRET = "signing-keys"  # noqa: S105 — a name, not a secret


class _KeptKey(Struct, frozen=True, kw_only=True):
    kid: str
    pem: str
    made_at: datetime
    replaced_at: datetime | None = None

    def alive(self, at: datetime) -> bool:
        return self.replaced_at is None or at < self.replaced_at + LIFE_MAX


class RsaTokens:
    """The issuer `issuer`, whose tokens are meant for `client_id`."""

    def __init__(
        self, kept: list[_KeptKey], *, issuer: str, client_id: str, secrets: Secrets, clock: Clock, entropy: Entropy
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._secrets = secrets
        self._clock = clock
        self._entropy = entropy
        self._threads = Threads(1, waiting_max=256)
        self._remembered: dict[bytes, Claims] = {}
        self._use(kept)

    @classmethod
    async def open(cls, secrets: Secrets, clock: Clock, entropy: Entropy, *, issuer: str, client_id: str) -> Self:
        """The issuer with its kept keys; the first is made on first use."""
        content = await secrets.kept(_SECRET, lambda: msgspec.json.encode([_new_key(clock.now(), entropy)]))
        kept = msgspec.json.decode(content, type=list[_KeptKey])
        return cls(kept, issuer=issuer, client_id=client_id, secrets=secrets, clock=clock, entropy=entropy)

    async def signed(self, *claims: Claims) -> tuple[str, ...]:
        return await self._threads.run(self._signed, claims)

    def verified(self, token: str, use: TokenUse) -> Claims:
        if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            raise TokenRefused
        now = self._clock.now()
        mark = sha256(token.encode()).digest()
        claims = self._remembered.get(mark)
        if claims is None:
            claims = self._checked(token, now)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._forget(now)
            self._remembered[mark] = claims
        if now.timestamp() >= claims.exp:
            self._remembered.pop(mark, None)
            raise TokenExpired
        if claims.token_use is not use:
            raise TokenRefused
        return claims

    def keys(self) -> dict[str, Any]:
        now = self._clock.now()
        alive = KeySet([self._keys[key.kid] for key in self._kept if key.alive(now)])
        return {**alive.as_dict(private=False)}

    async def rotate(self) -> str:
        now = self._clock.now()
        newest = await self._threads.run(_new_key, now, self._entropy)
        former = [
            msgspec.structs.replace(key, replaced_at=key.replaced_at or now) for key in self._kept if key.alive(now)
        ]
        kept = [*former, newest]
        await self._secrets.replace(_SECRET, msgspec.json.encode(kept))
        self._use(kept)
        return newest.kid

    async def rotate_when(self, older_than: timedelta) -> bool:
        due = self._clock.now() - self._kept[-1].made_at > older_than
        if due:
            await self.rotate()
        return due

    def _use(self, kept: list[_KeptKey]) -> None:
        self._kept = kept
        self._keys = {
            key.kid: RSAKey.import_key(key.pem, {"kid": key.kid, "alg": ALGORITHM, "use": "sig"}) for key in kept
        }
        self._remembered.clear()

    def _signed(self, claims: tuple[Claims, ...]) -> tuple[str, ...]:
        kid = self._kept[-1].kid
        return tuple(
            jwt.encode(
                {"alg": ALGORITHM, "kid": kid, "typ": "JWT"},
                msgspec.to_builtins(self._addressed(claim)),
                self._keys[kid],
                algorithms=[ALGORITHM],
            )
            for claim in claims
        )

    def _addressed(self, claims: Claims) -> Claims:
        assert claims.exp - claims.iat <= LIFE_MAX.total_seconds(), "a key may be dropped before this token expires"
        audience = self._audience(claims.token_use)
        if claims.token_use is TokenUse.ACCESS:
            return msgspec.structs.replace(claims, iss=self._issuer, client_id=audience)
        return msgspec.structs.replace(claims, iss=self._issuer, aud=audience)

    def _audience(self, use: TokenUse) -> str:
        """Tokens that only the issuer reads have an audience of their own, so that nobody else takes them for ids."""
        return self._client_id if use in {TokenUse.ACCESS, TokenUse.ID} else f"{self._client_id}:{use}"

    def _checked(self, token: str, now: datetime) -> Claims:
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=[ALGORITHM])
            claims = msgspec.convert(decoded.claims, Claims)
        except (JoseError, msgspec.ValidationError, ValueError, TypeError) as refused:
            # The reason stays inside: whoever tampers need not be taught.
            raise TokenRefused from refused
        if not self._meant_for_us(claims) or claims.iat > now.timestamp() + _LEEWAY_S:
            raise TokenRefused
        return claims

    def _meant_for_us(self, claims: Claims) -> bool:
        audience = self._audience(claims.token_use)
        named = (
            (claims.client_id, claims.aud) if claims.token_use is TokenUse.ACCESS else (claims.aud, claims.client_id)
        )
        return claims.iss == self._issuer and named == (audience, "")

    def _key_of(self, token: Any) -> RSAKey:
        kid: object = token.headers().get("kid")
        now = self._clock.now()
        for key in self._kept:
            if key.kid == kid and key.alive(now):
                return self._keys[key.kid]
        raise TokenRefused

    def _forget(self, now: datetime) -> None:
        """Drop what has expired; and the older half, should that not be enough."""
        alive = {mark: claims for mark, claims in self._remembered.items() if claims.exp > now.timestamp()}
        if len(alive) >= REMEMBERED_MAX:
            alive = dict(list(alive.items())[REMEMBERED_MAX // 2 :])
        self._remembered = alive


def _new_key(at: datetime, entropy: Entropy) -> _KeptKey:
    # The key's own randomness is the cryptographic library's; the port's would make keys that a seed repeats.
    pem = RSAKey.generate_key(KEY_BITS).as_pem(private=True).decode()
    return _KeptKey(kid=make("key", at, entropy.bytes(10)), pem=pem, made_at=at.astimezone(UTC))
