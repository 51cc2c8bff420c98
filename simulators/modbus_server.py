"""Simulated meters on Modbus TCP ports and serial lines, many in one process. The only file here that knows pymodbus.

pymodbus gives transport, framing and messages. Its datastore (SimDevice) is not used: it holds fixed addresses of a
meter while ours are computed for each request, answers an unknown unit with an exception and a traceback where a bus
is silent, and answers diagnostic functions that the simulated meters do not have. Its handler also keeps one request
at a time and drops what arrives behind it. So requests are answered here, as they are received.
"""

import asyncio
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse, ReadDiscreteInputsResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse, ReadInputRegistersResponse
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from simulators.meter import Refusal, ServedMeter
from simulators.place import Place, SerialPlace, TcpPlace, why_not
from wire.clock import Clock
from wire.errors import SurroundingsError

_RECEIVED_BYTES_MAX = 4096
_BIT_REPLIES: Mapping[int, type[ModbusPDU]] = {1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse}
_REGISTER_REPLIES: Mapping[int, type[ModbusPDU]] = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
_FRAME_GAP_S = 0.05
"""Silence that ends an unfinished RTU frame: far above 3.5 characters at 1200 baud, below any master's time-out."""


class _Request(ModbusPDU):
    """Any request: reading functions with address and count, others by their function code alone."""

    def __init__(self, function_code: int, data: bytes) -> None:
        super().__init__()
        self.function_code = function_code
        if len(data) == 4:
            self.address, self.count = struct.unpack(">HH", data)


class _Decoder(DecodePDU):
    """Lets every request through, so that the meter refuses what it does not know instead of the library."""

    def decode(self, frame: bytes) -> ModbusPDU:
        return _Request(frame[0], frame[1:])


