"""Finding a seal by enterprise, number, agent or meter, or by its county: what the dialog under `/` asks for."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from server.access.who import Who
from server.console.html import render
from server.console.words import HOMES, Words
from server.store import Store
from server.tables import Enterprise, Furnace, Meter, Seal, Site, Violation

SHOWN = 50
"""So many at a time; the list says how many there are."""

TEXT_CHARS_MAX = 100


class Found(msgspec.Struct, frozen=True):
    """A seal that was found.

    Attributes:
        severities: of its violations that are not closed.
    """

    seal_id: str
    enterprise: str
    furnace: str
    site: str
    severities: frozenset[str]


def router(store: Store) -> APIRouter:
    """The route of the dialog."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/find")
    def find(
        request: Request,
        text: Annotated[str, Query(max_length=TEXT_CHARS_MAX)] = "",
        county: Annotated[str, Query(max_length=6)] = "",
        lang: Literal["zh", "en"] = "zh",
    ) -> HTMLResponse:
        """A list of links to seals."""
        with store.transaction() as session:
            number, rows = found(session, request.state.who, text.strip(), county)
        words = Words(lang)
        return HTMLResponse(render("found", words, rows=rows, number=number, home=HOMES[lang].rstrip("/")))

    return routes


def found(session: Session, who: Who, text: str, county_code: str) -> tuple[int, Sequence[Found]]:
    """Seals that somebody sees.

    Args:
        session: the transaction.
        who: who looks.
        text: part of an enterprise's, furnace's, site's, agent's or meter's name, or of a seal's number; empty for all.
        county_code: of one county; empty for all.

    Returns:
        How many there are, and the first SHOWN of them by their number.
    """
    query = (
        select(Seal, Furnace, Site, Enterprise)
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
    )
    for codes in (who.counties, {county_code} if county_code else set()):
        query = query.where(col(Site.county_code).in_(codes)) if codes else query
    for part in text.split():
        metered = select(Meter.seal_id).where(_has(Meter.agent_id, part) | _has(Meter.name, part))
        named = [_has(column, part) for column in (Seal.id, Enterprise.name, Furnace.name, Site.name)]
        query = query.where(or_(*named, col(Seal.id).in_(metered)))
    number = session.exec(select(func.count()).select_from(query.with_only_columns(col(Seal.id)).subquery())).one()
    rows = session.exec(query.order_by(col(Seal.id)).limit(SHOWN)).all()
    severities = _severities(session, [seal.id for seal, *_ in rows])
    return number, [
        Found(
            seal_id=seal.id,
            enterprise=enterprise.name,
            furnace=furnace.name,
            site=site.name,
            severities=frozenset(severities.get(seal.id, ())),
        )
        for seal, furnace, site, enterprise in rows
    ]


def _has(column: str, part: str) -> ColumnElement[bool]:
    """Whether a column holds a text, letters of either case, its signs taken literally."""
    return col(column).icontains(part, autoescape=True)


def _severities(session: Session, seal_ids: Sequence[str]) -> dict[str, list[str]]:
    severities: dict[str, list[str]] = {}
    query = select(Violation.seal_id, Violation.severity).where(
        col(Violation.seal_id).in_(seal_ids), Violation.state != "closed"
    )
    for seal_id, severity in session.exec(query).all():
        severities.setdefault(seal_id, []).append(severity)
    return severities
