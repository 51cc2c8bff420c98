"""The sealed state: cut off below the meter, nothing flows; and the seal's own contact (domain notes §2.1, §2.3)."""

import numpy as np

from simulators.electrical import Load
from simulators.trace import Trace
from wire.quantities import Quantity


def sealed(seconds: int) -> Load:
    """No current at all: exact zeros of I, P and Q and a still register are what a real meter tells (§2.2, §2.3).

    The supply stays alive above the break: its voltage, frequency and distortion are the proof that the meter lives.
    """
    return Load(
        active_w=np.zeros((seconds, 3)),
        reactive_var=np.zeros((seconds, 3)),
        thd_current_pct=np.zeros((seconds, 3)),
        thd_voltage_added_pct=np.zeros(seconds),
    )


def seal_contact(opened_s: float | None = None, closed_again_s: float | None = None) -> Trace:
    """What the contact of a seal tells: closed, then open from `opened_s` on, each opening counted.

    Args:
        opened_s: when the seal opens; None: it stays closed.
        closed_again_s: when it is closed again, later than `opened_s`; None: it stays open.
    """
    moments = [(0.0, 0.0, 0.0)]
    if opened_s is not None:
        moments = ([] if opened_s == 0 else moments) + [(opened_s, 1.0, 1.0)]
        if closed_again_s is not None:
            moments.append((closed_again_s, 0.0, 1.0))
    times, states, counts = zip(*moments, strict=True)
    return Trace(times, {Quantity.CONTACT_OPEN: states, Quantity.CONTACT_COUNT: counts})
