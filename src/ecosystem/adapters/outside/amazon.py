"""The account at Amazon, or at any server that speaks its interfaces: where it is, and who we are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from msgspec import Struct

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 10
ATTEMPTS_MAX = 3


class Account(Struct, frozen=True, kw_only=True):
    """`endpoint` names another server than Amazon's own. Without keys, the role of the machine or function is used."""

    region: str
    endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    connections_max: int = 32

    # The stubs' overloads name every service, also those whose own stubs are not installed: hence the ignores.

    def dynamodb(self, *, attempts_max: int = ATTEMPTS_MAX) -> DynamoDBClient:
        session, config = self._session(), self._config(attempts_max)
        return session.client("dynamodb", endpoint_url=self.endpoint, config=config)  # pyright: ignore[reportUnknownMemberType]

    def streams(self) -> DynamoDBStreamsClient:
        session = self._session()
        return session.client("dynamodbstreams", endpoint_url=self.endpoint, config=self._config())  # pyright: ignore[reportUnknownMemberType]

    def kms(self) -> KMSClient:
        session = self._session()
        return session.client("kms", endpoint_url=self.endpoint, config=self._config())  # pyright: ignore[reportUnknownMemberType]

    def s3(self) -> S3Client:
        # A server of one's own rarely has a name per bucket.
        style = Config(signature_version="s3v4", s3={"addressing_style": "path" if self.endpoint else "auto"})
        session = self._session()
        return session.client("s3", endpoint_url=self.endpoint, config=self._config().merge(style))  # pyright: ignore[reportUnknownMemberType]

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key, region_name=self.region
        )

    def _config(self, attempts_max: int = ATTEMPTS_MAX) -> Config:
        # A call in a thread cannot be interrupted: these timeouts are what ends it.
        return Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": attempts_max},
            max_pool_connections=self.connections_max,
        )
