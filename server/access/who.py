"""Who asks: the person or program behind a request, with all that its request may do."""

from typing import Literal

import msgspec

from server.access.rights import Right


class Forbidden(Exception):
    """Who asks may not do this."""


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """A person signed in, a program with a key, or somebody at the server's own command line.

    Attributes:
        name: unique; the author in the record of what this one does.
        shown_as: how pages call it, e.g. 李某.
        kind: what it is.
        rights: what it may do.
        counties: the county codes that it sees; empty is every county.
        session_id: of the browser's session; None otherwise.
        address: where the request came from; empty where it came from no network.
    """

    name: str
    shown_as: str
    kind: Literal["account", "key", "command", "stranger"]
    rights: frozenset[Right]
    counties: frozenset[str] = frozenset()
    session_id: int | None = None
    address: str = ""

    def may(self, right: Right) -> bool:
        """Whether it may do this anywhere."""
        return right in self.rights

    def sees(self, county_code: str) -> bool:
        """Whether a county is one of its own."""
        return not self.counties or county_code in self.counties

    def need(self, right: Right) -> None:
        """Go on only with a right.

        Raises:
            Forbidden: it is missing.
        """
        if right not in self.rights:
            raise Forbidden(f"{self.shown_as}: expected the right {right.value!r}, which this account or key lacks")
