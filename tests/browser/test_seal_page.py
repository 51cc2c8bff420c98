"""A seal's page in a real browser: a year of coverage, the steps so far, wiring and instruments, each figure with its row."""

import datetime as dt
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import Session, col, select

from server.access.rights import Role
from server.tables import CoverageSpan, Envelope, Meter, MeterDay, RolledUp, Seal, Violation
from tests.browser.reach import grave, overflow_px, small_targets
from tests.browser.served import Opener, Site, Visit
from tests.browser.single import FOREIGN, HOME_COUNTY, MELTING, tell_one
from tests.browser.traced import THIN, every_row, shown_text, untraced, words_of
from tests.browser.year import FROM_MS, OLD, lengthen
from tests.server.ingest.plant import START_MS
from wire import batch as batches
from wire import envelope as envelopes
from wire.batch import Batch

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A furnace on the 360th day of its seal that melts since 02:10; tests that share it change nothing."""
    site = Site(tmp_path_factory.mktemp("seal"))
    tell_one(site.county)
    lengthen(site.server.store, MELTING)
    yield site.start()
    site.stop()


def opened(visit: Opener, site: Site, language: str = "", *, size: tuple[int, int] = (1366, 768)) -> Visit:
    """The furnace's page."""
    return visit(site, f"{language}/seals/{MELTING}", size=size)


def test_all_of_the_seal_is_there(visit: Opener, year: Site) -> None:
    """Sentence, steps, calendar, register, power, instruments, wiring, paper seals, violations and windows."""
    seen = opened(visit, year)
    sentence = seen.page.locator("h1.sentence")
    expect(sentence).to_contain_text("封存第 360 天：证实断电 98.6")
    expect(sentence).to_contain_text("违规 2 起，最近 02:10:00。拆除还剩 104 天。")
    names = seen.page.locator(".stages li > b").all_inner_texts()
    assert names == ["封存", "封条", "承诺", "公告", "监测开始", "封存期", "拆除"]
    expect(seen.page.locator(".stages li[aria-current=step]")).to_contain_text("第 360 天")
    expect(seen.page.locator(".meters")).to_contain_text("Eastron SDM630-Modbus V2")
    expect(seen.page.locator("svg.wiring")).to_have_attribute("role", "img")
    expect(seen.page.locator(".papers tbody tr")).to_have_count(2)
    expect(seen.page.locator(".windows")).to_contain_text("更换炉衬")
    seen.chart()
    assert seen.hosts == {year.url.removeprefix("http://")}
    assert not seen.mistakes


def test_the_calendar_has_a_cell_a_day(visit: Opener, year: Site) -> None:
    """360 days, each told in words; the sums stand beside them with the longest unproved time and its reason."""
    seen = opened(visit, year)
    expect(seen.page.locator(".calendar .days")).to_be_visible()
    assert seen.page.locator(".calendar title").count() == 360
    expect(seen.page.locator(".days-sums")).to_contain_text("电表无应答")


def test_it_leads_to_its_violations_and_back(visit: Opener, year: Site) -> None:
    """The button and the list open the violation's page; its breadcrumb leads back here."""
    seen = opened(visit, year)
    seen.page.locator(".papers").get_by_role("link", name="恢复用电").last.click()
    seen.page.wait_for_url(f"**/violations/{OLD}")
    expect(seen.page.locator(".facts")).to_contain_text("已关闭")
    seen.page.locator(".crumbs a").last.click()
    seen.page.wait_for_url(f"**/seals/{MELTING}")
    expect(seen.page.locator("h1.sentence")).to_contain_text("封存第 360 天")


def test_every_figure_is_a_stored_row(visit: Opener, year: Site) -> None:
    """Each number on the page is one of a row, or a sum over rows that this test makes itself."""
    for language in ("", "/en"):
        seen = opened(visit, year, language)
        expect(seen.page.locator("h1.sentence")).to_contain_text("360")
        with year.server.store.transaction() as session:
            rows = [row for row in every_row(session) if not isinstance(row, MeterDay | RolledUp)]
            sums = _sums(
                session.get_one(Seal, MELTING),
                list(session.exec(select(CoverageSpan).where(CoverageSpan.seal_id == MELTING)).all()),
                len(session.exec(select(Violation).where(Violation.seal_id == MELTING)).all()),
                year.clock.now_ms,
            )
            read = _newest(session)
        known = {*words_of(rows), "Ed25519", "SDM630-Modbus V2", *STATIC, *_shares(sums, year.clock.now_ms - FROM_MS)}
        assert untraced(shown_text(seen.page), [*rows, *sums, *read], year.clock.now_ms, known_words=known) == []


