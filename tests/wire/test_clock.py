import asyncio
import datetime as dt
import time

import pytest

from wire.clock import Clock, SystemClock, beijing, iso
from wire.limits import WALL_MS_MAX


@pytest.mark.parametrize(
    ("wall_ms", "text"),
    [
        (0, "1970-01-01T08:00:00.000+08:00"),
        (1_772_294_400_000, "2026-03-01T00:00:00.000+08:00"),
        (1_772_294_399_999, "2026-02-28T23:59:59.999+08:00"),
        (WALL_MS_MAX, "9999-01-01T08:00:00.000+08:00"),
    ],
)
def test_beijing_time(wall_ms: int, text: str) -> None:
    """Milliseconds become Beijing time with its offset, whatever the machine's own zone is."""
    assert iso(wall_ms) == text
    assert beijing(wall_ms) == dt.datetime.fromisoformat(text)


def test_wall_time_is_the_machines() -> None:
    """The system's clock tells milliseconds since 1970, between two looks at the machine's own."""
    before = time.time_ns() // 1_000_000
    now = SystemClock().wall_ms()
    assert before <= now <= time.time_ns() // 1_000_000


async def test_monotonic_time_covers_a_sleep() -> None:
    """The monotonic clock advances by at least the time slept, and sleeping lets others run."""
    clock: Clock = SystemClock()
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    before = clock.monotonic_ms()
    task = asyncio.create_task(other())
    await clock.sleep(0.02)
    assert clock.monotonic_ms() - before >= 19
    assert (task.done(), ran) == (True, ["other"])
