"""Stories that the pages show: counties of invented furnaces, told through signed envelopes and people's own steps."""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from server import life
from server.access import sessions
from server.access.rights import Role
from server.access.tables import Account
from server.access.who import Who
from server.county_names import county_names
from server.detect.finding import Coverage
from server.notify.tables import AlertEvent, AlertLog, AlertMessage
from server.tables import CoverageSpan, Furnace, Seal, Violation
from server.tables import Site as Place
from tests.browser.served import NOW_S, RESUMED_S, Site, melt
from tests.server.ingest.plant import START_MS
from tests.server.views.county import County, Draw

DAY_MS = 86_400_000
QUIET = 4
"""Quiet furnaces in each county."""

CHANGED = {
    "闽侯县": (43, "示例铸造一厂", "2 号炉"),
    "闽清县": (60, "示例铸件五厂", "1 号炉"),
    "福清市": (61, "示例五金四厂", "1 号炉"),
    "罗源县": (62, "示例轧材八厂", "2 号炉"),
    "长乐区": (63, "示例合金三厂", "3 号炉"),
}
"""County to the seal with something to tell, and whose it is."""


def tell_a_wall(site: Site) -> None:
    """Thirteen counties at 02:51:40: five seals need a person, two of them have one, the rest are proved off."""
    county = site.county
    for name, (first, until, draw) in _CHANGES.items():
        number, enterprise, furnace = CHANGED[name]
        changed = county.seal(number, enterprise, furnace)
        _move(county, number, _code(name))
        county.feed(changed, first, until, draw)
    numbers = iter(range(101, 101 + QUIET * len(county_names())))
    for code in county_names():
        for _ in range(QUIET):
            number = next(numbers)
            furnished = county.seal(number, f"示例第 {number} 厂")
            _move(county, number, code)
            county.feed(furnished, NOW_S - 20, NOW_S - 10)
    county.tick(NOW_S)
    _prove_the_day(county)
    _people_act(site)


_CHANGES: Mapping[str, tuple[int, int, Draw]] = {
    "闽侯县": (7_140, NOW_S - 3, melt),
    "闽清县": (8_160, NOW_S - 10, lambda s: 110_000.0 if 8_700 <= s < 9_600 else 0.0),
    "福清市": (9_000, NOW_S - 860, lambda _s: 0.0),
    "罗源县": (8_700, NOW_S - 5, lambda s: 180_000.0 if s >= 9_000 else 0.0),
    "长乐区": (8_400, NOW_S - 8, lambda s: 2_600.0 if s >= 8_700 else 0.0),
}
"""County to the first and last second that its furnace's agent tells of, and the draw in W."""


def _code(name: str) -> str:
    return next(code for code, known in county_names().items() if known == name)


def _move(county: County, number: int, code: str) -> None:
    """Put a seal's site into another county."""
    with county.store.transaction() as session:
        place = session.exec(
            select(Place)
            .join(Furnace, col(Furnace.site_id) == col(Place.id))
            .join(Seal, col(Seal.furnace_id) == col(Furnace.id))
            .where(Seal.id == f"FZ-MH-2026-{number:04d}")
        ).one()
        place.county_code, place.name = code, f"{county_names()[code]}厂区"
        session.add(place)


def _prove_the_day(county: County) -> None:
    """What was proved between midnight and the first envelope of each seal."""
    with county.store.transaction() as session:
        for seal in session.exec(select(Seal)).all():
            first = session.exec(
                select(CoverageSpan.from_ms).where(CoverageSpan.seal_id == seal.id).order_by(col(CoverageSpan.from_ms))
            ).first()
            if first is not None:
                session.add(
                    CoverageSpan(
                        seal_id=seal.id, from_ms=START_MS - DAY_MS, to_ms=first, state=Coverage.OFF.value, reason="metered"
                    )
                )  # fmt: skip


def _people_act(site: Site) -> None:
    li, chen = site.account("李某", Role.MONITOR), site.account("陈某", Role.INSPECTOR)
    with site.server.store.transaction() as session:
        violations = session.exec(select(Violation).order_by(col(Violation.first_ms))).all()
        by_seal = {violation.seal_id: violation for violation in violations}
        small, rolling = by_seal["FZ-MH-2026-0063"], by_seal["FZ-MH-2026-0062"]
        life.dispatch(
            session, rolling.id, by=_who(li), to=chen.name, reason="请到厂看炉", now_ms=site.clock.now_ms - 300_000
        )  # fmt: skip
        life.acknowledge(session, small.id, by=_who(chen), reason="已联系厂方", now_ms=site.clock.now_ms - 200_000)
        melting = by_seal["FZ-MH-2026-0043"]
        _tell(session, melting, "值班群", "值班/闽侯县/红色", START_MS + RESUMED_S * 1000 + 4_000)
        _tell(session, melting, "闽侯县短信", "县区/闽侯县/红色", START_MS + RESUMED_S * 1000 + 6_000)


def _who(account: Account) -> Who:
    return sessions.of(account, None, "")


def _tell(session: Session, violation: Violation, channel: str, why: str, at_ms: int) -> None:
    """A message that a channel got."""
    event = AlertEvent(kind="new", violation_id=violation.id, severity=violation.severity, at_ms=at_ms - 2_000)
    message = AlertMessage(
        id=f"M-{channel}", channel=channel, bucket="", title="t", body="b", document="{}", created_ms=at_ms - 1_000, attempts=1,
        next_try_ms=at_ms, sent_ms=at_ms,
    )  # fmt: skip
    session.add_all([event, message])
    session.flush()
    session.add(
        AlertLog(event_id=event.id or 0, channel=channel, outcome="told", why=why, message_id=message.id, at_ms=at_ms)
    )
