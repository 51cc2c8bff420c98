"""The server as an object: database, receipt key, worker, and the application that serves page and interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server import agents, console, notify
from server.api import (
    accounts,
    alerts,
    audit,
    charts,
    errors,
    health,
    keys,
    meters,
    metrics,
    mutes,
    public,
    readings,
    rights,
)
from server.api import agents as agents_api
from server.api import seals as seals_api
from server.api import sessions as sessions_api
from server.api import violations as violations_api
from server.api.auth import Guard
from server.api.context import Context
from server.api.headers import BODY_BYTES_MAX, BrowserRules
from server.api.nowhere import Nowhere
from server.api.page_policy import PagePolicy
from server.api.unavailable import Unavailable
from server.news import News
from server.notify.notifier import Notifier
from server.receipt_key import receipt_key
from server.settings import Settings
from server.store import Store
from server.troubles import Trouble
from server.watch import Watch, told_before
from server.worker import Worker
from wire.clock import Clock

API = "/api/v1"
ROUTERS = (
    *(health, metrics, public, seals_api, meters, agents_api, readings, violations_api, mutes, charts),
    *(accounts, sessions_api, keys, audit, alerts),
)
DESCRIPTION = (
    "What signed meter readings prove about sealed furnaces. Every route but health and the public list needs a session or a key, and "
    "the right that `x-coldseal-right` names. "
    'Every error has one shape: {"error": {"code", "message", "field"?}}. Times are ISO 8601 in Beijing time.'
)


class Server:
    """One server; it may be built, started and stopped any number of times in one process.

    Attributes:
        settings: what it was built with.
        store: its database.
        receipt_key: signs receipts.
        news: rung when something changed that pages show.
        worker: the thread between broker and database; None without a broker.
        watch: looks whether the server itself is well; runs where there is a worker.
        notifier: tells people; runs where there is a worker.
        app: the application; its lifespan starts and stops the worker.
    """

    def __init__(self, settings: Settings, clock: Clock, *, with_broker: bool = True) -> None:
        """Open the database and the key, both made where they are missing; nothing runs yet.

        Raises:
            SurroundingsError: the database or the key cannot be used.
            SettingsError: agents were registered for another deployment, or a channel cannot be meant.
        """
        self.settings, self.clock = settings, clock
        self.receipt_key = receipt_key(settings)
        self.store = Store(settings.database, alone=True)
        try:
            with self.store.transaction() as session:
                agents.check_deployment(session, settings.deployment)
                told = told_before(session)
            self.notifier = Notifier(self.store, settings, clock)
        except BaseException:
            self.store.close()
            raise
        self.news = News()
        self.worker = Worker(self.store, settings, self.receipt_key, clock, self.news) if with_broker else None
        telling = self.notifier if with_broker else None
        self.watch = Watch(self.worker, telling, settings.data, clock, self._tell_staff, told=told)
        self._started = False
        self.app = self._application()

    def start(self) -> None:
        """Connect to the broker and begin; a second call does nothing.

        Raises:
            SurroundingsError: the broker cannot be reached or refuses us.
        """
        self.store.keep_months(self.clock.wall_ms())
        if self.worker is not None and not self._started:
            self.worker.start()
            self.watch.start()
            self.notifier.start()
        self._started = True

    def stop(self) -> None:
        """End after the transaction under way, and let go of the database."""
        self.notifier.stop()
        if self.worker is not None and self._started:
            self.watch.stop()
            self.worker.stop()
        self._started = False
        self.store.close()

    def _tell_staff(self, trouble: Trouble) -> None:
        kind = notify.OwnKind.MENDED if trouble.mended else notify.OwnKind.TROUBLE
        with self.store.transaction() as session:
            notify.note_own(session, trouble.topic.value, kind, trouble.text_zh, trouble.text_en, self.clock.wall_ms())

    def _application(self) -> FastAPI:
        app = FastAPI(
            title="ColdSeal",
            version=health.release(),
            description=DESCRIPTION,
            openapi_url=f"{API}/openapi.json",
            docs_url=None,  # its scripts come from outside; a government's network has no outside
            redoc_url=None,
            lifespan=self._lifespan,
        )
        app.state.context = Context(
            self.settings,
            self.store,
            self.clock,
            self.receipt_key.public,
            self.worker,
            self.news,
            self.watch,
            self.notifier,
        )
        errors.install(app)
        for module in ROUTERS:
            rights.document(module.router)
            app.include_router(module.router, prefix=API)
        app.router.routes.append(Route("/api/{rest:path}", Nowhere(app.routes), include_in_schema=False))
        console.register(app, self)
        app.add_middleware(Guard, store=self.store, clock=self.clock)
        app.add_middleware(RequestBodyLimitMiddleware, max_body_size=BODY_BYTES_MAX)
        app.add_middleware(Unavailable)
        app.add_middleware(PagePolicy)
        app.add_middleware(BrowserRules)  # added late, so outside: refusals carry its headers too
        if self.settings.trusted_proxies:
            app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(self.settings.trusted_proxies))
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(self.start)
        try:
            yield
        finally:
            await asyncio.to_thread(self.stop)
