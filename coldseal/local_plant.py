"""A whole ColdSeal on this machine, in one folder: server data, registered agents, their settings. For demo and bench."""

import contextlib
import os
import random
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import yaml

from edge_agent.identity import kid, load_or_make_key
from server import agents, registry, seal_file
from server.receipt_key import receipt_key
from server.settings import Settings
from server.store import Store
from wire.clock import Clock
from wire.errors import SettingsError, SurroundingsError

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)


class AgentPlan(msgspec.Struct, frozen=True):
    """An agent to set up.

    Attributes:
        name: its id.
        meters: as the agent's settings write them.
        batch_s: time between its normal batches.
    """

    name: str
    meters: Sequence[Mapping[str, object]]
    batch_s: float


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds now, all different, below those that outgoing connections take by themselves."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if len(found) == count:
            break
        with contextlib.suppress(OSError):
            socket.create_server((HOST, port)).close()
            found.append(port)
    return found


def check_port(port: int, option: str) -> None:
    """Refuse a port that somebody holds.

    Raises:
        SurroundingsError: it cannot be listened on.
    """
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise SurroundingsError(
            f"{option} {port}: cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}; give another one"
        ) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that is in use.

    Raises:
        SettingsError: it is not empty, or not a folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"--keep {folder}: expected a new or an empty folder; choose another")


class LocalPlant:
    """The folder and what is written into it before the programs start.

    Attributes:
        folder: everything lives here; it is also the server's --data.
        settings: the server's.
    """

    def __init__(self, folder: Path, settings: Settings, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.settings, self._clock = folder, settings, clock
        self._server_key = str(receipt_key(settings).public)

    def register(self, seals: Sequence[Mapping[str, object]], plans: Sequence[AgentPlan]) -> None:
        """Register seals and agents, and write each agent's settings."""
        file = self.folder / "seals.yaml"
        file.write_text(yaml.safe_dump({"seals": list(seals)}, allow_unicode=True), encoding="utf-8")
        store = Store(self.settings.database)
        with store.transaction() as session:
            for plan in plans:
                key = load_or_make_key(self._data_of(plan.name)).public
                agents.add(
                    session,
                    plan.name,
                    str(key),
                    kid(plan.name),
                    deployment=self.settings.deployment,
                    now_ms=self._clock.wall_ms(),
                )
                self._write_settings(plan)
            registry.add(session, seal_file.parse(file))
        store.close()

    def settings_of(self, agent: str) -> Path:
        """An agent's settings file."""
        return self.folder / "agents" / f"{agent}.yaml"

    def agent_command(self, names: Sequence[str]) -> list[str]:
        """The command that runs these agents in one process."""
        files = [str(self.settings_of(name)) for name in names]
        return [sys.executable, "-m", "coldseal", "agent", "run", *files]

    def _data_of(self, agent: str) -> Path:
        return self.folder / "agents" / agent

    def _write_settings(self, plan: AgentPlan) -> None:
        document = {
            "agent": plan.name,
            "deployment": self.settings.deployment,
            "data": plan.name,
            "broker": {
                "host": self.settings.broker_host,
                "port": self.settings.broker_port,
                "reconnect_spread_s": 2,  # a few agents on one machine are no herd
            },
            "server_key": self._server_key,
            "batch_s": plan.batch_s,
            "meters": list(plan.meters),
        }
        self.settings_of(plan.name).write_text(yaml.safe_dump(document), encoding="utf-8")
