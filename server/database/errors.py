"""What a database says when it cannot serve for a while."""

from wire.errors import SurroundingsError


class StoreUnavailable(SurroundingsError):
    """The database takes no transaction now; what was to be written is to be tried again."""
