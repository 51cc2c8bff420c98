"""Programs as child processes that never outlive the one that started them.

Every child holds the reading end of a pipe whose writing end only the parent has. The kernel closes that end when the
parent is gone, however it went, and the child then ends itself. Unlike a parent-death signal this works on every Unix,
misses no parent that dies before the child is ready, and does not mistake the end of a thread for the end of the parent.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, Self

POLL_S = 0.02
STOP_TIMEOUT_S = 5.0
TAIL_LINES_MAX = 20


class NotReadyError(Exception):
    """A program ended or stayed silent instead of becoming ready; the message carries its last log lines."""


@dataclass(frozen=True)
class Exited:
    """A program that ended although nobody asked it to."""

    name: str
    exit_code: int
    """As subprocess gives it: the negative signal number when a signal ended it."""
    log: Path
    last_lines: tuple[str, ...]

    def __str__(self) -> str:
        ended = f"signal {-self.exit_code}" if self.exit_code < 0 else f"exit code {self.exit_code}"
        return f"{self.name} ended with {ended}, expected it to run. {_quote(self.log, self.last_lines)}"


class ProcessGroup:
    """Starts programs, watches them, and ends them in reverse order of start.

    Used in a `with` statement of the main thread: Ctrl-C and SIGTERM leave the block, which ends every program.

    Args:
        log_dir: made if missing; receives `<name>.log`, standard output and error of each program together.
        stop_timeout_s: how long each program may take to end on SIGTERM before SIGKILL.
    """

    def __init__(self, log_dir: Path, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self._log_dir = log_dir
        self._stop_timeout_s = stop_timeout_s
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._old_sigterm = signal.signal(signal.SIGTERM, _leave)
        self._alive_fd, self._held_fd = os.pipe()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            os.close(self._held_fd)
            os.close(self._alive_fd)
            signal.signal(signal.SIGTERM, self._old_sigterm)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a Python module as a program; returns at once, see `wait_ready`.

        Args:
            name: unique in the group; names the log.
            command: the interpreter's absolute path, `-m`, the module and its arguments.

        Raises:
            ValueError: the name is taken, or the command is of another form.
        """
        if name in self._children:
            raise ValueError(f"{name} was started before: expected a new name, or restart()")
        if len(command) < 3 or not Path(command[0]).is_absolute() or command[1] != "-m":
            raise ValueError(f"{name}: expected [absolute path of python, '-m', module, ...], got {list(command)}")
        self._children[name] = _Child(name, command, self._log_dir / f"{name}.log", self._alive_fd)

    def wait_ready(self, name: str, line_prefix: str, timeout_s: float) -> str:
        """The first line of this run's log that begins with the prefix.

        Raises:
            NotReadyError: the program ended, or did not write the line in time.
        """
        child = self._children[name]
        for _ in range(max(1, round(timeout_s / POLL_S))):  # polls, not a clock: a suspended laptop is no failure
            ended = child.ended_within(POLL_S)
            ready = [line for line in child.lines() if line.startswith(line_prefix)]
            if ready:
                return ready[0]
            if ended:
                raise NotReadyError(str(child.exited()))
        raise NotReadyError(
            f"{name} is not ready: expected a line '{line_prefix}...' within {timeout_s:g} s. "
            f"{_quote(child.log, child.last_lines())}"
        )

    def check(self) -> list[Exited]:
        """The programs that ended although neither `kill` nor `stop` was called for them."""
        return [child.exited() for child in self._children.values() if child.wanted and child.ended_within(0)]

    def pid(self, name: str) -> int:
        """The process id of the latest run of a program."""
        return self._children[name].process.pid

    def kill(self, name: str) -> None:
        """End a program as a power failure would; it stays ended until `restart`."""
        self._children[name].kill()

    def restart(self, name: str) -> None:
        """End a program if it still runs, and start it again with the same command and the same log."""
        child = self._children[name]
        child.terminate(self._stop_timeout_s)
        child.relaunch()

    def stop(self) -> None:
        """End every program, the latest first. A second Ctrl-C kills those that are left."""
        children = list(reversed(self._children.values()))
        try:
            for child in children:
                child.terminate(self._stop_timeout_s)
        finally:
            for child in children:
                child.kill()
            self._children.clear()


class _Child:
    """One program of a group: its command, its log and its latest run."""

    def __init__(self, name: str, command: Sequence[str], log: Path, alive_fd: int) -> None:
        self.name = name
        self.log = log
        python, _, module, *arguments = command
        # -P: a folder named `server` where the user happens to stand must not shadow ours.
        self._command = [python, "-P", "-m", "coldseal.processes", str(alive_fd), module, *arguments]
        self._alive_fd = alive_fd
        self.relaunch()

    def relaunch(self) -> None:
        with self.log.open("ab") as log:
            self._log_start_bytes = log.tell()
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                pass_fds=(self._alive_fd,),
                start_new_session=True,  # a terminal's Ctrl-C reaches the parent only, which ends us in order
            )
        self.wanted = True

    def ended_within(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self, timeout_s: float) -> None:
        self.wanted = False
        self.process.terminate()
        if not self.ended_within(timeout_s):
            self.kill()

    def kill(self) -> None:
        self.wanted = False
        self.process.kill()
        self.process.wait()

    def text(self) -> str:
        """What this run has written."""
        with self.log.open("rb") as log:
            log.seek(self._log_start_bytes)
            return log.read().decode(errors="replace")

    def lines(self) -> list[str]:
        """The whole lines that this run has written: half a line may still change."""
        whole, _, _ = self.text().rpartition("\n")
        return whole.splitlines()

    def last_lines(self) -> tuple[str, ...]:
        return tuple(self.text().splitlines()[-TAIL_LINES_MAX:])

    def exited(self) -> Exited:
        return Exited(self.name, self.process.wait(), self.log, self.last_lines())


def _environment() -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # a child imports what its parent would
        "PYTHONUNBUFFERED": "1",  # a crash must not take the lines that explain it
        "PYTHONIOENCODING": "utf-8",
    }


def _quote(log: Path, last_lines: Sequence[str]) -> str:
    if not last_lines:
        return f"{log} is empty."
    return "\n".join([f"Last lines of {log}:", *last_lines])


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _end_with_parent(alive_fd: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # signals belong to the program's main thread
    os.read(alive_fd, 1)  # nobody writes: this returns when the writing end is closed
    os._exit(128 + signal.SIGHUP)


def main() -> None:
    """Run a module in this process and end it with the parent: `python -m coldseal.processes FD MODULE ARGS...`."""
    alive_fd, module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with_parent, args=(int(alive_fd),), daemon=True, name="parent").start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
