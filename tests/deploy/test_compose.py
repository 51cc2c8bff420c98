"""docker-compose.yml by docker-compose's own validator, and what every service promises."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.composition import ROOT, Service, config, services

ONE_SHOT = {"introduce", "enrol"}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """The services, as docker-compose reads the file."""
    return services(tmp_path_factory.mktemp("secrets"))


def test_without_secrets_it_is_refused() -> None:
    """Nobody starts it by mistake with no certificate: the validator says what to set."""
    said = config({})

    assert said.returncode != 0
    assert "set it to the folder that docker/make_secrets.sh made" in said.stderr


def test_every_part_is_there(read: dict[str, Service]) -> None:
    """Broker, database, server with console, one simulated site and its agent, and the two that introduce them."""
    assert set(read) == {"broker", "database", "server", "site", "agent", *ONE_SHOT}


def test_nobody_is_root(read: dict[str, Service]) -> None:
    """Each service has a user of its own number, no capability, and a file system that it cannot write."""
    for name, service in read.items():
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_each_waits_for_health(read: dict[str, Service]) -> None:
    """What goes on has a health check; who needs it waits until it is healthy, or until a one-shot has succeeded."""
    for name, service in read.items():
        assert ("healthcheck" in service) is (name not in ONE_SHOT), name
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how == {"condition": expected}, f"{name} -> {needed}"
    assert set(read["server"]["depends_on"]) == {"broker", "database"}
    assert set(read["agent"]["depends_on"]) == {"enrol", "site"}


def test_volumes_have_names(read: dict[str, Service]) -> None:
    """What must survive is in named volumes; what is mounted from the checkout is read only."""
    for name, service in read.items():
        for volume in service.get("volumes", []):
            source, target, mode = volume.split(":")
            assert (mode == "ro") if source.startswith("/") else re.fullmatch(r"[a-z]+", source), f"{name}: {volume}"
            assert target.startswith("/")
    assert read["database"]["volumes"] == ["database:/var/lib/postgresql/data:rw"]


def test_no_secret_stands_in_the_file(read: dict[str, Service]) -> None:
    """Passwords and keys come as files, never as an environment variable."""
    for name, service in read.items():
        for variable in service.get("environment", {}):
            assert not re.search("PASSWORD$|SECRET|TOKEN|KEY", variable), f"{name}: {variable}"


def test_foreign_images_are_pinned(read: dict[str, Service]) -> None:
    """An image that is not built here names its release, not `latest`."""
    foreign = [service["image"] for service in read.values() if "build" not in service]
    for dockerfile in (ROOT / "docker").glob("*.Dockerfile"):
        foreign += re.findall(r"^FROM (\S+)", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(foreign) == 6
    assert all(re.search(r":\d+\.\d+", image) for image in foreign), foreign


def test_only_the_page_can_be_reached(read: dict[str, Service]) -> None:
    """One port is published, on this machine's loopback."""
    ports = {name: service["ports"] for name, service in read.items() if service.get("ports")}
    assert ports == {"server": ["127.0.0.1:8080:8080/tcp"]}


@pytest.mark.parametrize("name", ["server", "agent"])
def test_dockerfile(name: str) -> None:
    """Each image copies only what exists, installs an extra that exists, and does not end as root."""
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    paths = [path for line in copied for path in line.split()]
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    extras = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    installed = re.search(r"ARG EXTRAS=(\w+)|'\.\[(\w+)\]'", text)

    assert "wire" in paths
    for path in paths:
        assert (ROOT / path).exists(), path
        assert f"!{Path(path).parts[0]}\n" in allowed, f".dockerignore keeps {path} out"
    assert installed is not None
    assert f"\n{installed[1] or installed[2]} = [" in extras
    assert re.findall(r"^FROM \S+:3\.11-\S+", text, re.MULTILINE)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1].split(":")[0] != "0"


def test_what_the_images_copy_is_enough(tmp_path: Path) -> None:
    """A wheel can be made from nothing but the copied files, and it holds every program and all configuration."""
    text = (ROOT / "docker" / "server.Dockerfile").read_text(encoding="utf-8")
    source = tmp_path / "source"
    source.mkdir()
    for line in re.findall(
        r"^COPY (?!--)(.+) \S+$", text.partition("FROM python:3.11-slim-bookworm\n")[0], re.MULTILINE
    ):
        for path in line.split():
            place = ROOT / path
            copy = shutil.copytree if place.is_dir() else shutil.copy
            copy(place, source / path)
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("coldseal-*.whl")
    with zipfile.ZipFile(wheel) as inside:
        names = set(inside.namelist())

    programs = ("coldseal/cli.py", "wire/envelope.py", "edge_agent/agent.py", "server/app.py", "simulators/meter.py")
    data = ("firmware_configs/meters/eastron_sdm630.yaml", "server/catalogue.yaml", "server/console/static/console.js")
    assert {*programs, *data} <= names
