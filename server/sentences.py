"""What happened in one sentence: who, what, when, how much, how sure. Chinese and English from the same numbers."""

import msgspec

from server.detect.finding import Code, Finding
from wire.clock import beijing

THIN = "\u2009"


class Subject(msgspec.Struct, frozen=True):
    """Whose furnace.

    Attributes:
        seal_id: the seal's number.
        name: enterprise and furnace, as people call it.
        allowed_w: what the pledge allows.
        agent: the agent that watches it.
    """

    seal_id: str
    name: str
    allowed_w: float
    agent: str


def sentence(subject: Subject, finding: Finding) -> tuple[str, str]:
    """The sentence in Chinese and in English."""
    at = f"{beijing(finding.first_ms):%H:%M:%S}"
    zh, en = _WORDS[finding.code](subject, finding)
    return f"{subject.name} {at} {zh}", f"{subject.name} {at} {en}"


def kilowatts(watts: float) -> str:
    """W as kW with a sensible number of digits."""
    return f"{watts / 1000:.0f}{THIN}kW" if abs(watts) >= 10_000 else f"{watts / 1000:.3g}{THIN}kW"


def kilowatt_hours(watt_hours: float) -> str:
    """Wh as kWh with a sensible number of digits."""
    return f"{watt_hours / 1000:.0f}{THIN}kWh" if abs(watt_hours) >= 10_000 else f"{watt_hours / 1000:.3g}{THIN}kWh"


def span(ms: int) -> tuple[str, str]:
    """A duration in Chinese and English."""
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds}{THIN}秒", f"{seconds}{THIN}s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes}{THIN}分钟", f"{minutes}{THIN}min"
    return f"{minutes // 60}{THIN}小时 {minutes % 60}{THIN}分钟", f"{minutes // 60}{THIN}h {minutes % 60}{THIN}min"


def _resumed(subject: Subject, finding: Finding) -> tuple[str, str]:
    power, allowed = kilowatts(finding.peak), kilowatts(subject.allowed_w)
    for_zh, for_en = span(finding.last_ms - finding.first_ms)
    energy = "" if finding.energy_wh is None else kilowatt_hours(finding.energy_wh)
    drawn_zh, drawn_en = (f"，电表寄存器走 {energy}", f", {energy} by the register") if energy else ("", "")
    state_zh, state_en = ("已持续", "for") if finding.ended_ms is None else ("已停止，历时", "ended after")
    return (
        f"恢复用电：最高 {power}（承诺上限 {allowed}），{state_zh} {for_zh}{drawn_zh}。",
        f"resumed power: up to {power} (pledge allows {allowed}), {state_en} {for_en}{drawn_en}.",
    )


def _energised(subject: Subject, finding: Finding) -> tuple[str, str]:
    if finding.note == "voltage":
        return (
            f"断点下游重新带电：{finding.peak:.0f}{THIN}V（判定线 {finding.threshold:.0f}{THIN}V）。",
            f"voltage back behind the break: {finding.peak:.0f}{THIN}V (test line {finding.threshold:.0f}{THIN}V).",
        )
    power, allowed = kilowatts(finding.peak), kilowatts(subject.allowed_w)
    zh = (
        f"持续超出承诺的小负荷：最高 {power}（承诺上限 {allowed}），"
        f"累积统计量 {finding.statistic:.1f}（限 {finding.threshold:.1f}）。"
    )
    en = (
        f"a lasting small draw above the pledge: up to {power} (allowed {allowed}), "
        f"cumulative statistic {finding.statistic:.1f} (limit {finding.threshold:.1f})."
    )
    return zh, en


def _gap(_subject: Subject, finding: Finding) -> tuple[str, str]:
    energy, bound = kilowatt_hours(finding.statistic), kilowatt_hours(finding.threshold)
    zh, en = span(finding.last_ms - finding.first_ms)
    return (
        f"起的间断 {zh} 内用电：电表寄存器走 {energy}，承诺与误差最多解释 {bound}。",
        f"energy in a gap of {en}: the register advanced {energy}, the pledge and its errors explain at most {bound}.",
    )


def _opened(_subject: Subject, finding: Finding) -> tuple[str, str]:
    zh, en = span(finding.last_ms - finding.first_ms)
    state_zh, state_en = ("仍开", "still open") if finding.ended_ms is None else ("已复位", "closed again")
    return f"封条打开：触点断开 {zh}，{state_zh}。", f"seal opened: contact open for {en}, {state_en}."


def _silent(subject: Subject, finding: Finding) -> tuple[str, str]:
    limit_zh, limit_en = span(int(finding.threshold * 1000))
    return (
        f"起未证实：采集端 {subject.agent} 失联超过 {limit_zh}；没有数据不等于断电。",
        f"unproved from here: agent {subject.agent} silent for more than {limit_en}; silence never counts as off.",
    )


_WORDS = {
    Code.RESUMED_POWER: _resumed,
    Code.ENERGISED: _energised,
    Code.ENERGY_IN_GAP: _gap,
    Code.SEAL_OPENED: _opened,
    Code.SILENT: _silent,
}
