"""A real server on a real port with a real store, the stories that its pages show, and visits to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from server.access import accounts, links, sessions
from server.access.audit import COMMAND_LINE
from server.access.links import FIRST, Purpose
from server.access.rights import Role
from server.access.tables import Account
from server.app import Server
from server.settings import Settings
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import settings_on
from tests.server.views.county import County

CHROMIUM = "/usr/bin/chromium"
INTRANET = "coldseal.intranet"
"""A name that the browser takes for this machine, but not for a safe place as it does with 127.0.0.1."""

ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {INTRANET} 127.0.0.1",
)

RESUMED_S = 7_800
"""02:10:00"""

GAP_S = (9_000, 9_200)
PEAK_S = 7_500
NOW_S = 10_300


class Site:
    """A served county.

    Attributes:
        url: where it is served.
        county: its seals and agents.
        server: the server itself.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = SteppedClock()
        self.server = Server(settings_on(Settings(data=folder)), self.clock, with_broker=False)
        self.county = County(self.server.store, self.clock)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._web = uvicorn.Server(uvicorn.Config(self.server.app, log_config=None, timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._web.run, kwargs={"sockets": [self._listener]})

    def start(self) -> "Site":
        """Serve."""
        self._thread.start()
        for _ in range(3_000):
            if self._web.started or not self._thread.is_alive():
                break
            time.sleep(0.01)
        assert self._web.started, "the server did not start"
        return self

    def stop(self) -> None:
        """End, served or not."""
        self._web.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self.server.stop()
        self._listener.close()

    def account(self, shown_as: str, role: Role = Role.ADMINISTRATOR, counties: tuple[str, ...] = ()) -> Account:
        """A person's account, made at the first time."""
        with self.server.store.transaction() as session:
            known = accounts.everyone(session)
            for account in known:
                if account.shown_as == shown_as:
                    return account
            now_ms, name = self.clock.wall_ms(), f"u{len(known) + 1}"
            return accounts.add(
                session, COMMAND_LINE, name=name, shown_as=shown_as, role=role, counties=counties, now_ms=now_ms
            )

    def link(self, shown_as: str = "值班员", role: Role = Role.ADMINISTRATOR) -> str:
        """A link that signs a person in once."""
        account = self.account(shown_as, role)
        with self.server.store.transaction() as session:
            return self.url + FIRST + links.issue(session, Purpose.SIGN_IN, account.id, self.clock.wall_ms())

    def token(self, shown_as: str, role: Role = Role.ADMINISTRATOR, counties: tuple[str, ...] = ()) -> str:
        """The secret of a person's session, as the cookie carries it."""
        account = self.account(shown_as, role, counties)
        with self.server.store.transaction() as session:
            return sessions.open(session, account, self.clock.wall_ms(), "127.0.0.1", "test")


def tell_a_night(county: County) -> None:
    """Four seals: one melts with an unanswered stretch, one is off, one resumed and stopped, one fell silent."""
    melting = county.seal(43, "示例铸造一厂", "2 号炉")
    quiet = county.seal(51, "示例特钢二厂")
    ended = county.seal(60, "示例铸件五厂", allowed_kw=2.0)
    silent = county.seal(61, "示例五金四厂")
    county.feed(melting, 7_200, NOW_S - 10, melt)
    county.feed(quiet, 7_200, NOW_S - 10)
    county.feed(ended, 7_200, NOW_S - 10, lambda s: 110_000.0 if 7_500 <= s < 8_400 else 1_500.0)
    county.feed(silent, 7_200, NOW_S - 400)
    county.tick(NOW_S)


def tell_a_start(county: County) -> None:
    """One seal that has just resumed, one that is off."""
    melting = county.seal(43, "示例铸造一厂", "2 号炉")
    county.feed(melting, 7_740, 7_860, melt)
    county.feed(county.seal(51, "示例特钢二厂"), 7_740, 7_860)
    county.tick(7_862)


def melt(second: int) -> float | None:
    """A melt from RESUMED_S on, with an unanswered stretch and a single peak before it."""
    if GAP_S[0] <= second < GAP_S[1]:
        return None
    if second < RESUMED_S:
        return 9_000.0 if second == PEAK_S else 0.0
    risen = min(326_000.0, (second - RESUMED_S + 8) * 2_000.0)
    return risen if second < RESUMED_S + 300 or second % 300 > 20 else 240_000.0


class Visit:
    """One browser window; notes every host that is asked and every mistake.

    Attributes:
        page: the window.
        hosts: hosts of all requests.
        mistakes: what the page's scripts complained of.
    """

    def __init__(
        self, browser: Browser, *, size: tuple[int, int] = (1366, 768), scheme: Literal["light", "dark"] = "light"
    ) -> None:
        self.hosts: set[str] = set()
        self.mistakes: list[str] = []
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("console", lambda said: self.mistakes.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.mistakes.append(str(error)))

    def enter(self, site: Site, path: str = "/", *, secret: str | None = None, url: str = "") -> None:
        """Sign in by a one-time link, or with a session's secret, and open a page.

        Args:
            site: the server.
            path: of the page.
            secret: of a session; without one a link is used.
            url: of a line to the server, where one is between.
        """
        if secret is None:
            self.page.goto(site.link())
            self.page.get_by_role("button").click()
            self.page.wait_for_url(site.url + "/")
        else:
            self._context.add_cookies([{"name": "coldseal", "value": secret, "url": url or site.url}])
            self.page.goto((url or site.url) + "/")
        if path != "/":
            self.page.goto(site.url + path)
        self.page.wait_for_selector("header .brand")

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def pick(self, name: str) -> None:
        """Click a row of the board by the name on it."""
        self.page.locator(".item", has_text=name).first.click()

    def chart(self) -> dict[str, Any]:
        """The option that the drawn chart has, as ECharts tells it."""
        script = """() => {
          const chart = getElement(document.querySelector('.chart').id.slice(1))?.chart;
          const option = chart?.getOption();
          return option?.series?.length ? option : null;
        }"""
        self.page.wait_for_function(script)
        option: dict[str, Any] = self.page.evaluate(script)
        return option


class Opener:
    """Opens windows, and closes them before their server ends."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._visits: list[Visit] = []

    def __call__(
        self,
        site: Site,
        path: str = "/",
        *,
        secret: str | None = None,
        size: tuple[int, int] = (1366, 768),
        before: str = "",
    ) -> Visit:
        """A window on a page of a site; `before` is run in it before its own scripts."""
        visit = Visit(self._browser, size=size)
        self._visits.append(visit)
        if before:
            visit.page.add_init_script(before)
        visit.enter(site, path, secret=secret)
        return visit

    def close(self) -> None:
        """Close every window."""
        for visit in self._visits:
            visit.close()


@contextmanager
def launched() -> Iterator[Browser]:
    """The system's Chromium, without what it would ask of the outside."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        yield browser
        browser.close()
