"""What is still to be said on a paced line, and when each heap of characters is due."""

import contextlib
import heapq
import itertools
import os
from collections import deque
from collections.abc import Iterator

from simulators.line_pace import Pace

_GARBLE = 0x5A
HELD_BACK_S = 0.02
"""A heap that is handed over so much too late was held back by the machine that simulates the line."""


class Outgoing:
    """Frames in the order of their start; one is on the line at a time.

    Attributes:
        spoke_at: when the last heap was handed over.
        held_back: heaps that came HELD_BACK_S too late or more.
    """

    def __init__(self, descriptor: int, pace: Pace) -> None:
        """A silent line.

        Args:
            descriptor: where bytes go, not blocking. What nobody takes is lost, as on a wire.
            pace: times of the line.
        """
        self._descriptor = descriptor
        self._pace = pace
        self._frames: list[tuple[float, int, bytes]] = []
        self._numbers = itertools.count()
        self._heaps: deque[tuple[float, bytes]] = deque()
        self._echoes: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        self._is_garbled = False
        self.spoke_at = 0.0
        self.held_back = 0

    @property
    def is_speaking(self) -> bool:
        """Whether a frame is on the line."""
        return bool(self._heaps)

    @property
    def due(self) -> float | None:
        """When the next heap has arrived."""
        times = [heaps[0][0] for heaps in (self._heaps, self._echoes) if heaps]
        if not self._heaps and self._frames:
            start, _, data = self._frames[0]
            first = min(self._pace.heap, len(data))
            times.append(max(start, self._free_at) + first * self._pace.character_s)
        return min(times, default=None)

    def put(self, start: float, data: bytes) -> float:
        """Say bytes from a moment on, or once the line is free.

        Returns:
            When the last of them is through, if nothing else comes between.
        """
        if data:
            heapq.heappush(self._frames, (start, next(self._numbers), data))
        return start + len(data) * self._pace.character_s

    def echo(self, start: float, data: bytes) -> None:
        """Hand the master's own bytes back as they leave."""
        self._echoes.extend(self._split(start, data))

    def garble(self) -> None:
        """Another spoke at the same time: the rest of the frame is not what was meant."""
        if self._is_garbled:
            return
        self._is_garbled = True
        self._heaps = deque((at, bytes(byte ^ _GARBLE for byte in data)) for at, data in self._heaps)

    def speak(self, now: float) -> bool:
        """Hand over the next heap if it has arrived by now; True if a slave spoke.

        One at a time, however late this is called: between two heaps the line is listened to, so that a master who
        began to speak meanwhile spoils the frame as he would on a wire.
        """
        while self._echoes and self._echoes[0][0] <= now:
            self._write(self._echoes.popleft()[1])
        due = self.due
        if due is None or due > now:
            return False
        if not self._heaps:
            self._begin()
        if self._heaps[0][0] > now:
            return False
        self.held_back += now - self._heaps[0][0] > HELD_BACK_S
        self.spoke_at = now
        self._write(self._heaps.popleft()[1])
        return True

    def _begin(self) -> None:
        self._is_garbled = False
        start, _, data = heapq.heappop(self._frames)
        start = max(start, self._free_at)
        self._heaps.extend(self._split(start, data))
        self._free_at = start + len(data) * self._pace.character_s

    def _split(self, start: float, data: bytes) -> Iterator[tuple[float, bytes]]:
        """Heaps, each due when its last character is through."""
        for at in range(0, len(data), self._pace.heap):
            heap = data[at : at + self._pace.heap]
            yield start + (at + len(heap)) * self._pace.character_s, heap

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._descriptor, data)
