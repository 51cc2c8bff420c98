"""A seal whose furnace resumed, for tests of what a page says of one violation."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session, select

from server.tables import Violation
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County, Furnished

RESUMED_S = 120
UNTIL_S = 290


class Case(msgspec.Struct, frozen=True):
    """A county with one seal that resumed at 00:02:00 after two minutes off."""

    county: County
    seal: Furnished


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """200 kW from 00:02:00 to 00:04:50; sealed at 00:01:00."""
    store = a_store(tmp_path)
    county = County(store, SteppedClock())
    seal = county.seal(1, "示例铸造一厂", from_s=60)
    county.feed(seal, 60, UNTIL_S, lambda second: 0.0 if second < RESUMED_S else 200_000.0)
    yield Case(county, seal)
    store.close()


def only(session: Session) -> str:
    """The id of the case's one violation."""
    return session.exec(select(Violation.id).where(Violation.code == "resumed_power")).one()
