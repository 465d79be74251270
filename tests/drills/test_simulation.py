"""The short form of the drill: `python -m bench.simulation` runs thousands of histories, this a few."""

from bench.simulation import simulate


async def test_every_history_ends_with_the_money_where_it_belongs() -> None:
    told = await simulate(8, seed=45, steps=20)

    assert told["died"] > 0
    assert told["webhook"] > 0
    assert told["ended completed"] > 0
    assert told["payout paid"] > 0
    assert told["entry transfer_refund"] > 0
