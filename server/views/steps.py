"""What people and ColdSeal did about violations, with the names by which people are called."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server import standing
from server.access.tables import Account
from server.tables import Transition


class Step(BaseModel):
    """One step in a violation's life.

    Attributes:
        kind: step, comment, or stronger (it grew stronger, or came back).
        author: who did it: an account, a key of a program, or ColdSeal; author_shown is how pages call it.
        assignee: the account that was sent in this step; assignee_shown is how pages call it.
    """

    model_config = ConfigDict(extra="forbid")

    at_ms: int
    kind: str
    from_state: str | None
    to_state: str
    author: str
    author_shown: str
    assignee: str | None
    assignee_shown: str | None
    reason: str


class Life(BaseModel):
    """A violation's life up to now.

    Attributes:
        steps: in the order in which they happened.
        unseen_since_ms: since when it waits for a person: it opened, grew stronger or came back, and nobody did
            anything about it since. Null where nothing waits.
        sounded_ms: when something last happened that a person must hear; null where nothing waits.
        last_step: the last thing that a person did, remarks left aside.
    """

    model_config = ConfigDict(extra="forbid")

    steps: list[Step]
    unseen_since_ms: int | None
    sounded_ms: int | None
    last_step: Step | None


def lives(session: Session, violation_ids: Sequence[str]) -> dict[str, Life]:
    """The lives of violations, by their ids."""
    found = standing.transitions(session, violation_ids)
    shown = shown_names(session, found)
    steps: dict[str, list[Step]] = {violation_id: [] for violation_id in violation_ids}
    for one in found:
        steps[one.violation_id].append(step_of(one, shown))
    return {violation_id: _life(mine) for violation_id, mine in steps.items()}


def shown_names(session: Session, steps: Iterable[Transition]) -> dict[str, str]:
    """How pages call the people of these steps."""
    names = {name for step in steps for name in (step.author, step.assignee) if name is not None}
    return shown_as(session, names)


def shown_as(session: Session, names: Iterable[str]) -> dict[str, str]:
    """How pages call accounts; a name that is none (a program's key, ColdSeal) is missing."""
    return dict(session.exec(select(Account.name, Account.shown_as).where(col(Account.name).in_(set(names)))).all())


def step_of(one: Transition, shown: dict[str, str]) -> Step:
    """A step as it is shown.

    Args:
        one: as it is stored.
        shown: how pages call its people.
    """
    return Step(
        at_ms=one.at_ms,
        kind=one.kind,
        from_state=one.from_state,
        to_state=one.to_state,
        author=one.author,
        author_shown=shown.get(one.author, one.author),
        assignee=one.assignee,
        assignee_shown=None if one.assignee is None else shown.get(one.assignee, one.assignee),
        reason=one.reason,
    )


def _life(steps: list[Step]) -> Life:
    own = [step.at_ms for step in steps if step.author == standing.SYSTEM]
    persons = [step for step in steps if step.kind != "comment" and step.author != standing.SYSTEM]
    unseen_since_ms = standing.unseen_since_ms(steps)
    return Life(
        steps=steps,
        unseen_since_ms=unseen_since_ms,
        sounded_ms=own[-1] if own and unseen_since_ms is not None else None,
        last_step=persons[-1] if persons else None,
    )
