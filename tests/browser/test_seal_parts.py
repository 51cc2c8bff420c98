"""A seal's page as HTML, part by part, from made dossiers."""

import re

import pytest

from server.console import seal_parts
from server.console.phrases import long, moment, portion, proved, state_words
from server.console.words import Words
from server.detect.finding import Coverage
from server.views.dossier import Declared, Dossier, Past, SealStep
from server.views.state import SealState
from tests.browser.dossiers import CALENDAR, DAY_MS, DOSSIER, NOW_MS, ONGOING, ROW, here
from tests.server.ingest.plant import START_MS

ZH, EN = Words("zh"), Words("en")
THIN = "\u2009"
PAST = Past(
    id="V-ONE", code="resumed_power", severity="red", state="confirmed", first_ms=START_MS + 7_807_000,
    last_ms=NOW_MS, ended_ms=None, energy_wh=213_000.0,
)  # fmt: skip


def said(found: Dossier, words: Words = ZH) -> str:
    """The sentence without its marks."""
    return re.sub("<[^>]*>", "", str(seal_parts.sentence(found, CALENDAR, words, NOW_MS)))


def of(**changed: object) -> Dossier:
    """The dossier with another row."""
    return DOSSIER.model_copy(update={"row": ROW.model_copy(update=changed)})


def test_the_sentence() -> None:
    """Day, the three shares of all its time, violations, days to the deadline: in both languages."""
    assert said(DOSSIER) == (
        f"封存第 360 天：证实断电 98.64{THIN}%，未证实 1.33{THIN}%，证实用电 0.03{THIN}%。没有违规。拆除还剩 104 天。"
    )
    broken = DOSSIER.model_copy(update={"past": [PAST], "past_in_all": 2})
    assert said(broken, EN) == (
        f"Day 360 under seal: 98.64{THIN}% proved off, 1.33{THIN}% unproved, 0.03{THIN}% proved on. "
        "Violations: 2, the last 02:10:07. 104 days left to dismantle it."
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (of(dismantle_by_ms=None), "拆除期限没有登记。"),
        (of(dismantle_by_ms=NOW_MS), "今天是拆除期限。"),
        (of(dismantle_by_ms=START_MS - 3 * DAY_MS), "拆除期限已过 3 天。"),
        (of(until_ms=START_MS - 9 * DAY_MS), "封存共 351 天，已于 2026-02-20 结束："),
        (of(from_ms=NOW_MS + DAY_MS), "封存从 03-02 02:51:40 开始，还没有要证实的时间。"),
    ],
    ids=["none", "today", "late", "over", "ahead"],
)
def test_deadlines_and_ends(found: Dossier, expected: str) -> None:
    """What is not registered, due today, late, over or still ahead is said so."""
    assert expected in said(found)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (SealStep(what="sealed", at_ms=START_MS), "2026-03-01 00:00"),
        (SealStep(what="paper", number=0, done=False), "未登记"),
        (SealStep(what="paper", number=1, text="A-1"), "1 个 A-1"),
        (SealStep(what="paper", number=3, text="A-1"), "3 个 A-1 等"),
        (SealStep(what="pledge", done=False), "未登记"),
        (SealStep(what="pledge", at_ms=START_MS, number=2.5, text="张三"), f"上限 2.5{THIN}kW 签字 张三"),
        (SealStep(what="published", done=False), "未登记"),
        (SealStep(what="published", text="https://example.org/a"), '<a href="https://example.org/a"'),
        (SealStep(what="monitored", done=False), "还没有读数"),
        (SealStep(what="monitored", at_ms=START_MS), "第一个入库读数"),
        (SealStep(what="today", number=360, done=False), "第 360 天 违规 0 检修申报 0"),
        (SealStep(what="today", done=False), "还没有开始"),
        (SealStep(what="dismantle", done=False), "未登记"),
        (SealStep(what="dismantle", at_ms=START_MS, number=0, done=False), "限 2026-03-01 今天到期"),
        (SealStep(what="dismantle", at_ms=START_MS, number=-2, done=False), "已过 2 天"),
        (SealStep(what="until", at_ms=START_MS, done=False), "封存结束"),
    ],
    ids=lambda value: value.what if isinstance(value, SealStep) else "",
)
def test_each_step_shows_its_evidence(step: SealStep, expected: str) -> None:
    """The lines under a step are what is registered of it; what is not registered is called so."""
    found = DOSSIER.model_copy(update={"steps": [step]})
    html = seal_parts.parts(found, CALENDAR, ZH, here, NOW_MS).steps
    text = html if "<a" in expected else re.sub(r"[ \n]+", " ", re.sub("<[^>]*>", " ", html))
    assert expected in text


def test_meters_and_agents() -> None:
    """Make, role, serial, ratio, supply, sampling, and the agent with its key; a revoked one is called so."""
    html = seal_parts.meters(DOSSIER, ZH)
    for expected in (
        "Eastron SDM630-Modbus V2",
        "炉子",
        "21084417",
        "120",
        "取自所测线路",
        "12 个量",
        "a43#1",
        "Ed25519",
    ):
        assert expected in html
    agent = DOSSIER.agents[0].model_copy(update={"revoked_ms": START_MS})
    assert "已收回 2026-03-01" in seal_parts.meters(DOSSIER.model_copy(update={"agents": [agent]}), ZH)


def test_a_seal_without_a_meter_says_what_to_do() -> None:
    """Nothing is drawn up as if there was one."""
    bare = DOSSIER.model_copy(update={"meters": [], "agents": []})
    assert "coldseal seal add" in seal_parts.meters(bare, ZH)
    assert "相电压" not in seal_parts.wired(bare, ZH)