class _Handler(ServerRequestHandler):
    """One connection: answers each request in the order of arrival."""

    def __init__(self, owner: "_TcpServer | _SerialServer") -> None:
        super().__init__(owner, None, None, None)  # type: ignore[no-untyped-call] # pymodbus leaves it untyped
        self._answer = owner.answer
        self._heard_at = 0.0
        self.max_buffer_size = _RECEIVED_BYTES_MAX
        self.low_level_send = self._send  # pymodbus's own empties the receive buffer

    def data_received(self, data: bytes) -> None:
        """Bytes from the line; on a serial line silence ends a frame, whatever it holds."""
        now = self.loop.time()
        if isinstance(self.framer, FramerRTU) and now - self._heard_at > _FRAME_GAP_S:
            self.recv_buffer = b""
        self._heard_at = now
        super().data_received(data)

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Answer every whole frame; returns how many bytes were used."""
        used = 0
        while True:
            length, request = self.framer.handleFrame(data[used:], 0, 0)
            used += length
            if request is None:
                return used
            reply = self._answer(request)
            if reply is not None:
                reply.dev_id, reply.transaction_id = request.dev_id, request.transaction_id
                self.pdu_send(reply, addr=addr)

    def _send(self, data: bytes, addr: tuple[Any, ...] | None = None) -> None:
        assert addr is None  # noqa: S101 - only UDP has one
        if self.is_active():
            self.transport.write(data)  # type: ignore[attr-defined] # uvloop's is no subclass of asyncio's


class _TcpServer(ModbusTcpServer):
    """A port with meters behind it."""

    def __init__(self, place: TcpPlace, answer: Callable[[ModbusPDU], ModbusPDU | None]) -> None:
        super().__init__(_unused_store(), address=(place.host, place.port))
        self.decoder = _Decoder(is_server=True)
        self.answer = answer

    def callback_new_connection(self) -> _Handler:
        return _Handler(self)

    def place(self) -> TcpPlace:
        """Where it listens, with the port that the system chose."""
        sockets = self.transport.sockets  # type: ignore[attr-defined] # pymodbus calls a server a transport
        host, port = sockets[0].getsockname()[:2]
        return TcpPlace(host, port)


class _SerialServer(ModbusSerialServer):
    """A serial line with meters on it."""

    def __init__(self, place: SerialPlace, answer: Callable[[ModbusPDU], ModbusPDU | None]) -> None:
        line, parity = place.line, "N" if _is_pseudo_terminal(place.device) else place.line.parity
        super().__init__(_unused_store(), port=place.device, baudrate=line.baud, parity=parity, stopbits=line.stopbits)
        self.decoder = _Decoder(is_server=True)
        self.answer = answer
        self._place = place

    def callback_new_connection(self) -> _Handler:
        return _Handler(self)

    def place(self) -> SerialPlace:
        """The device."""
        return self._place


class MeterServer:
    """Meters on their places, answering from one clock.

    Attributes:
        places: where each of the meters answers, in their order; a port 0 is replaced by the real one. Set by start.
    """

    def __init__(self, meters: Sequence[ServedMeter], clock: Clock) -> None:
        """A server that is not open yet.

        Args:
            meters: those of one place differ in their unit.
            clock: its monotonic time runs the sources.
        """
        self._clock = clock
        self._opened_ms = clock.monotonic_ms()
        self._meters = list(meters)
        self._servers: list[_TcpServer | _SerialServer] = []
        self.places: list[Place] = []

    async def start(self) -> None:
        """Open every place; the sources' time 0 is when the last one opens.

        Raises:
            SurroundingsError: a port or device cannot be opened; none stays open.
        """
        opened: dict[Place | int, Place] = {}
        try:
            for line, units in _by_line(self._meters).items():
                opened[line] = await self._open(units)
        except BaseException:
            await self.stop()
            raise
        self.places = [opened[_line(meter, index)] for index, meter in enumerate(self._meters)]
        self._opened_ms = self._clock.monotonic_ms()

    async def stop(self) -> None:
        """Close every place and connection."""
        for server in self._servers:
            await server.shutdown()  # type: ignore[no-untyped-call] # pymodbus leaves it untyped
        self._servers = []
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def _open(self, units: Mapping[int, ServedMeter]) -> Place:
        place = next(iter(units.values())).place

        def answer(request: ModbusPDU) -> ModbusPDU | None:
            return self._answer(units.get(request.dev_id), request)

        server = _TcpServer(place, answer) if isinstance(place, TcpPlace) else _SerialServer(place, answer)
        try:
            created = await server.call_create()  # listen() would hide why it failed
        except (OSError, termios.error, ValueError, OverflowError) as error:
            raise SurroundingsError(f"{place}: cannot be opened: {why_not(error)}") from error
        server.is_listener = True
        server.transport = created[0] if isinstance(created, tuple) else created
        self._servers.append(server)
        return server.place()

    def _answer(self, meter: ServedMeter | None, request: ModbusPDU) -> ModbusPDU | None:
        if meter is None:
            return None
        elapsed_s = (self._clock.monotonic_ms() - self._opened_ms) / 1000
        words = meter.answer(request.function_code, request.address, request.count, elapsed_s)
        if words is None:
            return None
        if isinstance(words, Refusal):
            return ExceptionResponse(request.function_code, words)
        if request.function_code in _BIT_REPLIES:
            return _BIT_REPLIES[request.function_code](bits=[word != 0 for word in words])
        return _REGISTER_REPLIES[request.function_code](registers=words)


async def serve(
    meters: Sequence[ServedMeter], clock: Clock, ready: Callable[[Sequence[Place]], None] | None = None
) -> None:
    """Serve meters until the task is cancelled.

    Args:
        meters: those of one place differ in their unit.
        clock: its monotonic time runs the sources, from 0 when the last place is open.
        ready: told the meters' places, in their order, once every one is open.

    Raises:
        SurroundingsError: a port or device cannot be opened.
    """
    server = MeterServer(meters, clock)
    await server.start()
    try:
        if ready is not None:
            ready(server.places)
        await asyncio.Event().wait()
    finally:
        await server.stop()


def _by_line(meters: Sequence[ServedMeter]) -> dict[Place | int, dict[int, ServedMeter]]:
    """Meters by what they share, in the order of the first of each; with port 0 each has a port of its own."""
    groups: dict[Place | int, dict[int, ServedMeter]] = {}
    for index, meter in enumerate(meters):
        units = groups.setdefault(_line(meter, index), {})
        if meter.unit in units:
            raise ValueError(f"{meter.place}: unit {meter.unit} is given to two meters; expected distinct units")
        units[meter.unit] = meter
    return groups


def _line(meter: ServedMeter, index: int) -> Place | int:
    return index if isinstance(meter.place, TcpPlace) and meter.place.port == 0 else meter.place


def _is_pseudo_terminal(device: str) -> bool:
    """A pseudo-terminal carries whole bytes without a parity bit, and Linux refuses to set one."""
    return Path(device).resolve().parent == Path("/dev/pts")


def _unused_store() -> SimDevice:
    """The library does not start a server without a datastore; this one is never asked."""
    return SimDevice(id=0, simdata=[SimData(0, values=0, datatype=DataType.REGISTERS)])
