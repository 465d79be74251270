from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey
from msgspec.structs import replace

from ecosystem.adapters.embedded.secrets import FileSecrets
from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SystemEntropy
from ecosystem.adapters.outside.tokens import RsaTokens
from ecosystem.ports.tokens import Acting, Claims, TokenExpired, TokenRefused, Tokens, TokenUse

ISSUER = "http://127.0.0.1:8000"


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    return FileSecrets(tmp_path / "secrets")


@pytest.fixture(params=["rsa"])
async def tokens(secrets: FileSecrets, clock: VirtualClock) -> Tokens:
    return await opened(secrets, clock)


async def opened(secrets: FileSecrets, clock: VirtualClock, issuer: str = ISSUER, client: str = "web") -> RsaTokens:
    return await RsaTokens.open(secrets, clock, SystemEntropy(), issuer=issuer, client_id=client)


def claims(clock: VirtualClock, use: TokenUse = TokenUse.ACCESS) -> Claims:
    now = int(clock.now().timestamp())
    return Claims(
        sub="usr_1", token_use=use, iat=now, exp=now + 900, groups=("Customers", "Admins"), origin_jti="ses_1", jti="j1"
    )


async def test_a_signed_token_states_its_claims_with_the_names_of_the_cloud(
    tokens: Tokens, clock: VirtualClock
) -> None:
    access, identity = await tokens.signed(claims(clock), claims(clock, TokenUse.ID))

    stated = payload(access)

    assert stated["sub"] == "usr_1"
    assert stated["cognito:groups"] == ["Customers", "Admins"]
    assert stated["token_use"] == "access"
    assert (stated["iss"], stated["client_id"]) == (ISSUER, "web")
    assert stated["exp"] - stated["iat"] == 900
    assert (payload(identity)["token_use"], payload(identity)["aud"]) == ("id", "web")
    assert "client_id" not in payload(identity)
    assert header(access)["alg"] == "RS256"


async def test_a_token_is_accepted_until_it_expires_and_never_after(tokens: Tokens, clock: VirtualClock) -> None:
    (token,) = await tokens.signed(claims(clock))

    first = tokens.verified(token, TokenUse.ACCESS)
    clock.advance(timedelta(seconds=899))

    assert tokens.verified(token, TokenUse.ACCESS) == first
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(TokenExpired):
            tokens.verified(token, TokenUse.ACCESS)


@pytest.mark.parametrize("signed_for", list(TokenUse))
async def test_a_token_serves_the_use_it_was_signed_for_only(
    tokens: Tokens, clock: VirtualClock, signed_for: TokenUse
) -> None:
    (token,) = await tokens.signed(claims(clock, signed_for))

    for use in TokenUse:
        if use is signed_for:
            assert tokens.verified(token, use).token_use is use
        else:
            with pytest.raises(TokenRefused):
                tokens.verified(token, use)


async def test_who_acts_in_another_place_is_stated(tokens: Tokens, clock: VirtualClock) -> None:
    (token,) = await tokens.signed(replace(claims(clock), act=Acting("usr_operator")))

    assert payload(token)["act"] == {"sub": "usr_operator"}
    assert tokens.verified(token, TokenUse.ACCESS).act == Acting("usr_operator")


async def test_anyone_can_verify_with_the_published_keys_which_hold_nothing_private(
    tokens: Tokens, clock: VirtualClock
) -> None:
    (token,) = await tokens.signed(claims(clock))

    published = tokens.keys()

    assert jwt.decode(token, KeySet.import_key_set(published), algorithms=["RS256"]).claims["sub"] == "usr_1"  # type: ignore[arg-type]
    for key in published["keys"]:
        assert set(key) <= {"kty", "n", "e", "kid", "alg", "use"}
        assert (key["alg"], key["use"]) == ("RS256", "sig")


async def test_a_key_that_was_replaced_verifies_until_its_last_token_has_expired(
    secrets: FileSecrets, clock: VirtualClock
) -> None:
    tokens = await opened(secrets, clock)
    life = timedelta(days=90)
    now = int(clock.now().timestamp())
    (old,) = await tokens.signed(
        Claims(sub="gst_1", token_use=TokenUse.GUEST, iat=now, exp=now + int(life.total_seconds()))
    )

    kid = await tokens.rotate()
    (new,) = await tokens.signed(claims(clock))

    assert (header(new)["kid"], len(tokens.keys()["keys"])) == (kid, 2)
    clock.advance(life - timedelta(seconds=1))
    for issuer in (tokens, await opened(secrets, clock)):
        assert issuer.verified(old, TokenUse.GUEST).sub == "gst_1"
    clock.advance(timedelta(days=2))
    assert [key["kid"] for key in tokens.keys()["keys"]] == [kid]
    await tokens.rotate()
    assert len((await opened(secrets, clock)).keys()["keys"]) == 2


async def test_a_key_is_replaced_when_it_is_old(tokens: Tokens, clock: VirtualClock) -> None:
    assert not await tokens.rotate_when(timedelta(days=90))

    clock.advance(timedelta(days=90, seconds=1))

    assert await tokens.rotate_when(timedelta(days=90))
    assert not await tokens.rotate_when(timedelta(days=90))
    assert len(tokens.keys()["keys"]) == 2


