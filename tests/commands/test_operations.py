"""What a monitor reads: lags are asked for when it looks, and one that cannot be told hides no other."""

from litestar import Litestar
from litestar.testing import AsyncTestClient

from ecosystem.kernel.refusals import Unavailable
from ecosystem.operations import Operations


async def test_lags_are_read_when_they_are_looked_at() -> None:
    seconds = 1.5

    async def late() -> float:
        return seconds

    async def silent() -> float:
        raise Unavailable("The table's file is held by another program.")

    operations = Operations(
        checks={},
        gauges={"waiting": ("Writes that wait", lambda: 3.0)},
        lags={"late_seconds": ("How late", late), "silent_seconds": ("Nobody knows", silent)},
    )
    async with AsyncTestClient(Litestar(operations.handlers(), openapi_config=None)) as client:
        first = (await client.get("/metrics")).text
        seconds = 4.0
        second = (await client.get("/metrics")).text

    assert "ecosystem_late_seconds 1.5" in first
    assert "ecosystem_late_seconds 4.0" in second
    for told in (first, second):
        assert "ecosystem_silent_seconds NaN" in told
        assert "ecosystem_waiting 3.0" in told
