"""The page: what needs a person on the left, what happened and by which numbers on the right."""

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import msgspec
from nicegui import ui
from nicegui.events import KeyEventArguments
from sqlmodel import Session

from server import tokens, views, violations
from server.console import panel
from server.console.chart_time import chart_time
from server.console.detail import Detail
from server.console.feed import Feed, Snapshot
from server.console.html import render
from server.console.lists import RowList
from server.console.rows import seal_row, violation_row
from server.console.words import HOMES, Words
from server.tables import Violation
from server.views import ViolationDetail

REFRESH_S = 1.0
GROUPS = (("open", "open"), ("acknowledged", "acknowledged"), ("closed", "closed_recent"))

Step = Callable[..., Violation]


class Visitor(msgspec.Struct, frozen=True):
    """Who looks: the name stands in the record, the secret is checked again as long as the page is open."""

    name: str
    secret: str


class Board:
    """One open page.

    Args:
        feed: what there is to show.
        words: the language.
        visitor: who looks.
        picked: "v:ID" of a violation, "s:ID" of a seal, or "" for what is most urgent.
    """

    def __init__(self, feed: Feed, words: Words, visitor: Visitor, picked: str) -> None:
        self._feed, self._words, self._visitor, self._picked = feed, words, visitor, picked
        self._home = HOMES[words.language]
        self._follows = not picked
        """As long as nobody chose and no violation was there, the first one that comes is shown."""
        self._snapshot: Snapshot | None = None
        self._detail: ViolationDetail | None = None
        self._turn = asyncio.Lock()
        self._bar = ui.html("", sanitize=False, tag="header").classes("bar")
        with ui.element("div").classes("page opened" if picked else "page") as self._page:
            with ui.element("aside"):
                self._queue = ui.html("", sanitize=False, tag="h1").classes("queue")
                self._groups = {state: RowList(self.pick) for state, _ in GROUPS}
                self._seals = RowList(self.pick)
            self._right = Detail(
                words,
                self.pick,
                acknowledge=self.acknowledge,
                close=self.close,
                back=self._back,
                redraw=self._redraw,
            )
        with ui.dialog() as self._help:
            ui.html(render("help", words), sanitize=False).classes("help")
        ui.keyboard(self._on_key, repeating=False, ignore=["input", "select", "textarea"])
        self._timer = ui.timer(REFRESH_S, self.refresh, immediate=False)

    async def refresh(self) -> None:
        """Show what is new, if anything is."""
        async with self._turn:
            snapshot = await self._feed.latest()
            if snapshot is not self._snapshot:
                await self._show(snapshot)

    async def pick(self, key: str) -> None:
        """Select what a row names."""
        self._page.classes(add="opened")
        self._follows = False
        if key == self._picked:
            return
        self._right.forget()
        await self._select(key)

    async def acknowledge(self) -> None:
        """Someone saw the selected violation."""
        if self._detail is not None and self._detail.state == "open":
            await self._step(violations.acknowledge)

    async def close(self) -> None:
        """The selected violation is dealt with."""
        if self._detail is not None and not self._right.reason:
            self._right.say(self._words("needs_reason"))
            self._right.focus_reason()
        elif self._detail is not None:
            await self._step(violations.close)

    async def _step(self, step: Step) -> None:
        detail, reason, now_ms = self._detail, self._right.reason, self._feed.clock.wall_ms()
        if detail is None:
            return
        try:
            await self._feed.read(
                lambda session: step(session, detail.id, author=self._visitor.name, reason=reason, now_ms=now_ms)
            )
        except violations.ViolationError:
            self._right.say(self._words("not_moved"))
        else:
            self._right.forget()
        self._feed.bump()
        await self.refresh()

    async def _select(self, key: str) -> None:
        self._picked = key
        kind, _, name = key.partition(":")
        ui.navigate.history.replace(f"{self._home}?{urlencode({kind: name})}")
        await self._redraw()

    async def _redraw(self) -> None:
        async with self._turn:
            if self._snapshot is not None:
                await self._show(self._snapshot)

    async def _back(self) -> None:
        self._page.classes(remove="opened")

    async def _show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        if self._follows:
            self._picked = _most_urgent(snapshot)
            self._follows = not self._picked.startswith("v:")
        kind, _, name = self._picked.partition(":")
        violation_id = name if kind == "v" else ""
        is_good, self._detail = await self._feed.read(
            partial(_asked, secret=self._visitor.secret, violation_id=violation_id, now_ms=snapshot.now_ms)
        )
        if not is_good:
            self._timer.cancel()
            ui.navigate.to(f"/sign-in?{urlencode({'next': self._home})}")
            return
        self._show_lists(snapshot)
        self._show_picked(snapshot, name)

    def _show_lists(self, snapshot: Snapshot) -> None:
        words, now_ms = self._words, snapshot.now_ms
        unseen = [v for v in snapshot.violations if v.state == "open"]
        pending = sum(v.state != "closed" for v in snapshot.violations)
        red = any(v.severity == "red" for v in unseen)
        other = HOMES["en" if words.language == "zh" else "zh"]
        self._bar.set_content(
            render(
                "bar", words, home=self._home, other_home=other, author=self._visitor.name, unseen=len(unseen), red=red
            )
        )
        self._queue.set_content(words("queue", n=pending) if pending else words("queue_empty"))
        for state, key in GROUPS:
            rows = [violation_row(v, words, self._home, now_ms) for v in snapshot.violations if v.state == state]
            self._groups[state].show(f"{words(key)} {len(rows)}", rows, self._picked)
        rows = [seal_row(row, words, self._home) for row in snapshot.seals]
        title = f"{words('seals', n=len(rows))}<i>{words('coverage_today')} · {words('last_value')}</i>"
        self._seals.show(title, rows, self._picked)

    def _show_picked(self, snapshot: Snapshot, name: str) -> None:
        words, now_ms, detail = self._words, snapshot.now_ms, self._detail
        seal = snapshot.seal(name if detail is None else detail.seal_id)
        if detail is not None:
            self._right.show(panel.of_violation(detail, seal, words, now_ms), detail.state)
        elif seal is not None:
            self._right.show(panel.of_seal(seal, words, self._home), None)
        else:
            self._right.show_empty()
        if seal is not None:
            from_ms, to_ms = chart_time(self._right.range, detail, seal, now_ms)
            asked = {"seal": seal.id, "from": from_ms, "to": to_ms, "lang": words.language}
            self._right.draw(f"/console/chart?{urlencode(asked | ({'v': detail.id} if detail else {}))}")

    async def _on_key(self, event: KeyEventArguments) -> None:
        held = event.modifiers.alt or event.modifiers.ctrl or event.modifiers.meta
        if not event.action.keydown or held:
            return
        key = event.key.name
        if key in ("j", "J", "k", "K"):
            await self._move(1 if key in "jJ" else -1)
        elif key in ("a", "A"):
            await self.acknowledge()
        elif key in ("r", "R"):
            self._right.focus_reason()
        elif key == "?":
            self._help.open()

    async def _move(self, by: int) -> None:
        if self._snapshot is None:
            return
        keys = [f"v:{v.id}" for v in self._snapshot.violations] + [f"s:{s.id}" for s in self._snapshot.seals]
        if keys:
            at = keys.index(self._picked) + by if self._picked in keys else 0
            await self.pick(keys[min(max(at, 0), len(keys) - 1)])


def _most_urgent(snapshot: Snapshot) -> str:
    for violation in snapshot.violations:
        if violation.state != "closed":
            return f"v:{violation.id}"
    return f"s:{snapshot.seals[0].id}" if snapshot.seals else ""


def _asked(session: Session, *, secret: str, violation_id: str, now_ms: int) -> tuple[bool, ViolationDetail | None]:
    """Whether the visitor's token is still good, and the selected violation."""
    if tokens.bearer(session, secret, now_ms) is None:
        return False, None
    return True, views.violation(session, violation_id) if violation_id else None
