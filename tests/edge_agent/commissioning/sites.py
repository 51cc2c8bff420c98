"""Simulated sites for commissioning: a meter whose values a test changes, and a DL/T 645 meter of hand-written bytes."""

import asyncio
import contextlib
import os
import select
import threading
import time
import tty
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.meter import ServedMeter
from simulators.modbus_frames import Framing
from simulators.place import TcpPlace
from wire import profile_files
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

LOAD: dict[Quantity, float] = {
    Quantity.VOLTAGE_L1_V: 230.0,
    Quantity.VOLTAGE_L2_V: 231.0,
    Quantity.VOLTAGE_L3_V: 229.0,
    Quantity.VOLTAGE_L12_V: 399.2,
    Quantity.VOLTAGE_L23_V: 398.4,
    Quantity.VOLTAGE_L31_V: 397.5,
    Quantity.CURRENT_L1_A: 100.0,
    Quantity.CURRENT_L2_A: 98.0,
    Quantity.CURRENT_L3_A: 102.0,
    Quantity.CURRENT_N_A: 3.0,
    Quantity.ACTIVE_POWER_L1_W: 20700.0,
    Quantity.ACTIVE_POWER_L2_W: 20374.0,
    Quantity.ACTIVE_POWER_L3_W: 21022.0,
    Quantity.ACTIVE_POWER_W: 62096.0,
    Quantity.REACTIVE_POWER_L1_VAR: 10025.0,
    Quantity.REACTIVE_POWER_L2_VAR: 9868.0,
    Quantity.REACTIVE_POWER_L3_VAR: 10182.0,
    Quantity.REACTIVE_POWER_VAR: 30075.0,
    Quantity.APPARENT_POWER_L1_VA: 23000.0,
    Quantity.APPARENT_POWER_L2_VA: 22638.0,
    Quantity.APPARENT_POWER_L3_VA: 23358.0,
    Quantity.APPARENT_POWER_VA: 68996.0,
    Quantity.POWER_FACTOR: 0.9,
    Quantity.POWER_FACTOR_L1: 0.9,
    Quantity.POWER_FACTOR_L2: 0.9,
    Quantity.POWER_FACTOR_L3: 0.9,
    Quantity.FREQUENCY_HZ: 50.02,
    Quantity.IMPORT_ENERGY_WH: 123_456_000.0,
    Quantity.EXPORT_ENERGY_WH: 0.0,
    Quantity.THD_CURRENT_L1_PCT: 24.0,
    Quantity.THD_CURRENT_L2_PCT: 24.5,
    Quantity.THD_CURRENT_L3_PCT: 23.5,
    Quantity.THD_VOLTAGE_L1_PCT: 2.0,
    Quantity.THD_VOLTAGE_L2_PCT: 2.1,
    Quantity.THD_VOLTAGE_L3_PCT: 1.9,
    Quantity.WATER_FLOW_M3_H: 12.5,
    Quantity.WATER_TEMP_IN_C: 25.0,
    Quantity.WATER_TEMP_OUT_C: 35.0,
    Quantity.CONTACT_OPEN: 0.0,
    Quantity.CONTACT_COUNT: 3.0,
    Quantity.SEAL_LOOP_OHM: 1000.0,
}
"""A furnace that melts: 62 kW at PF 0.9."""

_LOADED = ("current_", "active_", "reactive_", "apparent_", "power_factor", "thd_current")
CUT: dict[Quantity, float] = {q: 0.0 if q.value.startswith(_LOADED) else v for q, v in LOAD.items()}
"""The same site, cut downstream of the meter."""
DEAD: dict[Quantity, float] = {
    q: 0.0 if q.value.startswith(("voltage", "frequency", "thd")) else v for q, v in CUT.items()
}
"""The same site, cut upstream of a meter with a supply of its own."""


