"""Alembic's migrations, run by the server itself when it opens a database."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from wire.errors import SurroundingsError


def upgrade(connection: Connection, shown: str = "database") -> None:
    """Bring a database to this release's tables, inside the connection's transaction.

    Args:
        connection: a transaction on it.
        shown: how messages name the database.

    Raises:
        SurroundingsError: the database was made by a newer release.
    """
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    there = set(MigrationContext.configure(connection).get_current_heads())
    if there == set(scripts.get_heads()):
        return
    unknown = there - {script.revision for script in scripts.walk_revisions()}
    if unknown:
        raise SurroundingsError(
            f"{shown}: was made by a newer release of ColdSeal: its tables are of revision {', '.join(sorted(unknown))}"
            f", this release knows none after {head()}; nothing was changed; use that release or a newer one"
        )
    command.upgrade(config, "head")


def head() -> str:
    """The newest revision that this release knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
