"""Blobs as objects in one S3 bucket: a blob's name is its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ecosystem.adapters.outside.amazon import Account
from ecosystem.adapters.outside.threads import Threads
from ecosystem.kernel.refusals import Unavailable
from ecosystem.ports.blobs import (
    NAMES_MAX,
    Blob,
    BlobMissing,
    Listing,
    Upload,
    cache_control,
    check_limit,
    check_name,
    check_offer,
    check_prefix,
    check_size,
    content_type,
)
from ecosystem.ports.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

R = TypeVar("R")
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True, slots=True)
class S3Blobs:
    """The bucket stays closed: what is public is read through the CDN or the application, never from S3 itself."""

    client: S3Client
    bucket: str
    clock: Clock
    threads: Threads

    @classmethod
    async def open(cls, account: Account, bucket: str, clock: Clock) -> Self:
        """The blobs in that bucket of the account."""
        threads = Threads(account.connections_max, waiting_max=512)
        return cls(client=await threads.run(account.s3), bucket=bucket, clock=clock, threads=threads)

    async def close(self) -> None:
        """Let go of the connections."""
        await self.threads.run(self.client.close)

    async def put(self, name: str, content: bytes) -> None:
        check_name(name)
        check_size(len(content))
        await self._ask(
            lambda: self.client.put_object(
                Bucket=self.bucket,
                Key=name,
                Body=content,
                ContentType=content_type(name),
                CacheControl=cache_control(name),
            )
        )

    async def get(self, name: str) -> bytes:
        check_name(name)

        def read() -> bytes:
            return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()

        return await self._ask(read)

    async def head(self, name: str) -> Blob | None:
        check_name(name)
        try:
            seen = await self._ask(lambda: self.client.head_object(Bucket=self.bucket, Key=name))
        except BlobMissing:
            return None
        return Blob(name=name, size_bytes=seen["ContentLength"], stored_at=seen["LastModified"])

    async def delete(self, name: str) -> None:
        check_name(name)
        await self._ask(lambda: self.client.delete_object(Bucket=self.bucket, Key=name))

    async def list(self, prefix: str, *, after: str | None = None, limit: int = NAMES_MAX) -> Listing:
        check_prefix(prefix)
        check_limit(limit)
        page = await self._ask(
            lambda: self.client.list_objects_v2(
                Bucket=self.bucket, Prefix=prefix, StartAfter=after or "", MaxKeys=limit
            )
        )
        blobs = [
            Blob(name=found["Key"], size_bytes=found["Size"], stored_at=found["LastModified"])
            for found in page.get("Contents", [])
            if "Key" in found and "Size" in found and "LastModified" in found
        ]
        return Listing(blobs=blobs, next=blobs[-1].name if page.get("IsTruncated") and blobs else None)

    async def offer(self, name: str, *, size_bytes: int, life: timedelta) -> Upload:
        check_offer(name, size_bytes, life)
        url = await self.threads.run(
            lambda: self.client.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": name,
                    "ContentType": content_type(name),
                    "ContentLength": size_bytes,
                },
                ExpiresIn=int(life.total_seconds()),
            )
        )
        return Upload(
            method="PUT", url=url, headers={"Content-Type": content_type(name)}, until=self.clock.now() + life
        )

    async def _ask(self, call: Callable[[], R]) -> R:
        try:
            return await self.threads.run(call)
        except ClientError as refused:
            code = refused.response.get("Error", {}).get("Code", "")
            if code in _MISSING:
                raise BlobMissing(field="name") from refused
            raise Unavailable(f"The blob store refused: {code}.") from refused
        except BotoCoreError as failed:
            raise Unavailable(f"The blob store does not answer: {type(failed).__name__}.") from failed
