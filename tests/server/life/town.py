"""People of a county, and a violation that a real melt opened, for tests of its life."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session, select

from server import life
from server.access.rights import RIGHTS, Role
from server.access.tables import Account
from server.access.who import Who
from server.message import Message
from server.store import Store
from server.tables import Violation
from tests.server.ingest.plant import START_MS, Plant, SigningAgent, reading

COUNTY = "350121"
NOW_MS = START_MS + 3_600_000
WHY = "现场核查"


def who(role: Role, *counties: str) -> Who:
    """A person of a role, who sees some counties or all."""
    return Who(
        name=f"{role.value}-1", shown_as=role.value, kind="account", rights=RIGHTS[role], counties=frozenset(counties)
    )


ADMIN, MONITOR, INSPECTOR, VIEWER = (who(role) for role in Role)
PEOPLE = {role: who(role) for role in Role}


class Town:
    """A store with one open violation of a melt that goes on, and accounts.

    Attributes:
        violation_id: the melt's.
    """

    def __init__(self, folder: Path, agent: SigningAgent | None = None) -> None:
        self.plant = Plant(folder, agent)
        messages = melt(self.plant.agent)
        self.plant.take(*messages)
        with self.store.transaction() as session:
            self.violation_id = session.exec(select(Violation.id)).one()
            session.add_all(
                [
                    account("chen", "陈某", Role.INSPECTOR, COUNTY),
                    account("wu", "吴某", Role.MONITOR),
                    account("far", "远某", Role.INSPECTOR, "350181"),
                    account("looks", "观某", Role.VIEWER),
                    account("gone", "离某", Role.MONITOR, disabled_ms=1),
                ]
            )

    @property
    def store(self) -> Store:
        """The database."""
        return self.plant.store

    @contextmanager
    def tried(self) -> Iterator[Session]:
        """A transaction of which nothing stays."""
        with self.store.transaction() as session:
            yield session
            session.rollback()

    def step(self, session: Session, name: str, by: Who, *, reason: str = WHY, now_ms: int = NOW_MS) -> Violation:
        """Take a step by its name."""
        return take(session, self.violation_id, name, by, reason=reason, now_ms=now_ms)


def take(
    session: Session, violation_id: str, name: str, by: Who, *, reason: str = WHY, now_ms: int = NOW_MS
) -> Violation:
    """Take a step by its name; who is sent is Chen."""
    if name == "dispatch":
        return life.dispatch(session, violation_id, by=by, to="chen", reason=reason, now_ms=now_ms)
    if name == "comment":
        return life.comment(session, violation_id, by=by, text=reason, now_ms=now_ms)
    plain = {"acknowledge": life.acknowledge, "confirm": life.confirm, "dismiss": life.dismiss, "close": life.close}
    return plain[name](session, violation_id, by=by, reason=reason, now_ms=now_ms)


def account(name: str, shown_as: str, role: Role, counties: str = "", disabled_ms: int | None = None) -> Account:
    """Somebody who signs in."""
    return Account(
        name=name, shown_as=shown_as, role=role.value, counties=counties, created_ms=0, disabled_ms=disabled_ms
    )


def melt(agent: SigningAgent) -> list[Message]:
    """A sealed minute, and then 20 seconds at 326 kW."""
    off = [reading(s, 0.0) for s in range(60)]
    on = [reading(60 + s, 326_000.0, energy_wh=500_000 + 90 * s) for s in range(20)]
    return [agent.envelope(off), agent.envelope(on)]
