"""A reader at a terminal: commands are run for real, in a folder, with the programs of one environment."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from tests.docs.pages import ROOT

WAIT_S = 120.0
"""A bound on waiting, not an expectation: the machine may be busy."""

_READY = re.compile(r"^ready |\brunning$", re.MULTILINE)
_SAME = (
    (r"/first/[\w-]+", "/first/LINK"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"Ed25519:[\w-]{43}", "KEY"),
    (r"envelopes \d+–\d+", "envelopes N–N"),
    (r"\b\d+(\.\d+)?(?=[ \u2009](kW|kWh|s|秒)\b)", "N"),
    (r"(?<=  )\d+(?=  )", "N"),
)


def same(line: str) -> str:
    """A line without what differs from run to run: times, keys, links, numbers that were measured."""
    for pattern, instead in _SAME:
        line = re.sub(pattern, instead, line)
    return line.rstrip()


def differences(expected: list[str], got: list[str]) -> list[str]:
    """What a page shows and what came, where they differ; a last line "…" leaves the rest open."""
    if expected and expected[-1] == "…":
        expected, got = expected[:-1], got[: len(expected) - 1]
    pairs = [
        (expected[i] if i < len(expected) else "", got[i] if i < len(got) else "")
        for i in range(max(len(expected), len(got)))
    ]
    return [f"expected {left!r}, got {right!r}" for left, right in pairs if same(left) != same(right)]


class Terminal:
    """Runs what a reader would type; programs that go on end with it.

    Attributes:
        folder: where the reader stands.
    """

    def __init__(self, folder: Path, *first_in_path: Path) -> None:
        self.folder = folder
        path = [*map(str, first_in_path), os.environ["PATH"], "/usr/sbin", "/sbin"]
        foreign = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONPATH")  # a reader's shell has none of them
        self._environment = {k: v for k, v in os.environ.items() if k not in foreign} | {"PATH": os.pathsep.join(path)}
        self._running: list[subprocess.Popen[bytes]] = []

    def run(self, line: str) -> list[str]:
        """What a command prints; it must succeed."""
        code, printed = self.ask(line)
        assert code == 0, f"{line}\nended with exit code {code}:\n" + "\n".join(printed)
        return printed

    def ask(self, line: str) -> tuple[int, list[str]]:
        """A command's exit code, and what it prints."""
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=WAIT_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode().splitlines()

    def run_until(self, line: str, expected: list[str]) -> list[str]:
        """What a command prints; it is asked again until that is expected, or for WAIT_S."""
        end = time.monotonic() + WAIT_S
        printed = self.run(line)
        while differences(expected, printed) and time.monotonic() < end:
            time.sleep(0.5)
            code, again = self.ask(line)
            if code:
                break  # it cannot be said twice: what it printed first counts
            printed = again
        return printed

    def start(self, line: str) -> None:
        """Start a program that goes on, and wait until it says that it is ready."""
        log = self.folder / f"terminal-{len(self._running)}.log"
        with log.open("wb") as out:
            program = subprocess.Popen(
                ["sh", "-c", f"exec {line}"], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out,
            )  # fmt: skip
        self._running.append(program)
        end = time.monotonic() + WAIT_S
        while not _READY.search(log.read_text(encoding="utf-8")):
            assert program.poll() is None, f"{line}\nended:\n{log.read_text(encoding='utf-8')}"
            assert time.monotonic() < end, f"{line}\nis not ready:\n{log.read_text(encoding='utf-8')}"
            time.sleep(0.05)

    def until_line(self, line: str, last: str) -> list[str]:
        """What a program prints up to the line that holds a text; then it is ended as Ctrl-C ends it."""
        program = subprocess.Popen(
            ["sh", "-c", f"exec {line}"], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, encoding="utf-8",
        )  # fmt: skip
        assert program.stdout is not None
        printed = list[str]()
        try:
            for text in program.stdout:
                printed.append(text.rstrip("\n"))
                if last in text:
                    break
        finally:
            os.killpg(program.pid, signal.SIGINT)
            program.stdout.read()
            program.wait(WAIT_S)
            program.stdout.close()
        return printed

    def close(self) -> None:
        """End what still runs, the newest first."""
        for program in reversed(self._running):
            program.terminate()
            try:
                program.wait(WAIT_S / 4)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        self._running.clear()


def make(prefix: Path, *words: str) -> str:
    """`make` in the checkout with the environment that runs this test; in the checkout's own .venv it is plain `make`."""
    return " ".join(["make", *words, *([] if prefix == ROOT / ".venv" else [f"VENV={prefix}", f"-o {prefix}/demo"])])
