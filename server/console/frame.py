"""What every page stands in: top bar, keys, messages, who looks, and the wish to show what is new at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from nicegui import background_tasks, ui
from sqlmodel import Session

from server import life
from server.access.who import Forbidden, Who
from server.console import figures, unseen
from server.console.feed import Feed
from server.console.html import render
from server.console.sheet import Sheet
from server.console.visitor import Visitor
from server.console.words import HOMES, Words
from server.county_names import county_name
from server.store import StoreUnavailable
from server.tables import Violation

T = TypeVar("T")

LEAST_BETWEEN_S = 0.25
"""A storm of news refreshes a page no more often than four times a second."""

RETURNED_MS = 1_000
"""What was read before that is old when a line comes back."""

Read = Callable[[Session, Who, int], T]
"""What a page reads: in a transaction, for somebody, at a time in ms."""

Show = Callable[[T], None]
Step = Callable[[Session, Who, int], Violation]


class SignedOut(Exception):
    """Whoever looked may not look any more."""


class Key(msgspec.Struct, frozen=True):
    """A key as it stands under `?`; it clicks the button or link that carries it as data-key (console.js).

    Attributes:
        key: e.g. "A" or "Enter".
        says: the key of the words that explain it.
    """

    key: str
    says: str


class Frame:
    """One open page.

    Attributes:
        words: its language.
        feed: the server's news and database.
        params: what stands in the path's places.
        query: what stands behind the question mark.
        who: who looks, as of the last reading.
        version: of the feed, and
        now_ms: server time of the last reading.

    Args:
        path: the address without language, e.g. "/violations/V-ABC".
        visitor: how to ask again who looks.
    """

    def __init__(
        self,
        feed: Feed,
        words: Words,
        visitor: Visitor,
        who: Who,
        path: str,
        params: Mapping[str, str],
        query: Mapping[str, str],
    ) -> None:
        self.feed, self.words, self.who, self.params, self.query = feed, words, who, params, query
        self.version, self.now_ms = feed.version, feed.clock.wall_ms()
        self._visitor, self._path = visitor, path
        self._keys: list[Key] = []
        self._turn, self._is_busy = asyncio.Lock(), False
        self._again: Callable[[], Awaitable[None]] | None = None
        self._build()

    def link(self, path: str) -> str:
        """The address of a page in this page's language."""
        return address(self.words, path)

    async def follow(self, read: Read[T], show: Show[T]) -> None:
        """Read and show now, and again whenever there is news or some time went by.

        Args:
            read: asked in a thread, in one transaction with the question who looks.
            show: told on the page.
        """

        async def again() -> None:
            def question(session: Session) -> tuple[Who, unseen.Unseen, T]:
                who = self._asked(session)
                return who, unseen.count(session, who, self.now_ms), read(session, who, self.now_ms)

            self.version, self.now_ms = self.feed.version, self.feed.clock.wall_ms()
            self.who, count, found = await self.feed.read(question)
            self._count.show(count)
            show(found)

        self._again = again
        await self.refresh()
        client = ui.context.client
        task = background_tasks.create(self._follow(), name=f"follow {self._path}")
        client.on_delete(task.cancel)
        client.on_connect(self._returned)

    async def _returned(self) -> None:
        """The line is back; at the first time the page is new."""
        if self._now() - self.now_ms > RETURNED_MS:
            await self.refresh()

    async def refresh(self) -> None:
        """Read and show once more."""
        async with self._turn:
            await self._refresh()

    async def act(self, step: Step) -> bool:
        """Let who looks take a step in a violation's life; what went wrong is said, and what was typed stays.

        Args:
            step: done in a transaction.

        Returns:
            Whether it is recorded.
        """
        try:
            violation = await self.feed.read(lambda session: step(session, self._asked(session), self._now()))
        except SignedOut:
            self._leave()
            return False
        except Forbidden:
            self.say(self.words("forbidden"))
        except life.WrongState as error:
            at = figures.clock(error.at_ms, self.now_ms)
            self.say(self.words("not_moved", who=error.author, at=at, state=self.words(error.state)))
        except life.ViolationError as error:
            self.say(self.words("not_recorded", why=str(error)))
        except StoreUnavailable:
            self.say(self.words("store_busy"))
        else:
            self.say("")
            self.feed.news.tell([violation.seal_id])
            await self.feed.look()
            await self.refresh()
            return True
        await self.refresh()
        return False

    def say(self, problem: str) -> None:
        """Say what went wrong to eyes and to screen readers, until it is said that nothing is."""
        self._said.set_content(render("said", self.words, text=problem) if problem else "")

    def keys(self, keys: Sequence[Key]) -> None:
        """Explain keys of this page under `?`."""
        self._keys = [*keys, *self._keys]
        self._help.set_content(render("help", self.words, keys=self._keys))

    async def _follow(self) -> None:
        client = self._bar.client
        try:
            while True:
                await asyncio.sleep(LEAST_BETWEEN_S)
                await self.feed.changed(self.version)
                if client.has_socket_connection:
                    with client:
                        await self.refresh()
        except Exception:  # the top of this task: a page that stands still must say so; NiceGUI logs what it was
            self.say(self.words("broken"))
            raise

    async def _refresh(self) -> None:
        if self._again is None:
            return
        try:
            await self._again()
        except SignedOut:
            self._leave()
        except StoreUnavailable:
            self._is_busy = True
            self.say(self.words("store_busy"))
        else:
            if self._is_busy:
                self._is_busy = False
                self.say("")

    def _asked(self, session: Session) -> Who:
        who = self._visitor.who(session, self._now())
        if who is None:
            raise SignedOut
        return who

    def _now(self) -> int:
        return self.feed.clock.wall_ms()

    def _leave(self) -> None:
        """Lead to the sign-in and back here; what was typed is kept by the browser."""
        self._again = None
        ui.navigate.to(f"/sign-in?{urlencode({'next': self.link(self._path)})}")

    def _build(self) -> None:
        words, home = self.words, self.link("/")
        other = Words("en" if words.language == "zh" else "zh")
        with ui.element("header").classes("bar") as self._bar:
            ui.html(render("bar_left", words, home=home, is_home=self._path == "/"), sanitize=False).classes(
                "part-left"
            )
            self._count = unseen.Badge(words, home)
            right = render(
                "bar_right", words, other=address(other, self._path), who=self.who, scope=scope(self.who, words)
            )
            ui.html(right, sanitize=False).classes("part-right")
        ui.html(render("hatches", words), sanitize=False).classes("hatches").props("aria-hidden=true")
        ui.html(render("cut", words), sanitize=False).classes("cut").props("role=status")
        self._said = ui.html("", sanitize=False).classes("said").props("role=alert")
        self._help = Sheet("help", words("help"))
        finder = Sheet("finder", words("find"))
        finder.set_content(render("finder", words))
        self.keys([Key("/", "help_find"), Key("?", "help_help"), Key("Esc", "help_close")])


def address(words: Words, path: str) -> str:
    """A page's address in a language."""
    home = HOMES[words.language]
    return quote(path if home == "/" else home if path == "/" else home + path)


def scope(who: Who, words: Words) -> str:
    """Which counties somebody sees, in words."""
    if not who.counties:
        return words("every_county")
    names = [county_name(code, words.language) for code in sorted(who.counties)]
    return words("some_counties", first=names[0], n=len(names)) if len(names) > 1 else names[0]
