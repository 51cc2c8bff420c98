"""Who may ask what, as tables made from the OpenAPI document: `python -m server.api.access_table` prints them.

docs/access.md holds what this prints; a test compares the two, and another asks every route as everybody.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from server.access.rights import RIGHTS, Right, Role
from server.api.rights import ANYONE, DOCUMENTED_AS, SIGNED_IN

BEGINS, ENDS = "<!-- made by: python -m server.api.access_table -->", "<!-- end of what is made -->"
METHODS = ("get", "post", "put", "patch", "delete")
YES, NO = "✓", "–"
WHATEVER = (ANYONE, SIGNED_IN)


class Operation(msgspec.Struct, frozen=True):
    """One thing that can be asked for.

    Attributes:
        needs: a right, or ANYONE, or SIGNED_IN.
    """

    method: str
    path: str
    summary: str
    needs: str

    def is_open_to(self, role: Role) -> bool:
        """Whether a role may ask for it."""
        return self.needs in WHATEVER or Right(self.needs) in RIGHTS[role]


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation of an OpenAPI document, by path."""
    for path in sorted(document["paths"]):
        for method in METHODS:
            if method in document["paths"][path]:
                told = document["paths"][path][method]
                yield Operation(method.upper(), path, told["summary"], told[DOCUMENTED_AS])


def tables(document: Mapping[str, Any]) -> str:
    """The rights of each role, and every operation with who may ask for it, in Markdown."""
    rights = [[f"`{right.value}`", *(_mark(right in RIGHTS[role]) for role in Role)] for right in Right]
    asked = [
        [
            f"`{one.method} {one.path}`",
            one.summary,
            one.needs,
            *(_mark(one.is_open_to(role)) for role in Role),
            _mark(one.needs == ANYONE),
        ]
        for one in operations(document)
    ]
    return "\n".join(
        [
            BEGINS,
            *_table(["right", *Role], rights),
            "",
            *_table(["operation", "what", "needs", *Role, "stranger"], asked),
            ENDS,
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(*head)
    yield _row(*["---"] * len(head))
    for row in rows:
        yield _row(*row)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _mark(may: bool) -> str:
    return YES if may else NO


def main() -> None:
    """Print the tables of this release."""
    from server.app import Server  # noqa: PLC0415 - the application imports the interface
    from server.settings import Settings  # noqa: PLC0415 - the same
    from wire.clock import SystemClock  # noqa: PLC0415 - the same

    with TemporaryDirectory() as folder:
        server = Server(Settings(data=Path(folder)), SystemClock(), with_broker=False)
        sys.stdout.write(tables(server.app.openapi()) + "\n")
        server.stop()


if __name__ == "__main__":
    main()
