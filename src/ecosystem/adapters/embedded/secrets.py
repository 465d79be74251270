"""Secrets as files of their owner alone, one each, in a folder beside the table."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Invalid
from ecosystem.ports.secrets import SecretsExposed

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FileSecrets:
    """A folder of mode 0700 with files of mode 0600; looser ones are refused, never mended in silence."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = Threads(1, waiting_max=64)

    async def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        return await self._threads.run(self._kept, self._path(name), make)

    async def replace(self, name: str, secret: bytes) -> None:
        await self._threads.run(self._replace, self._path(name), secret)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise Invalid(f"{name!r} is not a secret's name, such as signing-keys.", field="name")
        return self._folder / name

    def _kept(self, path: Path, make: Callable[[], bytes]) -> bytes:
        self._open_folder()
        if not path.is_symlink() and not path.exists():
            self._write(path, make(), over=False)
        return _read(path)

    def _replace(self, path: Path, secret: bytes) -> None:
        self._open_folder()
        self._write(path, secret, over=True)

    def _open_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = self._folder.stat().st_mode
        if mode & _OTHERS:
            raise SecretsExposed(
                f"Others may look into {self._folder} (mode {stat.S_IMODE(mode):04o}): run chmod 700 {self._folder}"
            )

    def _write(self, path: Path, secret: bytes, *, over: bool) -> None:
        # A whole file appears under its name, or none: a crash between never leaves half a key.
        with NamedTemporaryFile(dir=self._folder, prefix=f".{path.name}-", delete=False) as draft:
            draft.write(secret)
            draft.flush()
            os.fsync(draft.fileno())
        try:
            if over:
                Path(draft.name).replace(path)
            else:
                # Another process may have been first: its secret then stands, and is the one read back.
                with suppress(FileExistsError):
                    os.link(draft.name, path)
        finally:
            Path(draft.name).unlink(missing_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as refused:
        raise SecretsExposed(f"{path} cannot be read as a file of its own: {refused.strerror}.") from refused
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_mode & _OTHERS:
            raise SecretsExposed(
                f"Others may read {path} (mode {stat.S_IMODE(found.st_mode):04o}): run chmod 600 {path}"
            )
        if found.st_uid != os.geteuid():
            raise SecretsExposed(f"{path} belongs to user {found.st_uid}, not to the one who runs this.")
        return file.read()
