"""Bodies read and answers sent as they go over the wire, for the doors that programs knock at most.

The framework routes these requests and answers their faults; what lies between, reading arguments by type and choosing
how to write a result, is as much work again as most of their acts.
"""

from __future__ import annotations

from collections.abc import Mapping

from litestar.exceptions import MethodNotAllowedException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPScope, Receive, Send


async def body(receive: Receive, *, bytes_max: int) -> bytes:
    """The request's body. Raises `RequestEntityTooLarge`; of one that was broken off, what had come."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part = message["body"]
        size += len(part)
        if size > bytes_max:
            raise RequestEntityTooLarge
        parts.append(part)
        if not message["more_body"]:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def answer(
    send: Send, said: bytes, *, status: int = 200, media_type: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send an answer whole."""
    named = [(b"content-type", media_type.encode("latin-1")), (b"content-length", str(len(said)).encode())]
    named += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": said, "more_body": False})


def method(scope: HTTPScope, *methods: str) -> str:
    """The request's method, if it is one of these. Raises `MethodNotAllowedException`, which names them."""
    method = scope["method"]
    if method not in methods:
        raise MethodNotAllowedException(headers={"allow": ", ".join(methods)})
    return method
