"""Backup and restore as the command line does them."""

from pathlib import Path
from typing import cast

from ecosystem.adapters.outside.clock import VirtualClock
from ecosystem.adapters.outside.entropy import SeededEntropy
from ecosystem.app import App
from ecosystem.commands.opening import without_processor
from ecosystem.commands.settings import settings
from ecosystem.commands.store import backup, restore
from market import Market


async def test_what_is_published_after_a_restore_is_found(tmp_path: Path) -> None:
    chosen = settings({"ECOSYSTEM_DATA": str(tmp_path / "data")})
    copy = tmp_path / "copy.sqlite"
    async with without_processor(chosen) as (app, _):
        shop = over(app, 1)
        provider_id = await shop.provider()
        kept = await shop.service(provider_id)
        await backup(chosen, copy)
        for _ in range(3):
            lost = await shop.service(provider_id)
        await app.indexer.catch_up()
        assert set(await app.ports.search.held([kept, lost])) == {kept, lost}

    assert await restore(chosen, copy, replace=True) == 0

    async with without_processor(chosen) as (app, _):
        await app.indexer.catch_up()
        late = await over(app, 2).service(provider_id)
        await app.indexer.catch_up()
        assert set(await app.ports.search.held([kept, lost, late])) == {kept, late}
        assert (await app.indexer.check()).none


def over(app: App, seed: int) -> Market:
    return Market(app=app, clock=cast("VirtualClock", app.ports.clock), entropy=SeededEntropy(seed))
