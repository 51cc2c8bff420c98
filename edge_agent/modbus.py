"""Meter to register words over Modbus TCP or RTU: the only file that knows pymodbus.

It only reads: no request but functions 1 to 4 exists here, and the last hook before the wire checks each frame again.
One reply is never trusted alone. The library accepts a reply of another length or function, and on a serial line one
that answers an earlier request; so each reply is judged first (replies.py), nothing is retried, and after a reply went
missing a serial line is listened to until it is quiet, and the unit must answer a throw-away request of a shape of its
own before a value counts again.
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable, Sequence

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from edge_agent.config import Line, SerialLine
from edge_agent.plan import Block
from edge_agent.replies import Asked, Heard, hear_rtu, hear_tcp
from wire.reading import Reason, Unreadable

Client = AsyncModbusTcpClient | AsyncModbusSerialClient
Words = tuple[int, ...]
ReadImage = dict[tuple[int, int], int | Unreadable]

READ_FUNCTIONS = (1, 2, 3, 4)
RETRY_FIRST_S, RETRY_MAX_S = 0.25, 5.0
SILENT_REQUESTS_MAX = 5
"""Requests in a row without any answer after which a connection or port is closed and opened again."""
QUIET_S, DRAIN_MAX_S = 0.05, 1.0
"""After a missing reply a serial line must be silent for QUIET_S (a USB adapter holds bytes back for 16 ms)."""
DRAIN_STEPS_MAX = 1000
BUFFER_BYTES_MAX = 4096

_NO_ANSWER = (Reason.TIMEOUT, Reason.DISCONNECTED, Reason.BAD_REPLY)
_EXCEPTIONS = {
    1: Reason.ILLEGAL_FUNCTION,
    2: Reason.ILLEGAL_ADDRESS,
    3: Reason.ILLEGAL_ADDRESS,  # some meters say so where address and count do not fit together
    4: Reason.DEVICE_FAILURE,
    5: Reason.BUSY,
    6: Reason.BUSY,
    10: Reason.DISCONNECTED,  # a gateway without a path to the unit
    11: Reason.TIMEOUT,  # a gateway whose unit does not answer
}


class LineReader:
    """One connection or serial port; its units are asked in turn, never two at once.

    Attributes:
        noise: frames and bytes that answered nothing.
        connects: how often the line was opened.
        last_wrong: what was wrong with the newest refused reply, in words.
    """

    def __init__(self, line: Line) -> None:
        self.noise = self.connects = 0
        self.last_wrong = ""
        self._line = line
        self._client: Client | None = None
        self._retry_s, self._retry_at = 0.0, 0.0
        self._unsettled: set[int] = set()
        self._silent_requests = 0
        self._asked: Asked | None = None
        self._heard = Heard(None)
        self._busy_until = 0.0
        self._activity = asyncio.Event()
        # Each failure becomes a reading with a reason; the library would add several lines for each.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

    async def poll(self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float) -> ReadImage:
        """What a unit said to each request, or why a word was not read.

        Args:
            unit: Modbus unit.
            blocks: the requests, in order.
            settle: the throw-away request of plan.Plan.
            timeout_s: longest wait for one reply.
        """
        image: ReadImage = {}
        lost: Unreadable | None = None
        for block in blocks:
            if lost is None and unit in self._unsettled:
                lost = await self._settle(unit, settle, timeout_s)
            answer = lost or await self._ask(unit, block, timeout_s)
            if isinstance(answer, Unreadable):
                image.update(((block.function, block.address + i), answer) for i in range(block.count))
                if answer.reason in (Reason.TIMEOUT, Reason.DISCONNECTED):
                    lost = answer
            else:
                image.update(((block.function, block.address + i), word) for i, word in enumerate(answer))
        return image

    def close(self) -> None:
        """Close the connection or port, so that a device that went away can come back under its name."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _settle(self, unit: int, settle: Block, timeout_s: float) -> Unreadable | None:
        """Ask what nothing else asks: units answer in order, so no older reply can follow its answer."""
        answer = await self._ask(unit, settle, timeout_s)
        if isinstance(answer, Unreadable) and answer.reason in _NO_ANSWER:
            if answer.reason is Reason.BAD_REPLY:
                self.close()  # still an older reply: only a new connection ends a line that is one behind
            return answer
        self._unsettled.discard(unit)
        return None

    async def _ask(self, unit: int, block: Block, timeout_s: float) -> Words | Unreadable:
        client = await self._connected(timeout_s)
        if client is None:
            return Unreadable(Reason.DISCONNECTED)
        await self._wait_for_silence()
        client.ctx.comm_params.timeout_connect = timeout_s  # the library's wait for one reply
        self._heard = Heard(None)
        self._asked = Asked(unit, block.function, block.byte_count, None)
        try:
            response = await _reader(client, block.function)(block.address, count=block.count, device_id=unit)
        except ModbusException:
            return await self._no_answer(unit, timeout_s)
        finally:
            self._asked = None
        self._silent_requests = 0
        return self._answer(response, unit, block)

    def _answer(self, response: ModbusPDU, unit: int, block: Block) -> Words | Unreadable:
        if response.isError():
            reason = _EXCEPTIONS.get(response.exception_code, Reason.DEVICE_FAILURE)
            if reason is Reason.TIMEOUT:
                self._unsettled.add(unit)  # the gateway may pass the late reply on as the next one's
            return Unreadable(reason)
        words = response.bits[: block.count] if block.function in (1, 2) else response.registers
        if len(words) != block.count:
            return Unreadable(Reason.BAD_REPLY)
        return tuple(int(word) for word in words)

    async def _no_answer(self, unit: int, timeout_s: float) -> Unreadable:
        lost_now = unit not in self._unsettled
        self._unsettled.add(unit)
        self._silent_requests += 1
        if self._client is None or not self._client.connected:
            return Unreadable(Reason.DISCONNECTED)
        if self._heard.wrong:
            self.last_wrong = self._heard.wrong
        if isinstance(self._line, SerialLine):
            await self._drain(timeout_s if lost_now and not self._heard.wrong else 0.0)
        if self._heard.lost or self._silent_requests >= SILENT_REQUESTS_MAX:
            self._silent_requests = 0
            self.close()
        return Unreadable(Reason.BAD_REPLY if self._heard.wrong else Reason.TIMEOUT)

    async def _drain(self, late_s: float) -> None:
        """Let a late reply come and run out before anything else is sent on a serial line.

        Args:
            late_s: how long to listen for a reply that has not begun.
        """
        self._activity.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(late_s):
                await self._activity.wait()
        loop = asyncio.get_running_loop()
        end = loop.time() + DRAIN_MAX_S
        quiet = max(QUIET_S, self._silence_s())
        for _ in range(DRAIN_STEPS_MAX):
            left = min(end, self._busy_until + quiet) - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def _wait_for_silence(self) -> None:
        """3.5 characters between frames (Modbus serial line V1.02 §2.5.1.1); the library does not keep them."""
        if isinstance(self._line, SerialLine):
            left = self._busy_until + self._silence_s() - asyncio.get_running_loop().time()
            if left > 0:
                await asyncio.sleep(left)

    def _silence_s(self) -> float:
        return 3.5 * self._character_s() if self._baud() <= 19_200 else 0.00175

    def _character_s(self) -> float:
        return 11 / self._baud()

    def _baud(self) -> int:
        return self._line.baud if isinstance(self._line, SerialLine) else 115_200

    async def _connected(self, timeout_s: float) -> Client | None:
        loop = asyncio.get_running_loop()
        if self._client is not None and self._client.connected:
            return self._client
        if loop.time() < self._retry_at:
            return None
        self.close()
        client = self._open(timeout_s)
        if await client.connect():  # False, not an exception, when it fails
            self._client, self._retry_s = client, 0.0
            self.connects += 1
            return client
        client.close()
        self._retry_s = min(RETRY_MAX_S, max(RETRY_FIRST_S, self._retry_s * 2))
        self._retry_at = loop.time() + self._retry_s
        return None

    def _open(self, timeout_s: float) -> Client:
        client: Client
        if isinstance(self._line, SerialLine):
            client = AsyncModbusSerialClient(
                self._line.device,
                baudrate=self._line.baud,
                parity=self._line.parity,
                stopbits=self._line.stopbits,
                timeout=timeout_s,
                retries=0,
                reconnect_delay=0,
                trace_packet=self._on_bytes,
            )
        else:
            client = AsyncModbusTcpClient(
                self._line.host,
                port=self._line.port,
                timeout=timeout_s,
                retries=0,
                reconnect_delay=0,
                trace_packet=self._on_bytes,
            )
        client.ctx.max_buffer_size = BUFFER_BYTES_MAX  # a late reply and the next one may come in one piece
        client.set_max_no_responses(1 << 30)  # this class decides when to reconnect: one dead unit is no reason
        return client

    def _on_bytes(self, sending: bool, data: bytes) -> bytes:
        """The last look at a frame before it is sent, the first at what came: the library sees only exact answers."""
        serial = isinstance(self._line, SerialLine)
        now = asyncio.get_running_loop().time()
        if sending:
            function = data[1] if serial else data[7]
            if function not in READ_FUNCTIONS:
                raise AssertionError(f"function {function} must never be sent: the agent only reads")
            if self._asked is not None and not serial:
                transaction = int.from_bytes(data[:2], "big")
                self._asked = Asked(self._asked.unit, self._asked.function, self._asked.byte_count, transaction)
            self._busy_until = now + len(data) * self._character_s()
            return data
        self._busy_until = max(self._busy_until, now)
        self._activity.set()
        if self._asked is None or self._heard.reply is not None:
            self.noise += 1
            return b""
        self._heard = (hear_rtu if serial else hear_tcp)(data, self._asked)
        self.noise += self._heard.reply is not None and self._heard.foreign > 0
        return self._heard.reply or b""


def _reader(client: Client, function: int) -> Callable[..., Awaitable[ModbusPDU]]:
    readers: dict[int, Callable[..., Awaitable[ModbusPDU]]] = {
        1: client.read_coils,
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }
    return readers[function]


def raw_words(block: Block, image: ReadImage) -> str | None:
    """A block's words as they came, in hex; None if it was not read whole."""
    words = [image.get((block.function, block.address + i)) for i in range(block.count)]
    if not all(isinstance(word, int) for word in words):
        return None
    return struct.pack(f">{len(words)}H", *words).hex()
