"""Who has a page open: asked again with every reading, so that a session that is over ends the page."""

import msgspec
from sqlmodel import Session

from server.access import sessions
from server.access.who import Who


class Visitor(msgspec.Struct, frozen=True):
    """A browser's session.

    Attributes:
        secret: from its cookie.
        address: where it asks from.
    """

    secret: str
    address: str

    def who(self, session: Session, now_ms: int) -> Who | None:
        """Who it is now; None where the session is over or revoked."""
        return sessions.who(session, self.secret, now_ms, self.address)
