"""The duty board: what needs a person now, what happened and by which numbers, and how the counties stand."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

import msgspec
from nicegui import ui
from sqlmodel import Session

from server.access.who import Who
from server.console import figures
from server.console.board_data import Snapshot, Snapshots
from server.console.board_selected import Selected, Standing, read_standing
from server.console.controls import button
from server.console.frame import Frame, Key
from server.console.html import render
from server.console.lists import RowList
from server.console.pages import PageKind
from server.console.rows import Row, violation_row
from server.views import ViolationRow
from server.views.violations import Group

GROUPS = (Group.UNSEEN, Group.WORKING, Group.SHELVED)
KEYS = (Key("J", "help_next"), Key("K", "help_previous"), Key("Enter", "help_open"))


class Shown(msgspec.Struct, frozen=True):
    """What one board shows.

    Attributes:
        standing: the selected violation; None where there is none, or none that this person sees.
    """

    snapshot: Snapshot
    standing: Standing | None


class Board:
    """One open board.

    Args:
        frame: the page.
        snapshots: shared by the boards of this server.
    """

    def __init__(self, frame: Frame, snapshots: Snapshots) -> None:
        self._frame, self._snapshots = frame, snapshots
        self._picked = frame.query.get("v", "")
        self._follows = not self._picked
        """As long as nobody chose, the first violation that comes is shown."""
        self._order: list[str] = []
        words = frame.words
        with ui.element("div").classes("board"):
            with ui.element("aside").props(f'aria-label="{words("queue_label")}"'):
                self._build_queue()
            self._selected = Selected(frame)
            self._strip = ui.html("", sanitize=False, tag="footer").classes("strip")
        frame.keys(KEYS)

    def read(self, session: Session, who: Who, now_ms: int) -> Shown:
        """Read what this board shows; in a thread."""
        snapshot = self._snapshots.of(session, who.counties, self._frame.version, now_ms)
        picked = self._wanted(snapshot)
        standing = read_standing(session, who, picked, now_ms) if picked else None
        return Shown(snapshot, standing)

    def show(self, shown: Shown) -> None:
        """Show it."""
        snapshot = shown.snapshot
        self._picked = self._wanted(snapshot)
        self._follows = self._follows and not self._picked
        self._show_queue(snapshot)
        self._selected.show(shown.standing, snapshot)
        self._log.set_content(render("board_log", self._frame.words, lines=snapshot.log, now_ms=snapshot.now_ms))
        self._strip.set_content(render("board_strip", self._frame.words, counties=snapshot.counties))

    def _wanted(self, snapshot: Snapshot) -> str:
        if self._picked or not snapshot.violations:
            return self._picked
        return _grouped(snapshot)[0][1][0].id

    def _build_queue(self) -> None:
        words = self._frame.words
        with ui.element("div").classes("queue-head"):
            self._queue = ui.html("", sanitize=False, tag="h1").classes("queue")
            ui.html(f"<span>{words('queue_order')}</span>", sanitize=False).classes("muted order")
            button("", partial(self._move, 1), "bare", key="J").props["aria-label"] = words("help_next")
            button("", partial(self._move, -1), "bare", key="K").props["aria-label"] = words("help_previous")
        with ui.element("div").classes("groups"):
            self._groups = {group: RowList(words, group.value, self._pick) for group in GROUPS}
            self._calm = ui.html("", sanitize=False).classes("calm")
        self._log = ui.html("", sanitize=False, tag="section").classes("log")

    def _show_queue(self, snapshot: Snapshot) -> None:
        words, grouped = self._frame.words, _grouped(snapshot)
        self._order = [row.id for _, rows in grouped for row in rows]
        self._queue.set_content(words("queue", n=len(self._order)))
        known = dict(grouped)
        for group, rows in self._groups.items():
            mine = known.get(group, [])
            rows.show(self._title(group, mine, snapshot.now_ms), [self._row(v, snapshot) for v in mine], self._picked)
        calm = "" if self._order else render("board_calm", words, has_seals=snapshot.has_seals)
        self._calm.set_content(calm)

    def _row(self, row: ViolationRow, snapshot: Snapshot) -> Row:
        href = self._frame.link(f"/violations/{row.id}")
        return violation_row(row, snapshot.drawn.get(row.id), self._frame.words, href, snapshot.now_ms)

    def _title(self, group: Group, rows: Sequence[ViolationRow], now_ms: int) -> str:
        words = self._frame.words
        oldest = figures.briefly(now_ms - min((row.first_ms for row in rows), default=now_ms))
        return render("board_group", words, name=words(f"group.{group.value}"), number=len(rows), oldest=oldest)

    async def _pick(self, key: str) -> None:
        if key == self._picked:
            return
        self._picked, self._follows = key, False
        self._frame.say("")
        ui.navigate.history.replace(f"{self._frame.link('/')}?{urlencode({'v': key})}")
        await self._frame.refresh()

    async def _move(self, by: int) -> None:
        if not self._order:
            return
        at = self._order.index(self._picked) + by if self._picked in self._order else 0
        key = self._order[min(max(at, 0), len(self._order) - 1)]
        for rows in self._groups.values():
            rows.reach(key)
        await self._pick(key)
        ui.run_javascript("coldseal.reveal()")


def _grouped(snapshot: Snapshot) -> list[tuple[Group, list[ViolationRow]]]:
    """The groups that have a row, each in the order of the snapshot."""
    rows: dict[Group, list[ViolationRow]] = {group: [] for group in GROUPS}
    for row in snapshot.violations:
        rows[row.group(snapshot.now_ms)].append(row)
    return [(group, found) for group, found in rows.items() if found]


async def build(frame: Frame) -> None:
    """Put the board on its page."""
    board = Board(frame, frame.feed.kept(Snapshots))
    await frame.follow(board.read, board.show)


PAGE = PageKind(path="/", title="title_board", build=build, styles=("board.css",))
