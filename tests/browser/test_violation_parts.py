"""A violation's page as HTML, part by part, from made details."""

import re
from html import unescape

import pytest

from server.console import violation_parts
from server.console.violation_figures import cells, peak_unit
from server.console.words import PAIRS, Words
from server.detect.finding import Code, Coverage
from server.notify import Told
from server.notify.log import Outcome
from server.views.lead import Earlier, Lead
from server.views.today import CoveragePart
from server.views.weighing import Point, Side
from server.views.witness import ClockThen
from tests.browser.dossiers import DAY_MS, DETAIL, FINDING, LEAD, NOW_MS, OPENED, ROW, WITNESS, here
from tests.server.ingest.plant import START_MS

ZH, EN = Words("zh"), Words("en")
THIN = "\u2009"

MATERIAL = violation_parts.Material(
    detail=DETAIL, seal=ROW, break_position="downstream", lead=LEAD, witnesses=[WITNESS], points=[], told=[],
    now_ms=NOW_MS,
)  # fmt: skip

TOLD = Told(
    id=1, at_ms=START_MS + 7_809_000, kind="new", violation_id="V-ONE", seal_id=ROW.id, topic="", code="resumed_power",
    severity="red", county_code="350121", channel="钉钉值班群", outcome=Outcome.TOLD, why="值班/闽侯县/红色",
    message_id="m-1", delivery="delivered", sent_ms=START_MS + 7_810_000, attempts=1, last_error=None,
)  # fmt: skip


def plain(html: str) -> str:
    """HTML without its marks, one space at a time."""
    return unescape(re.sub(r"[ \n]+", " ", re.sub("<[^>]*>", " ", html)).strip())


def test_every_part_is_there_in_order() -> None:
    """The sentence comes first, evidence last; the breadcrumb leads to the seal."""
    made = violation_parts.parts(MATERIAL, ZH, here)
    assert "恢复用电" in made.sentence
    assert 'href="/seals/FZ-MH-2026-0043"' in made.crumbs
    heads = re.findall(r"<h2>(.*?) <i>|<h2>(.*?)</h2>", made.below)
    assert ["".join(head) for head in heads] == [
        "判定所依据的数", "支持", "反对", "监测自身当时的状态", "处理过程", "现场核查单", "已通知", "证据",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, f'未确认 <span data-since="{START_MS + 7_808_100}"></span>'),
        ({"state": "acknowledged", "unseen_since_ms": None}, "已确认"),
        ({"state": "dispatched", "unseen_since_ms": NOW_MS - 5_000}, f"已派单，有新变化未看 5{THIN}秒"),
    ],
    ids=["open", "seen", "stronger"],
)
def test_the_head_says_how_long_it_waits(changed: dict[str, object], expected: str) -> None:
    """The state in words, and since when nobody looked; nothing waits once somebody did."""
    material = violation_parts.Material(
        **{name: getattr(MATERIAL, name) for name in MATERIAL.__struct_fields__ if name != "detail"},
        detail=DETAIL.model_copy(update=changed),
    )
    assert f"<b>{expected}</b>" in violation_parts.parts(material, ZH, here).facts


@pytest.mark.parametrize(
    ("lead", "zh"),
    [
        (LEAD, f"此前证实断电，自 02-26 00:00:00 起 3{THIN}天 2{THIN}小时。这是这台炉封存以来的第一起。"),
        (Lead(before=None, earlier=[]), "此前这台炉还没有任何覆盖记录。这是这台炉封存以来的第一起。"),
        (
            Lead(
                before=CoveragePart(
                    from_ms=FINDING.first_ms - 60_000, to_ms=FINDING.first_ms, state=Coverage.UNPROVED, reason="timeout"
                ),
                earlier=[
                    Earlier(id="V-A", code="silent", state="closed", first_ms=START_MS),
                    Earlier(id="V-B", code="seal_opened", state="closed", first_ms=START_MS - DAY_MS),
                ],
            ),
            f"此前未证实：电表无应答，自 02:09:07 起 60{THIN}秒。".replace(f"60{THIN}秒", f"1{THIN}分钟")
            + "更早的违规： 00:00:00 采集端失联 ， 02-28 00:00:00 封条打开 。",
        ),
    ],
    ids=["off before", "nothing before", "others before"],
)
def test_what_led_to_it(lead: Lead, zh: str) -> None:
    """What was proved right before, and which violations came before; both may be missing, and are then said so."""
    material = violation_parts.Material(
        **{name: getattr(MATERIAL, name) for name in MATERIAL.__struct_fields__ if name != "lead"}, lead=lead
    )
    assert plain(violation_parts.lead(material, ZH, here)) == zh


def test_figures_of_a_draw() -> None:
    """Six figures: now with its age, peak, energy by the register, since, detected after, expected false alarms."""
    told = cells(DETAIL, ROW, ZH, NOW_MS)
    assert [(cell.label, cell.value) for cell in told] == [
        ("现在", f"0{THIN}kW"), ("最高", f"341{THIN}kW"), ("已用电量", f"213{THIN}kWh"), ("起于", "02:10:07"),
        ("判出用时", f"1.0{THIN}秒"), ("期望误报", f"< 0.001{THIN}/封存年"),
    ]  # fmt: skip
    assert told[0].read_ms == ROW.last_power_ms


