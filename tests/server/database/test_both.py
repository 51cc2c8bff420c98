"""Which tests run on both databases is found by reading their code: it must find every way to one, and no other."""

from pathlib import Path

import pytest

from server.settings import Settings
from tests.server import stores
from tests.server.api.conftest import Site
from tests.server.both import opens_a_database
from tests.server.ingest.plant import Plant, reading
from tests.server.stores import a_store, on_postgresql


class Holder:
    """Opens a database in a property of a base class."""

    folder = Path()

    @property
    def store(self) -> object:
        """A store."""
        return stores.a_store(self.folder)


class Heir(Holder):
    """Opens nothing by itself."""


def directly(folder: Path) -> None:
    """Names it."""
    a_store(folder).close()


def through_another(folder: Path) -> None:
    """Calls who names it."""
    directly(folder)


def through_a_lambda() -> object:
    """Hides it in a value."""
    return [lambda folder: by_settings(folder / "x")]


def by_settings(folder: Path) -> Settings:
    """Leads a server to one."""
    return stores.settings_on(Settings(data=folder))


def by_a_plant(folder: Path) -> Plant:
    """Makes an object that opens one."""
    return Plant(folder)


def not_at_all(store: int) -> object:
    """Numbers only."""
    return [reading(store, 0.0), Settings(data=Path())]


@pytest.mark.parametrize(
    "part", [directly, through_another, through_a_lambda, by_settings, by_a_plant, Holder, Heir, Site]
)
def test_what_opens_a_database(part: object) -> None:
    """Names, calls, nested functions, modules, classes and their bases all lead to it."""
    assert opens_a_database(part)


@pytest.mark.parametrize("part", [not_at_all, reading, Settings, 7, Path])
def test_what_does_not(part: object) -> None:
    """A test of a pure function runs once."""
    assert not opens_a_database(part)


def test_both_kinds_are_really_used(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A test that runs as `postgresql` is on PostgreSQL, one that runs as `sqlite` on SQLite."""
    store = a_store(tmp_path)

    assert f"[{'postgresql' if on_postgresql() else 'sqlite'}]" in request.node.name
    assert store.kind.lower() in request.node.name
