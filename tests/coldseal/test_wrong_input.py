"""Wrong input through the real command line: one line with file, key and what to do; the documented exit code."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.edge_agent.broker import Mosquitto, free_port
from wire.keys import PrivateKey

WAIT_S = 60
Words = list[str]


class Mistake:
    """A folder with a good plant in it, and the ways to spoil it.

    Attributes:
        folder: everything lives here.
        broker: HOST:PORT of the broker that wants a password.
    """

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.folder = folder
        self.broker = f"127.0.0.1:{broker_port}"
        self._settings: dict[str, object] = {
            "agent": "a1",
            "deployment": "test.coldseal/1",
            "data": "a1-data",
            "broker": {"host": "127.0.0.1", "port": broker_port},
            "server_key": str(PrivateKey.generate().public),
            "meters": [{"id": "m1", "profile": "eastron_sdm630", "tcp": f"127.0.0.1:{free_port()}"}],
        }

    def agent(self, command: str = "run", **instead: object) -> Words:
        """The agent's command on settings that differ so from good ones."""
        file = self.folder / "a1.yaml"
        file.write_text(yaml.safe_dump(self._settings | instead), encoding="utf-8")
        return ["agent", command, str(file)]

    def meter(self, **instead: object) -> Words:
        """`agent run` with one meter that differs so."""
        return self.agent(meters=[{"id": "m1", "profile": "eastron_sdm630", **instead}])

    def server(self, *more: str) -> Words:
        """`server run` on the folder."""
        return ["server", "run", "--data", str(self.folder / "data"), "--port", "0", *more]

    def having(self, name: str, content: str | bytes, mode: int = 0o600) -> "Mistake":
        """The same folder with one more file."""
        self.write(name, content, mode)
        return self

    def write(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path


@pytest.fixture(scope="module")
def guarded_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker that knows the user ingest with password right."""
    folder = tmp_path_factory.mktemp("broker")
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "ingest", "right"], check=True)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "a1", "right"], check=True)
    mosquitto = Mosquitto(folder / "mosquitto", f"password_file {passwords}\n", anonymous=False)
    mosquitto.start()
    yield mosquitto
    mosquitto.stop()


@pytest.fixture
def mistake(tmp_path: Path, guarded_broker: Mosquitto) -> Mistake:
    """A plant to spoil."""
    return Mistake(tmp_path, guarded_broker.port)


def overlapping(mistake: Mistake) -> str:
    """The SDM630's map with its second voltage moved onto the first."""
    source = Path(__file__).parents[2] / "firmware_configs/meters/eastron_sdm630.yaml"
    profile = yaml.safe_load(source.read_text(encoding="utf-8"))
    profile["registers"][1]["address"] = profile["registers"][0]["address"]
    return str(mistake.write("overlap.yaml", yaml.safe_dump(profile)))


def no_right(mistake: Mistake) -> str:
    """A serial device that nobody may open."""
    return str(mistake.write("ttyLOCKED", b"", 0o000))


def run(words: Words) -> subprocess.CompletedProcess[str]:
    """The command without the right to pass over file modes, which root would have."""
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*drop, sys.executable, "-m", "coldseal", *words], capture_output=True, text=True, timeout=WAIT_S, check=False
    )


