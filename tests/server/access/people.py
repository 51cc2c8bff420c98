"""A store with a few people, and short ways to do what tests do again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import Session, col, select

from server.access import accounts
from server.access.audit import COMMAND_LINE
from server.access.rights import RIGHTS, Role
from server.access.signing_in import Place
from server.access.tables import Account, AuditEntry
from server.access.who import Who
from tests.server.stores import a_store

NOW_MS = 1_772_294_400_000
PASSWORD = "correct horse battery"
HOME = "192.0.2.7"

LI, CHEN, WANG = "li.ming", "chen", "wang"


class People:
    """An administrator, a monitor of one county and a viewer of every one.

    Attributes:
        store: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.store = a_store(folder)
        with self.store.transaction() as session:
            self.add(session, LI, Role.ADMINISTRATOR)
            self.add(session, CHEN, Role.MONITOR, "350121")
            self.add(session, WANG, Role.VIEWER)

    def add(self, session: Session, name: str, role: Role, *counties: str) -> Account:
        """Make an account."""
        return accounts.add(
            session, COMMAND_LINE, name=name, shown_as=name.title(), role=role, counties=counties, now_ms=NOW_MS
        )

    @contextmanager
    def account(self, name: str) -> Iterator[tuple[Session, Account]]:
        """A transaction, and somebody's account in it."""
        with self.store.transaction() as session:
            yield session, accounts.named(session, name)

    def acts(self, after: int = 0) -> list[tuple[str, str, str]]:
        """Actor, action and subject of the record's entries, from one on."""
        with self.store.transaction() as session:
            found = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        return [(entry.actor, entry.action, entry.subject) for entry in found[after:]]


def place(later_ms: int = 0, address: str = HOME, secret: str = "") -> Place:
    """Where somebody signs in, some time after the beginning."""
    return Place(NOW_MS + later_ms, address, "Firefox", secret)


def limited(name: str, *counties: str, role: Role = Role.ADMINISTRATOR) -> Who:
    """Somebody who asks."""
    return Who(name=name, shown_as=name, kind="account", rights=RIGHTS[role], counties=frozenset(counties))
