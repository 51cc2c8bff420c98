"""`coldseal demo` as its visitor runs it: a process of its own, ended as people end things."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

WAIT_S = 120.0
KEYS = {
    "violation_id", "seal", "code", "severity", "reason_zh", "reason_en", "event_time", "detected_at", "agent",
    "first_seq", "last_seq",
}  # fmt: skip


def command(*words: str) -> list[str]:
    """The demo as a command line."""
    return [sys.executable, "-m", "coldseal", "demo", *words]


def children_in(folder: Path) -> list[int]:
    """Processes whose command line names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it ended meanwhile
            if str(folder).encode() in words:
                found.append(int(entry.name))
    return found


def wait_until_gone(folder: Path) -> None:
    """Wait until no process names the folder; a generous bound."""
    for _ in range(round(WAIT_S / 0.1)):
        if not children_in(folder):
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {children_in(folder)}")


def start(folder: Path) -> subprocess.Popen[str]:
    """The demo with its folder kept, up to its first proof."""
    process = subprocess.Popen(command("--headless", "--keep", str(folder)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "all three proved off" in line:
            return process
    raise AssertionError("the demo ended before its sites were proved off")


def test_until_violation_prints_one_object(tmp_path: Path) -> None:
    """The object of the public interface, exit code 0, and a folder on which the other commands work."""
    kept = tmp_path / "kept"
    done = subprocess.run(
        command("--headless", "--until", "violation", "--json", "--keep", str(kept)),
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert set(printed) >= KEYS
    assert (printed["code"], printed["severity"], printed["seal"]) == ("resumed_power", "red", "FZ-DEMO-0001")
    assert printed["event_time"].endswith("+08:00")
    assert printed["event_time"] < printed["detected_at"]
    assert printed["first_seq"] <= printed["last_seq"]

    listed = subprocess.run(
        [sys.executable, "-m", "coldseal", "seal", "list", "--data", str(kept), "--json"],
        capture_output=True, text=True, timeout=WAIT_S, check=True,
    )  # fmt: skip
    assert "FZ-DEMO-0003" in listed.stdout
    assert not children_in(kept)


def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    """Ctrl-C is a clean end: exit code 0 and no process left."""
    process = start(tmp_path / "kept")
    process.send_signal(signal.SIGINT)

    assert process.wait(WAIT_S) == 0
    assert not children_in(tmp_path / "kept")
    assert process.stdout is not None
    process.stdout.close()


def test_killed_parent_leaves_no_orphan(tmp_path: Path) -> None:
    """Kill -9 of the demo takes every program with it."""
    process = start(tmp_path / "kept")
    assert len(children_in(tmp_path / "kept")) >= 5
    process.kill()
    process.wait()

    wait_until_gone(tmp_path / "kept")
    assert process.stdout is not None
    process.stdout.close()


def test_without_keep_nothing_is_left(tmp_path: Path) -> None:
    """The temporary folder goes with the demo."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command("--headless"), stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert any("all three proved off" in line for line in process.stdout)
    assert list(tmp_path.iterdir()) != []
    process.send_signal(signal.SIGINT)

    assert process.wait(WAIT_S) == 0
    assert list(tmp_path.iterdir()) == []
    process.stdout.close()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    """A taken port: one line with what to do, exit code 3, nothing started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            command("--port", str(port), "--keep", str(tmp_path / "kept")),
            capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"coldseal: error: --port {port}: cannot listen on 127.0.0.1:{port}: Address already in use; give another one\n"
    )


def test_keep_refuses_a_folder_in_use(tmp_path: Path) -> None:
    """--keep never mixes with what is there: exit code 2."""
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(
        command("--headless", "--keep", str(tmp_path)), capture_output=True, text=True, timeout=WAIT_S, check=False
    )

    assert done.returncode == 2
    assert done.stderr == f"coldseal: error: --keep {tmp_path}: expected a new or an empty folder; choose another\n"
