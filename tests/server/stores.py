"""The database that a test of the server runs on: SQLite, or PostgreSQL where `both.py` runs the test a second time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from server.database.address import Address
from server.settings import Settings
from server.store import WAIT_FOR_LOCK_S, Place, Store
from tests.server.cluster import TEMPLATE, Cluster, cluster

FILE_NAME = "coldseal.sqlite"


class Shelf:
    """The databases of one test, by folder, and the stores that it opened on them.

    Attributes:
        opened: the stores.
        postgres: where new databases are made; None: SQLite, in the folder itself.
    """

    def __init__(self, postgres: Cluster | None) -> None:
        self.postgres = postgres
        self._places: dict[Path, Address] = {}
        self.opened: list[Store] = []

    def place(self, folder: Path, template: str) -> Place:
        """The database of a folder, on PostgreSQL begun as another one is."""
        if self.postgres is None:
            return folder / FILE_NAME
        if folder not in self._places:
            self._places[folder] = self.postgres.new(template)
        return self._places[folder]

    def clear(self) -> None:
        """Close what the test left open, and drop its databases."""
        for store in self.opened:
            store.close()
        for address in self._places.values():
            cluster().drop(address)


_shelves: list[Shelf] = [Shelf(None)]


@contextmanager
def shelf(*, on_postgresql: bool) -> Iterator[None]:
    """While it lasts, tests get databases of one kind; outside of any, of SQLite."""
    made = Shelf(cluster() if on_postgresql else None)
    _shelves.append(made)
    try:
        yield
    finally:
        _shelves.pop()
        made.clear()


def on_postgresql() -> bool:
    """Whether the test runs on PostgreSQL this time."""
    return _shelves[-1].postgres is not None


def a_database(folder: Path, template: str = TEMPLATE) -> Place:
    """Where the database of a folder is; the same folder gives the same one again. It may have no tables yet."""
    return _shelves[-1].place(folder, template)


def a_store(folder: Path, *, wait_s: float = WAIT_FOR_LOCK_S, alone: bool = False) -> Store:
    """A store on the database of a folder; closed after the test if the test does not."""
    store = Store(a_database(folder), wait_s=wait_s, alone=alone)
    _shelves[-1].opened.append(store)
    return store


def settings_on(settings: Settings) -> Settings:
    """The same settings, leading to the database of their data folder."""
    place = a_database(settings.data)
    return msgspec.structs.replace(settings, database_url=str(place)) if isinstance(place, Address) else settings


def written_on(folder: Path, more: str = "") -> Path:
    """A data folder whose server.yaml leads to its database; made where server.yaml has something to say.

    Args:
        folder: the data folder.
        more: further lines of server.yaml.
    """
    place = a_database(folder)
    lines = f"database: {place}\n{more}" if isinstance(place, Address) else more
    if lines:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.yaml").write_text(lines, encoding="utf-8")
    return folder
