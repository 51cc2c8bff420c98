"""Meter to register words: one request at a time on one line, and no reply trusted alone.

Nothing is retried here. A reply counts if it is exactly what was asked for (replies_rtu.py, replies_tcp.py). A reply
that went missing may still come: a serial line is listened to first, and an answer of the same shape counts only when
the unit has answered something that could not be the missing reply.
"""

import asyncio
import time
from collections.abc import Sequence

from edge_agent.exchange import Exchange
from edge_agent.line import Line
from edge_agent.link import request_frame
from edge_agent.plan import Block
from edge_agent.replies import MAY_STILL_COME, SPOILT, Asked, Words, Wrong, answer_of
from wire.reading import Reason, Unreadable

ReadImage = dict[tuple[int, int], int | Unreadable]

SILENT_POLLS_MAX, SILENT_POLLS_LONGEST = 5, 320
"""Polls in a row without any answer after which a connection or port is closed and opened again; each time after twice
as many, since a meter without voltage is silent for months and its DTU is not to blame."""
SPOILT_MAX = 2
CACHE_MAX = 4096
TRANSACTIONS = 0x10000

Shape = tuple[int, int]
_CAME = (Reason.CHECK_SUM, Reason.SHORT_FRAME)
"""What was wrong was the reply itself: no other one will come."""
_ENDS_POLL = (Reason.TIMEOUT, Reason.DISCONNECTED)
_GONE, _LATE = Unreadable(Reason.DISCONNECTED), Unreadable(Reason.TIMEOUT)