NOBODY = "127.0.0.1:9"
CASES: dict[str, tuple[Callable[[Mistake], Words], int, tuple[str, ...]]] = {
    "unknown key in the agent's settings": (
        lambda m: m.meter(tcp=NOBODY, bauds=9600), 2, ("a1.yaml: line ", ": meters[0]", "bauds")),
    "unknown key in the server's settings": (
        lambda m: m.having("data/server.yaml", "http_prot: 80\n").server(),
        2, ("server.yaml", "http_prot")),
    "unknown key in a profile": (
        lambda m: ["simulate", "meter", "--tcp", NOBODY, "--furnace", "mf_coreless", "--profile",
                   str(m.write("p.yaml", "name: x\nmodell: y\n"))], 2, ("p.yaml", "modell")),
    "serial device that is not there": (
        lambda m: m.meter(serial={"device": "/dev/ttyNONE"}), 3, ("a1.yaml: meters[0].serial.device", "/dev/ttyNONE")),
    "serial device that may not be opened": (
        lambda m: m.meter(serial={"device": no_right(m)}), 3, ("a1.yaml: meters[0].serial.device", "ttyLOCKED may not be used", "dialout")),
    "broker that cannot be reached, server": (
        lambda m: m.server("--broker", NOBODY), 3, ("broker 127.0.0.1:9 (broker_host, broker_port)", "start it")),
    "wrong password, server": (
        lambda m: m.having("data/server.yaml", "broker_password_file: pw\n").having("data/pw", "no").server(
            "--broker", m.broker),
        3, ("refuses user 'ingest'", "broker_password_file")),
    "database that is none": (
        lambda m: m.having("data/coldseal.sqlite", b"x" * 5_000).server(),
        3, ("coldseal.sqlite: cannot be used as the database", "not a database")),
    "database that may not be read": (
        lambda m: m.having("data/coldseal.sqlite", b"", 0o000).server(),
        3, ("coldseal.sqlite: cannot be used as the database", "rights")),
    "outbox that is no database": (
        lambda m: m.having("a1-data/outbox.sqlite", b"x" * 5_000).agent(),
        3, ("outbox.sqlite", "damaged")),
    "profile with an overlapping register, agent": (
        lambda m: m.agent(meters=[{"id": "m1", "profile": overlapping(m), "tcp": NOBODY}]),
        2, ("meters[0].profile", "overlap.yaml: line ", "registers[1] (voltage_l2_v)", "overlaps voltage_l1_v")),
    "profile with an overlapping register, simulator": (
        lambda m: ["simulate", "meter", "--profile", overlapping(m), "--furnace", "mf_coreless", "--tcp", NOBODY],
        2, ("overlap.yaml: line ", "registers[1] (voltage_l2_v)", "overlaps voltage_l1_v")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_wrong_input(name: str, mistake: Mistake) -> None:
    """The first line names what is wrong and where; no traceback; the exit code of the help."""
    words, code, fragments = CASES[name]
    done = run(words(mistake))

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("coldseal: error: ")]
    assert len(told) == 1, done.stderr
    assert not [fragment for fragment in fragments if fragment not in told[0]], told[0]


@pytest.mark.parametrize("program", ["server", "simulate"])
def test_port_in_use(program: str, mistake: Mistake) -> None:
    """A port that somebody holds: one line that names it, exit code 3."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = {
            "server": [*mistake.server(), "--port", str(port)],
            "simulate": ["simulate", "meter", "--profile", "eastron_sdm630", "--furnace", "mf_coreless", "--tcp",
                         f"127.0.0.1:{port}"],
        }[program]  # fmt: skip
        done = run(words)

    assert done.returncode == 3, done.stderr
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


AGENT_CASES: dict[str, tuple[dict[str, object], str]] = {
    "broker that cannot be reached": ({"host": "127.0.0.1", "port": 9}, "broker.host"),
    "wrong password": ({"password_file": "pw"}, "broker.password_file"),
}


@pytest.mark.parametrize("name", AGENT_CASES)
def test_the_agent_says_it_and_goes_on(name: str, mistake: Mistake) -> None:
    """A broker's trouble never ends an agent: one line names the key, polling and storing go on, SIGTERM is a clean end."""
    instead, key = AGENT_CASES[name]
    host, _, port = mistake.broker.partition(":")
    mistake.write("pw", "wrong")
    words = mistake.agent(broker={"host": host, "port": int(port), **instead})
    process = subprocess.Popen([sys.executable, "-m", "coldseal", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = next((line for line in process.stderr if key in line), "")
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=WAIT_S)

    assert key in told, rest
    assert "Traceback" not in told + rest
    assert process.returncode == 0
    assert (mistake.folder / "a1-data/outbox.sqlite").exists()
