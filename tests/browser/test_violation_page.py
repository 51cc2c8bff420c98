"""A violation's page in a real browser: what it says, to whom, on which screens, and the row behind every figure."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import col, func, select

from server.access.rights import Role
from server.tables import CoverageSpan, Envelope, Pledge, StoredFinding, Transition
from tests.browser.reach import grave, overflow_px, small_targets
from tests.browser.served import Opener, Site, Visit
from tests.browser.single import FOREIGN, HOME_COUNTY, MELTING, tell_one, violation_of
from tests.browser.traced import every_row, shown_text, untraced, words_of
from wire import batch as batches
from wire import envelope as envelopes
from wire.batch import Batch
from wire.quantities import Quantity

SENTENCE = "示例铸造一厂 2 号炉 02:10:00 恢复用电：最高 326"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One melt at 02:51:40; tests that share it change nothing."""
    site = Site(tmp_path_factory.mktemp("violation"))
    tell_one(site.county)
    yield site.start()
    site.stop()


def opened(visit: Opener, site: Site, *, language: str = "", **more: object) -> Visit:
    """The melt's page."""
    return visit(site, f"{language}/violations/{violation_of(site, MELTING)}", **more)  # type: ignore[arg-type] # passed on


def test_it_says_what_happened_and_how_sure_that_is(visit: Opener, night: Site) -> None:
    """Sentence, what led to it, figures, numbers, for and against, monitor, life, checklist, told and evidence."""
    seen = opened(visit, night)
    expect(seen.page.locator("h1.sentence")).to_contain_text(SENTENCE)
    expect(seen.page.locator(".lead")).to_contain_text("此前证实断电")
    expect(seen.page.locator(".figure")).to_have_count(6)
    heads = seen.page.locator(".parts h2").all_inner_texts()
    assert [head.split("\n")[0].split(" ")[0] for head in heads] == [
        "判定所依据的数", "支持", "反对", "监测自身当时的状态", "处理过程", "现场核查单", "已通知", "证据",
    ]  # fmt: skip
    expect(seen.page.locator(".points")).to_contain_text("读数高于 10.5")
    expect(seen.page.locator(".monitor")).to_contain_text("Eastron SDM630-Modbus V2")
    assert seen.chart()["series"]
    assert seen.hosts == {night.url.removeprefix("http://")}
    assert not seen.mistakes


def test_every_figure_is_a_stored_row(visit: Opener, night: Site) -> None:
    """Each number on the page is one of a row, or a sum of rows that this test makes itself."""
    for language in ("", "/en"):
        seen = opened(visit, night, language=language)
        expect(seen.page.locator(".figure")).to_have_count(6)
        text = shown_text(seen.page)
        with night.server.store.transaction() as session:
            rows = every_row(session)
        sums = _sums(night)
        known = {*words_of(rows), "Ed25519", "SDM630-Modbus V2", "SDM630", *STATIC}
        assert untraced(text, [*rows, *sums], night.clock.now_ms, known_words=known) == []


STATIC = ("连续 2 个读数", "额定功率的 3 %", "封存基线的 5 σ", "电表功率级的 3 倍", "Two samples", "3 % of the rated", "5 σ of",
          "3 power steps", "4G", "10 min", "2 h", "24 h", "10 分钟", "2 小时", "24 小时")  # fmt: skip
"""Numbers that are words: how the rule decides, the buttons of the time that is shown."""


def _sums(site: Site) -> list[object]:
    """What the page may add up, added up from rows once more: envelopes, samples above the line, coverage before."""
    with site.server.store.transaction() as session:
        findings = session.exec(
            select(StoredFinding).where(StoredFinding.seal_id == MELTING).order_by(col(StoredFinding.first_ms))
        ).all()
        finding = next(f for f in findings if f.code == "resumed_power")
        first_seq, last_seq = min(f.first_seq for f in findings), max(f.last_seq for f in findings)
        mine = (Envelope.agent_id == finding.agent_id, col(Envelope.seq).between(first_seq, last_seq))
        stored = session.exec(select(func.count()).select_from(Envelope).where(*mine)).one()
        boots = len(set(session.exec(select(Envelope.boot).where(*mine)).all()))
        raws = session.exec(select(Envelope.raw).where(*mine).order_by(col(Envelope.seq))).all()
        first = session.exec(select(Envelope).where(*mine).order_by(col(Envelope.seq))).first()
        pledge = session.exec(select(Pledge).where(Pledge.seal_id == MELTING)).one()
        spans = session.exec(select(CoverageSpan).where(CoverageSpan.seal_id == MELTING)).all()
        steps = session.exec(select(func.count()).select_from(Transition)).one()
    assert first is not None
    until_ms = min(finding.last_ms, finding.first_ms + 600_000)
    drawn = [watts for at_ms, watts in _draws(raws) if finding.first_ms <= at_ms <= until_ms]
    line_w = pledge.allowed_kw * 1000 + finding.threshold
    hour_ms = finding.first_ms - 3_600_000
    off_ms = sum(
        min(s.to_ms, finding.first_ms) - max(s.from_ms, hour_ms)
        for s in spans
        if s.state == "proved_off" and s.to_ms > hour_ms and s.from_ms < finding.first_ms
    )
    unproved_ms = sum(
        min(s.to_ms, finding.last_ms) - max(s.from_ms, finding.first_ms)
        for s in spans
        if s.state == "unproved" and s.to_ms > finding.first_ms and s.from_ms < finding.last_ms
    )
    before = max((s for s in spans if s.from_ms < finding.first_ms), key=lambda s: s.from_ms)
    return [
        stored, last_seq - first_seq + 1, boots, steps, len(drawn),
        sum(watts > line_w for watts in drawn), line_w / 1000, off_ms * 1000 // 3_600_000 / 10,
        {"hour_ms": 3_600_000, "sampled_ms": until_ms - finding.first_ms, "unproved_ms": unproved_ms,
         "before_ms": finding.first_ms - before.from_ms, "delay_ms": first.received_ms - (first.last_ms or 0)},
        first.received_ms - (first.last_ms or 0), *range(9),
    ]  # fmt: skip


