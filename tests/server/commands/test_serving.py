"""`coldseal server run` as a process, with a real broker: how it starts, what it says, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx2
import pytest

from coldseal.embedded_broker import broker_command
from coldseal.processes import ProcessGroup
from tests.server.stores import a_store, on_postgresql, written_on

PASSWORD = "correct horse battery"
WAIT_S = 60.0  # a bound, not an expectation: the machine may be busy
ROOT = Path(__file__).parents[3]
MAIN = "import sys; from coldseal.cli import main; sys.exit(main())"


def free_port() -> int:
    """A port that nobody holds now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MQTT broker on loopback; gives its port."""
    port = free_port()
    with ProcessGroup(tmp_path_factory.mktemp("broker")) as group:
        group.start("broker", broker_command(port))
        group.wait_ready("broker", "ready", WAIT_S)
        yield port


class Run:
    """A server process; what it says goes to a file."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._log, data = folder / "run.log", written_on(folder / "data")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", MAIN, "server", "run", "--data", str(data), *words],
                stderr=log, stdout=log, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    @property
    def said(self) -> str:
        """All that it has said."""
        return self._log.read_text(encoding="utf-8")

    def ready(self) -> str:
        """Waits until it serves; gives its address."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"^ready (\S+)$", self.said, re.MULTILINE)
            if found:
                return found[1]
            time.sleep(0.05)
        pytest.fail(f"not ready: {self.said}")

    def end(self, with_signal: int) -> int:
        """Sends a signal; gives the exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(WAIT_S)


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """Processes that must not outlive the test."""
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def get(url: str, secret: str = "") -> tuple[int, Any]:
    """Status and document of an answer."""
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {secret}"})) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_from_the_first_start_to_the_second(tmp_path: Path, broker: int, runs: list[Run]) -> None:
    """As long as there is no account each start shows a link that makes the first; with one, none is shown."""
    words = ("--port", "0", "--broker", f"127.0.0.1:{broker}")
    first = Run(tmp_path, *words)
    runs.append(first)
    address = first.ready()
    shown = re.findall(r"first administrator: open once, within 24 h: (\S+)", first.said)
    assert len(shown) == 1
    assert shown[0].startswith(f"{address}/first/")
    form = {"name": "li.ming", "shown_as": "李明", "password": PASSWORD, "again": PASSWORD}
    made = httpx2.post(shown[0], data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert httpx2.get(f"{address}/api/v1/me", cookies=made.cookies).json()["rights"]
    assert get(f"{address}/api/v1/agents")[0] == 401
    status, health = get(f"{address}/api/v1/health")
    assert (status, health["status"]) == (200, "ok")
    kind = r"PostgreSQL \d+\.\d+: postgresql://" if on_postgresql() else r"SQLite 3\.\S+ ?.*journal (TRUNCATE|WAL)"
    assert re.search(f"^{kind}", first.said, re.MULTILINE)
    assert f"interface {address}/api/v1/openapi.json (signed in, or with a key)" in first.said
    assert first.end(signal.SIGINT) == 0

    second = Run(tmp_path, *words)
    runs.append(second)
    assert httpx2.get(f"{second.ready()}/api/v1/me", cookies=made.cookies).status_code == 200
    assert "first administrator" not in second.said
    assert PASSWORD not in first.said + second.said
    assert second.end(signal.SIGTERM) == 0
    assert "Traceback" not in first.said + second.said


def test_a_port_that_is_taken(tmp_path: Path, broker: int, runs: list[Run]) -> None:
    """A taken port is told in one line before anything is opened: no database is made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Run(tmp_path, "--port", str(port), "--broker", f"127.0.0.1:{broker}")
        runs.append(run)
        assert run.process.wait(WAIT_S) == 3

    assert run.said == (
        f"coldseal: error: http 127.0.0.1:{port} (--host, --port): cannot be served: Address already in use; "
        "end the program that holds it, or choose another port\n"
    )
    assert {path.name for path in (tmp_path / "data").glob("*")} <= {"server.yaml"}


def test_a_second_server_on_the_same_database(tmp_path: Path, runs: list[Run]) -> None:
    """It ends with one line and exit code 3 before it asks the broker; the first one goes on."""
    first = a_store(tmp_path / "data", alone=True)
    second = Run(tmp_path, "--port", "0")
    runs.append(second)

    assert second.process.wait(WAIT_S) == 3
    assert re.fullmatch(
        r"coldseal: error: \S+: another server works on this database \(.*\); end that one first\n", second.said
    )
    with first.transaction() as session:
        assert session.connection().exec_driver_sql("SELECT 1").scalar() == 1


def test_a_broker_that_is_not_there(tmp_path: Path, runs: list[Run]) -> None:
    """A missing broker ends the start with one line and exit code 3."""
    run = Run(tmp_path, "--port", "0", "--broker", f"127.0.0.1:{free_port()}")
    runs.append(run)

    assert run.process.wait(WAIT_S) == 3
    assert re.fullmatch(
        r"coldseal: error: broker 127\.0\.0\.1:\d+ .*cannot be reached: .*Connection refused.*\n", run.said
    )


def test_a_wider_address_is_warned_of(tmp_path: Path, broker: int, runs: list[Run]) -> None:
    """Serving on every interface is possible when told, and said to be without encryption."""
    run = Run(tmp_path, "--host", "0.0.0.0", "--port", "0", "--broker", f"127.0.0.1:{broker}")
    runs.append(run)
    run.ready()

    assert "0.0.0.0 can be reached from outside, and HTTP is not encrypted: put TLS before it" in run.said
    assert run.end(signal.SIGINT) == 0


def test_a_worker_that_dies_takes_the_page_with_it(tmp_path: Path, broker: int, runs: list[Run]) -> None:
    """A server that can no longer judge ends with a traceback, instead of showing old news as new."""
    run = Run(tmp_path, "--port", "0", "--broker", f"127.0.0.1:{broker}")
    runs.append(run)
    run.ready()
    with a_store(tmp_path / "data").transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE agent RENAME TO elsewhere")

    assert run.process.wait(WAIT_S) == 1
    assert "worker: a mistake of ours ended it" in run.said
    assert ('relation "agent" does not exist' if on_postgresql() else "no such table: agent") in run.said
