"""The card API over HTTP: who asks, which endpoint, once per idempotency key, and the answer with its headers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from ecosystem.sandbox import form, routes, uploads
from ecosystem.sandbox.acts import Act, Answer, expand
from ecosystem.sandbox.faults import Faults, Lost
from ecosystem.sandbox.refusals import Refused, encoded, logged
from ecosystem.sandbox.routes import Route
from ecosystem.sandbox.settings import Keys
from ecosystem.sandbox.shapes import API_VERSION
from ecosystem.sandbox.store import Store

KEY_MAX = 255
FLIGHT_S = 0.25
"""How long a request waits for another under its key before it is refused."""
KEYS_KEPT_S = 86400
"""A key may be used for something else after a day."""
BODY_BYTES_MAX = 64 * 1024
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?(;.{0,200})?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read: the endpoint, the ids in its address, the form it carries."""

    method: str
    path: str
    route: Route
    things: dict[str, str]
    form: form.Form
    idempotency_key: str | None
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Api:
    """Answers requests under `/v1/`."""

    store: Store
    keys: Keys
    faults: Faults
    begin: Callable[[], Act]
    flying: dict[str, asyncio.Future[None]] = field(default_factory=dict[str, "asyncio.Future[None]"])

    async def respond(self, request: web.Request) -> web.StreamResponse:
        act = self.begin()
        key = request.headers.get("Idempotency-Key")
        headers = {
            "Request-Id": act.request_id,
            "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
            "Cache-Control": "no-cache, no-store",
        }
        try:
            answer = await self._answered(request, act, key)
        except Refused as refused:
            answer = Answer(status=refused.status, body=encoded(logged(refused.body, act.request_id)))
        except Lost:
            # The connection is cut: the caller learns nothing.
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        if key:
            headers["Idempotency-Key"] = quote(key[:KEY_MAX], safe="!#$&'()*+,/:;=?@[] ~")
        if answer.request_id and answer.request_id != act.request_id:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.request_id}
        should_retry = answer.status in {409, 429} or answer.status >= 500
        if answer.should_retry is not None:
            headers["Stripe-Should-Retry"] = str(answer.should_retry).lower()
        elif should_retry:
            headers["Stripe-Should-Retry"] = "true"
        if answer.status == 429:
            headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        return web.Response(body=answer.body, status=answer.status, headers=headers, content_type="application/json")

    async def _answered(self, request: web.Request, act: Act, key: str | None) -> Answer:
        path = request.path.removeprefix("/v1/")
        found = routes.find(request.method, path)
        browser = self._authorize(request, public=found is not None and found[0].public)
        if found is None:
            raise Refused(f"Unrecognized request URL ({request.method}: {request.path[:200]}).", status=404)
        version = request.headers.get("Stripe-Version", API_VERSION)
        if not _VERSION.fullmatch(version):
            raise Refused(f"Invalid Stripe API version: {version[:40]}")
        asked = await _read(request, path, found, key)
        if browser and asked.things and "client_secret" not in asked.form:
            raise Refused("Missing required param: client_secret.", code="parameter_missing", param="client_secret")
        act.idempotency_key = asked.idempotency_key
        act.account = self._account(request, act)
        if browser:
            act.client = (request.remote or "127.0.0.1", request.headers.get("User-Agent", "unknown")[:500])
        if asked.idempotency_key is None:
            return await self._passed(request, asked, act)
        return await self._alone(request, asked, act, _scoped(asked.idempotency_key, act))

    async def _alone(self, request: web.Request, asked: Asked, act: Act, key: str) -> Answer:
        """The answer, while no other request under the key is on its way. Raises `Refused` when one is for too long."""
        until = monotonic() + FLIGHT_S
        while before := self.flying.get(key):
            await asyncio.wait((before,), timeout=max(0.0, until - monotonic()))
            if monotonic() >= until and not before.done():
                raise Refused(
                    "There is currently another in-progress request using this Idempotent Key (that probably means you"
                    f" submitted twice, and the other request is still going through): {(asked.idempotency_key or '')[:80]}."
                    " Please try again later.",
                    status=409,
                    type="idempotency_error",
                    code="idempotency_key_in_use",
                )
        landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.flying[key] = landed
        try:
            return await self._passed(request, asked, act)
        finally:
            del self.flying[key]
            landed.set_result(None)

    async def _passed(self, request: web.Request, asked: Asked, act: Act) -> Answer:
        """The answer, past whatever is to go wrong."""
        fault = self.faults.next(request.method, request.path) if self.faults else None
        if fault is None:
            return await self._carried_out(asked, act)
        return await fault.around(lambda: self._carried_out(asked, act), lambda answer: self._kept(asked, act, answer))

    async def _carried_out(self, asked: Asked, act: Act) -> Answer:
        if asked.method == "GET":
            act.books = self.store.reading
            return _decided(asked, act)
        return await self.store.run(act, lambda act: _once(asked, act))

    async def _kept(self, asked: Asked, act: Act, answer: Answer) -> None:
        """Keep an answer that was given in place of the true one."""
        if key := asked.idempotency_key:
            kept = Answer(answer.status, answer.body, asked.fingerprint, act.request_id)
            await self.store.run(self.begin(), lambda later: later.answers.append((_scoped(key, act), kept)))

    def _account(self, request: web.Request, act: Act) -> str:
        """The connected account on whose behalf the request is."""
        named = request.headers.get("Stripe-Account", "")
        if not named or named == act.platform:
            return ""
        found = self.store.reading.record(named)
        if found is None or found.kind != "account" or found.inside.get("deauthorized"):
            raise Refused(
                f"The provided key does not have access to account '{named[:60]}' (or that account does not exist)."
                " Application access may have been revoked.",
                status=403,
                code="account_invalid",
            )
        return named

    def _authorize(self, request: web.Request, *, public: bool) -> bool:
        """Whether the request comes from a browser, with the key that is no secret. Raises `Refused`."""
        given = _key(request)
        if not given:
            raise Refused(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using"
                " Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        if hmac.compare_digest(given.encode(), self.keys.secret_key.encode()):
            return False
        if not hmac.compare_digest(given.encode(), self.keys.publishable_key.encode()):
            raise Refused(f"Invalid API Key provided: {_masked(given)}", status=401, code="api_key_invalid")
        if not public:
            raise Refused(
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                status=403,
                code="secret_key_required",
            )
        return True


async def _read(request: web.Request, path: str, found: tuple[Route, dict[str, str]], key: str | None) -> Asked:
    if key is not None and not 0 < len(key) <= KEY_MAX:
        raise Refused(f"Idempotency keys have 1 to {KEY_MAX} characters.", type="idempotency_error")
    sent = form.parse(request.query_string)
    if request.method == "POST":
        sent |= await _body(request, uploads.SIZE_BYTES_MAX + BODY_BYTES_MAX if path == "files" else BODY_BYTES_MAX)
    route, things = found
    # The parameters in any order, but not another address, are the same request.
    told = msgspec.json.encode([request.method, path, sent], order="deterministic")
    return Asked(
        method=request.method,
        path=path,
        route=route,
        things=things,
        form=sent,
        idempotency_key=key if request.method == "POST" else None,
        fingerprint=hashlib.sha256(told).digest(),
    )


async def _body(request: web.Request, limit: int) -> form.Form:
    """The parameters in a request's body."""
    too_large = Refused(f"Request bodies have at most {limit} bytes.", status=413)
    if (request.content_length or 0) > limit:
        raise too_large
    try:
        if request.content_type == "multipart/form-data":
            return await _parts(request)
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as large:
        raise too_large from large
    if len(body) > limit:
        raise too_large
    if body and request.content_type != "application/x-www-form-urlencoded":
        raise Refused("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
    try:
        return form.parse(body.decode())
    except UnicodeDecodeError as broken:
        raise Refused("Invalid UTF-8 in the request.") from broken


async def _parts(request: web.Request) -> form.Form:
    """The parts of an upload: texts, and files with their names."""
    found: form.Form = {}
    try:
        parts = await request.post()
    except ValueError as broken:
        raise Refused("Invalid request: the parts of the multipart/form-data cannot be told apart.") from broken
    for name, value in parts.items():
        if isinstance(value, web.FileField):
            found[name] = (value.filename, value.file.read())
        else:
            found |= form.parse(urlencode({name: str(value)}))
    return found


def _once(asked: Asked, act: Act) -> Answer:
    """Carry out, or replay what was answered under the same key."""
    if asked.idempotency_key is None:
        return _decided(asked, act)
    key = _scoped(asked.idempotency_key, act)
    if earlier := act.books.answer(key, act.at - KEYS_KEPT_S):
        if not hmac.compare_digest(earlier.fingerprint, asked.fingerprint):
            raise Refused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
                f" using a key other than '{asked.idempotency_key[:80]}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        return earlier
    try:
        answer = _decided(asked, act)
    except Refused as refused:
        if "param" in refused.body["error"] or refused.body["error"]["type"] == "idempotency_error":
            raise
        # What was refused for the state of things, not for its parameters, was carried out: it is answered alike.
        act.drop()
        answer = Answer(status=refused.status, body=encoded(logged(refused.body, act.request_id)))
    kept = Answer(status=answer.status, body=answer.body, fingerprint=asked.fingerprint, request_id=act.request_id)
    act.answers.append((key, kept))
    return answer


def _scoped(key: str, act: Act) -> str:
    """A key belongs to the account that the request is for."""
    return f"{act.account} {key}" if act.account else key


def _decided(asked: Asked, act: Act) -> Answer:
    given = asked.route.endpoint.read(asked.form)
    given |= asked.things
    made = asked.route.handle(act, given)
    if isinstance(made, Answer):
        return made
    if paths := given.get("expand"):
        made = expand(act, made, paths)
    return Answer(status=200, body=msgspec.json.encode(made))


def _key(request: web.Request) -> str:
    """The API key of the request: as bearer token, as user of basic authentication, or among the form's fields."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > 12 else "*" * len(key)
