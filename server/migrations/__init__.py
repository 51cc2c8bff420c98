"""Alembic's migrations, run by the server itself when it opens a database."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from wire.errors import SurroundingsError


def upgrade(connection: Connection) -> None:
    """Bring a database to this release's tables, inside the connection's transaction.

    Raises:
        SurroundingsError: the database was made by a newer release.
    """
    try:
        command.upgrade(_config(connection), "head")
    except CommandError as error:
        raise SurroundingsError(
            f"database: {error}; it was made by another release of ColdSeal: use that one, or a newer one"
        ) from error


def head() -> str:
    """The newest revision that this release knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
