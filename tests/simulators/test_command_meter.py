"""`coldseal simulate meter` as its users run it: a process, a port, and Debian's mbpoll as an independent client."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from simulators.trace_file import load
from tests.simulators.line_master import LineMaster
from wire.quantities import Quantity

READY_S = 20.0
"""A generous bound on a slow machine; the product's own is 3 s."""

TRACE = """t_s,voltage_l1_v,voltage_l2_v,voltage_l3_v,current_l1_a,current_l2_a,current_l3_a,power_factor,frequency_hz
0,230.125,231.5,229.75,100,101.5,99.25,0.94,50.012
3600,229,230,231,0,0,0,1,49.987
"""
ACTIVE_POWER_W = 0.94 * (230.125 * 100 + 231.5 * 101.5 + 229.75 * 99.25)


class Running:
    """A simulated meter in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], ready: str) -> None:
        self.process = process
        self.ready = ready

    @property
    def address(self) -> str:
        """Where it says that it listens."""
        found = re.fullmatch(r"ready \S+ on (\S+) unit \d+\n", self.ready)
        assert found is not None, self.ready
        return found[1]


def command(*options: str) -> list[str]:
    """The command line of `simulate meter`."""
    return [sys.executable, "-m", "simulators", "meter", *options]


@contextlib.contextmanager
def simulated(*options: str) -> Iterator[Running]:
    """A meter that has said that it is ready, ended by its own id."""
    process = subprocess.Popen(command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        assert select.select([process.stderr], [], [], READY_S)[0], "no ready line"
        yield Running(process, process.stderr.readline())
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(READY_S)
        process.kill()
        process.stdout.close()
        process.stderr.close()


def mbpoll(address: str, *options: str) -> dict[int, float]:
    """What mbpoll reads once, by reference counted from 0."""
    host, _, port = address.rpartition(":")
    where = ["-m", "tcp", "-p", port] if host else ["-m", "rtu", "-b", "9600", "-P", "none"]
    line = ["mbpoll", *where, "-0", "-1", "-q", *options, host or address]
    done = subprocess.run(line, capture_output=True, text=True, timeout=READY_S, check=False)
    assert done.returncode == 0, done.stderr
    return {int(n): float(v) for n, v in re.findall(r"^\[(\d+)\]:\s+(\S+)", done.stdout, re.MULTILINE)}


def floats(address: str, unit: int, start: int, count: int, *, table: str = "3") -> dict[int, float]:
    """Floats in ABCD order."""
    return mbpoll(address, "-a", str(unit), "-t", f"{table}:float", "-B", "-r", str(start), "-c", str(count))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A recording of three phases without power and energy."""
    path = tmp_path / "heat.csv"
    path.write_text(TRACE)
    return path


def test_mbpoll_reads_an_sdm630(trace: Path) -> None:
    """An independent client reads U, I, P, PF, f from the SDM630's own addresses, and the energy grows."""
    with simulated("--profile", "eastron_sdm630", "--trace", str(trace), "--tcp", "127.0.0.1:0") as meter:
        found = floats(meter.address, 1, 0x0000, 6) | floats(meter.address, 1, 0x0034, 1)
        found |= floats(meter.address, 1, 0x003E, 1) | floats(meter.address, 1, 0x0046, 2)
        time.sleep(0.3)
        later = floats(meter.address, 1, 0x0048, 1)
    expected = {0: 230.125, 2: 231.5, 4: 229.75, 6: 100, 8: 101.5, 10: 99.25, 0x34: ACTIVE_POWER_W, 0x3E: 0.94}
    assert {n: found[n] for n in expected} == pytest.approx(expected, rel=1e-5)  # mbpoll prints six digits
    assert found[0x46] == pytest.approx(50.012, abs=0.0006)
    assert 0 < found[0x48] < later[0x48] < ACTIVE_POWER_W / 1000 * READY_S / 3600


