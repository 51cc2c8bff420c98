"""`coldseal server run`: the server on a port, until Ctrl-C or SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn

from server import logs
from server.access import links
from server.app import API, Server
from server.settings import Settings
from wire.clock import Clock, SystemClock
from wire.errors import SurroundingsError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WATCH_S = 1
GOODBYE_S = 3
"""How long open pages may hold up the end."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        SurroundingsError: the port, the broker, the database or the key is not as needed.
        SettingsError: agents were registered for another deployment.
    """
    logs.configure(settings.log_format, sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both ways to end are one: KeyboardInterrupt
    try:
        with _listener(settings) as listener:
            _serve(settings, listener, SystemClock())
    except KeyboardInterrupt:
        _say("ended")


def _serve(settings: Settings, listener: socket.socket, clock: Clock) -> None:
    server = Server(settings, clock)
    try:
        server.start()
        asyncio.run(_web(server, listener).serve(sockets=[listener]))
    finally:
        server.stop()
    if server.worker is not None and server.worker.crash is not None:
        raise server.worker.crash


def _web(server: Server, listener: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        server.app,
        log_config=None,
        access_log=False,  # a sign-in link is a secret and stands in the path
        timeout_graceful_shutdown=GOODBYE_S,
        server_header=False,
        proxy_headers=False,  # the application believes the proxies that the settings name, and no other
        timeout_notify=WATCH_S,
    )
    web = _Web(config, lambda: _introduce(server, listener))

    async def end_with_worker() -> None:
        """A page without its worker would show old news as new."""
        web.should_exit = web.should_exit or (server.worker is not None and server.worker.crash is not None)

    config.callback_notify = end_with_worker
    return web


class _Web(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config, introduce: Callable[[], None]) -> None:
        super().__init__(config)
        self._introduce = introduce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self._introduce()


def _introduce(server: Server, listener: socket.socket) -> None:
    url = _url(server.settings.http_host, listener.getsockname()[1])
    with server.store.transaction() as session:
        secret = links.first_administrator(session, server.clock.wall_ms())
    if secret is not None:
        _say(f"first administrator: open once, within 24 h: {url}{links.FIRST}{secret}")
    _say(server.store.introduction)
    if server.settings.http_host not in LOOPBACK:
        _say(f"{server.settings.http_host} can be reached from outside, and HTTP is not encrypted: put TLS before it")
    _say(f"interface {url}{API}/openapi.json (signed in, or with a key)")
    _say(f"ready {url}")


def _listener(settings: Settings) -> socket.socket:
    host, port = settings.http_host, settings.http_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SurroundingsError(
            f"http {host}:{port} (--host, --port): cannot be served: {os.strerror(error.errno or 0)}; "
            "end the program that holds it, or choose another port"
        ) from error


def _url(host: str, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - where every address listens, this one does
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
