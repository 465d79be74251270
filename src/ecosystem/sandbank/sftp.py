"""The bank's file server: SFTP over SSH, one user, held within its folder."""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
from msgspec import Struct


class Door(Struct, frozen=True, kw_only=True):
    """Where the server listens, and who may enter. `port` 0 takes any that is free."""

    folder: Path
    host_key: Path
    host: str = "127.0.0.1"
    port: int = 0
    user: str = "ecosystem"
    password: str


class Address(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    fingerprint: str


class _Server(asyncssh.SSHServer):
    def __init__(self, door: Door, present: set[asyncssh.SSHServerConnection]) -> None:
        self._door = door
        self._present = present
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._present.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's signature
        if self._connection is not None:
            self._present.discard(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        door = self._door
        return username == door.user and hmac.compare_digest(password.encode(), door.password.encode())


@asynccontextmanager
async def serving(door: Door) -> AsyncGenerator[Address]:
    """The server, until the end of the block. Its host key lies in a file, made when there is none."""
    key = _host_key(door.host_key)

    present: set[asyncssh.SSHServerConnection] = set()

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(door.folder))

    server = await asyncssh.listen(
        door.host,
        door.port,
        server_host_keys=[key],
        server_factory=lambda: _Server(door, present),
        sftp_factory=files,
        allow_scp=False,
        config=None,
    )
    try:
        yield Address(host=door.host, port=server.get_port(), fingerprint=key.get_fingerprint())
    finally:
        server.close()
        for connection in list(present):
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()


def _host_key(path: Path) -> asyncssh.SSHKey:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = asyncssh.generate_private_key("ssh-ed25519")  # pyright: ignore[reportUnknownMemberType] - its options are untyped
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(made.export_private_key())
    return asyncssh.read_private_key(path)