def test_figures_of_other_codes() -> None:
    """What has no draw shows its statistic beside its limit; what is not stored is left out or a dash, never a zero."""
    silent = FINDING.model_copy(
        update={"code": "silent", "unit": "s", "statistic": 412.0, "threshold": 180.0, "energy_wh": None}
    )
    detail = DETAIL.model_copy(update={"code": "silent", "findings": [silent]})
    unread = ROW.model_copy(update={"last_power_w": None, "last_power_ms": None})
    told = {cell.label: cell.value for cell in cells(detail, unread, ZH, NOW_MS)}
    assert told["现在"] == "—"
    assert told["统计量 / 判定线"] == f"412 / 180{THIN}s"
    assert "已用电量" not in told
    opened = DETAIL.model_copy(update={"code": "seal_opened", "findings": []})
    assert [cell.label for cell in cells(opened, ROW, ZH, NOW_MS)] == ["起于", "判出用时"]


@pytest.mark.parametrize(("unit", "peak"), [("W", "W"), ("V", "V"), ("Wh", "Wh"), ("σ", "W")])
def test_a_cumulative_statistic_peaks_in_watts(unit: str, peak: str) -> None:
    """A cumulative sum is counted in sigma, but its peak is the draw."""
    assert peak_unit(FINDING.model_copy(update={"unit": unit})) == peak


def test_numbers_behind_the_verdict() -> None:
    """Value, limit, peak and expected false alarms of each finding, and how the rule decides."""
    text = plain(violation_parts.numbers(DETAIL, ZH, NOW_MS))
    assert f"恢复用电 02:10:07 326.1{THIN}kW 最高 341{THIN}kW 10.5{THIN}kW < 0.001" in text
    assert "额定功率的 3 %" in text


POINTS = [
    (Point(what="before", side=Side.FOR, numbers={"off_ms": 3_600_000, "whole_ms": 3_600_000}),
     f"此前 60{THIN}分钟里证实断电 100{THIN}%"),
    (Point(what="samples", side=Side.FOR,
           numbers={"above": 573, "all": 1_600, "line_w": 10_500.0, "lasting_ms": 600_000}),
     f"开始 10{THIN}分钟内 573 / 1{THIN}600 个读数高于 10.5{THIN}kW"),
    (Point(what="register", side=Side.FOR, numbers={"energy_wh": 213_000.0}), f"电能寄存器同时走了 213{THIN}kWh"),
    (Point(what="other", side=Side.FOR, text="seal_opened"), "同一封存另有：封条打开"),
    (Point(what="window", side=Side.AGAINST, text="换炉衬",
           numbers={"from_ms": START_MS, "to_ms": START_MS + 3_600_000}), "申报检修 00:00:00 至 01:00:00 换炉衬"),
    (Point(what="gaps", side=Side.AGAINST, numbers={"unproved_ms": 4_000}), f"其间 4.0{THIN}秒未证实"),
    (Point(what="numbers_missing", side=Side.AGAINST, numbers={"missing": 2, "lost": 1}), "信封缺 2 封，申报丢失 1 封"),
    (Point(what="clock_stepped", side=Side.AGAINST, numbers={"step_ms": -3_600_000}), f"采集端时钟跳变 \u221260{THIN}分钟"),
    (Point(what="clock_near", side=Side.CLEAR, numbers={"delay_ms": 300}), f"时钟未同步，但到达只迟 300{THIN}ms"),
    (Point(what="serials_differ", side=Side.AGAINST, text="210 / 211"), "电表表号变了：210 / 211"),
]  # fmt: skip


@pytest.mark.parametrize(("point", "zh"), POINTS, ids=[point.what for point, _ in POINTS])
def test_points_in_words(point: Point, zh: str) -> None:
    """Each point says its stored numbers with their units, on the side on which it stands."""
    html = violation_parts.points([point], ZH, NOW_MS)
    assert zh in plain(html)
    assert plain(violation_parts.points([point], EN, NOW_MS))


def test_points_are_counted_by_side() -> None:
    """The headings say how many there are and how many were looked at; without any support it is said."""
    weighed = [
        Point(what="gaps", side=Side.AGAINST, numbers={"unproved_ms": 4_000}),
        Point(what="no_window", side=Side.CLEAR),
        Point(what="one_run", side=Side.CLEAR),
    ]
    text = plain(violation_parts.points(weighed, ZH, NOW_MS))
    assert "支持 0 条 库里没有可引的旁证" in text
    assert "反对 1 条，共查 3 项" in text
    assert "这段时间没有申报检修，采集端没有重启。" in text


def test_the_monitor_then() -> None:
    """Arrival, runs, meter, clock, numbers stored and waiting, each as the envelopes say it."""
    html = plain(violation_parts.health([WITNESS], [], ZH, NOW_MS))
    for expected in (
        f"02:10:08 听到，迟 300{THIN}ms", "0.1.0，同一次运行", "Eastron SDM630-Modbus V2 · 表号 21084417",
        f"已同步，偏差 200{THIN}ms，误差不超过 12{THIN}ms", f"1{THIN}164 / 1{THIN}164 封已验入库", "采集端积压 0 封",
        "没有异常",
    ):  # fmt: skip
        assert expected in html


