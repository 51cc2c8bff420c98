"""What the store asks of a kind of database."""

from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError


class Flavour(Protocol):
    """One kind of database at one place.

    Attributes:
        kind: its name, as people write it.
        shown: the place as messages name it; never a password.
    """

    @property
    def kind(self) -> str:
        """SQLite or PostgreSQL."""

    @property
    def shown(self) -> str:
        """The place."""

    @property
    def journal(self) -> str:
        """How it survives a power failure."""

    def engine(self) -> Engine:
        """A new engine; nothing is opened yet.

        Raises:
            SurroundingsError: the place cannot be used.
            OSError: the same, as the operating system says it.
        """

    def version(self, engine: Engine) -> str:
        """The release of the database's program."""

    def introduction(self, version: str) -> str:
        """One line for whoever starts the server."""

    def advice(self, error: DBAPIError) -> str | None:
        """What to do about a trouble that passes; None where it is a mistake of ours, or damage."""

    def advice_at_start(self, error: BaseException) -> str | None:
        """What to do where the database cannot be opened; None where it is a mistake of ours."""

    def let_go(self) -> None:
        """Give back what it holds beside the engine."""