def _draws(raws: object) -> Iterator[tuple[int, float]]:
    for raw in raws:  # type: ignore[attr-defined] # a sequence of bytes
        body = envelopes.parse(envelopes.take_apart(raw).body, Batch)
        for row in batches.rows(body):
            watts = row.values.get(Quantity.ACTIVE_POWER_W)
            if isinstance(watts, float):
                yield row.wall_ms, abs(watts)


def test_english(visit: Opener, night: Site) -> None:
    """The same page in English has no Chinese words but names; the switch leads there and back."""
    seen = opened(visit, night)
    seen.page.get_by_role("link", name="English").click()
    seen.page.wait_for_url("**/en/violations/*")
    expect(seen.page.locator("h1.sentence")).to_contain_text("resumed power: up to 326")
    body = seen.page.locator("main.single:visible").inner_text()
    assert all(word not in body for word in ("未确认", "判定", "采集端", "封条", "支持", "断电"))
    assert not seen.mistakes


@pytest.mark.parametrize("path", ["/violations/V-NOBODY", "/en/violations/V-NOBODY"])
def test_an_unknown_number_says_what_to_do(visit: Opener, night: Site, path: str) -> None:
    """No such violation: a sentence, what to check, and a way home; no button that does nothing."""
    seen = visit(night, path)
    missing = seen.page.locator(".empty:visible")
    expect(missing).to_contain_text("V-NOBODY")
    expect(missing.get_by_role("link")).to_be_visible()
    expect(seen.page.locator(".actions button:visible")).to_have_count(0)
    assert not seen.mistakes


def test_another_countys_violation_is_as_unknown(visit: Opener, night: Site) -> None:
    """Who does not see the county is told exactly what an unknown number is told."""
    secret = night.token("闽侯县查看", Role.VIEWER, (HOME_COUNTY,))
    seen = visit(night, f"/violations/{violation_of(night, FOREIGN)}", secret=secret)
    expect(seen.page.locator(".empty:visible h1")).to_have_text("没有这起违规，或它不在你负责的县区。")
    assert "示例铸件五厂" not in seen.page.content()


def test_a_viewer_has_no_buttons(visit: Opener, night: Site) -> None:
    """Who may only read sees all of the page and no step to take."""
    seen = opened(visit, night, secret=night.token("查看", Role.VIEWER))
    expect(seen.page.locator("h1.sentence")).to_contain_text("恢复用电")
    expect(seen.page.locator(".actions button:visible")).to_have_count(0)


def test_on_a_phone(visit: Opener, night: Site) -> None:
    """On 390 px nothing is wider than the screen, whatever is touched is 44 px high, and axe agrees."""
    seen = opened(visit, night, size=(390, 844))
    expect(seen.page.locator("h1.sentence")).to_contain_text("恢复用电")
    seen.chart()
    assert overflow_px(seen.page) == 0
    assert small_targets(seen.page) == []
    assert grave(seen.page) == []


def test_nothing_is_told_by_colour_alone(visit: Opener, night: Site) -> None:
    """The state at the head and each side of the argument have a drawn mark and a word."""
    seen = opened(visit, night)
    head = seen.page.locator(".facts")
    expect(head.locator("svg.mark")).to_have_count(1)
    expect(head.locator("b").first).to_have_text("恢复用电")
    for row in seen.page.locator(".points li:not(.muted)").all():
        assert row.locator("svg").count() == 1
        assert row.inner_text().strip()


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    chromium: Browser, night: Site, scheme: Literal["light", "dark"], language: str
) -> None:
    """Neither theme nor language has a serious finding."""
    seen = Visit(chromium, scheme=scheme)
    seen.enter(night, f"{language}/violations/{violation_of(night, MELTING)}")
    seen.chart()
    found = grave(seen.page)
    seen.close()
    assert found == []