STATIC = ("10 min", "2 h", "24 h", "10 分钟", "2 小时", "24 小时", "0 kW 由活表读出", "the 0 kW that")
"""Numbers that are words: the buttons of the time that is shown, the sentence on the wiring."""


def _sums(seal: Seal, spans: list[CoverageSpan], violations: int, now_ms: int) -> list[object]:
    """Days, shares and sums of coverage once more, from the spans alone."""
    cut = [(s, min(s.to_ms, now_ms) - max(s.from_ms, seal.from_ms)) for s in spans]
    off = sum(ms for s, ms in cut if s.state == "proved_off" and ms > 0)
    register = sum(ms for s, ms in cut if s.reason == "register" and ms > 0)
    on = sum(ms for s, ms in cut if s.state == "proved_on" and ms > 0)
    whole = now_ms - seal.from_ms
    unproved = whole - off - on
    longest = max(ms for s, ms in cut if s.state == "unproved")
    today = dt.datetime.fromtimestamp(START_MS / 1000, dt.UTC)
    begun = dt.datetime.fromtimestamp(FROM_MS / 1000, dt.UTC)
    return [
        {"off_ms": off, "register_ms": register, "on_ms": on, "unproved_ms": unproved, "longest_ms": longest},
        (today - begun).days + 1,
        ((seal.dismantle_by_ms or 0) - START_MS) // DAY_MS,
        violations,
        len(seal.paper_seals.split(",")),
    ]


def _shares(sums: list[object], whole_ms: int) -> set[str]:
    """The three shares to two decimals; no other number on these pages is written so."""
    told = sums[0]
    assert isinstance(told, dict)
    return {f"{told[name] * 10_000 // whole_ms / 100:.2f}{THIN}%" for name in ("off_ms", "on_ms", "unproved_ms")}


def _newest(session: Session) -> list[object]:
    """Voltages, frequency and number of quantities in the newest envelope's last row."""
    agent = session.exec(select(Meter.agent_id).where(Meter.seal_id == MELTING)).one()
    raw = session.exec(
        select(Envelope.raw).where(Envelope.agent_id == agent).order_by(col(Envelope.seq).desc())
    ).first()
    assert raw is not None
    body = envelopes.parse(envelopes.take_apart(raw).body, Batch)
    return [*batches.rows(body)[-1].values.values(), len(body.mtr[0].cols)]


@pytest.mark.parametrize("path", ["/seals/FZ-0", "/en/seals/FZ-0"])
def test_an_unknown_number_says_what_to_do(visit: Opener, year: Site, path: str) -> None:
    """No such seal: a sentence, what to check, and a way home."""
    seen = visit(year, path)
    missing = seen.page.locator(".empty:visible")
    expect(missing).to_contain_text("FZ-0")
    expect(missing.get_by_role("link")).to_be_visible()
    assert not seen.mistakes


def test_another_countys_seal_is_as_unknown(visit: Opener, year: Site) -> None:
    """Who does not see the county is told exactly what an unknown number is told."""
    secret = year.token("闽侯县查看", Role.VIEWER, (HOME_COUNTY,))
    seen = visit(year, f"/seals/{FOREIGN}", secret=secret)
    expect(seen.page.locator(".empty:visible h1")).to_have_text("没有这个封存，或它不在你负责的县区。")
    assert "示例铸件五厂" not in seen.page.content()


def test_english(visit: Opener, year: Site) -> None:
    """The same page in English has no Chinese words but names."""
    seen = opened(visit, year, "/en")
    expect(seen.page.locator("h1.sentence")).to_contain_text("Day 360 under seal: 98.6")
    body = seen.page.locator("main.single:visible").inner_text()
    assert all(word not in body for word in ("封存", "断电", "未证实", "电表", "采集端", "违规"))


def test_on_a_phone(visit: Opener, year: Site) -> None:
    """On 390 px nothing is wider than the screen, whatever is touched is 44 px high, and axe agrees."""
    seen = opened(visit, year, size=(390, 844))
    expect(seen.page.locator("h1.sentence")).to_contain_text("封存第 360 天")
    seen.chart()
    assert overflow_px(seen.page) == 0
    assert small_targets(seen.page) == []
    assert grave(seen.page) == []


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    chromium: Browser, year: Site, scheme: Literal["light", "dark"], language: str
) -> None:
    """Neither theme nor language has a serious finding."""
    seen = Visit(chromium, scheme=scheme)
    seen.enter(year, f"{language}/seals/{MELTING}")
    seen.chart()
    found = grave(seen.page)
    seen.close()
    assert found == []