def test_a_monitor_that_is_in_doubt() -> None:
    """Several runs, a stepped clock and declared losses show up; nothing is said about what nobody told."""
    clock = ClockThen(states=["U", "X"], source="", offset_ms=None, error_ms=None, steps_ms=[9_000])
    odd = WITNESS.model_copy(update={"boots": 2, "lost": 3, "waiting": None, "clock": clock, "delay_ms": None})
    against = [Point(what="restarted", side=Side.AGAINST, numbers={"boots": 2}, of_monitor=True)]
    html = plain(violation_parts.health([odd], against, ZH, NOW_MS))
    for expected in ("运行 2 次", f"未同步，X，跳变 9.0{THIN}秒", "申报丢失 3 封", "02:10:08 听到", "1 处要看"):
        assert expected in html
    assert "积压" not in html
    assert "失联前最后一封信封" in violation_parts.health([WITNESS], [], ZH, NOW_MS, is_silent=True)
    unheard = WITNESS.model_copy(update={"opened": 0})
    assert "没有听到采集端" in violation_parts.health([unheard], [], ZH, NOW_MS)


def test_life_names_who_and_why() -> None:
    """Each step in its words, with who did it and why; a remark is one, a dispatch says to whom; what is next is last."""
    sent = OPENED.model_copy(
        update={
            "from_state": "open",
            "to_state": "dispatched",
            "author_shown": "李",
            "assignee_shown": "陈",
            "reason": "去看",
        }
    )
    remark = sent.model_copy(update={"kind": "comment", "assignee_shown": None, "reason": "电话不通"})
    grew = OPENED.model_copy(update={"kind": "stronger", "from_state": "open", "reason": "energised → resumed_power"})
    detail = DETAIL.model_copy(update={"state": "dispatched", "transitions": [OPENED, grew, sent, remark]})
    text = plain(violation_parts.life(detail, ZH, NOW_MS))
    assert "开启 ColdSeal 恢复用电" in text
    assert "加强 ColdSeal 重新带电 → 恢复用电" in text
    assert "派单 给 陈 李 去看" in text
    assert "备注 李 电话不通" in text
    assert text.endswith("待 核实或排除 → 关闭")
    closed = DETAIL.model_copy(update={"state": "closed"})
    assert "待" not in plain(violation_parts.life(closed, ZH, NOW_MS))


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_its_checklist_and_rule(code: Code) -> None:
    """Whatever is raised, there is something to look at on site and a word on how the rule decides, in both languages."""
    assert violation_parts.checklist(code.value, ZH).count("<li>") >= 4
    assert violation_parts.checklist(code.value, EN).count("<li>") >= 4
    assert f"rule.{code.value}" in PAIRS


def test_who_was_told() -> None:
    """Channel, why and when; an error stays in view, delivered to others or not; what was not sent says why; nobody is said too."""
    waiting = TOLD.model_copy(update={"delivery": "waiting", "sent_ms": None, "last_error": "HTTP 503"})
    muted = TOLD.model_copy(update={"outcome": Outcome.MUTED, "delivery": "none", "sent_ms": None})
    partly = TOLD.model_copy(update={"last_error": "recipient 2: 550"})
    text = plain(violation_parts.told([TOLD, waiting, muted, partly], ZH, NOW_MS))
    assert "recipient 2: 550 02:10:10 送达" in text
    assert "钉钉值班群 已发 值班/闽侯县/红色 02:10:10 送达" in text
    assert "HTTP 503 02:10:09 还在重试" in text
    assert "免打扰，未发" in text
    assert "没有给任何人发消息" in violation_parts.told([], ZH, NOW_MS)
    assert all(f"told.{outcome.value}" in PAIRS for outcome in Outcome)


def test_evidence_names_its_envelopes() -> None:
    """Agent, key, range and how many are stored; the violation's own number."""
    text = plain(violation_parts.evidence(DETAIL, [WITNESS], ZH, here))
    assert "V-ONE" in text
    assert "a43 · Ed25519" in text
    assert f"41–1{THIN}204" in text


def test_markup_in_names_is_text() -> None:
    """Whatever was registered or typed is escaped everywhere."""
    evil = "<script>x</script>"
    detail = DETAIL.model_copy(
        update={"enterprise": evil, "site": evil, "reason_zh": f"{evil} 2 号炉 02:10:07 恢复用电：x。",
                "transitions": [OPENED.model_copy(update={"reason": evil, "author_shown": evil})]}
    )  # fmt: skip
    material = violation_parts.Material(
        **{name: getattr(MATERIAL, name) for name in MATERIAL.__struct_fields__ if name not in ("detail", "told")},
        detail=detail,
        told=[TOLD.model_copy(update={"why": evil, "channel": evil})],
    )
    made = violation_parts.parts(material, ZH, here)
    assert "<script>" not in "".join(getattr(made, name) for name in made.__struct_fields__)
