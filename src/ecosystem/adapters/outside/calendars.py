"""Reads published calendars over HTTPS, from public servers only.

An address is somebody's wish, and this server stands where others may not look: every name, of each redirection too, is
resolved here, refused unless all it resolves to is public, and connected to as resolved, so that a name which resolves
otherwise a moment later gains nothing. No proxy, no cookies, no compressed answers, and limits on all that is waited
for or kept.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import is_ip_address
from yarl import URL

from ecosystem.adapters.outside.calendars_process import BUSY_OTHERWISE, CalendarReaders
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import ADDRESS_MAX, AddressUnfit, CalendarUnreachable, Known, NotACalendar, Reading

BYTES_MAX = 2 * 1024 * 1024
CHUNK = 64 * 1024
REDIRECTS_MAX = 3
TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5, sock_read=10)
HTTPS = 443
AT_ONCE = 4
HEADER_MAX = 200
WAITING_MAX = 32
CARRYING = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv6 addresses that stand for an IPv4 address (RFC 6052; RFC 4291, section 2.5.5.1)."""
HEADERS = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "identity", "User-Agent": "Ecosystem calendars"}

Lookup = Callable[[str], Awaitable[Sequence[str]]]


async def looked_up(host: str) -> Sequence[str]:
    """The network addresses of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, HTTPS, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def is_public(address: str) -> bool:
    """Whether a network address is one of the public Internet, whatever it is wrapped in."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if any(parsed in network for network in CARRYING):
            return is_public(str(IPv4Address(int(parsed) & 0xFFFFFFFF)))
    if isinstance(parsed, IPv6Address) and parsed.is_site_local:
        return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


class _Pinned(AbstractResolver):
    """Resolves names once, and only to public servers."""

    def __init__(self, lookup: Lookup, reachable: Callable[[str], bool]) -> None:
        self._lookup = lookup
        self._reachable = reachable

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 — the library's signature
    ) -> list[ResolveResult]:
        found = await self._lookup(host)
        if not found or not all(self._reachable(address) for address in found):
            raise _NotPublic(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


class _NotPublic(OSError):
    """A name leads to where nobody outside may look."""


class WebCalendars:
    """The `Calendars` port over the web. Made by `open`, belongs to the event loop it was made on."""

    def __init__(self, session: aiohttp.ClientSession, reachable: Callable[[str], bool], ports: frozenset[int]) -> None:
        self._session = session
        self._reachable = reachable
        self._ports = ports
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._readers = CalendarReaders()

    @classmethod
    async def open(
        cls,
        *,
        lookup: Lookup = looked_up,
        reachable: Callable[[str], bool] = is_public,
        tls: ssl.SSLContext | None = None,
        ports: frozenset[int] = frozenset({HTTPS}),
    ) -> Self:
        """A reader of calendars. Tests give it another look-up, a server of their own, and its certificate."""
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(lookup, reachable), ssl=tls or True, use_dns_cache=False, limit=AT_ONCE, force_close=True
        )
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=TIMEOUT,
            headers=HEADERS,
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return cls(session, reachable, ports)

    async def close(self) -> None:
        await self._session.close()

    async def read(self, address: str, *, window: Span, zone: str, known: Known | None = None) -> Reading | None:
        if self._waiting >= WAITING_MAX:
            raise CalendarUnreachable(BUSY_OTHERWISE)
        self._waiting += 1
        try:
            async with self._free:
                fetched = await self._fetched(address, known or Known())
                if fetched is None:
                    return None
                content, seen = fetched
                reading = await self._readers.read(content, window=window, zone=zone)
                return Reading(busy=reading.busy, left_out=reading.left_out, known=seen)
        finally:
            self._waiting -= 1

    async def _fetched(self, address: str, known: Known) -> tuple[bytes, Known] | None:
        headers: dict[str, str] = {}
        if known.etag:
            headers["If-None-Match"] = known.etag
        if known.modified:
            headers["If-Modified-Since"] = known.modified
        try:
            async with asyncio.timeout(TIMEOUT.total):
                for _ in range(REDIRECTS_MAX + 1):
                    url = self._fit(address)
                    async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                        if answer.status in {301, 302, 303, 307, 308}:
                            address = urljoin(str(url), answer.headers.get("Location", ""))
                            continue
                        return await self._taken(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failed:
            raise self._told(failed, address) from failed
        raise CalendarUnreachable("The calendar's server sends us on and on.")

    async def _taken(self, answer: aiohttp.ClientResponse) -> tuple[bytes, Known] | None:
        if answer.status == 304:
            return None
        if answer.status in {401, 403, 404, 410}:
            raise CalendarUnreachable(f"The calendar's server says that there is none for us here ({answer.status}).")
        if answer.status != 200:
            raise CalendarUnreachable(f"The calendar's server answers with an error ({answer.status}).")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise CalendarUnreachable("The calendar's server answers compressed, which was not asked for.")
        body = bytearray()
        async for chunk in answer.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > BYTES_MAX:
                raise NotACalendar(
                    f"This calendar is larger than {BYTES_MAX // 1024 // 1024} MB; publish a smaller one."
                )
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        return bytes(body), Known(
            etag=etag if len(etag) <= HEADER_MAX else "", modified=modified if len(modified) <= HEADER_MAX else ""
        )

    def _fit(self, address: str) -> URL:
        """The address as it is asked for, if we may. Raises `AddressUnfit`.

        It is read once, and what was judged is what is called: another reader may find another host in the same text,
        as where letters of other scripts stand for full stops and digits (UTS 46).
        """
        try:
            url = URL(address.strip())
            port = url.port
        except ValueError as unread:
            raise AddressUnfit from unread
        host = url.raw_host or ""
        fits = address.isascii() and len(address) <= ADDRESS_MAX and url.scheme == "https"
        if not fits or not host or port not in self._ports:
            raise AddressUnfit
        if url.raw_user is not None or url.raw_password is not None:
            raise AddressUnfit("A calendar's address holds no name and password before the server's.")
        # What the library takes for a network address is connected to without being looked up.
        if is_ip_address(host) and not self._reachable(host):
            raise AddressUnfit
        return url

    def _told(self, failed: Exception, address: str) -> CalendarUnreachable | AddressUnfit:
        cause: BaseException | None = failed
        while cause is not None:
            if isinstance(cause, _NotPublic):
                return AddressUnfit()
            cause = cause.__cause__ or cause.__context__
        host = urlsplit(address).hostname
        if isinstance(failed, TimeoutError):
            return CalendarUnreachable(f"{host} did not answer in time.")
        if isinstance(failed, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return CalendarUnreachable(f"{host} has no valid certificate.")
        if isinstance(failed, aiohttp.ClientConnectorDNSError):
            return CalendarUnreachable(f"There is no server named {host}.")
        return CalendarUnreachable(f"{host} cannot be reached right now.")
