"""docker-compose.yml as docker-compose itself reads it, and its services' commands as they can run on this machine."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
WAIT_S = 60.0
"""A bound on waiting for a program, not an expectation."""

SECRETS = "secrets/"
READERS = {"agent.yaml": "agent"}
"""A settings file that one service completes for another: its paths are the reader's."""

Service = dict[str, Any]


def config(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What docker-compose says of the file: exit code 0 and the whole file in one form, or what is wrong."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COLDSEAL_")}
    return subprocess.run(
        ["docker-compose", "--file", str(FILE), "config"], env=clean | dict(environment), cwd=ROOT, capture_output=True,
        text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip


def services(secrets: Path) -> dict[str, Service]:
    """The services by name, every variable and anchor resolved."""
    said = config({"COLDSEAL_SECRETS": str(secrets)})
    assert said.returncode == 0, said.stderr
    read: dict[str, Service] = yaml.safe_load(said.stdout)["services"]
    return read


def place_is_brokers(text: str) -> bool:
    """Whether a settings file is Mosquitto's."""
    return "\nper_listener_settings " in text


class Outside:
    """A composition without containers: each path of a container is a path here, each service a port.

    Args:
        folder: stands in for the volumes; holds copies of the files that are mounted.
        secrets: what docker/make_secrets.sh made.
        ports: port on this machine by "SERVICE:PORT" as the files write it.
    """

    def __init__(self, folder: Path, secrets: Path, ports: Mapping[str, int]) -> None:
        self.folder, self._secrets = folder, secrets
        self.services = services(secrets)
        self._ports = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self._secret_files = yaml.safe_load(config({"COLDSEAL_SECRETS": str(secrets)}).stdout)["secrets"]
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        self._programs()

    def command(self, name: str) -> list[str]:
        """A service's own command."""
        service = self.services[name]
        ours = name != "broker"  # whose image is Mosquitto's, with a folder of ours
        entry = service.get("entrypoint", ["coldseal"] if ours else [])
        return [self.here(name, word) for word in [*entry, *service["command"]]]

    def health_command(self, name: str) -> list[str]:
        """What its health check runs."""
        how, *words = self.services[name]["healthcheck"]["test"]
        assert how == "CMD", f"{name}: a check through a shell depends on the image's shell"
        return [self.here(name, word) for word in words]

    def port(self, service: str) -> str:
        """This machine's port of "SERVICE:PORT"."""
        return self._ports[service].split(":")[1]

    def environment(self) -> dict[str, str]:
        """Finds the programs that an image has on its path."""
        path = [str(self.bin), str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
        return os.environ | {"PATH": os.pathsep.join(path), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def here(self, name: str, text: str) -> str:
        """A container's text with this machine's paths and ports; what was put in is not looked at again."""
        instead = {path: str(place) for path, place in self._paths(name).items()}
        for service, address in self._ports.items():
            host, port = service.split(":")
            instead |= {service: address, f"0.0.0.0:{port}": address}
            if host == name:
                instead |= {
                    f"127.0.0.1:{port}": address,
                    f"'127.0.0.1', {port}": f"'127.0.0.1', {address.split(':')[1]}",
                }
        longest_first = sorted(instead, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: instead[found[0]], text)

    def mount(self, name: str) -> None:
        """Make a service's volumes, and copy what is mounted into them with this machine's paths and ports."""
        for volume in self.services[name].get("volumes", []):
            source, target, *_ = volume.split(":")
            if source.startswith("/"):
                place = self._paths(name)[target]
                place.parent.mkdir(parents=True, exist_ok=True)
                text = Path(source).read_text(encoding="utf-8")
                reader = READERS.get(Path(source).name, name)
                place.write_text(text if "/" + SECRETS in source else self._settings(reader, text), encoding="utf-8")
            else:
                (self.folder / source).mkdir(exist_ok=True)

    def _settings(self, name: str, text: str) -> str:
        """A settings file: hosts and ports stand on lines of their own there."""
        for service, instead in self._ports.items():
            host, port = service.split(":")
            here = instead.split(":")[1]
            text = text.replace(f"host: {host}\n", "host: 127.0.0.1\n").replace(
                f"{host}_host: {host}\n", f"{host}_host: 127.0.0.1\n"
            )
            text = text.replace(f"port: {port}\n", f"port: {here}\n").replace(f"listener {port}", f"listener {here}")
        text = self.here(name, text)
        # started by root, Mosquitto becomes a user who may not read a test's folder; in the image it is nobody else
        return f"user root\n{text}" if place_is_brokers(text) and os.geteuid() == 0 else text

    def _paths(self, name: str) -> dict[str, Path]:
        """Where each of a container's paths is here."""
        service = self.services[name]
        paths = dict[str, Path]()
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            if not source.startswith("/"):
                paths[target] = self.folder / source
        for volume in service.get("volumes", []):
            source, target, *_ = volume.split(":")
            if source.startswith("/"):
                inside = next((p for p in paths if target.startswith(f"{p}/")), None)
                paths[target] = (
                    paths[inside] / target[len(inside) + 1 :] if inside else self.folder / name / Path(target).name
                )
        for secret, place in self._secret_files.items():  # `enrol` writes what `agent` reads
            paths[f"/run/secrets/{secret}"] = Path(place["file"])
        return paths

    def _programs(self) -> None:
        """`coldseal`, `enrol` and `introduce` as the images have them."""
        (self.bin / "coldseal").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m coldseal "$@"\n', encoding="utf-8")
        for name in ("enrol", "introduce"):
            (self.bin / name).write_text((ROOT / "docker" / f"{name}.sh").read_text(encoding="utf-8"), encoding="utf-8")
        for program in self.bin.iterdir():
            program.chmod(0o755)
