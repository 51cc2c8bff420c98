"""A server with a town's violation behind HTTP, and a browser for each role."""

from pathlib import Path

from sqlmodel import col, select
from starlette.testclient import TestClient

from server.access import keys, sessions
from server.access.audit import COMMAND_LINE
from server.access.rights import Right, Role
from server.app import Server
from server.settings import Settings
from server.tables import Transition, Violation
from tests.server.ingest.plant import DEPLOYMENT, SEAL, START_MS, SteppedClock
from tests.server.life.town import NOW_MS, Town, account
from tests.server.stores import settings_on

API = "/api/v1"


class Office:
    """People at their browsers.

    Attributes:
        violation_id: the open violation.
        path: where it is.
        rung: each seal that the news told of, with the states of all violations in the database then.
    """

    def __init__(self, folder: Path) -> None:
        town = Town(folder)
        town.store.close()
        self.violation_id = town.violation_id
        self.path = f"{API}/violations/{self.violation_id}"
        self.server = Server(
            settings_on(Settings(data=folder, deployment=DEPLOYMENT)), SteppedClock(NOW_MS), with_broker=False
        )
        self.rung: list[tuple[str, list[str]]] = []
        self.server.news.listen(self._listen)

    def browser(self, role: Role, counties: str = "", name: str = "") -> TestClient:
        """A browser that is signed in, and stays on plain HTTP as a demo's does."""
        with self.server.store.transaction() as session:
            person = account(name or f"{role.value}{counties}", role.value, role, counties)
            session.add(person)
            session.flush()
            secret = sessions.open(session, person, NOW_MS, "testclient", "test")
        return self._client(cookies={"coldseal": secret})

    def program(self, *scopes: Right) -> TestClient:
        """A program with a key."""
        with self.server.store.transaction() as session:
            issued = keys.add(session, COMMAND_LINE, name="robot", scopes=scopes, now_ms=NOW_MS)
        return self._client(headers={"Authorization": f"Bearer {issued.secret}"})

    def stranger(self) -> TestClient:
        """Nobody."""
        return self._client()

    def another(self, number: int, state: str = "open") -> Violation:
        """Another violation of the seal; three are stored in the same millisecond."""
        made = Violation(
            id=f"V-{number:010d}", seal_id=SEAL, code="silent", severity="amber", state=state, first_ms=START_MS,
            raised_ms=START_MS, last_ms=START_MS, detected_ms=START_MS + number // 3 * 1_000_000, reason_zh="x",
            reason_en="x",
        )  # fmt: skip
        with self.server.store.transaction() as session:
            session.add(made)
            session.flush()
            session.add(
                Transition(
                    violation_id=made.id, at_ms=made.detected_ms, to_state="open", author="ColdSeal", reason="silent"
                )
            )
        return made

    def stored(self, violation_id: str = "") -> Violation:
        """A violation as it is in the database; the melt's if none is named."""
        with self.server.store.transaction() as session:
            return session.get_one(Violation, violation_id or self.violation_id)

    def _client(self, cookies: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> TestClient:
        return TestClient(
            self.server.app, raise_server_exceptions=False, follow_redirects=False, cookies=cookies, headers=headers
        )

    def _listen(self, seals: frozenset[str]) -> None:
        with self.server.store.transaction() as session:
            states = session.exec(select(Violation.state).order_by(col(Violation.id).desc())).all()
        self.rung.extend((seal, list(states)) for seal in seals)
