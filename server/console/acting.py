"""A person's steps in a violation's life: buttons with their keys, and the dialog that asks for a reason."""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
from nicegui import ui
from nicegui.events import GenericEventArguments
from sqlmodel import Session

from server import life
from server.access import accounts
from server.access.tables import Account
from server.access.who import Who
from server.console.controls import button
from server.console.frame import Frame, Key
from server.console.html import render
from server.console.sheet import Sheet
from server.tables import Violation
from server.views import ViolationRow

SUBMITTED = """(event) => {
  event.preventDefault();
  emit(Object.fromEntries(new FormData(event.target)));
}"""


class _Way(msgspec.Struct, frozen=True):
    """How a step is taken.

    Attributes:
        step: its name in ViolationRow.steps.
        key: what presses its button.
        says: what explains the key.
        needs_reason: whether it is recorded only with some words.
    """

    step: str
    key: str
    says: str
    needs_reason: bool


WAYS = (
    _Way("acknowledge", "A", "help_acknowledge", needs_reason=False),
    _Way("dispatch", "D", "help_dispatch", needs_reason=False),
    _Way("comment", "C", "help_comment", needs_reason=True),
    _Way("confirm", "V", "help_confirm", needs_reason=True),
    _Way("dismiss", "X", "help_dismiss", needs_reason=True),
    _Way("close", "Q", "help_close_violation", needs_reason=True),
)
_WAYS = {way.step: way for way in WAYS}


class Acting:
    """The steps that may be taken now by who looks; nothing else is offered.

    Args:
        frame: the page.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._row: ViolationRow | None = None
        self._asked = ""
        self._turn = asyncio.Lock()
        words = frame.words
        with ui.element("div").classes("actions").props(f'role=group aria-label="{words("steps")}"'):
            with ui.element("div").classes("joined") as self._seeing:
                acknowledge = self._button(WAYS[0])
                self._asking("acknowledge_why", "acknowledge", "R").classes("why")
            self._buttons = {WAYS[0].step: acknowledge} | {way.step: self._button(way) for way in WAYS[1:]}
        self._sheet = Sheet("step", words("steps"))
        self._sheet.element.on("submit", self._submitted, js_handler=SUBMITTED)
        frame.keys([*(Key(way.key, way.says) for way in WAYS), Key("R", "help_reason")])
        self.show(None)

    def show(self, row: ViolationRow | None) -> None:
        """Offer what leads on from where a violation stands; None: nothing.

        Args:
            row: the violation.
        """
        self._row = row
        may = set() if row is None else {step for step in row.steps if self._frame.who.may(life.NEEDS[step])}
        for step, made in self._buttons.items():
            made.set_visibility(step in may)
        self._seeing.set_visibility("acknowledge" in may)

    def _button(self, way: _Way) -> ui.html:
        if way.step == "acknowledge":
            return button(self._frame.words("do.acknowledge"), self._acknowledge, "primary", key=way.key)
        return self._asking(f"do.{way.step}", way.step, way.key)

    def _asking(self, text: str, step: str, key: str) -> ui.html:
        made = button(self._frame.words(text), partial(self._ask, step), key=key)
        made.props["data-asks"] = ""
        return made

    async def _acknowledge(self) -> None:
        await self._take("acknowledge", "", "")

    async def _ask(self, step: str) -> None:
        row, words = self._row, self._frame.words
        if row is None:
            return
        county = row.county_code
        people = await self._frame.feed.read(partial(_people, county_code=county)) if step == "dispatch" else []
        way = _WAYS[step]
        draft = f"{row.id}/{step}"
        label = words(f"do.{step}")
        self._asked = draft
        html = render(
            "step", words, row=row, way=way, label=label, people=people, draft=draft, chars_max=_chars_max(step)
        )
        self._sheet.open(html, label)

    async def _submitted(self, event: GenericEventArguments) -> None:
        told: dict[str, str] = event.args
        step = self._asked.rpartition("/")[2]
        if await self._take(step, str(told.get("reason", "")), str(told.get("to", ""))):
            self._sheet.close(self._asked)
        else:
            self._sheet.close()

    async def _take(self, step: str, reason: str, to: str) -> bool:
        async with self._turn:
            row = self._row
            if row is None or step not in row.steps:
                return False
            return await self._frame.act(partial(_step, step, row.id, reason=reason, to=to))


def _people(session: Session, *, county_code: str) -> Sequence[Account]:
    return accounts.people(session, county_code)


def _chars_max(step: str) -> int:
    return life.COMMENT_CHARS_MAX if step == "comment" else life.REASON_CHARS_MAX


def _step(step: str, violation_id: str, session: Session, who: Who, now_ms: int, *, reason: str, to: str) -> Violation:
    if step == "dispatch":
        return life.dispatch(session, violation_id, by=who, to=to, reason=reason, now_ms=now_ms)
    if step == "comment":
        return life.comment(session, violation_id, by=who, text=reason, now_ms=now_ms)
    by_hand = {"acknowledge": life.acknowledge, "confirm": life.confirm, "dismiss": life.dismiss, "close": life.close}
    return by_hand[step](session, violation_id, by=who, reason=reason, now_ms=now_ms)
