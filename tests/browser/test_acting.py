"""The board while something happens: news by itself, a person who acts, others who look on, a session that ends."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlmodel import Session, col, select

from server import life, mutes
from server.access import sessions
from server.access.audit import COMMAND_LINE
from server.access.rights import Role
from server.tables import Transition, Violation
from tests.browser.served import Opener, Site, tell_a_start
from tests.server.ingest.plant import START_MS
from tests.server.views.county import Draw, Furnished


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A county at 02:11:02, one furnace just resumed; for one test to change."""
    served = Site(tmp_path)
    tell_a_start(served.county)
    yield served.start()
    served.stop()


def happen(site: Site, furnished: Furnished, from_s: int, to_s: int, draw: Draw) -> None:
    """Envelopes arrive, and the worker tells of what it committed."""
    site.county.feed(furnished, from_s, to_s, draw)
    site.server.news.tell([furnished.seal_id])


def test_a_restart_appears_by_itself(visit: Opener, site: Site) -> None:
    """A violation that is stored after the page was opened shows up, and what was selected stays selected."""
    seen = visit(site)
    expect(seen.page.locator(".item")).to_have_count(1)
    happen(site, site.county.seal(70, "示例合金三厂"), 7_862, 7_930, lambda _second: 200_000.0)
    expect(seen.page.locator(".item")).to_have_count(2)
    expect(seen.page.locator(".item").first).to_contain_text("示例合金三厂")
    expect(seen.page.locator(".item.selected")).to_contain_text("示例铸造一厂")
    expect(seen.page.locator(".item.selected")).to_have_attribute("aria-current", "true")
    assert not seen.mistakes


def test_the_first_one_is_shown_by_itself(visit: Opener, tmp_path: Path) -> None:
    """A calm board says so and what to do next; the first violation that comes is opened by itself."""
    calm = Site(tmp_path)
    furnished = calm.county.seal(1, "示例铸造一厂")
    calm.county.feed(furnished, 0, 60)
    waiting = visit(calm.start())
    expect(waiting.page.locator("aside h1")).to_have_text("需要处理 0")
    expect(waiting.page.locator(".empty h1")).to_have_text("现在没有什么需要你处理。")
    happen(calm, furnished, 60, 120, lambda _second: 200_000.0)
    expect(waiting.page.locator("h1.sentence")).to_contain_text("恢复用电：最高 200 kW")
    waiting.close()
    calm.stop()


def test_a_whole_life_by_keyboard_and_a_second_viewer(visit: Opener, site: Site) -> None:
    """Acknowledged, dispatched, commented, confirmed and closed without a mouse; another screen sees each step."""
    site.account("陈检查", Role.INSPECTOR)
    acting = visit(site, secret=site.token("李值班", Role.MONITOR))
    watching = visit(site, secret=site.token("王看", Role.VIEWER))
    facts, keys = watching.page.locator(".facts"), acting.page.keyboard
    expect(facts).to_contain_text("未确认")
    keys.press("a")
    expect(facts).to_contain_text("已确认")
    for key, text, word in (
        ("d", "请到厂看炉", "已派单 陈检查"),
        ("c", "厂方说在试炉", ""),
        ("v", "现场确认在熔", "已核实"),
    ):
        keys.press(key)
        expect(acting.page.locator("dialog.step")).to_be_visible()
        if key == "d":
            acting.page.get_by_label("派给").select_option(label="陈检查 (u1)")
            keys.press("Tab")
        keys.type(text)
        keys.press("Control+Enter")
        expect(acting.page.locator("dialog.step")).to_be_hidden()
        expect(facts).to_contain_text(word)
    expect(watching.page.locator(".log")).to_contain_text("李值班 备注 示例铸造一厂")
    keys.press("q")
    expect(acting.page.locator("dialog.step")).to_be_visible()
    keys.type("已断开，已加封")
    keys.press("Control+Enter")
    expect(watching.page.locator(".item")).to_have_count(0)
    assert [(s.to_state, s.kind, s.reason) for s in _steps(site)[1:]] == [
        ("acknowledged", "step", "已看到 seen"),
        ("dispatched", "step", "请到厂看炉"),
        ("dispatched", "comment", "厂方说在试炉"),
        ("confirmed", "step", "现场确认在熔"),
        ("closed", "step", "已断开，已加封"),
    ]
    assert not acting.mistakes + watching.mistakes


