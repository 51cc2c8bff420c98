"""A master on a terminal that keeps no rule by itself: it writes when the test says so and notes when bytes came."""

import os
import select
import termios
import time
import tty
from dataclasses import dataclass, field

PATIENCE_S = 10.0
"""A generous bound on a slow machine."""


@dataclass
class Heard:
    """What came.

    Attributes:
        sent_at: just before the request was written.
        heaps: when, and what.
    """

    sent_at: float
    heaps: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """All bytes."""
        return b"".join(data for _, data in self.heaps)

    @property
    def took_s(self) -> float:
        """From the request's first byte to the reply's last."""
        return self.heaps[-1][0] - self.sent_at


class LineMaster:
    """One end of a serial line."""

    def __init__(self, device: str, baud: int) -> None:
        """Open the device at a baud rate."""
        self.descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.descriptor)
        settings = termios.tcgetattr(self.descriptor)
        settings[4] = settings[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.descriptor, termios.TCSANOW, settings)

    def close(self) -> None:
        """Let the device go."""
        os.close(self.descriptor)

    def ask(self, request: bytes, size: int) -> Heard:
        """Write at once and take so many bytes, however long they need."""
        heard = Heard(time.monotonic())
        os.write(self.descriptor, request)
        return self.hear(heard, size)

    def hear(self, heard: Heard, size: int) -> Heard:
        """Take bytes until there are so many."""
        end = time.monotonic() + PATIENCE_S
        while len(heard.data) < size:
            assert self._comes(end - time.monotonic()), f"{heard.data.hex(' ')} and no more; expected {size} bytes"
            heard.heaps.append((time.monotonic(), os.read(self.descriptor, 4096)))
        return heard

    def rest(self, seconds: float) -> bytes:
        """All that comes until the line was silent so long."""
        found = b""
        while self._comes(seconds):
            found += os.read(self.descriptor, 4096)
        return found

    def _comes(self, seconds: float) -> bool:
        return bool(select.select([self.descriptor], [], [], max(0.0, seconds))[0])
