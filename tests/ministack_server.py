"""A stand-in for Amazon on loopback, for the tests of the adapters that speak to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ecosystem.adapters.outside.amazon import Account

# Its limit of a transaction counts the request's text, in which bytes are a third longer; DynamoDB counts the items.
# Its KMS has no ReEncrypt, and takes a ciphertext whose key id was changed; AWS refuses what names another key than the
# one that was asked for (KMS API Reference, Decrypt, IncorrectKeyException).
PROGRAM = """
from ministack import app
from ministack.services import dynamodb
import base64
import json
from ministack.services import kms
dynamodb._DDB_TXN_MAX_BYTES = 8 * 1024 * 1024
decrypted, answered = kms._decrypt, kms.handle_request


def decrypt(data):
    blob, asked = base64.b64decode(data["CiphertextBlob"]), kms._resolve_key(data.get("KeyId", ""))
    if asked and blob[:36] != asked["KeyId"].encode():
        return kms.error_response_json("IncorrectKeyException", "", 400)
    return decrypted(data)


def re_encrypt(data):
    source = {"CiphertextBlob": data["CiphertextBlob"], "KeyId": data["SourceKeyId"]}
    opened = decrypt({**source, "EncryptionContext": data["SourceEncryptionContext"]})
    if opened[0] != 200:
        return opened
    plain = json.loads(opened[2])["Plaintext"]
    made = {"KeyId": data["DestinationKeyId"], "Plaintext": plain}
    return kms._encrypt({**made, "EncryptionContext": data["DestinationEncryptionContext"]})


async def handle(method, path, headers, body, query):
    if headers.get("x-amz-target", "").endswith(".ReEncrypt"):
        return re_encrypt(json.loads(body))
    return await answered(method, path, headers, body, query)


kms._decrypt, kms.handle_request = decrypt, handle
app.main()
"""
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10


@contextmanager
def serving(folder: Path) -> Iterator[Account]:
    """Ministack on a free port of loopback, with its log in that folder; stopped on leaving."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # It listens on every interface unless told otherwise, and writes its process id into the temporary folder.
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "TMPDIR": str(folder), "LOG_LEVEL": "WARNING"}
    with (folder / "ministack.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PROGRAM],
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        try:
            _wait(server, port, folder / "ministack.log")
            yield Account(
                region="eu-central-1", endpoint=f"http://127.0.0.1:{port}", access_key="test", secret_key="test"
            )
        finally:
            server.terminate()
            try:
                server.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(STOP_TIMEOUT_S)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"ministack did not start:\n{log.read_text(errors='replace')[-2000:]}")
