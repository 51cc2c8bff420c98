"""What the agent says of its clock."""

import pytest

from edge_agent.clock_quality import ClockWatch, kernel_error_ms


@pytest.mark.parametrize(
    ("moments", "steps"),
    [
        ([(0, 0), (1000, 1000)], [0, 0]),
        ([(0, 0), (1499, 1000)], [0, 0]),
        ([(0, 0), (-3_599_000, 1000), (-3_598_000, 2000)], [0, -3_600_000, 0]),
        ([(0, 0), (87_400_000, 1000)], [0, 87_399_000]),
    ],
    ids=["steady", "slew", "hour back, told once", "a day ahead"],
)
def test_steps(moments: list[tuple[int, int]], steps: list[int]) -> None:
    """A jump of the wall clock against the monotonic one is told in the envelope after it, once."""
    watch = ClockWatch()
    assert [watch.quality(wall, monotonic).step for wall, monotonic in moments] == steps


def test_status_follows_the_kernel() -> None:
    """S with the kernel's error bound when the kernel says synchronised, else U without one."""
    quality = ClockWatch().quality(0, 0)
    error = kernel_error_ms()
    assert (quality.st, quality.err is None) == (("U", True) if error is None else ("S", False))
