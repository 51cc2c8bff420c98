"""How many violations nobody acknowledged: in the bar of every page, in the tab's title, and as sound."""

import msgspec
from nicegui import ui
from sqlmodel import Session, col, func, select

from server import life
from server.access.who import Who
from server.console.html import render
from server.console.words import Words
from server.tables import Furnace, Seal, Site, Violation


class Unseen(msgspec.Struct, frozen=True):
    """Violations that wait for a person, of the counties that somebody sees."""

    red: int
    amber: int


def count(session: Session, who: Who) -> Unseen:
    """Count them."""
    query = (
        select(Violation.severity, func.count())
        .join(Seal, col(Seal.id) == col(Violation.seal_id))
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .where(life.is_unseen())
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
