"""The commands as a user starts them: processes, exit codes, one line for each mistake."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.config import Settings
from edge_agent.health import HEALTH_FILE
from edge_agent.identity import KEY_FILE, load_or_make_key
from edge_agent.outbox import OUTBOX_FILE
from tests.edge_agent.broker import Mosquitto, Server, until
from tests.edge_agent.conftest import Write
from tests.edge_agent.slave import TcpSlave
from wire.keys import PublicKey

MODULE = [sys.executable, "-m", "edge_agent"]
TOO_MUCH = (
    *("numpy", "pydantic", "sqlmodel", "sqlalchemy", "alembic", "fastapi", "uvicorn", "nicegui", "apprise"),
    *("rich", "structlog", "prometheus_client", "server", "simulators", "coldseal"),
)
RESIDENT_MAX_MB = 50
MIB = 1 << 20


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([*MODULE, *words], capture_output=True, text=True, timeout=60, check=False)


class Process:
    """A running agent."""

    def __init__(self, *words: str, command: list[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*(command or MODULE), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []

    def until_ready(self, agent: str) -> None:
        """Read its log until it says that polling has started."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip())
            if self.lines[-1] == f"ready agent {agent}":
                return
        raise AssertionError(f"ended before it was ready: {self.lines}")

    @property
    def resident_bytes(self) -> int:
        """The most memory that it had at a time."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Signal it; its exit code and standard output."""
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=30)
        self.lines += err.splitlines()
        return self._process.returncode, out


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts agents and ends those that a failing test left."""
    started: list[Process] = []

    def make(*words: str, command: list[str] | None = None) -> Process:
        started.append(Process(*words, command=command))
        return started[-1]

    yield make
    for process in started:
        if process._process.poll() is None:
            process.end(signal.SIGKILL)


@pytest.fixture
async def settings(write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave) -> Settings:
    """An agent of this slave, broker and server."""
    return write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="1")


async def test_run_until_sigterm(settings: Settings, server: Server, start: Callable[..., Process]) -> None:
    """`run` says when it polls, delivers, and SIGTERM ends it cleanly: exit 0 and a last envelope."""
    process = start("run", str(settings.file))
    process.until_ready("a1")
    await until(lambda: len(server.envelopes) >= 2, "envelopes")
    code, out = process.end()
    assert (code, out) == (0, "")
    last = server.batches(load_or_make_key(settings.data).public)[-1]
    assert last.fin


async def test_run_two_agents(settings: Settings, server: Server, start: Callable[..., Process]) -> None:
    """Two settings files are two agents in one process, each ready and delivering."""
    second = settings.file.with_name("a2.yaml")
    text = settings.file.read_text(encoding="utf-8")
    second.write_text(text.replace("agent: a1", "agent: a2").replace("data: data", "data: other"), encoding="utf-8")
    process = start("run", str(settings.file), str(second))
    process.until_ready("a1")
    process.until_ready("a2")
    await until(lambda: len(server.statuses) >= 2, "both online")
    assert {status["agent"] for status in server.statuses} == {"a1", "a2"}
    assert process.end(signal.SIGINT)[0] == 0


async def test_run_loads_only_what_it_needs(settings: Settings, start: Callable[..., Process]) -> None:
    """A running agent has no numpy, pydantic, SQLModel or rich in memory, nor any other program of ours."""
    code = (
        "import atexit, runpy, sys\n"
        f"atexit.register(lambda: print([m for m in {TOO_MUCH!r} if m in sys.modules]))\n"
        "sys.argv[0] = 'edge_agent'\n"
        "runpy.run_module('edge_agent', run_name='__main__')\n"
    )
    process = start("run", str(settings.file), command=[sys.executable, "-c", code])
    process.until_ready("a1")
    assert process.end() == (0, "[]\n")


async def test_32_meters_fit_in_50_mb(
    write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave, start: Callable[..., Process]
) -> None:
    """A process that polls 32 meters, signs, keeps an outbox and delivers has at most 50 MB resident, peaks included."""
    meters = ", ".join(
        f"{{id: m{unit}, profile: eastron_sdm630, tcp: '127.0.0.1:{tcp_slave.port}', unit: {unit}}}"
        for unit in range(1, 33)
    )
    settings = write(
        tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="2", poll_period_s="1", meters=f"[{meters}]"
    )
    process = start("run", str(settings.file))
    process.until_ready("a1")
    await until(lambda: {request.unit for request in tcp_slave.requests} == set(range(1, 33)), "every meter", wait_s=60)
    first = len(server.envelopes)
    await until(lambda: len(server.envelopes) >= first + 5, "signed minutes", wait_s=60)
    resident = process.resident_bytes
    assert process.end()[0] == 0
    assert resident <= RESIDENT_MAX_MB * MIB, f"{resident / MIB:.1f} MB"


async def test_killed_the_last_will_names_the_run(
    settings: Settings, server: Server, start: Callable[..., Process]
) -> None:
    """After kill -9 the broker says for us that this very run is gone."""
    process = start("run", str(settings.file))
    process.until_ready("a1")
    await until(lambda: server.statuses, "online")
    process.end(signal.SIGKILL)
    await until(lambda: server.statuses[-1]["state"] == "gone", "the last will")
    assert server.statuses[-1]["boot"] == server.statuses[0]["boot"]


def break_outbox(settings: Settings) -> None:
    """Put something else in the outbox's place."""
    settings.data.mkdir()
    (settings.data / OUTBOX_FILE).write_bytes(b"no database" * 999)


