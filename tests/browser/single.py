"""A night for the pages about one thing: a melt with an unanswered stretch, a registry that is filled in, two counties."""

from sqlmodel import col, select

from server.tables import Furnace, MaintenanceWindow, Seal, Violation
from server.tables import Site as Place
from tests.browser.served import NOW_S, Site, melt
from tests.server.ingest.plant import START_MS
from tests.server.views.county import County

MELTING, FOREIGN = "FZ-MH-2026-0043", "FZ-MH-2026-0060"
FOREIGN_COUNTY, HOME_COUNTY = "350124", "350121"


def tell_one(county: County) -> None:
    """Seal 43 melts since 02:10 with paper seals, publication and a declared window; seal 60 is another county's."""
    melting = county.seal(43, "示例铸造一厂", "2 号炉")
    foreign = county.seal(60, "示例铸件五厂")
    county.feed(melting, 7_200, NOW_S - 3, melt)
    county.feed(foreign, NOW_S - 300, NOW_S - 10, lambda s: 110_000.0 if s >= NOW_S - 200 else 0.0)
    with county.store.transaction() as session:
        seal = session.get_one(Seal, MELTING)
        seal.paper_seals, seal.published_url = "A-20481,A-20482,A-20483", "https://example.org/list"
        place = session.exec(
            select(Place)
            .join(Furnace, col(Furnace.site_id) == col(Place.id))
            .join(Seal, col(Seal.furnace_id) == col(Furnace.id))
            .where(Seal.id == FOREIGN)
        ).one()
        place.county_code = FOREIGN_COUNTY
        from_ms = START_MS + (NOW_S + 86_400) * 1000
        session.add_all([seal, place])
        session.add(
            MaintenanceWindow(
                seal_id=MELTING, from_ms=from_ms, to_ms=from_ms + 7_200_000, max_kwh=5.0, reason="更换炉衬"
            )
        )
    county.tick(NOW_S)


def violation_of(site: Site, seal_id: str) -> str:
    """The number of a seal's only violation."""
    with site.server.store.transaction() as session:
        mine = select(Violation.id).where(Violation.seal_id == seal_id)
        return session.exec(mine.order_by(col(Violation.first_ms).desc())).first() or ""
