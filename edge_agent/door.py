"""A port on which a 4G DTU connects to us, because it has no address of its own that we could call."""

import asyncio
from collections.abc import Callable

from edge_agent.dtu_packets import DtuPackets
from edge_agent.line import DialInLine
from edge_agent.link import Link, OnBytes, OnLost

REGISTER_WAIT_S = 30.0
"""How long a caller may take to say its registration packet."""


class Caller(Link):
    """A connection that somebody made to our port."""

    def __init__(
        self, line: DialInLine, on_bytes: OnBytes, enter: Callable[["Caller"], None], gone: Callable[["Caller"], None]
    ) -> None:
        super().__init__(line, 0.0, on_bytes, lambda: gone(self))
        self.entered = False
        self._line, self._enter = line, enter
        self._said = b""
        self._packets = DtuPackets(line)

    def callback_connected(self) -> None:
        """Taken at once where no registration packet is asked for."""
        if not self._line.register:
            self._let_in()
        else:
            asyncio.get_running_loop().call_later(REGISTER_WAIT_S, self._close_if_silent)

    def data_received(self, data: bytes) -> None:
        """Take what is no heartbeat and no registration."""
        if not self.entered:
            data = self._greeted(data)
        if data := self._packets.without(data):
            self.on_bytes(data)

    def send(self, data: bytes, addr: tuple[str, int] | None = None) -> None:
        """Send a request."""
        self._packets.asked()
        super().send(data, addr)

    def _greeted(self, data: bytes) -> bytes:
        """What follows the registration packet; somebody who says something else is turned away."""
        register = self._line.register
        self._said += data
        if self._said.startswith(register):
            self._let_in()
            return self._said[len(register) :]
        if not register.startswith(self._said):
            self.close()
        return b""

    def _let_in(self) -> None:
        self.entered = True
        self._enter(self)

    def _close_if_silent(self) -> None:
        if not self.entered:
            self.close()


class Door:
    """The port; a DTU that comes again replaces its old connection, which may be half open for hours.

    Attributes:
        caller: the DTU's connection.
        arrivals: how often a DTU came.
    """

    def __init__(self, line: DialInLine, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self.caller: Caller | None = None
        self.arrivals = 0
        self._line, self._on_bytes, self._on_lost = line, on_bytes, on_lost
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            OSError: the port is taken or not ours to use.
        """
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._answer, self._line.host, self._line.port)

    @property
    def port(self) -> int:
        """Where it listens; the port of the settings while it does not."""
        return self._server.sockets[0].getsockname()[1] if self._server is not None else self._line.port

    def drop(self) -> None:
        """Let the DTU go; it dials in again."""
        if self.caller is not None:
            self.caller.close()
            self.caller = None

    def close(self) -> None:
        """Stop listening."""
        self.drop()
        if self._server is not None:
            self._server.close()
            self._server = None

    def _answer(self) -> Caller:
        return Caller(self._line, self._on_bytes, self._enter, self._gone)

    def _enter(self, caller: Caller) -> None:
        if self.caller is not None:
            self.drop()
            self._on_lost()
        self.caller = caller
        self.arrivals += 1

    def _gone(self, caller: Caller) -> None:
        if caller is self.caller:
            self.caller = None
            self._on_lost()
