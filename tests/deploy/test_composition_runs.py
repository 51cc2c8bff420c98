"""Each service's command and health check, as docker-compose.yml has them, run on this machine without containers."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.composition import ROOT, WAIT_S, Outside
from tests.edge_agent.broker import free_port
from tests.server.cluster import PASSWORD, PASSWORD_USER, cluster

SOON_S = "2"
"""In place of the two minutes for which the simulated furnace is off."""


class Running:
    """The composition's programs, started in the order of their dependencies."""

    def __init__(self, folder: Path) -> None:
        secrets = folder / "secrets"
        subprocess.run(["sh", str(ROOT / "docker" / "make_secrets.sh"), str(secrets)], check=True, capture_output=True)
        (secrets / "database_password").chmod(0o600)
        (secrets / "database_password").write_text(PASSWORD, encoding="utf-8")
        self._database = cluster().new()
        ports = {
            "broker:8883": free_port(),
            "database:5432": cluster().port,
            "server:8080": free_port(),
            "site:5020": free_port(),
        }
        self.outside = Outside(folder / "machine", secrets, ports)
        self._folder, self._started = folder, dict[str, subprocess.Popen[bytes]]()

    def start(self, name: str) -> None:
        """Start what goes on, and wait until its own health check passes."""
        self._settle(name)
        with (self._folder / f"{name}.log").open("wb") as log:
            self._started[name] = subprocess.Popen(
                self._command(name), stdout=log, stderr=log, env=self.outside.environment(), cwd=self._folder
            )
        self.until(lambda: self.healthy(name), f"{name} healthy")

    def once(self, name: str) -> str:
        """Run what ends by itself; it must succeed."""
        self._settle(name)
        done = subprocess.run(
            self._command(name), env=self.outside.environment(), cwd=self._folder, capture_output=True, text=True,
            timeout=WAIT_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def healthy(self, name: str) -> bool:
        """Whether its health check passes."""
        words = self.outside.health_command(name)
        if words[0] == "nc":  # BusyBox has it in the image
            port = self.outside.port(f"{name}:{words[-1]}")
            words = ["python", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 3).close()"]
        done = subprocess.run(words, env=self.outside.environment(), capture_output=True, timeout=WAIT_S, check=False)
        return done.returncode == 0

    def until(self, so: Callable[[], bool], what: str) -> None:
        """Wait; a program that ended says why."""
        end = time.monotonic() + WAIT_S
        while not so():
            for name, program in self._started.items():
                assert program.poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < end, f"{what}: {[self.log(name) for name in self._started]}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        """What a program has said."""
        return (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def coldseal(self, *words: str) -> dict[str, object]:
        """A command's JSON, on the server's volume."""
        command = [str(self.outside.bin / "coldseal"), *words, "--data", str(self.outside.folder / "server"), "--json"]
        said = subprocess.run(command, env=self.outside.environment(), check=True, capture_output=True, text=True)
        document: dict[str, object] = json.loads(said.stdout)
        return document

    def stop(self) -> None:
        """End all, the newest first."""
        for program in reversed(self._started.values()):
            program.terminate()
            program.wait(WAIT_S)
        cluster().drop(self._database)

    def _command(self, name: str) -> list[str]:
        return [SOON_S if word == "120" else word for word in self.outside.command(name)]

    def _settle(self, name: str) -> None:
        """Make a service's volumes and settings; the one address that holds a name of the database is put right."""
        self.outside.mount(name)
        settings = self.outside.folder / "server" / "server.yaml"
        if settings.exists():
            here = f"{PASSWORD_USER}@127.0.0.1:{cluster().port}/{self._database.name}"
            text = settings.read_text(encoding="utf-8").replace(f"coldseal@127.0.0.1:{cluster().port}/coldseal", here)
            settings.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All of it but the agent's proof."""
    running = Running(tmp_path_factory.mktemp("composition"))
    try:
        for name in ("broker", "server"):
            running.start(name)
        running.once("introduce")
        running.once("enrol")
        for name in ("site", "agent"):
            running.start(name)
        yield running
    finally:
        running.stop()


def test_the_agents_envelopes_are_stored(running: Running) -> None:
    """Over TLS, by certificates, through the shipped broker settings, into PostgreSQL: an envelope is stored."""

    def stored() -> bool:
        (agent,) = running.coldseal("server", "agents", "list")["agents"]  # type: ignore[misc]  # one object of JSON
        return bool(agent["agent"] == "site-1" and agent["stored_up_to"] >= 1)  # type: ignore[has-type]  # the same

    running.until(stored, "an envelope of site-1")


def test_the_first_administrator_finds_a_link(running: Running) -> None:
    """The server's log has the one-time link, as docs/deploy.md says."""
    assert "/first/" in running.log("server")


def test_enrolling_again_changes_nothing(running: Running) -> None:
    """Both halves of the introduction may run at every start."""
    settings = running.outside.folder / "enrolment" / "agent.yaml"
    before = settings.read_text(encoding="utf-8")
    running.once("introduce")
    said = running.once("enrol")

    assert said == "enrolled: agent site-1, seal FZ-COMPOSE-0001\n"
    assert settings.read_text(encoding="utf-8") == before


def test_every_health_check_passes(running: Running) -> None:
    """What goes on is healthy by its own measure."""
    assert all(running.healthy(name) for name in ("broker", "server", "site", "agent"))


def test_secrets_are_not_made_twice(tmp_path: Path) -> None:
    """A folder that is there is not touched: overwriting an authority would lock every agent out."""
    script = ["sh", str(ROOT / "docker" / "make_secrets.sh"), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "nothing in it was changed" in done.stderr
    assert list(tmp_path.iterdir()) == []
