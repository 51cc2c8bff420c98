"""The words of messages, in both languages: what happened, in the few characters that a locked telephone shows."""

from server.detect.finding import Code, Severity
from server.notify.channels import Language
from server.notify.events import TECHNICAL, Kind

HAPPENED: dict[Code, tuple[str, str]] = {
    Code.RESUMED_POWER: ("恢复用电", "Resumed power"),
    Code.ENERGISED: ("重新带电", "Energised"),
    Code.ENERGY_IN_GAP: ("间断用电", "Energy in a gap"),
    Code.SEAL_OPENED: ("封条打开", "Seal opened"),
    Code.SILENT: ("未证实", "Unproved"),
}
"""What a violation is called while it goes on."""

STOPPED: dict[Code, tuple[str, str]] = {
    Code.RESUMED_POWER: ("已停止用电", "Stopped drawing"),
    Code.ENERGISED: ("不再带电", "No longer energised"),
    Code.ENERGY_IN_GAP: ("间断已结束", "Gap ended"),
    Code.SEAL_OPENED: ("封条复位", "Seal closed again"),
    Code.SILENT: ("联络恢复", "Heard again"),
}
"""What it is called when it has ended."""

PLACES: dict[Code, tuple[str, str]] = {
    Code.RESUMED_POWER: ("处恢复用电", "furnaces resumed power"),
    Code.ENERGISED: ("处重新带电", "furnaces energised"),
    Code.ENERGY_IN_GAP: ("处间断用电", "furnaces drew energy in a gap"),
    Code.SEAL_OPENED: ("处封条打开", "seals opened"),
    Code.SILENT: ("处未证实", "furnaces unproved"),
}
"""Of a group, after a number."""

SEVERITIES: dict[str, tuple[str, str]] = {
    Severity.RED.value: ("红色", "red"),
    Severity.AMBER.value: ("黄色", "amber"),
    TECHNICAL: ("技术", "technical"),
}

GOES_ON = {Severity.RED.value: "■", Severity.AMBER.value: "▨", TECHNICAL: "◇"}
ENDED = {Severity.RED.value: "□", Severity.AMBER.value: "▨", TECHNICAL: "◇"}
"""The marks of console.md §1: stopped but unseen red is an outline."""

SAID: dict[str, tuple[str, str]] = {
    "again": ("再次", "Again: "),
    "stronger": ("加重 ", "Stronger: "),
    "unacknowledged": ("{}分钟未确认", "{} min unacknowledged"),
    "already": ("已停止", "already over"),
    "from": ("{} 起（北京时间）", "since {} (Beijing time)"),
    "sure": ("该判据在一座静止的炉上预期误报 {:.2g} 次/年", "false alarms expected of this test on one idle furnace: {:.2g} a year"),
    "open": ("点此查看并确认：{}", "Open and acknowledge: {}"),
    "look": ("点此查看：{}", "Open: {}"),
    "more": ("另有 {} 处，全部见 {}", "and {} more, all at {}"),
    "counties": ("{} 个县", "{} counties"),
    "trouble": ("技术", "Technical:"),
    "mended": ("技术 已恢复", "Technical, mended:"),
}  # fmt: skip


def says(pair: tuple[str, str], language: Language) -> str:
    """One of two languages."""
    return pair[0] if language == "zh" else pair[1]


def mark(severity: str, *, ended: bool) -> str:
    """The mark that a message opens with: never colour alone."""
    return (ENDED if ended else GOES_ON)[severity]


def happened(code: str, language: Language, *, ended: bool) -> str:
    """What a violation is called."""
    return says((STOPPED if ended else HAPPENED)[Code(code)], language)


def in_a_group(code: str, kind: Kind, language: Language) -> str:
    """What a group's members have in common, after their number."""
    words = says(PLACES[Code(code)], language)
    if kind is Kind.ESCALATED:
        return f"{words}{says(('，无人确认', ', unacknowledged'), language)}"
    if kind is not Kind.ENDED:
        return words
    return f"{words}，{says(STOPPED[Code(code)], language)}" if language == "zh" else f"{words}, now over"
