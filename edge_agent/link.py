"""Opens connections, serial ports and listening ports: the only file that knows pymodbus.

pymodbus builds the requests and moves bytes; its own reading of replies is not used, because it takes a reply of
another length or function, and on a serial line one that answers an earlier request (replies.py judges instead).
"""

import asyncio
import contextlib
import logging
import termios
from collections.abc import Callable

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from edge_agent.line import Line, SerialLine
from edge_agent.plan import Block

log = logging.getLogger(__name__)

OnBytes = Callable[[bytes], None]
OnLost = Callable[[], None]

_REQUESTS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
READ_FUNCTIONS = tuple(_REQUESTS)


def request_frame(unit: int, block: Block, *, rtu: bool) -> bytes:
    """A request as it is sent; of Modbus TCP with transaction number 0."""
    framer = FramerRTU if rtu else FramerSocket
    request = _REQUESTS[block.function](address=block.address, count=block.count, dev_id=unit)
    return framer(DecodePDU(is_server=False)).buildFrame(request)


class Link(ModbusProtocol):
    """An open connection or serial port."""

    def __init__(self, line: Line, timeout_s: float, on_bytes: OnBytes, on_lost: OnLost) -> None:
        """A link that is not open yet.

        Args:
            line: where it leads.
            timeout_s: longest wait for a connection.
            on_bytes: takes what comes, as it comes.
            on_lost: told when the other end or the port is gone.
        """
        # Each failure becomes a reading with a reason; the library would add several lines for each.
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        super().__init__(_params(line, timeout_s), is_server=False)
        self.on_bytes, self.on_lost = on_bytes, on_lost

    def data_received(self, data: bytes) -> None:
        """Bytes go to whoever judges them; the library keeps none."""
        self.on_bytes(data)

    def callback_data(self, data: bytes, addr: tuple[object, ...] | None = None) -> int:
        """The library's own way for bytes, which data_received() replaces."""
        del addr
        self.on_bytes(data)
        return len(data)

    def callback_new_connection(self) -> ModbusProtocol:
        """The library's servers ask for it; a link is none."""
        return self

    def callback_connected(self) -> None:
        """Nothing waits for it."""

    def callback_disconnected(self, exc: Exception | None) -> None:
        """The other end is gone."""
        del exc
        self.on_lost()


async def open_link(line: Line, timeout_s: float, on_bytes: OnBytes, on_lost: OnLost) -> Link | None:
    """As opened(); None if that fails."""
    with contextlib.suppress(OSError):
        return await opened(line, timeout_s, on_bytes, on_lost)
    return None


async def opened(line: Line, timeout_s: float, on_bytes: OnBytes, on_lost: OnLost) -> Link:
    """Connect, or open the port.

    Args:
        line: where it leads.
        timeout_s: longest wait for a connection.
        on_bytes: takes what comes, as it comes.
        on_lost: told when the other end or the port is gone.

    Raises:
        OSError: why it cannot be opened.
    """
    link = Link(line, timeout_s, on_bytes, on_lost)
    try:
        await _create(link, timeout_s)
    except OSError:
        link.close()
        raise
    except termios.error as error:  # a port that cannot do what is asked, as parity on a pseudo-terminal
        log.warning("%s: the port refuses this setting: %s; choose another speed or parity", line, error)
        link.close()
        raise OSError(*error.args) from error
    except ValueError as error:  # a host name that cannot be (a UnicodeError), or a speed
        log.warning("%s: expected a host and settings that can be, got: %s; correct the line", line, error)
        link.close()
        raise OSError(str(error)) from error
    if isinstance(line, SerialLine):
        _hurry(link)
    return link


async def _create(link: Link, timeout_s: float) -> None:
    """What the library's connect() does, which tells of no failure but that there was one."""
    try:
        async with asyncio.timeout(timeout_s):
            link.transport, _ = await link.call_create()
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no connection within {timeout_s:g} s") from error


def _params(line: Line, timeout_s: float) -> CommParams:
    if isinstance(line, SerialLine):
        return CommParams(
            comm_name="line",
            comm_type=CommType.SERIAL,
            host=line.device,
            baudrate=line.baud,
            bytesize=8,
            parity=line.parity,
            stopbits=line.stopbits,
            timeout_connect=timeout_s,
        )
    return CommParams(
        comm_name="line", comm_type=CommType.TCP, host=line.host, port=line.port, timeout_connect=timeout_s
    )


def _hurry(link: Link) -> None:
    """Ask a USB adapter not to hold bytes back for 16 ms; adapters that cannot are as good as before."""
    port = getattr(link.transport, "sync_serial", None)
    with contextlib.suppress(AttributeError, NotImplementedError, OSError, ValueError):
        port.set_low_latency_mode(True)  # type: ignore[union-attr]  # AttributeError is suppressed
