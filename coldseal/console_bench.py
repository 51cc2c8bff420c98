"""How quickly the console shows what is stored: a real server, a real Chromium, a county with a year behind it.

Paint: the time from the start of a navigation until the browser's first paint, and until the page's own
content is drawn, its chart included, each beside the same of an empty page of the same toolkit with one chart; the
three take turns in one browser. Memory: what the server
grows by with idle viewers. Shown: from the server's time of the transaction that stored a violation to the moment at
which its row is in the document of a board that was open all the time; one machine, one clock.
"""

import os
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlmodel import select

from coldseal import bench_sites, console_county
from coldseal.console_county import MELTING
from coldseal.embedded_broker import broker_command
from coldseal.local_plant import AgentPlan, LocalPlant, free_ports
from coldseal.processes import ProcessGroup
from server import life
from server.access import accounts, links
from server.access.audit import COMMAND_LINE
from server.access.rights import Role
from server.settings import Settings
from server.store import Store
from server.tables import RuleState, Violation
from wire.clock import Clock, SystemClock
from wire.errors import SurroundingsError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

RATIO_LIMIT = 1.5
SHOWN_LIMIT_S = 1.0
READY_S = 120.0
VIEWERS = 20
RESTARTING = 8
"""Furnaces that restart while the board is open, each every half minute or so."""

Say = Callable[[str], None]


class Paint(msgspec.Struct, frozen=True):
    """One opening of a page, ms from the start of its navigation.

    Attributes:
        first_ms: until the browser first painted any of it.
        drawn_ms: until its own content and its chart were drawn.
    """

    first_ms: float
    drawn_ms: float


class Figures(msgspec.Struct, frozen=True):
    """What the bench prints; medians over the rounds."""

    bench: str
    seals: int
    meter_days: int
    rounds: int
    blank_first_paint_ms: float
    board_first_paint_ms: float
    day_first_paint_ms: float
    ratio_limit: float
    board_first_paint_ratio: float
    day_first_paint_ratio: float
    blank_drawn_ms: float
    board_drawn_ms: float
    day_drawn_ms: float
    board_drawn_ratio: float
    day_drawn_ratio: float
    viewers: int
    server_memory_mb: float
    memory_per_viewer_mb: float
    restarts_shown: int
    stored_to_shown_p50_s: float
    stored_to_shown_p99_s: float
    stored_to_shown_max_s: float
    shown_limit_s: float


def measure(seals: int, rounds: int, restarts: int, say: Say) -> Figures:
    """Write the county, serve it, and look.

    Raises:
        SurroundingsError: Playwright or Chromium is not there.
    """
    with tempfile.TemporaryDirectory(prefix="coldseal-bench-") as name, _chromium() as browser:
        return _Bench(Path(name), browser, SystemClock(), say).run(seals, rounds, restarts)