async def test_tokens_of_another_issuer_client_or_key_are_refused(
    tokens: Tokens, secrets: FileSecrets, clock: VirtualClock, tmp_path: Path
) -> None:
    strangers = [
        await opened(secrets, clock, issuer="https://elsewhere.example"),
        await opened(secrets, clock, client="other"),
        await opened(FileSecrets(tmp_path / "others"), clock),
    ]

    for stranger in strangers:
        for token in await stranger.signed(claims(clock), claims(clock, TokenUse.ID)):
            with pytest.raises(TokenRefused):
                tokens.verified(token, TokenUse(payload(token)["token_use"]))


async def test_no_other_algorithm_is_accepted_whatever_the_header_says(tokens: Tokens, clock: VirtualClock) -> None:
    (token,) = await tokens.signed(claims(clock))
    kid = header(token)["kid"]
    public = RSAKey.import_key(tokens.keys()["keys"][0])
    stated = json.dumps(payload(token)).encode()

    unsigned = f"{encoded({'alg': 'none', 'kid': kid})}.{token.split('.')[1]}."
    # The published key taken as a shared secret: the classic confusion of RS256 and HS256.
    confused = [
        with_shared_secret({"alg": "HS256", "kid": kid}, stated, secret)
        for secret in (public.as_pem(private=False), public.as_der(private=False), b"")
    ]
    own = RSAKey.generate_key(2048)
    carried = jws.serialize_compact(
        {"alg": "RS256", "kid": kid, "jwk": own.as_dict(private=False)}, stated, own, algorithms=["RS256"]
    )
    other_size = f"{encoded({'alg': 'RS512', 'kid': kid})}.{token.split('.')[1]}.{token.split('.')[2]}"
    unnamed = f"{encoded({'alg': 'RS256'})}.{token.split('.')[1]}.{token.split('.')[2]}"

    for forged in (unsigned, *confused, carried, other_size, unnamed):
        with pytest.raises(TokenRefused):
            tokens.verified(forged, TokenUse.ACCESS)


async def test_a_token_from_the_future_or_with_claims_of_other_types_is_refused(
    tokens: RsaTokens, clock: VirtualClock
) -> None:
    now = int(clock.now().timestamp())
    key = tokens._keys[tokens._kept[-1].kid]
    right = {"sub": "usr_1", "token_use": "access", "iat": now, "exp": now + 900, "iss": ISSUER, "client_id": "web"}

    def signed(**changes: object) -> str:
        return jwt.encode({"alg": "RS256", "kid": key.kid}, right | changes, key, algorithms=["RS256"])

    assert tokens.verified(signed(), TokenUse.ACCESS).sub == "usr_1"
    for changes in (
        {"iat": now + 3600, "exp": now + 7200},
        {"exp": "never"},
        {"exp": None},
        {"token_use": "master"},
        {"sub": ["usr_1"]},
        {"cognito:groups": "Admins"},
        {"aud": "web"},
        {"client_id": ["web"]},
        {"iss": ISSUER + "/"},
    ):
        with pytest.raises(TokenRefused):
            tokens.verified(signed(**changes), TokenUse.ACCESS)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_token_with_any_sign_changed_is_refused(
    tokens: Tokens, clock: VirtualClock, data: st.DataObject
) -> None:
    (token,) = await tokens.signed(claims(clock))
    position = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="))
    changed = token[:position] + sign + token[position + 1 :]

    signed_part = position < token.rindex(".")

    # The last signs of a signature hold bits that base 64 leaves unused: another spelling, the same claims.
    if changed == token or (not signed_part and spelled_alike(changed, token)):
        return
    with pytest.raises(TokenRefused):
        tokens.verified(changed, TokenUse.ACCESS)


@given(text=st.text(max_size=200))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(TokenRefused):
        tokens.verified(text, TokenUse.ACCESS)


def test_a_token_too_long_is_refused_unread(tokens: Tokens) -> None:
    with pytest.raises(TokenRefused):
        tokens.verified("a" * 1_000_000, TokenUse.ACCESS)


async def test_a_verified_token_is_remembered_and_forgotten_with_its_key(
    tokens: RsaTokens, clock: VirtualClock
) -> None:
    (token,) = await tokens.signed(claims(clock))

    tokens.verified(token, TokenUse.ACCESS)

    assert len(tokens._remembered) == 1
    assert token.encode() not in tokens._remembered
    await tokens.rotate()
    assert not tokens._remembered
    assert tokens.verified(token, TokenUse.ACCESS).sub == "usr_1"


def header(token: str) -> dict[str, str]:
    return json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))


def payload(token: str) -> dict[str, object]:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_shared_secret(head: dict[str, str], stated: bytes, secret: bytes) -> str:
    signed = f"{encoded(head)}.{base64.urlsafe_b64encode(stated).rstrip(b'=').decode()}"
    signature = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def spelled_alike(one: str, other: str) -> bool:
    """Whether both have the same signature, written with other signs."""
    first, second = (text.rpartition(".")[2] for text in (one, other))
    return one.count(".") == other.count(".") and raw(first) == raw(second)


def raw(signature: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(signature + "==")
    except ValueError:
        return signature.encode()
