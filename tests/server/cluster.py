"""A PostgreSQL of the system's, made for one run of the tests: on a free port of loopback, gone when the run ends."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import URL, create_engine

from server.database.address import Address
from server.store import Store
from tests.edge_agent.broker import free_port, wait_for

USER, PASSWORD_USER, PASSWORD = "coldseal", "guarded", "correct-horse-battery"
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
"""Where Debian puts the programs; elsewhere they are in PATH."""
SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",  # a test's rows need not outlive a power cut
    "autovacuum": "off", "shared_buffers": "16MB", "max_connections": "40",
}  # fmt: skip
TEMPLATE = "template_coldseal"
ROOM_BYTES = 2**30
START_S = 30.0
UNTIL_ALONE = '"$@" & read -r word; kill -INT $!; wait $!; [ "$word" = stop ] || rm -rf "$PWD"'
"""PostgreSQL's shell: the pipe to it is closed when the tests are gone, however they went; then nothing is left."""


class Cluster:
    """PostgreSQL's processes, and databases that begin as a release's empty tables.

    Attributes:
        port: on 127.0.0.1.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="coldseal-postgresql-", dir=_memory()))
        self._owner = _unprivileged(self._folder)
        self.port = free_port()
        self._numbers = count(1)
        self._make()
        self.start()
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        Store(self.address(TEMPLATE)).close()
        self.execute(f"CREATE ROLE {PASSWORD_USER} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")

    def address(self, name: str, user: str = USER) -> Address:
        """Where a database of this cluster is."""
        return Address(user=user, host="127.0.0.1", port=self.port, name=name)

    def new(self, template: str = TEMPLATE) -> Address:
        """A database that nobody else has."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def drop(self, address: Address) -> None:
        """A database is no longer needed; whoever is still connected is not asked."""
        self.execute(f"DROP DATABASE {address.name} WITH (FORCE)")

    def cut(self, address: Address) -> None:
        """End every connection to a database from outside, as an operator can."""
        chosen = f"FROM pg_stat_activity WHERE datname = '{address.name}'"
        self.execute(f"SELECT pg_terminate_backend(pid) {chosen}")

    def execute(self, statement: str) -> None:
        """One statement outside of every test's database and of every transaction."""
        engine = create_engine(
            URL.create("postgresql+psycopg", USER, None, "127.0.0.1", self.port, "postgres"),
            isolation_level="AUTOCOMMIT",
        )
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def start(self) -> None:
        """Start the processes; they serve when this returns."""
        options = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
        options += ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-k", str(self._folder)]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", UNTIL_ALONE, "sh", _program("postgres"), "-D", self._data, *options],
                stdin=subprocess.PIPE, stdout=log, stderr=log, user=self._owner, cwd=self._folder,
                start_new_session=True,  # Ctrl-C at the tests is not PostgreSQL's
            )  # fmt: skip
        wait_for(self._serves, f"PostgreSQL, see {self._folder}/log", START_S)

    def stop(self) -> None:
        """End them as an operator does: whoever is connected is cut off."""
        self._process.communicate(b"stop\n")

    def close(self) -> None:
        """End them, and remove all that they wrote."""
        self._process.communicate(b"")

    def _serves(self) -> bool:
        asked = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _make(self) -> None:
        # text sorts by the rules of English here, as on many servers: a test that relies on codes' order finds out
        locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", *locale)
        rules = Path(self._data) / "pg_hba.conf"
        guarded = f"host all {PASSWORD_USER} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(guarded + rules.read_text(encoding="utf-8"), encoding="utf-8")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *words: str) -> None:
        said = self._folder / "said"
        with said.open("w") as out:  # no pipe: PostgreSQL itself would hold its other end open
            done = subprocess.run(
                [_program(program), *words], user=self._owner, cwd=self._folder, check=False, stdout=out, stderr=out
            )
        assert done.returncode == 0, said.read_text(encoding="utf-8")


@cache
def cluster() -> Cluster:
    """The one of this run, started when the first test needs it."""
    made = Cluster()
    atexit.register(made.close)
    return made


def _program(name: str) -> str:
    places: Sequence[Path] = [folder / name for folder in FOLDERS if (folder / name).exists()]
    found = str(places[0]) if places else shutil.which(name)
    assert found is not None, f"{name} is not installed; sh tests/system_parts.sh installs PostgreSQL"
    return found


def _memory() -> Path | None:
    """A file system in memory with room enough, where there is one: making a database is four times as quick there."""
    place = Path("/dev/shm")  # noqa: S108 - the folder made in it has a name of its own
    roomy = place.is_dir() and os.access(place, os.W_OK) and shutil.disk_usage(place).free > ROOM_BYTES
    return place if roomy else None


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: then its package's own user does."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "postgres")
    return "postgres"
