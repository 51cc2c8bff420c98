"""Programs started by ProcessGroup, each a real process, the parent included."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coldseal.processes import NotReadyError, ProcessGroup

WAIT_S = 30.0  # a bound, not an expectation: the machine may be busy

PROGRAM = """
import os, signal, sys, time

def leave_a_mark(signum, frame):
    with open(mark, "a") as file:
        file.write(name + " " + signal.Signals(signum).name + "\\n")
    sys.exit(0)

kind, name, mark, *_ = *sys.argv[1:], "", ""
if kind == "marks":
    signal.signal(signal.SIGTERM, leave_a_mark)
    signal.signal(signal.SIGINT, leave_a_mark)
if kind == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if kind == "asks":
    print("read", repr(sys.stdin.read()), "in session", os.getsid(0))
if kind == "half":
    sys.stdout.write("ready with half a li")
if kind == "fails":
    print("cannot open", name, file=sys.stderr)
    sys.stderr.write("stopping")
    sys.exit(7)
if kind != "half":
    print("ready", os.getpid())
while True:
    time.sleep(60)
"""

PARENT = """
import os, pathlib, signal, sys, time
from coldseal.processes import ProcessGroup

folder, kind, until = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background ignores it
with ProcessGroup(pathlib.Path(folder), stop_timeout_s=0.3 if kind == "stubborn" else 30) as group:
    for name in ("broker", "server", "agent"):
        group.start(name, [sys.executable, "-m", "program", kind, name, folder + "/marks"])
        print(group.pid(name), flush=True)
    if until == "at once":
        os.kill(os.getpid(), signal.SIGKILL)
    for name in ("broker", "server", "agent"):
        group.wait_ready(name, "ready", 30)
    print("started", flush=True)
    while True:
        time.sleep(60)
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `program` that the children can import as they would ours."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "program.py").write_text(PROGRAM)
    (modules / "parent.py").write_text(PARENT)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProcessGroup]:
    """A group whose programs end with the test."""
    with ProcessGroup(tmp_path / "logs") as group:
        yield group


def command(*arguments: str) -> list[str]:
    """The command of the test's program."""
    return [sys.executable, "-m", "program", *arguments]


def runs(pid: int) -> bool:
    """Whether a process is there and more than a name that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool], meaning: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {meaning}"
        time.sleep(0.02)


class Parent:
    """A parent process with three programs."""

    def __init__(self, folder: Path, kind: str, until: str = "signal") -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "parent", str(folder), kind, until],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        self.pids = [int(self.process.stdout.readline()) for _ in range(3)]
        if until == "signal":
            assert self.process.stdout.readline() == "started\n"

    def end(self, signum: signal.Signals) -> int:
        """Signal it as a terminal or a service manager does: the whole process group."""
        os.killpg(self.process.pid, signum)
        return self.collect()

    def collect(self) -> int:
        """Its exit code."""
        self.process.communicate(timeout=WAIT_S)
        return self.process.returncode

    def marks(self) -> list[str]:
        """What the programs wrote when they were told to end, in that order."""
        return (self.folder / "marks").read_text().splitlines()


@pytest.mark.parametrize(("signum", "exit_code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_signal_to_parent_ends_programs_latest_first(tmp_path: Path, signum: signal.Signals, exit_code: int) -> None:
    """Ctrl-C and SIGTERM reach the parent only, which asks each program to end, the latest first."""
    parent = Parent(tmp_path, "marks")
    assert parent.end(signum) == exit_code
    assert parent.marks() == ["agent SIGTERM", "server SIGTERM", "broker SIGTERM"]
    assert [pid for pid in parent.pids if runs(pid)] == []


def test_programs_that_ignore_sigterm_are_killed(tmp_path: Path) -> None:
    """A program that does not end in its time is killed, so nothing is left."""
    parent = Parent(tmp_path, "stubborn")
    assert parent.end(signal.SIGTERM) == 143
    assert [pid for pid in parent.pids if runs(pid)] == []


def test_second_ctrl_c_kills_what_is_left(tmp_path: Path) -> None:
    """Somebody who does not want to wait presses Ctrl-C again, and nothing is left."""
    with ProcessGroup(tmp_path / "logs", stop_timeout_s=600) as group:
        group.start("agent", command("stubborn"))
        group.wait_ready("agent", "ready", WAIT_S)
        pid = group.pid("agent")
        impatient = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        old = signal.signal(signal.SIGINT, signal.default_int_handler)
        impatient.start()
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            group.stop()
        impatient.join()
        signal.signal(signal.SIGINT, old)
        assert not runs(pid)


@pytest.mark.parametrize(("kind", "until"), [("sleeps", "signal"), ("stubborn", "signal"), ("sleeps", "at once")])
def test_killed_parent_leaves_no_orphan(tmp_path: Path, kind: str, until: str) -> None:
    """After kill -9 the programs end by themselves, even when the parent died before they had begun."""
    parent = Parent(tmp_path, kind, until)
    if until == "signal":
        parent.process.kill()
    assert parent.collect() == -signal.SIGKILL
    wait_until(lambda: not any(map(runs, parent.pids)), f"none of {parent.pids} runs")


def test_output_goes_to_one_log_and_input_is_empty(group: ProcessGroup, tmp_path: Path) -> None:
    """Standard output and error share a log, nothing can be typed, and the session is the program's own."""
    group.start("agent", command("asks"))
    line = group.wait_ready("agent", "read", WAIT_S)
    assert line == f"read '' in session {group.pid('agent')}"
    group.start("server", command("fails", "文件.db"))
    with pytest.raises(NotReadyError, match="cannot open"):
        group.wait_ready("server", "ready", WAIT_S)
    assert (tmp_path / "logs" / "server.log").read_text(encoding="utf-8") == "cannot open 文件.db\nstopping"


