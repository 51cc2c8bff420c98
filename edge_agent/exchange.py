"""One request and what comes back, on one line: sends, waits, listens, and hears what nobody asked for."""

import asyncio
import contextlib
import time

from edge_agent.connection import Connection
from edge_agent.line import Line, SerialLine, is_rtu
from edge_agent.replies import Asked, Wrong
from edge_agent.replies_rtu import RtuReplies, other_master
from edge_agent.replies_tcp import TcpReplies
from edge_agent.silence import Silence
from wire.reading import Reason

QUIET_S, DRAIN_MAX_S = 0.05, 1.0
"""A line is quiet after QUIET_S without a byte (a USB adapter holds bytes back for 16 ms)."""
STEPS_MAX = 1000
ARRIVAL_STEP_S = 0.1
STRAY_BYTES_MAX = 64
FRAME_EXTRA_BYTES = 5
"""Of a reply in RTU: unit, function, byte count and check sum."""

BABBLE = Wrong(Reason.BAD_REPLY, "the line is never silent: a device sends all the time")
_ECHO = "the line repeats what we send; set serial.echo: true"
_JUNK = "junk before a reply; check biasing, termination and direction switching"


class Exchange:
    """The bytes of one line.

    Attributes:
        connection: the way to the units.
        is_rtu: frames end in a check sum and carry no number of their own.
        noise: frames and bytes that answered nothing.
        other_masters: how often somebody else's request was heard.
        strange_replies: unit, function and byte count of the replies that he waits for; whoever reads them clears them.
        junk_replies: good replies with junk before them.
        last_wrong: what was wrong with the newest bytes that answered nothing, in words.
    """

    def __init__(self, line: Line) -> None:
        self.noise = self.other_masters = self.junk_replies = 0
        self.strange_replies: set[tuple[int, tuple[int, int]]] = set()
        self.last_wrong = ""
        self.is_rtu = is_rtu(line)
        self.connection = Connection(line, rtu=self.is_rtu, on_bytes=self._on_bytes, on_lost=self._on_lost)
        echo = isinstance(line, SerialLine) and line.echo
        self._replies: RtuReplies | TcpReplies = RtuReplies(echo=echo) if self.is_rtu else TcpReplies()
        self._silence = Silence(line)
        self._opened = 0
        self._awaited: asyncio.Future[bytes | None] | None = None
        self._stray = b""
        self._own = b""
        self._activity = asyncio.Event()

    async def ready(self, timeout_s: float) -> bool:
        """Whether the line is open; it is opened if it can be."""
        if not await self.connection.ready(timeout_s):
            return False
        if self._opened != self.connection.opened:
            self._opened = self.connection.opened
            self._replies.reset()
        return True

    async def arrived(self, wait_s: float) -> bool:
        """Wait until the line is open."""
        end = time.monotonic() + wait_s
        for _ in range(int(wait_s / ARRIVAL_STEP_S) + 1):
            if await self.ready(wait_s) or time.monotonic() >= end:
                break
            await asyncio.sleep(ARRIVAL_STEP_S)
        return self.connection.is_open

    async def ask(self, asked: Asked, timeout_s: float, pause_s: float) -> bytes | Wrong | None:
        """Send a request when the line is silent, and wait for its reply.

        Args:
            asked: the request.
            timeout_s: longest wait until the reply begins, after the request has left.
            pause_s: least silence before it.

        Returns:
            Function code and data of the reply, or what was wrong with what came, or None if nothing did.
        """
        if not await self._silence.wait(pause_s):
            self._heed_wrong(BABBLE)
            return BABBLE
        pdu = await self._exchange(asked, timeout_s)
        wrong = self._replies.wrong() if pdu is None else self._replies.other_master()
        if self._replies.lost:
            self.connection.drop()
        if wrong is not None:
            self._heed_wrong(wrong)
            if pdu is None or wrong.master_of == asked.unit:  # the reply may be the other master's
                return wrong
            return pdu
        if self._replies.foreign or self._replies.echoed:
            self._heed_junk()
        return pdu

    async def listen(self, late_s: float) -> bool:
        """Let late bytes come and run out before anything else is sent.

        Args:
            late_s: how long to wait for bytes that have not begun.

        Returns:
            Whether there were any.
        """
        self._activity.clear()
        if late_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(late_s):
                    await self._activity.wait()
        end = time.monotonic() + DRAIN_MAX_S
        for _ in range(STEPS_MAX):
            left = min(end, self._silence.until + QUIET_S) - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(left)
        return self._activity.is_set()

    async def _exchange(self, asked: Asked, timeout_s: float) -> bytes | None:
        loop = asyncio.get_running_loop()
        awaited: asyncio.Future[bytes | None] = loop.create_future()
        self._replies.begin(asked)
        self._stray, self._own = b"", asked.frame
        if not self.connection.send(asked.frame):
            return None
        self._awaited = awaited
        leaves_s = self._silence.sent(len(asked.frame))
        left_at = time.monotonic() + leaves_s
        ends_at = left_at + timeout_s + (asked.byte_count + FRAME_EXTRA_BYTES) * self._silence.character_s
        timer = loop.call_later(leaves_s + timeout_s, self._time_is_up, awaited, left_at, ends_at)
        try:
            return await awaited
        finally:
            timer.cancel()
            self._awaited = None

    def _time_is_up(self, awaited: asyncio.Future[bytes | None], left_at: float, ends_at: float) -> None:
        """End the wait, unless a reply has begun and is still coming."""
        if awaited.done():
            return
        now, heard_at = time.monotonic(), self._silence.until
        if heard_at > left_at and now < min(heard_at + QUIET_S, ends_at):
            again_s = min(heard_at + QUIET_S, ends_at) - now
            asyncio.get_running_loop().call_later(again_s, self._time_is_up, awaited, left_at, ends_at)
        else:
            awaited.set_result(self._replies.end())

    def _heed_wrong(self, wrong: Wrong) -> None:
        self.noise += 1
        self._heed_master(wrong)

    def _heed_master(self, wrong: Wrong) -> None:
        self.last_wrong = wrong.words
        if wrong.master_of is not None:
            self.other_masters += 1
            if wrong.shape is not None:
                self.strange_replies.add((wrong.master_of, wrong.shape))

    def _heed_junk(self) -> None:
        """Bytes before a good reply, or our own request alone."""
        self.noise += 1
        if self.is_rtu:
            self.junk_replies += not self._replies.echoed
            self.last_wrong = _ECHO if self._replies.echoed else _JUNK

    def _on_bytes(self, data: bytes) -> None:
        self._silence.heard()
        awaited = self._awaited
        if awaited is None or awaited.done():
            self._on_stray(data)
            return
        pdu = self._replies.feed(data)
        if pdu is not None or self._replies.lost:
            awaited.set_result(pdu)

    def _on_stray(self, data: bytes) -> None:
        """Bytes while nothing is asked: a late or a second reply, noise, another master."""
        self.noise += 1
        self._activity.set()
        if not self.is_rtu:
            self._replies.feed(data)  # frames that nobody waits for are taken off the stream
            if self._replies.lost:
                self.connection.drop()
            return
        self._stray = (self._stray + data)[-STRAY_BYTES_MAX:]
        if (stranger := other_master(self._stray, self._own)) is not None:
            self._stray = b""
            self._heed_master(stranger)

    def _on_lost(self) -> None:
        """The other end is gone; what is still awaited does not come any more."""
        self._replies.reset()
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