class _Bench:
    def __init__(self, folder: Path, browser: "Browser", clock: Clock, say: Say) -> None:
        self._browser, self._clock, self._say = browser, clock, say
        self._broker_port, self._http_port, self._blank_port, *self._meter_ports = free_ports(3 + RESTARTING)
        self._settings = Settings(
            data=folder, broker_port=self._broker_port, http_port=self._http_port, deployment="bench.coldseal/1"
        )
        self._plant = LocalPlant(folder, self._settings, clock)
        self._names = [f"agent-{i}" for i in range(RESTARTING)]

    def run(self, seals: int, rounds: int, restarts: int) -> Figures:
        written = self._write(seals)
        plan = bench_sites.Plan(self._meter_ports, 1, 20.0, 2.2, (20.0, 40.0), 20.0 + 50.0 * -(-restarts // RESTARTING))
        bench_sites.write(self._settings.data, plan)
        with ProcessGroup(self._settings.data / "log") as programs:
            self._start(programs)
            paints = self._paint(rounds)
            alone_mb, each_mb = self._memory(programs.pid("server"))
            programs.start("agents", self._plant.agent_command(self._names))
            programs.wait_ready("agents", f"ready agent {self._names[-1]}", READY_S)
            programs.start("sites", [sys.executable, "-m", "coldseal.bench_sites", str(self._settings.data)])
            shown = sorted(self._shown(restarts))
        first = {name: statistics.median(paint.first_ms for paint in of) for name, of in paints.items()}
        drawn = {name: statistics.median(paint.drawn_ms for paint in of) for name, of in paints.items()}
        return Figures(
            bench="console",
            seals=written.seals,
            meter_days=written.meter_days,
            rounds=rounds,
            blank_first_paint_ms=round(first["blank"]),
            board_first_paint_ms=round(first["board"]),
            day_first_paint_ms=round(first["day"]),
            ratio_limit=RATIO_LIMIT,
            board_first_paint_ratio=round(first["board"] / first["blank"], 2),
            day_first_paint_ratio=round(first["day"] / first["blank"], 2),
            blank_drawn_ms=round(drawn["blank"]),
            board_drawn_ms=round(drawn["board"]),
            day_drawn_ms=round(drawn["day"]),
            board_drawn_ratio=round(drawn["board"] / drawn["blank"], 2),
            day_drawn_ratio=round(drawn["day"] / drawn["blank"], 2),
            viewers=VIEWERS,
            server_memory_mb=round(alone_mb, 1),
            memory_per_viewer_mb=round(each_mb, 2),
            restarts_shown=len(shown),
            stored_to_shown_p50_s=round(_at(shown, 0.5), 3),
            stored_to_shown_p99_s=round(_at(shown, 0.99), 3),
            stored_to_shown_max_s=round(shown[-1], 3) if shown else float("nan"),
            shown_limit_s=SHOWN_LIMIT_S,
        )

    def _write(self, seals: int) -> console_county.Written:
        store = Store(self._settings.database)
        written = console_county.write(store, self._settings, self._clock, seals, self._say)
        with store.transaction() as session:
            accounts.add(
                session, COMMAND_LINE, name="bench", shown_as="bench", role=Role.ADMINISTRATOR, counties=(),
                now_ms=self._clock.wall_ms(),
            )  # fmt: skip
        store.close()
        self._plant.register(
            [_seal(i, name) for i, name in enumerate(self._names)],
            [
                AgentPlan(name, [{"id": "m1", "profile": bench_sites.PROFILE, "tcp": f"127.0.0.1:{port}"}], 60.0)
                for name, port in zip(self._names, self._meter_ports, strict=True)
            ],
        )
        return written

    def _start(self, programs: ProcessGroup) -> None:
        programs.start("broker", broker_command(self._broker_port))
        programs.wait_ready("broker", "ready", READY_S)
        command = [sys.executable, "-m", "coldseal", "server", "run", "--data", str(self._settings.data)]
        where = ["--port", str(self._http_port), "--broker", f"127.0.0.1:{self._broker_port}"]
        programs.start("server", [*command, *where, "--deployment", self._settings.deployment])
        programs.start("blank", [sys.executable, "-m", "coldseal.blank_page", str(self._blank_port)])
        programs.wait_ready("server", "ready", READY_S)

    def _paint(self, rounds: int) -> dict[str, list[Paint]]:
        """Milliseconds from navigation to drawn content; a new tab each time, scripts from the browser's cache."""
        signed_in = self._context()
        page_url = f"http://127.0.0.1:{self._http_port}"
        where = {
            "blank": (f"http://127.0.0.1:{self._blank_port}/", _CHART),
            "board": (f"{page_url}/", f"document.querySelector('.item') && {_CHART}"),
            "day": (f"{page_url}/violations/{self._melting()}?range=86400", _CHART),
        }
        paints: dict[str, list[Paint]] = {name: [] for name in where}
        for turn in range(rounds + 1):  # the first fills the caches and is not counted
            for name, (url, drawn) in where.items():
                paint = _opened(signed_in, url, drawn)
                if turn:
                    paints[name].append(paint)
            self._say(f"paint: round {turn} of {rounds}")
        signed_in.close()
        return paints

    def _melting(self) -> str:
        """The violation of the furnace whose last day is there second by second."""
        store = Store(self._settings.database)
        with store.transaction() as session:
            found = session.exec(select(Violation.id).where(Violation.seal_id == MELTING)).one()
        store.close()
        return found

    def _memory(self, server_pid: int) -> tuple[float, float]:
        """The server's memory with nobody there, and what each idle viewer adds, MB."""
        before = _resident_mb(server_pid)
        context = self._context()
        for _ in range(VIEWERS):
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{self._http_port}/")
            page.wait_for_selector(".item")
        grown = _resident_mb(server_pid) - before
        context.close()
        return before, grown / VIEWERS

    def _shown(self, restarts: int) -> Iterator[float]:
        """Seconds from stored to shown, one a restart; each violation is closed after it was seen."""
        context = self._context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{self._http_port}/")
        page.wait_for_selector(".item")
        page.evaluate(_OBSERVE)
        seen = 0
        while seen < restarts:
            page.wait_for_function("Object.keys(window.benchShown).length > 0", timeout=READY_S * 1000)
            for violation_id, at_ms in page.evaluate(
                "() => { const s = window.benchShown; window.benchShown = {}; return s; }"
            ).items():
                stored_ms = self._begin_anew(violation_id)
                if stored_ms is not None:
                    seen += 1
                    yield (at_ms - stored_ms) / 1000
            if seen and seen % 20 == 0:
                self._say(f"shown: {seen} of {restarts}")
        context.close()

    def _begin_anew(self, violation_id: str) -> int | None:
        """When a violation was stored; it is closed and its seal's rules begin anew, so that the next one is new."""
        store = Store(self._settings.database)
        try:
            with store.transaction() as session:
                violation = session.get_one(Violation, violation_id)
                if violation.code != "resumed_power" or not violation.seal_id.startswith("LIVE-"):
                    return None
                now_ms = self._clock.wall_ms()
                life.close(session, violation_id, by=COMMAND_LINE, reason="measured", now_ms=now_ms)
                state = session.get(RuleState, violation.seal_id)
                if state is not None:
                    session.delete(state)
                return violation.detected_ms
        finally:
            store.close()

    def _context(self) -> "BrowserContext":
        store = Store(self._settings.database)
        with store.transaction() as session:
            account = accounts.named(session, "bench")
            secret = links.issue(session, links.Purpose.SIGN_IN, account.id, self._clock.wall_ms())
        store.close()
        context = self._browser.new_context(viewport={"width": 1920, "height": 1080})
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{self._http_port}{links.FIRST}{secret}")
        page.get_by_role("button").click()
        page.wait_for_url(re.compile(r"/$"))
        page.close()
        return context


_CHART = "[...document.querySelectorAll('.chart canvas')].some(c => c.width > 0)"
_OBSERVE = """() => {
  window.benchShown = {};
  const known = new Set();
  const look = () => {
    const now = Date.now();
    for (const row of document.querySelectorAll('.item.violation[data-pick]')) {
      const id = row.dataset.pick;
      if (!known.has(id)) { known.add(id); window.benchShown[id] = now; }
    }
  };
  look();
  window.benchShown = {};
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


def _opened(context: "BrowserContext", url: str, drawn: str) -> Paint:
    """Open a page; how long after the navigation began it first painted, and its content was drawn."""
    page: Page = context.new_page()
    page.add_init_script(
        f"window.benchDrawn = 0; (function look() {{ if ({drawn}) requestAnimationFrame(() => "
        "{ window.benchDrawn = performance.now(); }); else requestAnimationFrame(look); })();"
    )
    page.goto(url, wait_until="commit")
    took = page.wait_for_function("window.benchDrawn", timeout=READY_S * 1000).json_value()
    first = page.wait_for_function(
        "performance.getEntriesByName('first-paint')[0]?.startTime", timeout=READY_S * 1000
    ).json_value()
    page.close()
    return Paint(float(first), float(took))


def _resident_mb(pid: int) -> float:
    with Path(f"/proc/{pid}/statm").open(encoding="ascii") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _seal(number: int, agent: str) -> dict[str, object]:
    return {
        "seal": f"LIVE-{number:04}", "enterprise": f"现场 {number} 厂", "site": "bench", "county_code": "350121",
        "furnace": {"name": "1 号炉", "kind": "mf_coreless", "shell": "aluminium", "yoke": False, "tonnes": 0.5,
                    "rated_kw": 350, "melts_scrap": True},
        "break": "downstream", "from": "2026-01-01T00:00:00+08:00",
        "pledge": {"allowed_kw": 0, "signatory": "bench", "signed": "2026-01-01T00:00:00+08:00"},
        "meters": [{"agent": agent, "name": "m1", "role": "furnace", "profile": bench_sites.PROFILE}],
    }  # fmt: skip


@contextmanager
def _chromium() -> Iterator["Browser"]:
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - of the developers' extra only
    except ImportError as error:
        raise SurroundingsError(
            "bench console: Playwright is missing; install it: pip install 'coldseal[dev]'"
        ) from error
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        except Error as error:
            raise SurroundingsError(
                "bench console: /usr/bin/chromium is missing; on Debian: apt install chromium"
            ) from error
        yield browser
        browser.close()