def break_key(settings: Settings) -> None:
    """Put something else in the key's place."""
    settings.data.mkdir()
    (settings.data / KEY_FILE).write_bytes(b"no key")


def data_is_a_file(settings: Settings) -> None:
    """Put a file in the folder's place."""
    settings.data.write_bytes(b"")


def replace(old: str, new: str) -> Callable[[Settings], None]:
    """Change the settings."""

    def change(settings: Settings) -> None:
        text = settings.file.read_text(encoding="utf-8")
        assert old in text
        settings.file.write_text(text.replace(old, new), encoding="utf-8")

    return change


TROUBLE: dict[str, tuple[Callable[[Settings], None], int, str]] = {
    "unknown key": (replace("batch_s", "batch_seconds"), 2, "unknown field `batch_seconds`"),
    "unknown profile": (replace("eastron_sdm630", "sdm630"), 2, "meters[0].profile: profile 'sdm630': expected one of"),
    "no device": (
        replace("tcp: '127.0.0.1:1'", "serial: {device: /dev/ttyNOT}"),
        3,
        "meters[0].serial.device: /dev/ttyNOT is missing; plug the adapter in",
    ),
    "damaged outbox": (break_outbox, 3, "outbox.sqlite: is damaged"),
    "damaged key": (break_key, 3, "key.pem: private key:"),
    "no folder": (data_is_a_file, 3, "data: "),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_run_ends_with_one_line(case: str, write: Write) -> None:
    """What the installer must put right ends the start: one line, the documented exit code, no traceback."""
    trouble, code, text = TROUBLE[case]
    settings = write()
    trouble(settings)
    done = call("run", str(settings.file))
    assert done.returncode == code
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_two_agents_with_one_folder(write: Write) -> None:
    """Two agents that would share a folder are refused before anything starts."""
    settings = write()
    second = settings.file.with_name("a2.yaml")
    second.write_text(settings.file.read_text(encoding="utf-8").replace("agent: a1", "agent: a2"), encoding="utf-8")
    done = call("run", str(settings.file), str(second))
    assert (done.returncode, "give each agent its own id and folder" in done.stderr) == (2, True)


async def test_a_second_start_is_refused(settings: Settings, start: Callable[..., Process]) -> None:
    """The same agent started twice: the second ends with a question, the first goes on."""
    process = start("run", str(settings.file))
    process.until_ready("a1")
    done = call("run", str(settings.file))
    assert (done.returncode, "is the agent already running?" in done.stderr) == (3, True)
    assert process.end()[0] == 0


def test_key_is_made_once(write: Write) -> None:
    """`key` makes the key, prints what the server must be given, and says the same the next time and as JSON."""
    settings = write()
    first, again = call("key", str(settings.file)), call("key", str(settings.file), "--json")
    agent, kid, public = first.stdout.split()
    assert (agent, kid) == ("a1", "a1#1")
    assert PublicKey.parse(public) == load_or_make_key(settings.data).public
    assert json.loads(again.stdout) == {"agent": "a1", "kid": "a1#1", "public_key": public}


async def test_outbox_of_a_running_and_a_stopped_agent(
    settings: Settings, server: Server, start: Callable[..., Process]
) -> None:
    """`outbox` shows what waits while the agent has the file and after; the running agent is not disturbed."""
    assert (await _call_beside("outbox", str(settings.file))).returncode == 3
    server.receipting = False
    process = start("run", str(settings.file))
    process.until_ready("a1")
    await until(lambda: len(server.envelopes) >= 2, "envelopes")
    await until(lambda: b'"waiting": 0' not in (settings.data / HEALTH_FILE).read_bytes(), "the health file")
    live = json.loads((await _call_beside("outbox", str(settings.file), "--json")).stdout)
    assert live["running"]
    assert live["outbox"]["first_seq"] == 1
    assert process.end()[0] == 0
    after = json.loads((await _call_beside("outbox", str(settings.file), "--json")).stdout)
    assert (after["running"], after["outbox"]["first_seq"]) == (False, 1)
    assert after["outbox"]["waiting"] == after["outbox"]["last_seq"] >= len(server.envelopes)
    text = (await _call_beside("outbox", str(settings.file))).stdout
    assert f"waiting: {after['outbox']['waiting']} envelopes, numbers 1 to {after['outbox']['last_seq']}" in text
    assert "last receipt: none" in text
    assert "faults: none" in text


async def test_check_finds_everything_right(settings: Settings) -> None:
    """`check` shows each meter's values with units and ends with the broker; the outbox is left as it was."""
    done = await _call_beside("check", str(settings.file))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "  active_power_w = 0 W" in lines
    assert "  frequency_hz = 50 Hz" in lines
    assert "takes user 'a1'" in lines[-1]


CHECKS: dict[str, tuple[str, str, str]] = {
    "nobody at the port": ("127.0.0.1:%(slave)s", "127.0.0.1:1", "cannot be connected; check cable, address"),
    "wrong profile": ("eastron_sdm630", "chint_dtsu666", "answers with errors (exceptions); is it a chint_dtsu666?"),
    "no broker": (
        "port: %(broker)s",
        "port: 1",
        "cannot be reached ([Errno 111] Connection refused); check that it runs and correct broker.host",
    ),
}


@pytest.mark.parametrize("case", CHECKS)
async def test_check_ends_at_the_first_failure(
    case: str, settings: Settings, mosquitto: Mosquitto, tcp_slave: TcpSlave
) -> None:
    """`check` exits 3 with one line that says which part does not answer and what to do."""
    old, new, text = CHECKS[case]
    tcp_slave.memory.words = {k: v for k, v in tcp_slave.memory.words.items() if k[0] == 4}
    replace(old % {"slave": tcp_slave.port, "broker": mosquitto.port}, new)(settings)
    done = await _call_beside("check", str(settings.file))
    assert done.returncode == 3
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


async def test_check_of_a_silent_unit(settings: Settings, tcp_slave: TcpSlave) -> None:
    """A unit that does not answer is told with what to look at."""
    tcp_slave.script = lambda _: []
    done = await _call_beside("check", str(settings.file))
    assert (done.returncode, "does not answer; check unit, speed, parity" in done.stderr) == (3, True)


async def test_check_with_a_wrong_password(write: Write, tcp_slave: TcpSlave, tmp_path: Path) -> None:
    """A broker that refuses us is told with the keys to correct."""
    broker = Mosquitto(tmp_path / "closed", anonymous=False)
    broker.start()
    settings = write(tcp_slave.port, broker.port)
    done = await _call_beside("check", str(settings.file))
    broker.stop()
    assert (done.returncode, "correct broker.username and broker.password_file" in done.stderr) == (3, True)


@pytest.mark.parametrize("words", [(), ("run",), ("key",), ("outbox",), ("check",)])
def test_help(words: tuple[str, ...]) -> None:
    """Every command's help documents exit codes; each command shows an example."""
    done = call(*words, "--help")
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "Exit codes: 0 done, 2 wrong use or settings, 3 the environment" in text
    assert words == () or f"Example: coldseal agent {words[0]} agents/a1.yaml" in text


@pytest.mark.parametrize("words", [("runn",), ("run",), ("run", "--fast", "a1.yaml"), ("key",), ("check", "a", "b")])
def test_wrong_use(words: tuple[str, ...]) -> None:
    """An unknown command or option, and a missing or needless file, are exit 2 with a usage line."""
    done = call(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr


async def _call_beside(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end while the slave in this process goes on answering."""
    return await asyncio.to_thread(call, *words)
