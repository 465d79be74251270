"""The `Calendars` port over the web: from public servers, over TLS, within limits, and nobody's key to this network."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ecosystem.adapters.outside.calendars import BYTES_MAX, WebCalendars, is_public
from ecosystem.kernel.time import Span
from ecosystem.ports.calendars import AddressUnfit, Calendars, CalendarUnreachable, Known, NotACalendar

WINDOW = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 11, 1, tzinfo=UTC))
FEED = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261201T090000Z\r\n"
    b"DTEND:20261201T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)

STRANGE = [
    "127\u30020\u30020\u30022",
    "169\u3002254\u3002169\u3002254",
    "127\uff0e0\uff0e0\uff0e2",
    "127\uff610\uff610\uff612",
    "\uff11\uff12\uff17\u30020.\uff10.\uff12",
    "\u2460\uff12\uff17\u30020\u30020\u30022",
    "127.0.0.\u00ad2",
    "127.0.0.2\u200d",
    "\u200b127.0.0.2",
    "127.0.0.2",
    "127.1",
    "a\\@127.0.0.2",
    "2130706434",
    "[::1]",
    "[::ffff:7f00:2]",
    "[fe80::1%25lo]",
    "[fec0::1]",
]
"""Hosts that one reader takes for a name and another for an address of this network."""


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for `feeds.test` and `other.test`, and a client's that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feeds.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("feeds.test"), x509.DNSName("other.test")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, secret)
    return server, ssl.create_default_context(cafile=str(chain))


@dataclass
class Web:
    """A server on loopback that every name leads to, except those in `names`, and what it was asked."""

    port: int = 0
    answers: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=dict)
    names: dict[str, Sequence[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    def at(self, path: str, host: str = "feeds.test") -> str:
        return f"https://{host}:{self.port}{path}"

    async def lookup(self, host: str) -> Sequence[str]:
        self.looked_up.append(host)
        return self.names.get(host, ["127.0.0.1"])

    def says(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

        self.answers[path] = answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("If-None-Match", "")))
        return await self.answers[request.path](request)


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[tuple[Web, Calendars]]:
    theirs, ours = certificate(tmp_path)
    served = Web()
    application = web.Application()
    application.router.add_route("GET", "/{path:.*}", served.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=theirs)
    await site.start()
    assert site._server is not None
    served.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    calendars = await WebCalendars.open(
        lookup=served.lookup,
        reachable=lambda address: address == "127.0.0.1" or is_public(address),
        tls=ours,
        ports=frozenset({served.port}),
    )
    yield served, calendars
    await calendars.close()
    await runner.cleanup()


async def test_a_calendar_is_read_and_not_again_while_it_is_unchanged(net: tuple[Web, Calendars]) -> None:
    served, calendars = net

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=FEED, headers={"ETag": '"1"', "Last-Modified": "Tue, 01 Dec 2026 09:00:00 GMT"})

    served.answers["/a.ics"] = answer

    first = await calendars.read(served.at("/a.ics"), window=WINDOW, zone="Europe/Lisbon")
    assert first is not None
    again = await calendars.read(served.at("/a.ics"), window=WINDOW, zone="Europe/Lisbon", known=first.known)

    assert [span.start_at.hour for span in first.busy] == [9]
    assert first.known == Known(etag='"1"', modified="Tue, 01 Dec 2026 09:00:00 GMT")
    assert again is None


async def test_a_redirection_is_followed_a_few_times_and_only_to_fit_addresses(net: tuple[Web, Calendars]) -> None:
    served, calendars = net
    served.says("/old", status=301, Location="/a.ics")
    served.says("/a.ics", FEED)
    served.says("/round", status=302, Location="/round")
    served.says("/plain", status=302, Location="http://feeds.test/a.ics")
    served.says("/inside", status=302, Location=served.at("/secret", "inside.test"))
    served.says("/literal", status=302, Location="https://169.254.169.254/latest/meta-data")
    served.says("/dotted", status=302, Location=served.at("/secret", "127\u30020\u30020\u30022"))
    served.says("/numbered", status=302, Location=served.at("/secret", "127%2E0%2E0%2E2"))
    served.says("/site", status=302, Location=served.at("/secret", "[fec0::1]"))
    served.names["inside.test"] = ["10.0.0.7"]
    served.names["127%2e0%2e0%2e2"] = ["127.0.0.2"]

    assert await calendars.read(served.at("/old"), window=WINDOW, zone="Europe/Lisbon")
    with pytest.raises(CalendarUnreachable, match="on and on"):
        await calendars.read(served.at("/round"), window=WINDOW, zone="Europe/Lisbon")
    for path in ("/plain", "/inside", "/literal", "/dotted", "/numbered", "/site"):
        with pytest.raises(AddressUnfit):
            await calendars.read(served.at(path), window=WINDOW, zone="Europe/Lisbon")
    assert "/secret" not in [path for path, _ in served.asked]


@pytest.mark.parametrize(
    "address",
    [
        "http://feeds.test/a.ics",
        "file:///etc/passwd",
        "ftp://feeds.test/a.ics",
        "https://",
        "https://feeds.test:22/a.ics",
        "https://feeds.test:99999/",
        "https://ana:secret@feeds.test/a.ics",
        "https://127.0.0.2/a.ics",
        "https://[::1]/a.ics",
        "https://[fe80::1%25eth0]/a.ics",
        "https://2130706433/a.ics",
        "https://10.1.2.3/a.ics",
        "https://feeds.test/" + "a" * 2_000,
        "nonsense",
        "https://[nonsense",
    ],
)
async def test_an_address_that_is_not_a_public_servers_is_refused_before_any_call(
    net: tuple[Web, Calendars], address: str
) -> None:
    served, calendars = net

    with pytest.raises(AddressUnfit):
        await calendars.read(address, window=WINDOW, zone="Europe/Lisbon")

    assert served.asked == []


@pytest.mark.parametrize("host", STRANGE)
async def test_a_host_that_is_an_address_of_this_network_however_written_is_refused(
    net: tuple[Web, Calendars], host: str
) -> None:
    served, calendars = net
    served.says("/to", status=302, Location=served.at("/a.ics", host))

    for address in (served.at("/a.ics", host), served.at("/to")):
        with pytest.raises(AddressUnfit):
            await calendars.read(address, window=WINDOW, zone="Europe/Lisbon")

    assert [path for path, _ in served.asked] == ["/to"]
    assert served.looked_up == ["feeds.test"]


@pytest.mark.parametrize(
    "found",
    [
        ["192.168.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["fd00::1"],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(
    net: tuple[Web, Calendars], found: list[str]
) -> None:
    served, calendars = net
    served.names["sly.test"] = found

    with pytest.raises(AddressUnfit):
        await calendars.read(served.at("/a.ics", "sly.test"), window=WINDOW, zone="Europe/Lisbon")

    assert served.asked == []


async def test_a_name_is_looked_up_once_for_each_request_and_connected_to_as_found(net: tuple[Web, Calendars]) -> None:
    served, calendars = net
    served.says("/a.ics", FEED)

    await calendars.read(served.at("/a.ics"), window=WINDOW, zone="Europe/Lisbon")

    assert served.looked_up == ["feeds.test"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        *[
            (each, False)
            for each in ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0")
        ],
        *[
            (each, False)
            for each in (
                "100.64.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "192.0.2.1",
                "::",
                "::1",
                "fe80::1",
                "fec0::1",
                "feff::1",
            )
        ],
        *[(each, False) for each in ("fd00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "x")],
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("status", "words"), [(404, "none for us"), (403, "none for us"), (500, "error"), (204, "error")]
)
async def test_an_error_of_the_server_is_told_in_words(net: tuple[Web, Calendars], status: int, words: str) -> None:
    served, calendars = net
    served.says("/a.ics", b"" if status == 204 else b"x", status=status)

    with pytest.raises(CalendarUnreachable, match=words):
        await calendars.read(served.at("/a.ics"), window=WINDOW, zone="Europe/Lisbon")


async def test_what_is_too_large_compressed_or_no_calendar_is_refused(net: tuple[Web, Calendars]) -> None:
    served, calendars = net

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            for _ in range(BYTES_MAX // 65536 + 40):
                await answer.write(b"A" * 65536)
        except (ConnectionError, OSError):
            pass
        return answer

    served.answers["/endless"] = endless
    served.says("/bomb", b"\x1f\x8b" + b"0" * 100, Content_Encoding="gzip")
    served.says("/page", b"<html>")

    with pytest.raises(NotACalendar, match="larger"):
        await calendars.read(served.at("/endless"), window=WINDOW, zone="Europe/Lisbon")
    with pytest.raises(CalendarUnreachable, match="compressed"):
        await calendars.read(served.at("/bomb"), window=WINDOW, zone="Europe/Lisbon")
    with pytest.raises(NotACalendar):
        await calendars.read(served.at("/page"), window=WINDOW, zone="Europe/Lisbon")


async def test_a_server_that_is_away_or_not_who_it_says_is_told_in_words(net: tuple[Web, Calendars]) -> None:
    served, calendars = net

    async def nobody(_: str) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(CalendarUnreachable, match="certificate"):
        await calendars.read(served.at("/a.ics", "stranger.test"), window=WINDOW, zone="Europe/Lisbon")
    lost = await WebCalendars.open(lookup=nobody)
    with pytest.raises(CalendarUnreachable, match="no server named"):
        await lost.read("https://lost.test/a.ics", window=WINDOW, zone="Europe/Lisbon")
    await lost.close()


async def test_the_loop_runs_on_while_a_large_calendar_is_read(net: tuple[Web, Calendars]) -> None:
    served, calendars = net
    event = b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nEND:VEVENT\r\n"
    served.says("/large.ics", b"BEGIN:VCALENDAR\r\n" + event * 4_000 + b"END:VCALENDAR\r\n")
    longest, ended = 0.0, False

    async def ticking() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while not ended:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    ticks = asyncio.create_task(ticking())
    reading = await calendars.read(served.at("/large.ics"), window=WINDOW, zone="Europe/Lisbon")
    ended = True
    await ticks

    assert reading is not None
    assert len(reading.busy) == 4_000
    assert longest < 0.25