def test_acknowledge_by_button_with_a_reason(visit: Opener, site: Site) -> None:
    """A reason may be written while acknowledging; while it is typed a key is a letter; nothing blinks after it."""
    seen = visit(site, secret=site.token("李"), size=(1920, 1080))
    expect(seen.page.locator(".item .mark.blinks")).to_have_count(1)
    seen.page.get_by_role("button", name="写理由").click()
    seen.page.keyboard.press("a")  # before the dialog is there: it must press nothing
    expect(seen.page.locator("dialog.step")).to_be_visible()
    seen.page.locator("#step-reason").fill("")
    seen.page.keyboard.type("Saw a call")
    seen.page.get_by_role("button", name="记下").click()
    expect(seen.page.locator(".list.working .item")).to_have_count(1)
    expect(seen.page.locator(".mark.blinks")).to_have_count(0)
    expect(seen.page.get_by_role("button", name="确认", exact=True)).to_be_hidden()
    assert [(s.to_state, s.reason) for s in _steps(site)[1:]] == [("acknowledged", "Saw a call")]


def test_closing_needs_a_reason(visit: Opener, site: Site) -> None:
    """Without a word the dialog stays and records nothing; what was typed is still there after Escape."""
    seen = visit(site, secret=site.token("周"))
    sheet = seen.page.locator("dialog.step")
    seen.page.keyboard.press("q")
    expect(sheet).to_be_visible()
    seen.page.keyboard.press("Control+Enter")
    assert seen.page.evaluate("document.querySelector('#step-reason').validity.valueMissing")
    seen.page.keyboard.type("误合闸")
    seen.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert len(_steps(site)) == 1
    seen.page.reload()
    seen.page.wait_for_selector(".item")
    seen.page.keyboard.press("q")
    expect(seen.page.get_by_label("理由")).to_have_value("误合闸")


def test_a_viewer_is_offered_nothing(visit: Opener, site: Site) -> None:
    """Who may only read sees no button of a step, no key does one, and the cookie itself cannot acknowledge."""
    seen = visit(site, secret=site.token("王看", Role.VIEWER))
    expect(seen.page.locator("h1.sentence")).to_be_visible()
    expect(seen.page.locator(".actions .button:visible")).to_have_count(0)
    for key in "adcvxqr":
        seen.page.keyboard.press(key)
    expect(seen.page.locator("dialog[open]")).to_have_count(0)
    violation_id = _steps(site)[0].violation_id
    answer = seen.page.request.post(f"{site.url}/api/v1/violations/{violation_id}/acknowledge", data={"reason": ""})
    assert answer.status == 403
    assert len(_steps(site)) == 1


def test_someone_else_was_first(visit: Opener, site: Site) -> None:
    """Who comes second is told who was first and when; the text is kept, and the page shows how it stands."""
    seen = visit(site, secret=site.token("李"))
    seen.page.keyboard.press("d")
    seen.page.get_by_label("理由").fill("已通知闽侯县")
    with site.server.store.transaction() as session:
        _close(session, site)
    seen.page.get_by_role("button", name="记下").click()
    expect(seen.page.get_by_role("alert").first).to_contain_text("已把它改为「已关闭」")
    expect(seen.page.locator(".facts")).to_contain_text("已关闭")
    assert [step.to_state for step in _steps(site)] == ["open", "closed"]


def test_sound_title_and_icon(visit: Opener, site: Site) -> None:
    """An unacknowledged red is in the tab's title and icon, sounds after the first touch, and not after it was seen."""
    seen = visit(site, secret=site.token("李"), before=COUNTED)
    page = seen.page
    expect(page).to_have_title("(1) ■ 值班 · ColdSeal")
    expect(page.locator("link[rel~=icon]")).to_have_attribute("href", re.compile("rect"))
    assert page.evaluate("window.tones") == 0
    expect(page.locator("[data-sound]")).to_have_text("声音 点一下即开")
    page.locator("h1.sentence").click()
    page.wait_for_function("window.tones > 0")
    expect(page.locator("[data-sound]")).to_have_text("声音 开")
    page.keyboard.press("a")
    expect(page).to_have_title("值班 · ColdSeal")
    page.wait_for_timeout(300)
    tones = page.evaluate("window.tones")
    happen(site, site.county.seal(70, "示例合金三厂"), 7_862, 7_930, lambda _second: 200_000.0)
    page.wait_for_function("before => window.tones > before", arg=tones)
    page.locator("[data-sound]").click()
    expect(page.locator("[data-sound]")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.locator("[data-sound]")).to_have_text("声音 关")