def test_voltages_stand_by_the_wiring() -> None:
    """The voltages and the frequency of the newest row bear the drawing out."""
    html = seal_parts.wired(DOSSIER, ZH)
    assert "231.2 / 230.8 / 231.5" in html
    assert "50.01" in html


def test_violations_link_to_their_pages() -> None:
    """Each has mark, word, state, length and energy; what has no energy has a dash, and more than shown are counted."""
    other = PAST.model_copy(
        update={"id": "V-TWO", "code": "silent", "severity": "amber", "energy_wh": None, "ended_ms": NOW_MS}
    )
    found = DOSSIER.model_copy(update={"past": [PAST, other], "past_in_all": 30})
    html = seal_parts.papers(found, ZH, here, NOW_MS)
    assert 'href="/violations/V-ONE"' in html
    assert f"213{THIN}kWh" in html
    assert "—" in html
    assert "最近 2 起，共 30 起" in html
    assert "已核实" in html
    assert html.count('class="mark') == 2
    assert "封存以来没有违规" in seal_parts.papers(DOSSIER, ZH, here, NOW_MS)


def test_windows_past_now_and_ahead() -> None:
    """Each declared window says when it is; one without a limit says so."""
    windows = [
        Declared(from_ms=NOW_MS + 1, to_ms=NOW_MS + DAY_MS, max_kwh=None, reason="换炉衬"),
        Declared(from_ms=NOW_MS - 1, to_ms=NOW_MS + 1, max_kwh=5.0, reason=""),
        Declared(from_ms=NOW_MS - DAY_MS, to_ms=NOW_MS, max_kwh=0.5, reason=""),
    ]
    html = seal_parts.windows(DOSSIER.model_copy(update={"windows": windows}), ZH, NOW_MS)
    assert [html.index(word) for word in ("将来", "正在", "已过")] == sorted(
        html.index(w) for w in ("将来", "正在", "已过")
    )
    assert "不限" in html
    assert f"5{THIN}kWh" in html
    assert "没有申报检修" in seal_parts.windows(DOSSIER, ZH, NOW_MS)


def test_the_head_names_the_state_and_leads_to_what_is_open() -> None:
    """A furnace that draws shows its power beside the word; each open violation has a button to its page."""
    made = seal_parts.parts(
        of(state=SealState.RESTARTED, state_reason="resumed_power", last_power_w=326_000.0, violations=[ONGOING]),
        CALENDAR, ZH, here, NOW_MS,
    )  # fmt: skip
    assert f"恢复用电 326{THIN}kW" in made.facts
    assert 'href="/violations/V-ONE"' in made.ways
    assert "闽侯县" in made.crumbs


@pytest.mark.parametrize(
    ("state", "reason", "zh", "en"),
    [
        (SealState.RESTARTED, "seal_opened", "封条打开", "Seal opened"),
        (SealState.ENDED_UNSEEN, "energy_in_gap", "已停止未看：间断期内有用电", "Ended unseen: Energy in a gap"),
        (SealState.UNPROVED, "meter_dead", "未证实：电表无电", "Unproved: meter dead"),
        (SealState.OFF, "metered", "证实断电", "Proved off"),
        (SealState.OFF_BY_REGISTER, "register", "寄存器补证", "Closed by register"),
    ],
)
def test_state_words(state: SealState, reason: str, zh: str, en: str) -> None:
    """A state in words, with its reason where that says more."""
    row = ROW.model_copy(update={"state": state, "state_reason": reason})
    assert (state_words(row, ZH), state_words(row, EN)) == (zh, en)


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 9, f"0{THIN}%"), (9, 9, f"100{THIN}%"), (1, 10**6, f"< 0.01{THIN}%"), (999_999, 10**6, f"99.99{THIN}%"),
     (1, 3, f"33.33{THIN}%"), (0, 0, "—")],
)  # fmt: skip
def test_a_portion_is_rounded_down(part: int, whole: int, text: str) -> None:
    """All is 100 % and nothing less, none is 0 % and nothing more; of no time there is none."""
    assert portion(part, whole) == text


@pytest.mark.parametrize(
    ("ms", "zh"),
    [(3_600_000, f"60{THIN}分钟"), (2 * DAY_MS, f"2{THIN}天"), (3 * DAY_MS + 7_200_000, f"3{THIN}天 2{THIN}小时"),
     (1_200 * DAY_MS, f"1{THIN}200{THIN}天")],
)  # fmt: skip
def test_long_times_are_told_in_days(ms: int, zh: str) -> None:
    """From two days on hours are enough."""
    assert long(ZH, ms) == zh


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (START_MS, "00:00:00"),
        (START_MS - DAY_MS, "02-28 00:00:00"),
        (START_MS - 120 * DAY_MS, "2025-11-01 00:00"),
    ],
)
def test_a_moment_says_as_much_of_its_date_as_is_needed(at_ms: int, text: str) -> None:
    """Today's time alone, this year's with its day, another year's with its year."""
    assert moment(at_ms, NOW_MS) == text


@pytest.mark.parametrize(
    ("state", "reason", "zh"),
    [(Coverage.ON, "resumed_power", "证实用电"), (Coverage.OFF, "metered", "证实断电"),
     (Coverage.OFF, "register", "寄存器补证"), (Coverage.UNPROVED, "timeout", "未证实：电表无应答")],
)  # fmt: skip
def test_what_a_time_is_proved_to_be(state: Coverage, reason: str, zh: str) -> None:
    """A word for each, with the reason where nothing is proved."""
    assert proved(state, reason, ZH) == zh
