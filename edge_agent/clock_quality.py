"""How far the wall clock can be trusted, as the kernel says it."""

import ctypes

from wire.batch import ClockQuality

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 208
STEP_MS_MIN = 500
"""A jump of the wall clock against the monotonic one from which it is told; slewing stays far below."""


class Timex(ctypes.Structure):
    """The head of struct timex (adjtimex(2)); with modes 0 nothing is changed."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * (_TIMEX_BYTES - 44)),
    )


class ClockWatch:
    """Compares the wall clock with the monotonic one between envelopes."""

    def __init__(self) -> None:
        self._difference_ms: int | None = None

    def quality(self, wall_ms: int, monotonic_ms: int) -> ClockQuality:
        """The quality now, with the step since the last call.

        Args:
            wall_ms: wall time.
            monotonic_ms: monotonic time at the same moment.
        """
        difference = wall_ms - monotonic_ms
        step = 0 if self._difference_ms is None else difference - self._difference_ms
        self._difference_ms = difference
        error_ms = kernel_error_ms()
        return ClockQuality(
            st="U" if error_ms is None else "S",
            src="" if error_ms is None else "kernel",
            err=error_ms,
            step=step if abs(step) >= STEP_MS_MIN else 0,
        )


def kernel_error_ms() -> int | None:
    """The kernel's bound on the clock's error if something synchronises it, else None."""
    timex = Timex()
    state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    return None if state in (-1, _TIME_ERROR) else int(timex.maxerror) // 1000
