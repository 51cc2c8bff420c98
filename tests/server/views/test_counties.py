"""The counties: what their seals are now and what is proved of today, summed from the same rows as the seals' own."""

import re
from collections import Counter
from pathlib import Path

from sqlmodel import select

from server import views
from server.county_names import county_name, county_names
from server.store import Store
from server.tables import Site
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County

NOW_S = 400


def told(folder: Path) -> tuple[Store, int]:
    """Two counties: in one a melt and a seal that is off, in the other one that was never heard."""
    county = County(a_store(folder), SteppedClock())
    county.feed(county.seal(1, "示例铸造一厂"), 0, 360, lambda s: 200_000.0 if s >= 120 else 0.0)
    county.feed(county.seal(2, "示例铸造二厂"), 0, 360)
    county.seal(3, "示例铸造三厂", from_s=-3_600)
    with county.store.transaction() as session:
        site = session.exec(select(Site).where(Site.name == "3 号厂区")).one()
        site.county_code = "350102"
        session.add(site)
    county.tick(NOW_S)
    return county.store, county.clock.wall_ms()


def test_each_county(tmp_path: Path) -> None:
    """States, unacknowledged violations and shares of each county are the sums over its seals."""
    store, now_ms = told(tmp_path)
    with store.transaction() as session:
        rows = {row.code: row for row in views.county_shares(session, now_ms)}
        seals = views.seal_rows(session, now_ms)
    assert [(row.code, row.name, row.seals) for row in rows.values()] == [
        ("350102", "鼓楼区", 1),
        ("350121", "闽侯县", 2),
    ]
    for code, row in rows.items():
        mine = [seal for seal in seals if seal.county_code == code]
        assert row.states == Counter(seal.state for seal in mine)
        for name in ("off_ms", "off_by_register_ms", "on_ms", "unproved_ms"):
            assert getattr(row.today, name) == sum(getattr(seal.today, name) for seal in mine)
    assert (rows["350121"].red, rows["350121"].amber) == (1, 0)
    assert (rows["350102"].red, rows["350102"].longest_unproved_ms) == (0, NOW_S * 1000)
    assert rows["350121"].longest_unproved_ms == 41_000  # since the newest row


def test_only_ones_own(tmp_path: Path) -> None:
    """Whoever sees one county gets one."""
    store, now_ms = told(tmp_path)
    with store.transaction() as session:
        (row,) = views.county_shares(session, now_ms, frozenset({"350102"}))
        assert views.county_shares(session, now_ms, frozenset({"350103"})) == []
    assert row.code == "350102"


def test_names() -> None:
    """Fuzhou's thirteen have their names in both languages; another is called by its code."""
    assert len(county_names()) == 13
    assert county_name("350181") == "福清市"
    assert county_name("350181", "en") == "Fuqing"
    assert county_name("110101") == county_name("110101", "en") == "110101"
    assert county_names("en").keys() == county_names().keys()
    assert all(re.fullmatch("[A-Z][a-z]+('[a-z]+)?", name) for name in county_names("en").values())
