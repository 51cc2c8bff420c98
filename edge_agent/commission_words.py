"""What commissioning says, in Chinese and English."""

import re
import unicodedata
from typing import Literal

Lang = Literal["zh", "en"]
WIDTH = 40
_PIECES = re.compile(r"[!-~]+|[^!-~]")

LEVELS = {"right": ("[对]", "[ok]"), "wrong": ("[错]", "[!!]"), "unknown": ("[不明]", "[??]")}

WIRING = {
    "voltage_unreadable": ("电压读不到, 接线无法判断", "voltages unreadable: wiring cannot be judged"),
    "voltage_dead": ("三相电压均为 0: 先送电再检查接线", "all voltages are 0: switch on before the wiring check"),
    "phase_missing": ("{phase} 缺相: {volts} V", "{phase} is missing: {volts} V"),
    "voltages_there": ("三相电压正常: {volts} V", "voltages are there: {volts} V"),
    "system_3p4w": ("三相四线: 线电压/相电压 = {ratio}", "3P4W: U L-L / U L-N = {ratio}"),
    "system_3p3w": ("三相三线: 只有线电压", "3P3W: L-L voltages only"),
    "system_3p3w_shown_as_phases": (
        "线电压/相电压 = {ratio}: 多为三相三线表把线电压当相电压显示, 查接线方式设置",
        "U L-L / U L-N = {ratio}: a 3P3W meter may show L-L as L-N; check its wiring setting",
    ),
    "system_odd": (
        "线电压/相电压 = {ratio}, 应为 1.732: 查零线和电压接线",
        "U L-L / U L-N = {ratio}, expected 1.732: check neutral and voltage wires",
    ),
    "system_unknown": (
        "该表不给线电压或相电压, 三线四线须现场看",
        "no L-L or L-N voltages: look whether it is 3P3W or 3P4W",
    ),
    "sequence_unknown": (
        "相序: 电压有效值看不出相序, 须用相序表测量",
        "phase sequence: voltages alone cannot tell it; use a phase-sequence tester",
    ),
    "ct_reversed": (
        "{phase} 有功为 {watts} W (负): 电流互感器或二次线可能接反; 若该处确实送出电能则正常",
        "{phase} draws {watts} W (negative): its CT or secondary is reversed, unless power is really exported",
    ),
    "power_negative": (
        "总有功为 {watts} W (负): 互感器可能接反, 该表无分相有功",
        "total power is {watts} W (negative): CTs may be reversed; no power by phase",
    ),
    "polarity_right": ("互感器极性: {phases} 有功为正", "CT polarity: {phases} positive"),
    "polarity_no_load": ("互感器极性: 无负荷, 看不出", "CT polarity: no load, cannot tell"),
    "pairing_right": ("电压电流同相: 角度 {l1}/{l2}/{l3} 度", "U and I belong together: angles {l1}/{l2}/{l3} deg"),
    "pairing_exchanged": (
        "电压电流错相: {pair} 的电流互感器对调 (角度 {l1}/{l2}/{l3} 度)",
        "phases exchanged: the CTs of {pair} (angles {l1}/{l2}/{l3} deg)",
    ),
    "pairing_shifted": (
        "电压电流错开一相: 三相互感器整体移位 (角度 {l1}/{l2}/{l3} 度)",
        "all CTs are moved on by one phase (angles {l1}/{l2}/{l3} deg)",
    ),
    "pairing_unlike": (
        "三相角度相差大 ({l1}/{l2}/{l3} 度): 查极性和负荷是否平衡",
        "angles differ ({l1}/{l2}/{l3} deg): check polarity and balance",
    ),
    "pairing_unknown": (
        "电压电流是否同相: 无负荷或该表不给分相无功, 看不出",
        "U and I of one phase: cannot tell without load and reactive power by phase",
    ),
    "power_fits": ("有功 {watts} W 与 U·I·PF 相符 ({should} W)", "P {watts} W fits U·I·PF ({should} W)"),
    "power_small": (
        "有功比 U·I·PF 小 {factor} 倍 ({watts} W, 应为 {should} W): 单位或倍率错 (kW 当 W?)",
        "P is {factor} times too small for U·I·PF ({watts} W, expected {should} W): unit or ratio (kW read as W?)",
    ),
    "power_big": (
        "有功比 U·I·PF 大 {factor} 倍 ({watts} W, 应为 {should} W): 单位或倍率错",
        "P is {factor} times too big for U·I·PF ({watts} W, expected {should} W): unit or ratio",
    ),
    "power_odd": ("有功 {watts} W 与 U·I·PF {should} W 不符", "P {watts} W does not fit U·I·PF {should} W"),
    "power_unknown": (
        "有功与 U·I·PF: 无负荷或读数不全, 看不出",
        "P against U·I·PF: cannot tell (no load, or values lack)",
    ),
    "clamp_fits": (
        "{phase} 钳表 {clamp_a} A, 电表 {meter_a} A: 相符",
        "{phase} clamp {clamp_a} A, meter {meter_a} A: fits",
    ),
    "clamp_ratio_missing": (
        "{phase} 钳表 {clamp_a} A 是电表 {meter_a} A 的 {ratio} 倍: 变比 {nearest} 未设或设小",
        "{phase} clamp {clamp_a} A is {ratio} times the meter's {meter_a} A: CT ratio {nearest} not set, or too small",
    ),
    "clamp_ratio_twice": (
        "{phase} 钳表 {clamp_a} A 是电表 {meter_a} A 的 {ratio} 倍: 变比多乘了 {nearest}",
        "{phase} clamp {clamp_a} A is {ratio} times the meter's {meter_a} A: CT ratio {nearest} too big or applied twice",
    ),
    "clamp_off": (
        "{phase} 钳表 {clamp_a} A, 电表 {meter_a} A, 相差 {ratio} 倍: 查变比, 或钳错导线",
        "{phase} clamp {clamp_a} A, meter {meter_a} A, factor {ratio}: check the CT ratio, or another wire was clamped",
    ),
    "clamp_zero": ("{phase} 钳表 {clamp_a} A, 电表 {meter_a} A", "{phase} clamp {clamp_a} A, meter {meter_a} A"),
    "clamp_unreadable": (
        "{phase} 电表电流读不到, 无法与钳表比较",
        "{phase} current unreadable: no comparison with the clamp",
    ),
    "line_heard": (
        "线路上有非应答数据: 杂波 {noise}, 应答前杂字节 {junk_replies}, 另一主站 {other_masters} 次: {last_wrong}",
        "line: noise {noise}, junk before replies {junk_replies}, other master {other_masters}: {last_wrong}",
    ),
    "clamp_none": ("未用钳表核对变比: {reason}", "CT ratio not compared with a clamp meter: {reason}"),
}

