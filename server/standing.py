"""Where a violation stands in its life, which steps lead on from there, and whether it waits for a person."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from server.access.rights import Right
from server.tables import Transition, Violation

SYSTEM = "ColdSeal"
"""The author of what no person did; no account can be called so."""

STEPS: dict[str, tuple[str, ...]] = {
    "open": ("acknowledge", "dispatch", "confirm", "dismiss", "close", "comment"),
    "acknowledged": ("dispatch", "confirm", "dismiss", "close", "comment"),
    "dispatched": ("dispatch", "confirm", "dismiss", "close", "comment"),
    "confirmed": ("dismiss", "close", "comment"),
    "dismissed": ("confirm", "close", "comment"),
    "closed": ("comment",),
}
"""Which steps lead on from a state. What grew stronger after somebody saw it can be acknowledged again."""

STATES = tuple(STEPS)
SETTLED = ("dismissed", "closed")
"""What was decided to be none, or is dealt with, takes in nothing that happens later."""

NEEDS: dict[str, Right] = {
    "acknowledge": Right.ACKNOWLEDGE,
    "dispatch": Right.ACKNOWLEDGE,
    "confirm": Right.DECIDE,
    "dismiss": Right.DECIDE,
    "close": Right.DECIDE,
    "comment": Right.COMMENT,
}
"""The right that each step needs."""


class Lived(Protocol):
    """What a step must tell of itself."""

    @property
    def kind(self) -> str:
        """step, comment or stronger."""
        ...

    @property
    def author(self) -> str:
        """Who."""
        ...

    @property
    def at_ms(self) -> int:
        """When."""
        ...


def steps(state: str, *, unseen: bool) -> tuple[str, ...]:
    """Which steps lead on from where a violation stands."""
    again = unseen and state not in SETTLED and "acknowledge" not in STEPS[state]
    return ("acknowledge", *STEPS[state]) if again else STEPS[state]


def unseen_since_ms(life: Iterable[Lived]) -> int | None:
    """Since when it waits for a person: the first thing that happened by itself after a person's last step.

    Args:
        life: its transitions in their order.
    """
    since: int | None = None
    for step in life:
        if step.kind != "comment":
            since = None if step.author != SYSTEM else step.at_ms if since is None else since
    return since


def is_unseen() -> ColumnElement[bool]:
    """The same as a condition of a query of violations: the last thing, remarks left aside, was no person's."""
    last = (
        select(Transition.author)
        .where(col(Transition.violation_id) == col(Violation.id), Transition.kind != "comment")
        .order_by(col(Transition.id).desc())
        .limit(1)
        .correlate(Violation)
        .scalar_subquery()
    )
    return last == SYSTEM


def transitions(session: Session, violation_ids: Sequence[str]) -> Sequence[Transition]:
    """What happened to violations, in the order in which it did."""
    mine = select(Transition).where(col(Transition.violation_id).in_(violation_ids))
    return session.exec(mine.order_by(col(Transition.id))).all()
