"""Where the card processor's webhooks arrive while the demo is made: `webhook-authorizer`, behind a door of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from ecosystem.app import App
from ecosystem.contexts.payments import BadSignature, UnreadableEvent
from ecosystem.workflows.entries import webhook_authorizer
from ecosystem.workflows.triggers import Posted

PATH = "/api/stripe/webhook"


@asynccontextmanager
async def door(market: App, host: str, port: int) -> AsyncGenerator[None]:
    """Take webhooks at that address until the end of the block."""

    async def take(request: web.Request) -> web.Response:
        signature = request.headers.get(webhook_authorizer.SIGNATURE, "")
        posted = Posted(headers={webhook_authorizer.SIGNATURE: signature}, body=await request.read())
        try:
            await webhook_authorizer.store(market, posted)
        except (BadSignature, UnreadableEvent) as refused:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=refused.name)
        return web.Response(text="stored")

    application = web.Application()
    application.router.add_post(PATH, take)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, reuse_address=True).start()
        yield
    finally:
        await runner.cleanup()