def test_mbpoll_reads_secondary_words(trace: Path) -> None:
    """The DTSU666's words are secondary, in the register's steps, beside the ratio that was given."""
    options = ("--profile", "chint_dtsu666", "--trace", str(trace), "--unit", "12", "--ct-ratio", "40")
    with simulated(*options, "--tcp", "127.0.0.1:0") as meter:
        found = floats(meter.address, 12, 0x2006, 7, table="4") | floats(meter.address, 12, 0x2044, 1, table="4")
        ratio = mbpoll(meter.address, "-a", "12", "-t", "4", "-r", "6", "-c", "2")
    assert meter.ready == f"ready chint_dtsu666 on {meter.address} unit 12\n"
    assert found[0x2006] == pytest.approx(2301.25)
    assert found[0x200C] == pytest.approx(100 / 40 * 1000)
    assert found[0x2012] == pytest.approx(ACTIVE_POWER_W / 40 * 10, rel=1e-5)
    assert found[0x2044] == pytest.approx(5001.0)
    assert ratio == {6: 40, 7: 10}


def test_mbpoll_reads_a_contact_on_a_pseudo_terminal(tmp_path: Path) -> None:
    """`--serial pty` prints a device on stdout; the input module answers function 2 there, 0 for an open seal."""
    (tmp_path / "seal.csv").write_text("t_s,contact_open\n0,1\n")
    options = ("--profile", "waveshare_di8", "--trace", str(tmp_path / "seal.csv"), "--serial", "pty")
    with simulated(*options, "--parity", "E") as meter:
        assert meter.process.stdout is not None
        device = meter.process.stdout.readline().strip()
        assert device == meter.address
        assert Path(device).is_char_device()
        assert mbpoll(device, "-a", "1", "-t", "1", "-r", "0", "-c", "1") == {0: 0}


def test_a_pseudo_terminal_is_as_slow_as_its_wire(trace: Path) -> None:
    """`--serial pty` keeps the pace of `--baud`, and a master at another speed is not understood."""
    options = ("--profile", "eastron_sdm630", "--trace", str(trace), "--serial", "pty", "--baud", "1200")
    request = bytes.fromhex("01 04 0000 001E 7002")
    with simulated(*options) as meter:
        other = LineMaster(meter.address, 9600)
        os.write(other.descriptor, request)
        assert other.rest(0.5) == b""
        other.close()
        master = LineMaster(meter.address, 1200)
        heard = master.ask(request, 65)
        master.close()
    assert heard.data[:7] == bytes.fromhex("01 04 3C 43662000")
    assert heard.took_s >= (8 + 65 + 3.5) * 10 / 1200


def test_speed(trace: Path) -> None:
    """At 36,000 seconds a second the second row, an hour on, is there at once."""
    options = ("--profile", "eastron_sdm630", "--trace", str(trace), "--tcp", "127.0.0.1:0", "--speed", "36000")
    with simulated(*options) as meter:
        time.sleep(0.3)
        assert floats(meter.address, 1, 0, 3) == {0: 229, 2: 230, 4: 231}


