"""The short form of the drill: `python -m bench.market_crash` kills a hundred times, this twice."""

from bench.market_crash import drill


async def test_the_markets_executions_killed_at_random_end_as_if_they_had_lived() -> None:
    rows = await drill(2, 1, count=12, providers=8)

    assert rows[0].figure == 2