class LineReader:
    """One connection, serial port or port for a DTU; its units are asked in turn, never two at once.

    Attributes:
        late_units: units that were heard after their time, until they answer in half of it again.
    """

    def __init__(self, line: Line) -> None:
        self._exchange = Exchange(line)
        self._missing: dict[int, set[Shape]] = {}
        self._unsettled: set[int] = set()
        self._spoiling: set[int] = set()
        self._connection = 0
        self.late_units: set[int] = set()
        self._silent_polls, self._silent_polls_max = 0, SILENT_POLLS_MAX
        self._transaction = 0
        self._frames: dict[tuple[int, Block], bytes] = {}

    @property
    def noise(self) -> int:
        """Frames and bytes that answered nothing."""
        return self._exchange.noise

    @property
    def other_masters(self) -> int:
        """How often somebody else's request was heard."""
        return self._exchange.other_masters

    @property
    def junk_replies(self) -> int:
        """Good replies with junk before them."""
        return self._exchange.junk_replies

    @property
    def last_wrong(self) -> str:
        """What was wrong with the newest bytes that answered nothing, in words."""
        return self._exchange.last_wrong

    @property
    def connects(self) -> int:
        """How often the line was opened, or a DTU dialled in."""
        return self._exchange.connection.opened

    @property
    def port(self) -> int | None:
        """Where a DTU can dial in."""
        return self._exchange.connection.port

    async def arrived(self, wait_s: float) -> bool:
        """Wait until the line is open: a DTU has dialled in, a connection or port could be opened.

        Args:
            wait_s: longest wait.
        """
        return await self._exchange.arrived(wait_s)

    def close(self) -> None:
        """Give the connection or port back, so that a device that went away can come back under its name."""
        self._exchange.connection.close()

    async def poll(
        self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
    ) -> ReadImage:
        """What a unit said to each request, or why a word was not read.

        Args:
            unit: Modbus unit.
            blocks: the requests, in order; none is asked any more once one had no answer in time, or the first
                SPOILT_MAX had garbage for one: a unit that knows only garbage would take a line all its time.
            settle: the throw-away request of plan.Plan.
            timeout_s: longest wait until a reply begins, after the request has left.
            pause_s: least silence before each request, where the meter needs more than the line.
        """
        image: ReadImage = {}
        lost: Unreadable | None = None
        spoilt, spoilt_max = 0, 1 if unit in self._spoiling else SPOILT_MAX
        for number, block in enumerate(blocks, 1):
            answer = lost or await self._sure(unit, block, settle, timeout_s, pause_s, timeout_s)
            if isinstance(answer, Unreadable):
                spoilt += answer.reason in SPOILT
                if answer.reason in _ENDS_POLL or spoilt == number == spoilt_max:
                    lost = answer
            words = (answer,) * block.count if isinstance(answer, Unreadable) else answer
            image.update(zip([(block.function, block.address + i) for i in range(block.count)], words, strict=True))
        (self._spoiling.add if spoilt and lost else self._spoiling.discard)(unit)
        self._count_silence(lost)
        return image

    async def read(
        self, unit: int, block: Block, timeout_s: float, pause_s: float = 0.0, late_s: float | None = None
    ) -> Words | Unreadable:
        """The words of one request, or why not.

        Args:
            unit: Modbus unit.
            block: the request; the unit is asked twice if an earlier reply of this shape is missing.
            timeout_s: as of poll().
            pause_s: as of poll().
            late_s: how long to listen on a serial line for a reply that did not come in time; default timeout_s.
        """
        return await self._sure(unit, block, block, timeout_s, pause_s, timeout_s if late_s is None else late_s)

    async def _sure(
        self, unit: int, block: Block, settle: Block, timeout_s: float, pause_s: float, late_s: float
    ) -> Words | Unreadable:
        """Ask so that no reply to an earlier request can be taken for the answer.

        Units answer in order: once one answered what no missing reply looks like, no missing reply can come any more.
        Some units are silent on the settle request for good: the next time their own answer is thrown away instead.
        """
        if not await self._ready(timeout_s):
            return _GONE
        for other, shape in self._exchange.strange_replies:
            self._missing.setdefault(other, set()).add(shape)  # the reply to another master's request may come to ours
        self._exchange.strange_replies.clear()
        missing = self._missing.get(unit)
        if missing is None:
            return await self._ask(unit, block, timeout_s, pause_s, late_s)
        is_unlike = block.shape not in missing
        first = block if is_unlike or unit in self._unsettled else settle
        is_doubtful, began = first.shape in missing, time.monotonic()
        answer = await self._ask(unit, first, timeout_s, pause_s, late_s)
        if isinstance(answer, Unreadable):
            if answer.reason in MAY_STILL_COME:
                if not is_unlike:
                    self._not_settled(unit, answer.reason)
                return answer
            is_doubtful = True  # an exception looks the same whatever was asked
        # The true answer may be as late as any: it is waited for until twice the wait after its request.
        if is_doubtful and await self._exchange.listen(max(timeout_s, began + 2 * timeout_s - time.monotonic())):
            return _LATE  # the true answer came behind the one that was taken for it
        self._missing.pop(unit, None)
        self._unsettled.discard(unit)
        return answer if is_unlike else await self._ask(unit, block, timeout_s, pause_s, late_s)

    def _not_settled(self, unit: int, reason: Reason) -> None:
        """The answer that was to be thrown away did not come."""
        if reason is Reason.TIMEOUT:
            self._unsettled.add(unit)
        elif reason is not Reason.DISCONNECTED:
            self._unsettled.discard(unit)
            self._exchange.connection.drop()  # still an older reply: a new connection ends one that is behind

    async def _ready(self, timeout_s: float) -> bool:
        """Whether the line is open. A new Modbus TCP connection brings no reply to a request of the old one.

        RTU frames through TCP come from a serial line that knows nothing of connections.
        """
        is_open = await self._exchange.ready(timeout_s)
        if not self._exchange.is_rtu and self._connection != self.connects:
            self._missing.clear()
            self._unsettled.clear()
        self._connection = self.connects
        return is_open

    async def _ask(
        self, unit: int, block: Block, timeout_s: float, pause_s: float, late_s: float
    ) -> Words | Unreadable:
        if not await self._ready(timeout_s):
            return _GONE
        asked = self._request(unit, block)
        began = time.monotonic()
        try:
            heard = await self._exchange.ask(asked, timeout_s, pause_s)
        except asyncio.CancelledError:
            self._miss(unit, block)
            raise
        if not isinstance(heard, bytes):
            return await self._no_answer(unit, block, heard, late_s)
        self._silent_polls, self._silent_polls_max = 0, SILENT_POLLS_MAX
        if time.monotonic() - began < timeout_s / 2:
            self.late_units.discard(unit)
        answer = answer_of(heard, asked)
        if isinstance(answer, Unreadable) and answer.reason is Reason.GATEWAY_TARGET:
            self._miss(unit, block)  # the gateway may pass a late reply on as the next one's
        return answer

    def _request(self, unit: int, block: Block) -> Asked:
        frame = self._frames.get((unit, block))
        if frame is None:
            if len(self._frames) >= CACHE_MAX:
                self._frames.clear()
            frame = self._frames[unit, block] = request_frame(unit, block, rtu=self._exchange.is_rtu)
        if not self._exchange.is_rtu:
            self._transaction = (self._transaction + 1) % TRANSACTIONS or 1  # 0 is what some gateways always answer
            frame = self._transaction.to_bytes(2, "big") + frame[2:]
        return Asked(unit, block.function, block.byte_count, block.count, frame, self._transaction)

    def _miss(self, unit: int, block: Block) -> None:
        self._missing.setdefault(unit, set()).add(block.shape)

    async def _no_answer(self, unit: int, block: Block, wrong: Wrong | None, late_s: float) -> Unreadable:
        is_first = unit not in self._missing
        self._miss(unit, block)
        if not self._exchange.connection.is_open and wrong is None:
            return _GONE
        if self._exchange.is_rtu:
            may_come = (is_first or unit in self.late_units) and (wrong is None or wrong.reason not in _CAME)
            if await self._exchange.listen(late_s if may_come else 0.0):
                self.late_units.add(unit)  # it is waited for each time, so that it talks into nobody's reply
        return _LATE if wrong is None else Unreadable(wrong.reason)

    def _count_silence(self, lost: Unreadable | None) -> None:
        self._silent_polls += lost is not None and lost.reason is Reason.TIMEOUT
        if self._silent_polls >= self._silent_polls_max:
            self._silent_polls = 0
            self._silent_polls_max = min(2 * self._silent_polls_max, SILENT_POLLS_LONGEST)
            self._exchange.connection.drop()
