"""Parts that several tests of the simulators share."""

import functools
from collections.abc import Callable

import pytest

from simulators.meter import ServedMeter
from simulators.place import TcpPlace
from simulators.trace import Source
from tests.simulators.fakes import Fixed, MakeMeter, ManualClock
from wire.profile import Profile
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands until the test winds it."""
    return ManualClock()


@pytest.fixture
def everything() -> Callable[[Profile], Fixed]:
    """A source that gives every quantity of a profile a value of its own."""

    def make(profile: Profile) -> Fixed:
        values: dict[Quantity, Value] = {q: 10.0 + n for n, q in enumerate(profile.quantities)}
        values |= {q: 0.5 for q in profile.quantities if q.value.startswith("power_factor")}
        values |= {Quantity.CONTACT_OPEN: 1.0, Quantity.FREQUENCY_HZ: 50.02}
        return Fixed({q: v for q, v in values.items() if q in profile.quantities})

    return make


@pytest.fixture
def make_meter() -> MakeMeter:
    """A meter of a shipped profile on a port that the system chooses."""
    profile_of = functools.cache(lambda name: find(name).profile)

    def make(profile: str, source: Source, unit: int = 1, **options: object) -> ServedMeter:
        place = options.pop("place", TcpPlace("127.0.0.1", 0))
        return ServedMeter(profile_of(profile), source, place, unit, **options)  # type: ignore[arg-type] # a test's own

    return make


@pytest.fixture
def unread() -> Unreadable:
    """A value that was not read."""
    return Unreadable(Reason.NOT_AVAILABLE)
