"""What now means. Both programs take a clock as a parameter; only SystemClock asks the machine."""

import asyncio
import datetime as dt
import time
from typing import Protocol
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Wall time orders the world's events, monotonic time measures how long."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since the machine started, standby included."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without holding the event loop."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME, which also counts standby."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait without holding the event loop."""
        await asyncio.sleep(seconds)


def beijing(wall_ms: int) -> dt.datetime:
    """The Beijing time of milliseconds since 1970, aware of its zone."""
    return dt.datetime.fromtimestamp(wall_ms / 1000, tz=BEIJING)


def iso(wall_ms: int) -> str:
    """ISO 8601 with milliseconds and Beijing's offset, as machines read it."""
    return beijing(wall_ms).isoformat(timespec="milliseconds")