CUT = {
    "zero_and_live": ("断电后功率为 0, 电压仍在", "zero after the cut, voltage still there"),
    "zero_and_dead": (
        "断电后功率为 0, 电压也为 0: 断点在电表上游, 此后电表不能证明未用电, 须有第二路证据",
        "zero after the cut, voltage gone too: the break is upstream of the meter: a second channel must prove the rest",
    ),
    "still_draws": ("断电后仍有功率: 未断开, 或断的不是这一路", "still draws: not cut, or another feeder was cut"),
    "no_load_before": ("断电前无负荷: 断电后的 0 不能证明断的是这一路", "no load before: the zero proves nothing"),
    "unreadable_before": ("断电前读数不全: 不算通过", "unreadable before the cut: not passed"),
    "unreadable_after": ("断电后读不到: 读不到不等于 0, 不算通过", "unreadable after the cut: that is no zero"),
}
RESULTS = {"passed": ("通过", "passed"), "failed": ("不通过", "failed"), "inconclusive": ("无法判定", "inconclusive")}
STATES = {
    "loaded": ("有负荷", "loaded"),
    "zero": ("为 0", "zero"),
    "not_zero": ("有时有负荷", "not always zero"),
    "unreadable": ("读不到", "unreadable"),
}

PHRASES = {
    "look": ("1 电表", "1 meter"),
    "wiring": ("2 接线检查", "2 wiring check"),
    "wiring_loaded": ("带负荷接线检查", "wiring check under load"),
    "clamp": ("3 钳表核对", "3 clamp meter"),
    "cut_off": ("4 断电试验", "4 cut-off test"),
    "papers": ("5 封条和记录", "5 seal and record"),
    "no_answer": ("电表无应答", "the meter does not answer"),
    "clamp_phase": ("钳表夹哪一相 (1/2/3, 0 = 不用钳表)? ", "clamp on which phase (1/2/3, 0 = none)? "),
    "clamp_current_a": ("钳表读数 (A)? ", "clamp reading (A)? "),
    "clamp_why_not": ("不用钳表的原因? ", "why no clamp meter? "),
    "load": ("请先带上负荷, 好了输入 y: ", "put a load on, then enter y: "),
    "cut": ("现在断电, 断开后输入 y: ", "cut the power now, then enter y: "),
    "measuring": ("测量中……", "measuring…"),
    "seal_number": ("封条号? ", "seal number? "),
    "photos": ("照片文件 (空格分开, 可空)? ", "photo files (spaces between, may be empty)? "),
    "inspector": ("检查人姓名? ", "inspector's name? "),
    "note": ("备注 (可空)? ", "note (may be empty)? "),
    "again": ("不能用, 请重填", "cannot be used, again"),
    "title": ("ColdSeal 启用记录", "ColdSeal start record"),
    "agent": ("采集器", "agent"),
    "meter": ("电表", "meter"),
    "time": ("时间 (北京)", "time (Beijing)"),
    "before": ("断电前", "before"),
    "after": ("断电后", "after"),
    "cut_at": ("断电时刻", "cut at"),
    "result": ("结果", "result"),
    "seal": ("封条号", "seal"),
    "by": ("检查人", "inspector"),
    "photo": ("照片", "photo"),
    "notes": ("备注", "note"),
    "unreadable": ("读不到", "unreadable"),
    "clock": ("时钟", "clock"),
}


def say(key: str, lang: Lang) -> str:
    """A phrase."""
    return PHRASES[key][lang == "en"]


def note(code: str, level: str, facts: dict[str, str], lang: Lang) -> str:
    """A sentence about the wiring, with its mark."""
    at = lang == "en"
    return f"{LEVELS[level][at]} {WIRING[code][at].format(**facts)}"


def width(text: str) -> int:
    """Columns that a text takes in a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def narrow(text: str, columns: int = WIDTH) -> str:
    """A text in lines that fit a phone's terminal."""
    return "\n".join(piece for line in text.split("\n") for piece in _lines(line, columns))


def _lines(line: str, columns: int) -> list[str]:
    """Breaks between Chinese characters and at spaces, and within a word only if it is longer than a line."""
    lines = [""]
    for piece in _PIECES.findall(line):
        if width(lines[-1] + piece.rstrip()) > columns and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            lines.append("  ")
            piece = piece.lstrip()  # noqa: PLW2901 - no line begins with the space at which it was broken
        while width(lines[-1] + piece.rstrip()) > columns:
            cut = columns - width(lines[-1])
            lines[-1] += piece[:cut]
            lines.append("  ")
            piece = piece[cut:]  # noqa: PLW2901 - as above
        lines[-1] += piece
    return [*lines[:-1], lines[-1].rstrip()]
