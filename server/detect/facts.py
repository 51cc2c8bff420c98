"""What the rules must know of a seal and its meters: numbers only, no database."""

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Window(msgspec.Struct, frozen=True):
    """A declared maintenance window."""

    from_ms: int
    to_ms: int
    max_wh: float | None


class SealFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One seal.

    Attributes:
        from_ms, until_ms: the time under seal (until None: no end yet).
        break_position: upstream or downstream of the meter.
        rated_w: the furnace's rated power.
        allowed_w: draw that the pledge allows outside windows.
        windows: declared maintenance.
    """

    from_ms: int
    until_ms: int | None
    break_position: str
    rated_w: float
    allowed_w: float
    windows: tuple[Window, ...] = ()

    def sealed(self, t_ms: Times) -> Flags:
        """Whether each time is under seal."""
        return (t_ms >= self.from_ms) & (t_ms < (self.until_ms or np.iinfo(np.int64).max))

    def in_window(self, t_ms: Times) -> Flags:
        """Whether each time is in a declared window."""
        inside = np.zeros(t_ms.shape, dtype=bool)
        for window in self.windows:
            inside |= (t_ms >= window.from_ms) & (t_ms < window.to_ms)
        return inside

    def allowed(self, t_ms: Times) -> Floats:
        """Allowed draw in W at each time: the pledge's, without bound in a window."""
        return np.where(self.in_window(t_ms), np.inf, self.allowed_w)


class MeterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One meter.

    Attributes:
        name: its id at the agent.
        role: furnace, incomer, aux, water or seal_contact.
        aux_powered: it lives when the feeder is dead.
        power_step_w: smallest step of active power, primary.
        starting_power_w: three-phase power at the starting current, primary; below it the meter says 0.
        energy_step_wh: smallest step of the energy register, primary (of a float register: at its present value).
        energy_is_float: the register is a single-precision float, whose step grows with its value.
    """

    name: str
    role: str
    aux_powered: bool
    power_step_w: float
    starting_power_w: float
    energy_step_wh: float
    energy_is_float: bool
