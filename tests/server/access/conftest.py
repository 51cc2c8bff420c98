"""People on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from tests.server.access.people import People


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """Three accounts, none with a password."""
    made = People(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def session(people: People) -> Iterator[Session]:
    """A transaction among them."""
    with people.store.transaction() as session:
        yield session