@pytest.mark.parametrize("kind", ["mf_coreless", "mains_coreless", "mains_channel"])
def test_furnace_served_is_furnace_exported(kind: str, tmp_path: Path) -> None:
    """What mbpoll reads of a furnace is the row of its exported story at that time."""
    story = ("--furnace", kind, "--tonnes", "0.5", "--sealed-s", "0", "--seed", "7")
    done = subprocess.run(
        command("--profile", "acrel_adl400", *story, "--export", str(tmp_path / "a.csv")),
        capture_output=True, text=True, timeout=READY_S, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = load(tmp_path / "a.csv")
    with simulated("--profile", "acrel_adl400", *story, "--tcp", "127.0.0.1:0") as meter:
        served = floats(meter.address, 1, 0x0800, 3, table="4") | floats(meter.address, 1, 0x0834, 1, table="4")
    volts, hertz = (rows.columns[q] for q in (Quantity.VOLTAGE_L1_V, Quantity.FREQUENCY_HZ))
    assert any(
        [served[0x0800], served[0x0834]] == [pytest.approx(volts[row], rel=1e-5), pytest.approx(hertz[row], abs=0.0051)]
        for row in range(int(READY_S))
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly(trace: Path, number: signal.Signals) -> None:
    """Ctrl-C or a service manager's stop ends it with exit code 0 and without a word."""
    with simulated("--profile", "eastron_sdm630", "--trace", str(trace), "--tcp", "127.0.0.1:0") as meter:
        meter.process.send_signal(number)
        assert meter.process.wait(READY_S) == 0
        assert meter.process.stderr is not None
        assert meter.process.stderr.read() == ""


SDM = ("--profile", "eastron_sdm630")
TO_PORT = ("--tcp", "127.0.0.1:0")
TRACED = ("--trace", "heat.csv")
MISTAKES: dict[str, tuple[Sequence[str], int, str]] = {
    "unknown profile": (
        ("--profile", "abb", *TRACED, *TO_PORT),
        2,
        r"--profile: profile 'abb': expected one of .*acrel_adl400",
    ),
    "nothing to serve": ((*SDM, *TO_PORT), 2, r"expected one of --trace FILE\.csv and --furnace CLASS"),
    "two things to serve": ((*SDM, *TRACED, "--furnace", "mf_coreless", *TO_PORT), 2, r"expected one of --trace FILE"),
    "nowhere to serve": ((*SDM, *TRACED), 2, r"expected one of --tcp HOST:PORT .* and --serial DEV"),
    "two places": ((*SDM, *TRACED, *TO_PORT, "--serial", "pty"), 2, r"expected one of --tcp HOST:PORT"),
    "no port": ((*SDM, *TRACED, "--tcp", "127.0.0.1"), 2, r"--tcp: expected HOST:PORT such as .*, got '127\.0\.0\.1'"),
    "port too high": ((*SDM, *TRACED, "--tcp", "127.0.0.1:70000"), 2, r"--tcp: expected HOST:PORT such as 127"),
    "no such file": ((*SDM, "--trace", "none.csv", *TO_PORT), 3, r"none\.csv: cannot be read: .*; expected a CSV file"),
    "no such device": (
        (*SDM, *TRACED, "--serial", "/dev/ttyNONE9"),
        3,
        r"/dev/ttyNONE9: cannot be opened: no such dev",
    ),
    "nothing in common": (
        ("--profile", "waveshare_di8", *TRACED, *TO_PORT),
        2,
        r"profile waveshare_di8 can tell nothing of what is to be served; expected a column such as contact_open",
    ),
    "ratio that does not fit": (
        ("--profile", "chint_dtsu666", *TRACED, *TO_PORT, "--ct-ratio", "1.5"),
        2,
        r"--ct-ratio 1\.5: chint_dtsu666 keeps it in a u16 register of steps of 1; give a number that fits",
    ),
    "number that does not fit": (
        (*SDM, *TRACED, *TO_PORT, "--serial-number", "4294967296"),
        2,
        r"--serial-number 4294967296: eastron_sdm630 keeps it in a u32 register",
    ),
    "mistake in the file": (
        (*SDM, "--trace", "bad.csv", *TO_PORT),
        2,
        r"bad\.csv, line 2, column frequency_hz: expected",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str, trace: Path) -> None:
    """A user's mistake is one line on stderr with what to do, and the exit code of its kind; never a traceback."""
    options, code, message = MISTAKES[name]
    (trace.parent / "bad.csv").write_text("t_s,frequency_hz\n0,fast\n")
    done = subprocess.run(
        command(*options), capture_output=True, text=True, timeout=READY_S, check=False, cwd=trace.parent,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert re.match(message, done.stderr)


def test_port_in_use(trace: Path) -> None:
    """A port that another program uses ends it with exit code 3 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            command(*SDM, "--trace", str(trace), "--tcp", address),
            capture_output=True, text=True, timeout=READY_S, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr == (
        f"{address}: cannot be opened: another program uses the port; stop it or choose another port\n"
    )


def test_help_loads_nothing_heavy() -> None:
    """Help shows an example and the exit codes without loading numpy or pymodbus."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "simulators", "meter", "--help"],
        capture_output=True, text=True, timeout=READY_S, check=False, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0
    assert "Example: coldseal simulate meter --profile eastron_sdm630" in done.stdout
    assert "Exit codes: 0 ended by Ctrl-C" in done.stdout
    assert not re.search(r"\| +(numpy|pymodbus|asyncio)\b", done.stderr)


def test_needs_the_word_meter() -> None:
    """The application's commands are named, even while there is only one."""
    done = subprocess.run(
        [sys.executable, "-m", "simulators", "--profile", "x"],
        capture_output=True, text=True, timeout=READY_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "No such option" in done.stderr
