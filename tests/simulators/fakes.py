"""Fakes through the real interfaces: a source that a test sets and a clock that it winds."""

from collections.abc import Callable, Mapping

from simulators.meter import ServedMeter
from wire.clock import SystemClock
from wire.quantities import Quantity
from wire.reading import Value

MakeMeter = Callable[..., ServedMeter]


class Fixed:
    """A source of values that a test can change."""

    def __init__(self, values: Mapping[Quantity, Value]) -> None:
        self.now = values

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """The same at any time."""
        del t_s
        return self.now


class ManualClock(SystemClock):
    """A monotonic clock that a test winds."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def monotonic_ms(self) -> int:
        """Where the test has wound it."""
        return self.now_ms
