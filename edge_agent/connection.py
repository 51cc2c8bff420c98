"""Keeps one line's connection, port or door: opens it again, each time after a longer wait."""

import logging
import time

from edge_agent.door import Door
from edge_agent.line import DialInLine, Line
from edge_agent.link import READ_FUNCTIONS, Link, OnBytes, OnLost, opened

log = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MAX_S = 0.25, 5.0
CONNECT_S = 1.0
"""Least wait for a connection: a lost packet is sent again after a second."""
RTU_FUNCTION_AT, TCP_FUNCTION_AT = 1, 7


class Connection:
    """The way to the units of one line.

    Attributes:
        opened: how often a connection or port was opened, or a DTU dialled in.
        why: what the last try to open it failed with, in the system's words; nothing once it is open.
    """

    def __init__(self, line: Line, *, rtu: bool, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self._line, self._on_bytes, self._on_lost = line, on_bytes, on_lost
        self._function_at = RTU_FUNCTION_AT if rtu else TCP_FUNCTION_AT
        self._door = Door(line, on_bytes, on_lost) if isinstance(line, DialInLine) else None
        self._link: Link | None = None
        self._opened = 0
        self.why = ""
        self.retry_s, self.retry_at = 0.0, 0.0

    @property
    def opened(self) -> int:
        """How often a connection or port was opened, or a DTU dialled in."""
        return self._opened if self._door is None else self._door.arrivals

    @property
    def is_open(self) -> bool:
        """Whether something can be sent now."""
        return self._current() is not None

    @property
    def port(self) -> int | None:
        """Where a DTU can dial in."""
        return None if self._door is None else self._door.port

    async def ready(self, timeout_s: float) -> bool:
        """Open what is closed, unless the last try was too short a time ago.

        Args:
            timeout_s: longest wait for a connection; CONNECT_S if that is longer.
        """
        if self._current() is not None:
            return True
        if time.monotonic() < self.retry_at:
            return False
        if await self._open(max(timeout_s, CONNECT_S)):
            self.retry_s, self.why = 0.0, ""
        else:
            self.retry_s = min(RETRY_MAX_S, max(RETRY_FIRST_S, self.retry_s * 2))
            self.retry_at = time.monotonic() + self.retry_s
        return self._current() is not None

    def send(self, frame: bytes) -> bool:
        """Send a request: the last look at it.

        Returns:
            False if the connection is gone.

        Raises:
            AssertionError: it is no read.
        """
        function = frame[self._function_at]
        if function not in READ_FUNCTIONS:
            raise AssertionError(f"function {function} must never be sent: the agent only reads")
        link = self._current()
        if link is not None:
            link.send(frame)
        return link is not None

    def drop(self) -> None:
        """End the connection; ready() opens it again."""
        if self._door is not None:
            self._door.drop()
        if self._link is not None:
            self._link.close()
            self._link = None

    def close(self) -> None:
        """End it and give everything back."""
        self.drop()
        if self._door is not None:
            self._door.close()

    def _current(self) -> Link | None:
        link = self._link if self._door is None else self._door.caller
        return link if link is not None and link.is_active() else None

    async def _open(self, timeout_s: float) -> bool:
        """Whether it is open, or open for a DTU to dial in."""
        if self._door is not None:
            try:
                await self._door.open()
            except (OSError, ValueError) as error:  # a host name that cannot be is a UnicodeError
                self.why = str(error)
                if not self.retry_s:
                    log.warning("%s: cannot listen: %s; free the port, or correct `listen`", self._line, error)
                return False
            return True
        self.drop()  # a device that is held open cannot come back under its name
        try:
            self._link = await opened(self._line, timeout_s, self._on_bytes, self._on_lost)
        except OSError as error:
            self.why = str(error)
            return False
        self._opened += 1
        return True
