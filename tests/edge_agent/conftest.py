"""Parts that several tests of the agent share: real brokers, real slaves, settings in a folder of their own."""

import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.config import Settings, load
from tests.edge_agent.broker import Mosquitto, Server
from tests.edge_agent.slave import Memory, RtuSlave, TcpSlave
from wire.keys import PrivateKey
from wire.quantities import Quantity

DEPLOYMENT = "test.coldseal/2026"
IDLE = {
    Quantity.VOLTAGE_L1_V: 230.0,
    Quantity.VOLTAGE_L2_V: 231.0,
    Quantity.VOLTAGE_L3_V: 229.0,
    Quantity.ACTIVE_POWER_W: 0.0,
    Quantity.FREQUENCY_HZ: 50.0,
    Quantity.IMPORT_ENERGY_WH: 1_250_000.0,
}

Write = Callable[..., Settings]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """The disk's thread."""
    with ThreadPoolExecutor(1) as one:
        yield one


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that takes anybody."""
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def server(mosquitto: Mosquitto) -> Iterator[Server]:
    """A server that receipts what it gets from agent a1."""
    one = Server(mosquitto.port, DEPLOYMENT, "a1")
    one.start()
    yield one
    one.stop()


@pytest.fixture
async def tcp_slave() -> AsyncIterator[TcpSlave]:
    """An idle SDM630 at unit 1 (and any other unit) of a TCP port."""
    slave = TcpSlave(idle_memory())
    await slave.start()
    yield slave
    await slave.stop()


@pytest.fixture
async def rtu_slave() -> AsyncIterator[RtuSlave]:
    """An idle SDM630 on a pseudo-terminal at 115200 baud."""
    slave = RtuSlave(idle_memory())
    slave.start()
    yield slave
    slave.stop()


class TinyDisk:
    """A file system of its own that can be filled to the last byte and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "somebody-elses.log"

    def fill(self) -> None:
        """Let somebody else take all space that is left."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (65_536, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[TinyDisk]:
    """A real file system of 4 MB (mounting needs root, as CI is)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tiny", str(folder)], check=True)
    yield TinyDisk(folder)
    subprocess.run(["umount", str(folder)], check=True)


def idle_memory() -> Memory:
    """The words of an idle SDM630."""
    memory = Memory()
    memory.set("eastron_sdm630", dict(IDLE))
    return memory


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes settings of agent a1 with one meter and loads them; keywords replace or add keys."""

    def make(slave_port: int = 1, broker_port: int = 1, server_key: str = "", **keys: str) -> Settings:
        parts = {
            "agent": "a1",
            "deployment": DEPLOYMENT,
            "data": "data",
            "broker": f"{{host: 127.0.0.1, port: {broker_port}, reconnect_spread_s: 1}}",
            "server_key": f'"{server_key or PrivateKey.generate().public}"',
            "poll_period_s": "0.1",
            "batch_s": "60",
            "meters": f"[{{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:{slave_port}', timeout_s: 0.1}}]",
        }
        file = tmp_path / "a1.yaml"
        file.write_text("".join(f"{k}: {v}\n" for k, v in (parts | keys).items()), encoding="utf-8")
        return load(file)

    return make