def test_working_folder_does_not_shadow_modules(
    group: ProcessGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of the same name in the user's folder is not what starts."""
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "__init__.py").touch()
    (tmp_path / "program" / "__main__.py").write_text("raise SystemExit('the wrong program')")
    monkeypatch.chdir(tmp_path)
    group.start("agent", command("sleeps"))
    assert group.wait_ready("agent", "ready", WAIT_S) == f"ready {group.pid('agent')}"


def test_check_tells_who_ended_and_why(group: ProcessGroup) -> None:
    """A program that ended by itself or by a stranger's signal is reported with its code and its last words."""
    for name, kind in (("agent", "sleeps"), ("server", "fails"), ("broker", "sleeps")):
        group.start(name, command(kind, "db"))
    group.wait_ready("agent", "ready", WAIT_S)
    group.wait_ready("broker", "ready", WAIT_S)
    assert [ended.name for ended in group.check() if ended.name != "server"] == []
    os.kill(group.pid("broker"), signal.SIGKILL)
    wait_until(lambda: len(group.check()) == 2, "two programs ended")
    server, broker = group.check()
    assert (server.name, server.exit_code, server.last_lines) == ("server", 7, ("cannot open db", "stopping"))
    assert str(server).startswith("server ended with exit code 7, expected it to run. Last lines of ")
    assert str(broker).startswith("broker ended with signal 9, expected it to run.")


def test_wait_ready_fails_on_silence_with_last_lines(group: ProcessGroup) -> None:
    """Half a line is not a line, and the error shows what was written."""
    group.start("agent", command("half"))
    with pytest.raises(NotReadyError, match=r"(?s)expected a line 'ready\.\.\.' within 2 s.*ready with half a li$"):
        group.wait_ready("agent", "ready", 2)


def test_wait_ready_names_an_empty_log(group: ProcessGroup) -> None:
    """A program that writes nothing is told from one whose words were lost."""
    group.start("agent", [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", "__import__('time').sleep(60)"])
    with pytest.raises(NotReadyError, match=r"agent\.log is empty\.$"):
        group.wait_ready("agent", "ready", 0.2)


def test_kill_and_restart(group: ProcessGroup, tmp_path: Path) -> None:
    """A killed program is no surprise; restarted it must become ready anew, in the same log."""
    group.start("server", command("sleeps"))
    group.wait_ready("server", "ready", WAIT_S)
    first = group.pid("server")
    group.kill("server")
    assert not runs(first)
    assert group.check() == []
    group.restart("server")
    second = group.pid("server")
    assert group.wait_ready("server", "ready", WAIT_S) == f"ready {second}"
    assert second != first
    assert (tmp_path / "logs" / "server.log").read_text() == f"ready {first}\nready {second}\n"


def test_restart_ends_a_running_program_first(group: ProcessGroup, tmp_path: Path) -> None:
    """Restart of a live program asks it to end, so that two never share a port or a database."""
    group.start("server", command("marks", "server", str(tmp_path / "marks")))
    group.wait_ready("server", "ready", WAIT_S)
    first = group.pid("server")
    group.restart("server")
    assert not runs(first)
    assert (tmp_path / "marks").read_text() == "server SIGTERM\n"
    group.wait_ready("server", "ready", WAIT_S)


def test_group_can_be_built_twice_and_gives_sigterm_back(tmp_path: Path) -> None:
    """Leaving the block ends the programs, restores the signal and frees the names."""
    before = signal.getsignal(signal.SIGTERM)
    for _ in range(2):
        with ProcessGroup(tmp_path) as group:
            group.start("agent", command("sleeps"))
            pid = group.pid("agent")
        assert not runs(pid)
        assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("agent", [sys.executable, "-m", "program"], "agent was started before"),
        ("server", ["python", "-m", "program"], r"expected \[absolute path of python, '-m', module, ...\], got"),
        ("server", [sys.executable, "-c", "pass"], r"got .*'-c', 'pass'"),
        ("server", [sys.executable, "-m"], r"server: expected"),
    ],
)
def test_wrong_use_is_refused(group: ProcessGroup, name: str, wrong: list[str], message: str) -> None:
    """A name twice, or a command that could not be tied to the parent, is the programmer's mistake."""
    group.start("agent", command("sleeps"))
    with pytest.raises(ValueError, match=message):
        group.start(name, wrong)