class Site:
    """What a meter measures; `now` may be changed at any time.

    Attributes:
        later: what holds after so many polls of the meter more, if set.
    """

    def __init__(self, now: Mapping[Quantity, Value]) -> None:
        self.now = now
        self.later: list[tuple[float, Mapping[Quantity, Value]]] = []
        self._started = time.monotonic()

    def change_after(self, seconds: float, to: Mapping[Quantity, Value]) -> None:
        """Change by itself, as when somebody opens an isolator."""
        self.later.append((time.monotonic() + seconds, to))

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """The values of now."""
        del t_s
        while self.later and time.monotonic() >= self.later[0][0]:
            self.now = self.later.pop(0)[1]
        return self.now


def served(profile: str, site: Site, unit: int = 1) -> ServedMeter:
    """A meter of a model at a site."""
    return ServedMeter(profile_files.find(profile).profile, site, TcpPlace("127.0.0.1", 502), unit)


@asynccontextmanager
async def on_tcp(profile: str, site: Site) -> AsyncIterator[GatewayServer]:
    """A meter behind Modbus TCP, as unit 1."""
    async with GatewayServer(Gateway({1: served(profile, site)}, Framing.TCP)) as server:
        yield server


def without(values: Mapping[Quantity, Value], *lost: Quantity) -> dict[Quantity, Value]:
    """The same values, some of them not available."""
    return {**values, **dict.fromkeys(lost, Unreadable(Reason.NOT_AVAILABLE))}


# Frames of domain.md 7.8 and meters.md 4, written out by hand: meter 000000000012, import 123456.78 kWh.
WAKE = "fe fe fe fe "
ASK_ADDRESS = bytes.fromhex(WAKE + "68 aa aa aa aa aa aa 68 13 00 df 16")
ASK_IMPORT = bytes.fromhex(WAKE + "68 12 00 00 00 00 00 68 11 04 33 33 34 33 c4 16")
TELL_ADDRESS = bytes.fromhex(WAKE + "68 12 00 00 00 00 00 68 93 06 45 33 33 33 33 33 bf 16")
TELL_IMPORT = bytes.fromhex(WAKE + "68 12 00 00 00 00 00 68 91 08 33 33 34 33 ab 89 67 45 28 16")
REFUSE = bytes.fromhex(WAKE + "68 12 00 00 00 00 00 68 d1 01 35 e9 16")
ADDRESS, IMPORT_WH = "000000000012", 123_456_780


class Dlt645Meter:
    """A meter on a pseudo-terminal that knows DL/T 645-2007 only.

    Attributes:
        device: what the master opens.
        heard: all that was sent to it.
    """

    def __init__(self, replies: Mapping[bytes, bytes]) -> None:
        self._replies = dict(replies)
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self.device = os.ttyname(self._far)
        self.heard = b""
        self._pending = b""
        self._stop = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug it."""
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        for descriptor in (self._near, self._far, self._stop):
            os.close(descriptor)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._near, self._stop], [], [])
            if self._stop in ready:
                return
            data = os.read(self._near, 256)
            self.heard += data
            self._pending += data
            for request, reply in self._replies.items():
                if self._pending.endswith(request):
                    self._pending = b""
                    os.write(self._near, reply)


@asynccontextmanager
async def dlt645_behind_dtu() -> AsyncIterator[tuple[int, bytearray]]:
    """The same meter behind a DTU: its port, and all that was sent to it."""
    heard = bytearray()
    callers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        pending = b""
        while data := await reader.read(256):
            heard.extend(data)
            pending += data
            for request, reply in {ASK_ADDRESS: TELL_ADDRESS, ASK_IMPORT: TELL_IMPORT}.items():
                if pending.endswith(request):
                    pending = b""
                    writer.write(reply)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        for writer in callers:
            writer.close()
            await writer.wait_closed()


@contextmanager
def dlt645_meter(replies: Mapping[bytes, bytes] | None = None) -> Iterator[Dlt645Meter]:
    """Such a meter; by default it tells its address and import."""
    meter = Dlt645Meter({ASK_ADDRESS: TELL_ADDRESS, ASK_IMPORT: TELL_IMPORT} if replies is None else replies)
    with contextlib.closing(meter):
        yield meter