COUNTED = """
window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...args) { window.tones += 1; return start.apply(this, args); };
"""
"""Counts what the page asks Web Audio to play; the sound itself goes on as it would."""


def test_what_is_muted_is_shelved(visit: Opener, site: Site) -> None:
    """A violation whose seal a person muted stands on the shelf, and can still be looked at and closed."""
    with site.server.store.transaction() as session:
        seal_id, now_ms = session.exec(select(Violation.seal_id)).one(), site.clock.wall_ms()
        mutes.mute(
            session, by=COMMAND_LINE, seal_id=seal_id, county_code=None, until_ms=now_ms + 3_600_000, reason="检修",
            now_ms=now_ms,
        )  # fmt: skip
    seen = visit(site)
    expect(seen.page.locator(".list.shelved h2")).to_contain_text("搁置 1")
    expect(seen.page.locator(".list.unseen")).to_be_hidden()
    expect(seen.page.locator("h1.sentence")).to_contain_text("恢复用电")
    expect(seen.page.get_by_role("button", name="关闭")).to_be_visible()


def test_names_are_text(visit: Opener, site: Site) -> None:
    """A name that looks like markup is shown as it is written, in the row, the sentence and the search."""
    name = "<img src=x onerror=alert(1)>厂"
    happen(site, site.county.seal(71, name), 7_862, 7_930, lambda _second: 200_000.0)
    seen = visit(site)
    seen.pick("onerror")
    expect(seen.page.locator("h1.sentence")).to_contain_text(name)
    seen.page.keyboard.press("/")
    expect(seen.page.locator(".results")).to_contain_text(name)
    assert seen.page.locator("img").count() == 0


def test_a_session_that_is_over_ends_the_page(visit: Opener, site: Site) -> None:
    """An open page asks again who looks: after the session is revoked it leads to the sign-in, and back after it."""
    secret = site.token("吴")
    seen = visit(site, "/en", secret=secret)
    with site.server.store.transaction() as session:
        browser = sessions.found(session, secret)
        assert browser is not None
        browser.revoked_ms = site.clock.wall_ms()
        session.add(browser)
    site.server.news.tell(["FZ-MH-2026-0043"])
    seen.page.wait_for_url("**/sign-in?next=%2Fen*")


def test_hundreds_are_shown_in_part(visit: Opener, site: Site) -> None:
    """Of a storm the first rows are built at once and the rest when asked for; the count tells of all."""
    with site.server.store.transaction() as session:
        first = session.exec(select(Violation)).one()
        for number in range(60):
            session.add(Violation(**first.model_dump() | {"id": f"V-STORM{number:02d}", "first_ms": START_MS + number}))
            session.flush()
            session.add(
                Transition(violation_id=f"V-STORM{number:02d}", at_ms=START_MS, to_state="open", author="ColdSeal", reason="")
            )  # fmt: skip
    seen = visit(site)
    expect(seen.page.locator("aside h1")).to_have_text("需要处理 61")
    expect(seen.page.locator(".item")).to_have_count(40)
    seen.page.get_by_role("button", name="再显示").click()
    expect(seen.page.locator(".item")).to_have_count(61)


def test_an_empty_county_says_what_to_do(visit: Opener, tmp_path: Path) -> None:
    """Before anything is registered the page names the command."""
    site = Site(tmp_path).start()
    seen = visit(site)
    expect(seen.page.locator(".empty")).to_contain_text("coldseal seal add")
    expect(seen.page.locator("article")).to_be_hidden()
    seen.close()
    site.stop()


def test_two_servers_in_one_process(visit: Opener, tmp_path: Path, site: Site) -> None:
    """A server that is built after another is served shows its own seals, and the first goes on showing its own."""
    second = Site(tmp_path / "second")
    second.county.feed(second.county.seal(90, "示例机械六厂"), 7_740, 7_860)
    seen = visit(site)
    expect(seen.page.locator(".item")).to_have_count(1)
    expect(seen.page.locator(".county .total")).to_have_text("2")
    second.stop()


def _close(session: Session, site: Site) -> None:
    violation = session.exec(select(Violation)).one()
    life.close(session, violation.id, by=COMMAND_LINE, reason="误合闸", now_ms=site.clock.wall_ms())


def _steps(site: Site) -> list[Transition]:
    with site.server.store.transaction() as session:
        return list(session.exec(select(Transition).order_by(col(Transition.id))).all())
