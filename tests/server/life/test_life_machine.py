"""Any sequence of people's steps and of findings leaves a life that can be read: nothing happens without who and why."""

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlmodel import Session, select

from server import life, standing, violations
from server.access.rights import Role
from server.access.tables import AuditEntry
from server.access.who import Forbidden
from server.detect.finding import POWER, Code, Finding
from server.sentences import Subject
from server.store import Store
from server.tables import Transition, Violation
from tests.server.ingest.plant import SEAL, START_MS, Plant
from tests.server.life.town import PEOPLE, account, take

SUBJECT = Subject(SEAL, "示例铸造一厂 1 号炉", 0.0, "a1")
VERDICTS: dict[str, set[str | None]] = {"open": {None}, "acknowledged": {None}, "dispatched": {None}, "confirmed": {"confirmed"},
            "dismissed": {"dismissed"}, "closed": {None, "confirmed", "dismissed"}}  # fmt: skip
"""What a verdict may be in each state."""


class Life(RuleBasedStateMachine):
    """One seal whose furnace draws, and people who do what they like.

    Attributes:
        store: a database in which nothing was found yet.
    """

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self._transaction = self.store.transaction()
        self.session: Session = self._transaction.__enter__()
        self.now_ms = START_MS
        self.seen: Finding | None = None
        self.steps = 0
        self.closed = set[str]()

    def teardown(self) -> None:
        """Nothing of it stays."""
        self.session.rollback()
        self._transaction.__exit__(None, None, None)

    @rule(code=st.sampled_from(POWER))
    def draw(self, code: Code) -> None:
        """A finding begins."""
        self.now_ms += 1_000
        self.seen = _finding(code, self.now_ms)
        self._apply(self.seen)

    @precondition(lambda self: self.seen is not None)
    @rule(ends=st.booleans())
    def draw_on(self, ends: bool) -> None:
        """The finding goes on, or ends."""
        assert self.seen is not None
        self.now_ms += 1_000
        self._apply(_grown(self.seen, self.now_ms, ends=ends))
        self.seen = None if ends else self.seen

    @precondition(lambda self: self._all())
    @rule(
        which=st.integers(0, 9), name=st.sampled_from(sorted(life.NEEDS)), role=st.sampled_from(Role),
        reason=st.sampled_from(["", " ", "现场核查"]),
    )  # fmt: skip
    def act(self, which: int, name: str, role: Role, reason: str) -> None:
        """Somebody tries a step at one of the violations."""
        self.now_ms += 1_000
        found = self._all()
        violation, by = found[which % len(found)], PEOPLE[role]
        told = standing.transitions(self.session, [violation.id])
        may = standing.steps(violation.state, unseen=standing.unseen_since_ms(told) is not None)
        try:
            take(self.session, violation.id, name, by, reason=reason, now_ms=self.now_ms)
        except Forbidden:
            assert not by.may(life.NEEDS[name])
        except life.WrongState:
            assert name not in may
        except life.WrongInput:
            assert not reason.strip()
            assert name in {"confirm", "dismiss", "close", "comment"}
        else:
            assert name in may
            self.steps += 1
            self.closed |= {violation.id} if name == "close" else set()

    @invariant()
    def everything_has_an_author_and_a_reason(self) -> None:
        """Each life begins with its opening, each step follows the one before, and each says who and why."""
        for violation in self._all():
            told = standing.transitions(self.session, [violation.id])
            assert (told[0].from_state, told[0].to_state, told[0].author) == (None, "open", "ColdSeal")
            assert all(one.author and one.reason.strip() for one in told)
            assert [one.from_state for one in told[1:]] == [one.to_state for one in told[:-1]]
            assert told[-1].to_state == violation.state
            assert [one.at_ms for one in told] == sorted(one.at_ms for one in told)

    @invariant()
    def closed_is_final(self) -> None:
        """What was closed stays closed, whatever is tried and found; remarks only follow."""
        for violation in self._all():
            told = list(standing.transitions(self.session, [violation.id]))
            after = [one for one in told if one.from_state == "closed"]
            assert (violation.id in self.closed) == (violation.state == "closed")
            assert all(one.kind == "comment" for one in after)

    @invariant()
    def the_verdict_fits(self) -> None:
        """State and verdict agree, and open means that it waits for a person."""
        waiting: set[str] = set(self.session.exec(select(Violation.id).where(standing.is_unseen())).all())
        for violation in self._all():
            told = standing.transitions(self.session, [violation.id])
            assert violation.verdict in VERDICTS[violation.state]
            assert (violation.id in waiting) is (standing.unseen_since_ms(told) is not None)
            assert violation.state != "open" or violation.id in waiting
            assert violation.state not in standing.SETTLED or violation.id not in waiting

    @invariant()
    def every_step_is_audited(self) -> None:
        """As many entries in the audit as steps that people took."""
        by_people = self.session.exec(select(Transition.id).where(Transition.author != standing.SYSTEM)).all()
        assert len(by_people) == len(self.session.exec(select(AuditEntry.id)).all()) == self.steps

    def _apply(self, finding: Finding) -> None:
        violation, _ = violations.apply(self.session, SUBJECT, "a1", finding, finding.last_ms)
        self.session.flush()
        if finding.ended_ms is None:
            assert violation.state not in standing.SETTLED
            assert violation.last_ms == finding.last_ms

    def _all(self) -> list[Violation]:
        return list(self.session.exec(select(Violation)).all())


def _finding(code: Code, at_ms: int) -> Finding:
    return Finding(
        code=code, meter="m1", first_ms=at_ms, raised_ms=at_ms, last_ms=at_ms, statistic=20_000.0, threshold=10_500.0,
        unit="W", peak=20_000.0, false_alarms_per_year=1e-6, first_seq=1, last_seq=2,
    )  # fmt: skip


def _grown(seen: Finding, at_ms: int, *, ends: bool) -> Finding:
    return Finding(
        code=seen.code, meter=seen.meter, first_ms=seen.first_ms, raised_ms=seen.raised_ms, last_ms=at_ms,
        ended_ms=at_ms if ends else None, statistic=seen.statistic, threshold=seen.threshold, unit=seen.unit,
        peak=seen.peak, false_alarms_per_year=seen.false_alarms_per_year, first_seq=1, last_seq=3,
    )  # fmt: skip


def test_any_life(tmp_path: Path) -> None:
    """Whatever people and findings do, in whatever order."""

    class LifeHere(Life):
        store = Plant(tmp_path).store

    with LifeHere.store.transaction() as session:
        session.add(account("chen", "陈某", Role.INSPECTOR))
    run_state_machine_as_test(
        LifeHere,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
