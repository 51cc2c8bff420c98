"""Whatever happens in whatever order: nothing is lost, nobody is told twice, and the log accounts for all of it."""

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from server import life, mutes
from server.access.rights import RIGHTS, Role
from server.access.who import Who
from server.detect.finding import Code
from server.notify.events import Kind
from server.standing import is_unseen
from server.tables import Transition, Violation
from tests.server.notify.office import MINHOU, Office

BY = Who(name="li", shown_as="李某", kind="account", rights=RIGHTS[Role.MONITOR])
SAME = "https://same.example.org/"
CHANNELS: list[dict[str, object]] = [
    {"name": "duty"},
    {"name": "one", "url": SAME, "severities": ["red"]},
    {"name": "other", "url": SAME},
    {"name": "minhou", "counties": [MINHOU]},
    {"name": "chief", "escalation": True},
]
Act = Literal["begin", "end", "pass", "wait", "restart", "down", "up", "mute", "see"]


class Step(msgspec.Struct, frozen=True):
    """One thing that happens."""

    act: Act
    seal: int
    code: Code
    seconds: int


STEPS = st.lists(
    st.builds(
        Step,
        act=st.sampled_from(["begin", "begin", "begin", "end", "end", "pass", "pass", "wait", "restart", "down", "up", "mute", "see"]),
        seal=st.integers(0, 5),
        code=st.sampled_from([Code.RESUMED_POWER, Code.ENERGISED, Code.SILENT]),
        seconds=st.integers(1, 40),
    ),
    min_size=1,
    max_size=25,
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(steps=STEPS)
def test_never_lost_never_twice(steps: list[Step]) -> None:
    """After any sequence, once every channel is up again, every message that the log names was received exactly once."""
    with TemporaryDirectory() as folder:
        office = Office(Path(folder), CHANNELS, seals=6, escalate_after_min=5)
        began: dict[tuple[int, Code], int] = {}
        for step in steps:
            _do(office, step, began)
        for phone in office.phones.values():
            phone.refuses = None
        office.pass_s(1_500, turn_s=30)

        office.check_complete()
        _check(office)
        office.store.close()


def _do(office: Office, step: Step, began: dict[tuple[int, Code], int]) -> None:
    here = step.seal, step.code
    phone = list(office.phones.values())[step.seal % len(office.phones)]
    match step.act:
        case "begin":
            began.setdefault(here, office.clock.now_ms)
            office.found(step.seal, step.code, at=began[here])
        case "end" if here in began:
            office.found(step.seal, step.code, ended=True, at=began.pop(here))
        case "pass":
            office.pass_s(step.seconds, turn_s=5)
        case "wait":
            office.pass_s(step.seconds * 20, turn_s=30)
        case "restart":
            office.restart()
        case "down":
            phone.refuses = "no answer"
        case "up":
            phone.refuses = None
        case "mute":
            now_ms = office.clock.now_ms
            with office.store.transaction() as session:
                until_ms = now_ms + step.seconds * 1000
                mutes.mute(
                    session, by=BY, seal_id=office.seals[step.seal], until_ms=until_ms, reason="演练", now_ms=now_ms
                )
        case "see":
            _see(office, office.seals[step.seal])
        case _:
            pass


def _see(office: Office, seal_id: str) -> None:
    """Somebody acknowledges whatever waits of a seal."""
    with office.store.transaction() as session:
        waiting = select(Violation.id).where(Violation.seal_id == seal_id, is_unseen())
        for violation_id in session.exec(waiting).all():
            life.acknowledge(session, violation_id, by=BY, reason="", now_ms=office.clock.now_ms)


def _check(office: Office) -> None:
    for name, phone in office.phones.items():
        received = [message.id for message in phone.got]
        named = {one.message_id for one in office.log() if one.channel == name and one.message_id is not None}
        assert len(received) == len(set(received))
        assert set(received) == named
    told = defaultdict[tuple[str, str | None], list[str]](list)
    by_channel = {channel.name: channel.url for channel in office.notifier.channels}
    for one in sorted(office.log(), key=lambda row: (row.at_ms, row.id)):
        if one.outcome.value in ("told", "grouped"):
            told[by_channel[one.channel], one.violation_id].append(one.kind)
    for kinds in told.values():
        assert kinds[0] != Kind.ENDED.value
        pairs = list(pairwise(kinds))
        assert (Kind.NEW.value, Kind.NEW.value) not in pairs
        assert (Kind.ENDED.value, Kind.ENDED.value) not in pairs
    _check_life(office, told)


def _check_life(office: Office, told: dict[tuple[str, str | None], list[str]]) -> None:
    """What goes on is known to whom it is for, whatever was muted; each time unseen is escalated once at most."""
    with office.store.transaction() as session:
        going_on = session.exec(select(Violation.id).where(col(Violation.ended_ms).is_(None))).all()
        seen = Counter(session.exec(select(Transition.violation_id).where(Transition.author == BY.name)).all())
    duty = office.notifier.channels[0].url
    for violation_id in going_on:
        own = [kind for kind in told[duty, violation_id] if kind != Kind.ESCALATED.value]
        assert own
        assert own[-1] != Kind.ENDED.value
    for (_, about), kinds in told.items():
        assert kinds.count(Kind.ESCALATED.value) <= 1 + seen[about or ""]
