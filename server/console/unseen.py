"""How many violations nobody acknowledged: in the bar of every page, in the tab's title, and as sound."""

import msgspec
from nicegui import ui
from sqlmodel import Session, col, func, or_, select

from server import life
from server.access.who import Who
from server.console.html import render
from server.console.words import Words
from server.tables import Furnace, Mute, Seal, Site, Violation


class Unseen(msgspec.Struct, frozen=True):
    """Violations that wait for a person, of the counties that somebody sees."""

    red: int
    amber: int


def count(session: Session, who: Who, now_ms: int) -> Unseen:
    """Count them; what somebody has shelved, by muting its seal for a time, does not call for anyone meanwhile."""
    shelved = select(Mute.seal_id).where(
        col(Mute.seal_id).is_not(None),
        col(Mute.from_ms) <= now_ms,
        col(Mute.until_ms) > now_ms,
        or_(col(Mute.ended_ms).is_(None), col(Mute.ended_ms) > now_ms),
    )
    query = (
        select(Violation.severity, func.count())
        .join(Seal, col(Seal.id) == col(Violation.seal_id))
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .where(life.is_unseen(), Violation.state != "closed", col(Violation.seal_id).not_in(shelved))
        .group_by(Violation.severity)
    )
    if who.counties:
        query = query.where(col(Site.county_code).in_(who.counties))
    found = dict(session.exec(query).all())
    return Unseen(red=found.get("red", 0), amber=found.get("amber", 0))


class Badge:
    """The count in the bar; console.js reads it for title, icon and sound."""

    def __init__(self, words: Words, home: str) -> None:
        self._words, self._home = words, home
        self._box = ui.html("", sanitize=False).classes("unseen").props("role=status")
        self._shown: Unseen | None = None

    def show(self, count: Unseen) -> None:
        """Show it, if it changed."""
        if count != self._shown:
            self._shown = count
            self._box.set_content(render("unseen", self._words, count=count, home=self._home))
