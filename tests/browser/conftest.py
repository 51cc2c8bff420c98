"""A real server on a real port with a real store, and a real Chromium in front of it."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from server import tokens
from server.app import Server
from server.settings import Settings
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.views.county import County

CHROMIUM = "/usr/bin/chromium"
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Site:
    """A served county.

    Attributes:
        url: where it is served.
        county: its seals and agents.
        server: the server itself.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = SteppedClock()
        self.server = Server(Settings(data=folder), self.clock, with_broker=False)
        self.county = County(self.server.store, self.clock)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(self.server.app, log_config=None, timeout_graceful_shutdown=1)
        self._web = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._web.run, kwargs={"sockets": [self._listener]})

    def start(self) -> None:
        """Serve."""
        self._thread.start()
        for _ in range(1000):
            if self._web.started:
                return
            time.sleep(0.01)
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        """End."""
        self._web.should_exit = True
        self._thread.join()
        self._listener.close()

    def link(self) -> str:
        """A sign-in link that works once."""
        with self.server.store.transaction() as session:
            return f"{self.url}/first/{tokens.issue_one_time(session, self.clock.wall_ms())}"

    def token(self, name: str) -> str:
        """A bearer's secret."""
        with self.server.store.transaction() as session:
            return tokens.issue(session, name, self.clock.wall_ms())
