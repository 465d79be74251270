"""The commands that write, as the serving process carries them out for others."""

from __future__ import annotations

from collections.abc import Mapping

from ecosystem.app import App
from ecosystem.commands import banking, importing, keyring, reconcile, store, webhooks
from ecosystem.commands.control import Act


def acts(market: App) -> Mapping[str, Act]:
    """The acts by name."""
    return {
        banking.COMMAND: lambda arguments: banking.carried_out(market, arguments),
        importing.COMMAND: lambda arguments: importing.load(market, arguments),
        keyring.COMMAND: lambda arguments: keyring.carried_out(market, arguments),
        reconcile.COMMAND: lambda arguments: reconcile.carried_out(market, arguments),
        webhooks.COMMAND: lambda arguments: webhooks.carried_out(market, arguments),
        store.REBUILD: lambda arguments: store.rebuilding(market, arguments),
    }
