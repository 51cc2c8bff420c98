"""Counties as a limit to what somebody sees: how they are written, and how queries keep to them."""

import re
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from server.access.who import Who
from server.tables import Furnace, Meter, Seal, Site

_CODE = re.compile(r"[1-9][0-9]{5}")


class WrongCounty(ValueError):
    """Not a county's code."""


def joined(codes: Iterable[str]) -> str:
    """Codes as a column holds them: sorted, comma-separated; empty is every county.

    Raises:
        WrongCounty: one is not six digits.
    """
    given = sorted(set(codes))
    for code in given:
        if not _CODE.fullmatch(code):
            raise WrongCounty(f"counties: expected codes of six digits (GB/T 2260), got {code!r}; e.g. 350121")
    return ",".join(given)


def parted(column: str) -> frozenset[str]:
    """What `joined` joined."""
    return frozenset(column.split(",")) if column else frozenset()


def seals_of(counties: frozenset[str]) -> "Select[tuple[str]]":
    """The numbers of the seals in some counties, to be used inside another query."""
    return (
        select(Seal.id)  # type: ignore[return-value]  # SQLModel's Select is SQLAlchemy's
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .where(col(Site.county_code).in_(counties))
    )


def agents_of(counties: frozenset[str]) -> "Select[tuple[str]]":
    """The agents with a meter at a seal of some counties, to be used inside another query."""
    return select(Meter.agent_id).where(col(Meter.seal_id).in_(seals_of(counties)))  # type: ignore[return-value]  # as above


def sees_seal(session: Session, who: Who, seal_id: str) -> bool:
    """Whether a seal is there and in a county that one sees: what is elsewhere is not told apart from what is not."""
    code = session.exec(
        select(Site.county_code)
        .join(Furnace, col(Furnace.site_id) == col(Site.id))
        .join(Seal, col(Seal.furnace_id) == col(Furnace.id))
        .where(Seal.id == seal_id)
    ).first()
    return code is not None and who.sees(code)


def of_agents(column: "Mapped[str]", counties: frozenset[str]) -> "tuple[ColumnElement[bool], ...]":
    """The condition that keeps a query of agents to some counties; none where every county is seen."""
    return (column.in_(agents_of(counties)),) if counties else ()
