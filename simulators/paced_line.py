"""A serial line on a pseudo-terminal at the true pace of its speed, with slaves on it.

A pseudo-terminal carries a frame at once; a wire does not. Here each byte of the master reaches the slaves when it could
have left a UART, each byte of the slaves reaches the master when it could have arrived, and the slaves keep their
silence of 3.5 characters. Times are absolute, so that a late timer does not add up.

The line runs in a thread of its own: an event loop's timers are a millisecond coarse (a tenth of a short frame at
115,200 baud), a thread's sleep 0.1 ms. A silent line waits in the kernel and costs nothing.
"""

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from simulators.faults import Faults
from simulators.line_pace import Pace
from simulators.modbus_frames import Framing, rtu_request
from simulators.outgoing import Outgoing
from simulators.slaves import Slave, Slaves
from wire.clock import Clock
from wire.errors import SurroundingsError

_HEARD_FRAMES_MAX = 10_000
_READ_BYTES = 4096
_COARSE_S, _COARSE_STEP_S = 0.002, 0.001
"""A poll's time-out is a whole number of milliseconds; the rest is slept."""


class PacedLine:
    """A line that a master opens by its device.

    Attributes:
        device: what the master opens.
        pace: times of the line.
        heard: the last frames that any master sent, right or not.
        requests: right requests heard, whether a slave is there or not.
        spoilt: what no slave understands: wrong check sum, two frames without silence between, a collision.
        t35_broken: how often the master began less than 3.5 characters after the line's last byte.
        collisions: how often two spoke at once; what both sent is lost.
        wrong_speed: requests at another baud rate than the line's, which no slave understands.
    """

    def __init__(
        self,
        slaves: Mapping[int, Slave],
        pace: Pace,
        *,
        turnaround_s: float = 0.0,
        echo: bool = False,
        any_speed: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """A line that is not open yet.

        Args:
            slaves: by unit.
            pace: times of the line.
            turnaround_s: what a slave needs beyond the silence of 3.5 characters before it answers.
            echo: the master hears what it sends, as with some adapters.
            any_speed: do not look at the baud rate that the master has set.
            clock: its monotonic time runs the slaves.
        """
        self.pace = pace
        self.device = ""
        self.heard: deque[bytes] = deque(maxlen=_HEARD_FRAMES_MAX)
        self.requests = self.spoilt = self.t35_broken = self.collisions = self.wrong_speed = 0
        self._slaves = Slaves(slaves, Framing.RTU, pace.t35_s, clock)
        self._turnaround_s, self._echo, self._any_speed = turnaround_s, echo, any_speed
        self._received = bytearray()
        self._received_until = self._silent_since = 0.0
        self._is_hasty = self._is_spoilt = False
        self._last_asked = 0
        self._free_at: dict[int, float] = {}
        self._injected: deque[bytes] = deque()
        self._stack = contextlib.ExitStack()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def held_back(self) -> int:
        """Heaps of characters that a busy machine handed over too late for a wire: no master can be judged by them."""
        return self._outgoing.held_back

    def faults(self, unit: int | None = None) -> Faults:
        """The faults of a unit, or those of every unit; a unit's own come first."""
        return self._slaves.faults(unit)

    def inject(self, data: bytes) -> None:
        """Bytes that nobody asked for, as soon as the line is free; from any thread."""
        self._injected.append(data)
        os.eventfd_write(self._wake, 1)

    def start(self, link: Path | None = None) -> None:
        """Open the line.

        Args:
            link: a symbolic link to make for the device, so that its name does not change.

        Raises:
            SurroundingsError: there is no pseudo-terminal to be had, or the link cannot be made.
        """
        try:
            self._open(link)
        except OSError as error:
            self._stack.close()
            raise SurroundingsError(
                f"{link or 'pseudo-terminal'}: cannot be made: {error}; give a name that is free, or close other terminals"
            ) from error
        self._outgoing = Outgoing(self._near, self.pace)
        self._received.clear()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=f"paced line {self.device}", daemon=True)
        self._thread.start()

    def _open(self, link: Path | None) -> None:
        self._near, self._far = os.openpty()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        for descriptor in (self._near, self._far, self._wake):
            self._stack.callback(os.close, descriptor)
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.device = os.ttyname(self._far)
        if link is not None:
            link.symlink_to(self.device)
            self._stack.callback(link.unlink)
        self._poll = select.poll()
        for descriptor in (self._near, self._wake):
            self._poll.register(descriptor, select.POLLIN)

    def stop(self) -> None:
        """Unplug: the device is gone; start plugs it in again. Raises what went wrong in the line itself."""
        if self._thread is None:
            return
        self._is_stopping = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._thread = None
        self._stack.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                self._wait(self._due())
                self._take_injected()
                self._end_frame()
                self._listen()
                if self._outgoing.speak(time.monotonic()):
                    self._silent_since = max(self._silent_since, self._outgoing.spoke_at)
                    if self._received:
                        self._collide()
        except BaseException as failure:  # noqa: BLE001 - the top of the thread; stop() raises it where the test sees it
            self._failure = failure

    def _due(self) -> float | None:
        """When something happens by itself next."""
        times = [self._outgoing.due]
        if self._received:
            times.append(self._received_until + self.pace.t35_s)
        return min((at for at in times if at is not None), default=None)

    def _wait(self, due: float | None) -> None:
        if due is None:
            self._poll.poll()
            return
        left = due - time.monotonic()
        if left > _COARSE_S:
            self._poll.poll((left - _COARSE_STEP_S) * 1000)
        elif left > 0:
            time.sleep(left)

    def _take_injected(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        while self._injected:
            self._outgoing.put(max(time.monotonic(), self._silent_since + self.pace.t35_s), self._injected.popleft())

    def _listen(self) -> None:
        """Take what the master has written; on the wire it lasts until `_received_until`."""
        try:
            data = os.read(self._near, _READ_BYTES)
        except BlockingIOError:
            return
        now = time.monotonic()
        start = max(now, self._received_until)
        self._received_until = start + len(data) * self.pace.character_s
        if self._echo:
            self._outgoing.echo(start, data)
        if self._outgoing.is_speaking:
            self._collide()
        elif not self._received:
            self._is_hasty = now - self._silent_since < self.pace.t35_s
            self.t35_broken += self._is_hasty
        elif not self._is_spoilt and rtu_request(bytes(self._received)) is not None:
            self.t35_broken += 1
        self._received += data

    def _end_frame(self) -> None:
        """A silence of 3.5 characters has ended a frame, whatever it holds."""
        if not self._received or time.monotonic() < self._received_until + self.pace.t35_s:
            return
        frame, is_spoilt = bytes(self._received), self._is_spoilt
        self._received.clear()
        self._is_spoilt = False
        self._silent_since = max(self._silent_since, self._received_until)
        self.heard.append(frame)
        request = rtu_request(frame)
        if not self._is_right_speed():
            self.wrong_speed += 1
        elif is_spoilt or request is None or (self._is_hasty and request.unit != self._last_asked):
            self.spoilt += 1  # to all but its sender, a frame is one with what came right before it
        else:
            self.requests += 1
            self._last_asked = request.unit
            at = max(self._received_until + self.pace.t35_s + self._turnaround_s, self._free_at.get(request.unit, 0.0))
            for after_s, data in self._slaves.replies(request):
                if data is not None:
                    at = self._outgoing.put(at + after_s, data)
            self._free_at[request.unit] = at + self.pace.t35_s

    def _collide(self) -> None:
        """Two speak at once: neither frame arrives."""
        self._outgoing.garble()
        self.collisions += not self._is_spoilt
        self._is_spoilt = True

    def _is_right_speed(self) -> bool:
        set_to = termios.tcgetattr(self._far)[5]
        return self._any_speed or self.pace.is_speed(set_to)


@contextlib.asynccontextmanager
async def paced_line(  # noqa: PLR0913 - a line's settings
    slaves: Mapping[int, Slave],
    baud: int = 9600,
    parity: str = "N",
    stopbits: int = 1,
    *,
    turnaround_s: float = 0.0,
    echo: bool = False,
    any_speed: bool = False,
    heap_chars: int | None = None,
    clock: Clock | None = None,
    link: Path | None = None,
) -> AsyncIterator[PacedLine]:
    """A line that is open while the context is; the arguments are those of Pace, PacedLine and start."""
    pace = Pace(baud, parity, stopbits, heap_chars)
    line = PacedLine(slaves, pace, turnaround_s=turnaround_s, echo=echo, any_speed=any_speed, clock=clock)
    line.start(link)
    try:
        yield line
    finally:
        line.stop()
