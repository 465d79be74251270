"""A bank reached by SFTP (SSH File Transfer Protocol, version 3).

The host key is held against the fingerprint that was agreed with the bank, on every connection, before anything is
sent: a server that shows another one is refused as `BankUnknown`. Neither the machine's known hosts nor its agent or
configuration are asked.
"""

from __future__ import annotations

import asyncio
import hmac
import stat
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncssh
from msgspec import Struct

from ecosystem.adapters.outside.bank import COLLECTED, TAKEN, Seen, ShelvedBank
from ecosystem.adapters.outside.sftp_account import SftpAccount
from ecosystem.ports.bank import BankSilent, BankUnknown

CONNECT_TIMEOUT_S = 10.0
ACT_TIMEOUT_S = 60.0


class _Client(asyncssh.SSHClient):
    """Trusts one host key alone."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - the library's signature
        return hmac.compare_digest(key.get_fingerprint(), self._fingerprint)


class _Open(Struct):
    connection: asyncssh.SSHClientConnection
    client: asyncssh.SFTPClient


class SftpShelf:
    """Files below the folder in which the bank's server puts us. One connection, made anew when it is lost."""

    def __init__(self, account: SftpAccount) -> None:
        self._account = account
        self._open: _Open | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        async with self._turn:
            await self._drop()

    async def read(self, path: str) -> bytes | None:
        async with self._client() as client:
            try:
                async with client.open(path, "rb") as opened:
                    content: bytes | str = await opened.read()  # pyright: ignore[reportUnknownVariableType] - either, by mode
            except asyncssh.SFTPNoSuchFile:
                return None
        assert isinstance(content, bytes)
        return content

    async def seen(self, path: str) -> Seen | None:
        async with self._client() as client:
            try:
                return _seen(path.rpartition("/")[2], await client.stat(path))
            except asyncssh.SFTPNoSuchFile:
                return None

    async def listed(self, folder: str) -> Sequence[Seen]:
        async with self._client() as client:
            found = await client.readdir(folder)
        names = [(str(entry.filename), entry.attrs) for entry in found]
        return [_seen(name, attrs) for name, attrs in names if not _is_folder(attrs)]

    async def write(self, path: str, content: bytes) -> None:
        async with self._client() as client, client.open(path, "wb") as opened:
            await opened.write(content)

    async def move(self, path: str, to: str) -> bool:
        async with self._client() as client:
            if await client.exists(to):
                return False
            try:
                # Version 3 renames only to where nothing is (draft-ietf-secsh-filexfer-02, section 6.5).
                await client.rename(path, to)
            except asyncssh.SFTPNoSuchFile:
                return await client.exists(to)
            except asyncssh.SFTPFailure:
                return False
        return True

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[asyncssh.SFTPClient]:
        """The open session, for one act at a time. Raises `BankSilent`, `BankUnknown`."""
        async with self._turn:
            try:
                async with asyncio.timeout(ACT_TIMEOUT_S):
                    opened = self._open = self._open or await self._connected()
                    yield opened.client
            except asyncssh.HostKeyNotVerifiable as unknown:
                raise BankUnknown from unknown
            except asyncssh.PermissionDenied as denied:
                raise BankSilent("The bank's server does not let us in.") from denied
            except (OSError, TimeoutError, asyncssh.Error) as broken:
                await self._drop()
                raise BankSilent(f"The bank's server does not answer: {type(broken).__name__}.") from broken

    async def _connected(self) -> _Open:
        account = self._account
        connection = await asyncssh.connect(
            account.host,
            account.port,
            username=account.user,
            password=account.password or None,
            client_keys=[asyncssh.import_private_key(account.key)] if account.key else None,
            client_factory=lambda: _Client(account.fingerprint),
            known_hosts=([], [], []),
            config=None,
            agent_path=None,
            connect_timeout=CONNECT_TIMEOUT_S,
            login_timeout=CONNECT_TIMEOUT_S,
            keepalive_interval=30,
        )
        client = await connection.start_sftp_client()
        for folder in (TAKEN, COLLECTED):
            await client.makedirs(folder, exist_ok=True)
        return _Open(connection, client)

    async def _drop(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened.client.exit()
            opened.connection.abort()
            await opened.connection.wait_closed()


def _is_folder(attrs: asyncssh.SFTPAttrs) -> bool:
    return attrs.permissions is not None and stat.S_ISDIR(attrs.permissions)


def _seen(name: str, attrs: asyncssh.SFTPAttrs) -> Seen:
    return Seen(name=name, size_bytes=attrs.size or 0, changed_at=datetime.fromtimestamp(attrs.mtime or 0, UTC))


def sftp_bank(account: SftpAccount) -> tuple[ShelvedBank, SftpShelf]:
    """The bank behind that server, and the connection to close when it is not needed any more."""
    shelf = SftpShelf(account)
    return ShelvedBank(shelf), shelf
