"""A profile's quality card: for each topic done, to do or exempt, and whether the file bears that out."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from wire.map_choices import Topic
from wire.quantities import Quantity
from wire.register_map import NotDone, Profile

_Q = Quantity
_PHASE_POWERS = (_Q.ACTIVE_POWER_L1_W, _Q.ACTIVE_POWER_L2_W, _Q.ACTIVE_POWER_L3_W)
_PHASE_VOLTAGES = (_Q.VOLTAGE_L1_V, _Q.VOLTAGE_L2_V, _Q.VOLTAGE_L3_V)


class Mark(NamedTuple):
    """One line of the card: `done`, `todo` or `exempt`, and why it is not done."""

    state: str
    why: str | None


def mark(answer: object) -> Mark:
    """A card's answer to a topic, as it is shown."""
    if isinstance(answer, NotDone):
        return Mark("todo", answer.todo) if answer.todo is not None else Mark("exempt", answer.exempt)
    return Mark("done", None)


def card(profile: Profile) -> dict[str, str | dict[str, str]]:
    """The card as a file and a program write it."""
    lines = {topic.value: mark(answer) for topic, answer in profile.quality.items()}
    return {topic: m.state if m.why is None else {m.state: m.why} for topic, m in lines.items()}


def card_complaints(profile: Profile, written: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Topic ('' for the whole card) and what is wrong with its answer; nothing for a file without a card.

    Args:
        profile: the profile.
        written: the keys that the file gives at its top level.
    """
    if not profile.quality:
        return
    missing = [topic.value for topic in Topic if topic not in profile.quality]
    if missing:
        yield "", f"quality: no answer to {', '.join(missing)}; say done, {{todo: why}} or {{exempt: why}}"
    for topic, answer in profile.quality.items():
        yield from (
            (topic.value, f"quality.{topic.value}: {text}") for text in _answer(profile, written, topic, answer)
        )


def _always(_: Profile) -> bool:
    return True


def _answer(profile: Profile, written: AbstractSet[str], topic: Topic, answer: object) -> Iterator[str]:
    if isinstance(answer, NotDone) and [answer.todo or "", answer.exempt or ""].count("") != 1:
        yield "expected done, {todo: why} or {exempt: why}, with a reason"
        return
    if topic not in _CHECKS:
        return  # `golden` and `tried_on_hardware` lie outside the file
    lacks, is_there = _CHECKS[topic]
    state, has = mark(answer).state, is_there(profile, written)
    if state == "done" and not has:
        yield f"says done, but {lacks}; add it, or say {{todo: why}} or {{exempt: why}}"
    if state == "done" and has and not _CONFIRMED.get(topic, _always)(profile):
        yield "says done, but all that tells it is unverified; say {todo: why}"
    if state == "exempt" and has and topic in _MEASURED:
        yield "says exempt, but the file has it; say done, or {todo: why}"


def _has(*wanted: Quantity) -> Callable[[Profile, AbstractSet[str]], bool]:
    return lambda profile, _: set(wanted) <= set(profile.quantities)


def _has_phases(of_each: tuple[Quantity, ...], kind: str) -> Callable[[Profile, AbstractSet[str]], bool]:
    """Three phases, or the first alone where the meter has only one."""

    def check(profile: Profile, _: AbstractSet[str]) -> bool:
        told = [q for q in profile.quantities if q.value.startswith(kind)]
        return set(of_each) <= set(told) or told == [of_each[0]]

    return check


def _starts_with(*beginnings: str) -> Callable[[Profile, AbstractSet[str]], bool]:
    return lambda profile, _: all(any(q.value.startswith(b) for q in profile.quantities) for b in beginnings)


_Check = tuple[str, Callable[[Profile, AbstractSet[str]], bool]]
_CHECKS: dict[Topic, _Check] = {
    Topic.POWER: ("there is no register for active_power_w", _has(_Q.ACTIVE_POWER_W)),
    Topic.PHASE_POWER: ("a phase's active power is missing", _has(*_PHASE_POWERS)),
    Topic.VOLTAGE: ("a phase's voltage is missing", _has_phases(_PHASE_VOLTAGES, "voltage_")),
    Topic.CURRENT: ("there is no register for a current", _starts_with("current_l1")),
    Topic.ENERGY: ("there is no register for import_energy_wh", _has(_Q.IMPORT_ENERGY_WH)),
    Topic.FREQUENCY: (
        "frequency_hz or frequency_resolution_hz is missing",
        lambda p, _: Quantity.FREQUENCY_HZ in p.quantities and p.frequency_resolution_hz is not None,
    ),
    Topic.POWER_FACTOR: ("there is no register for power_factor", _has(_Q.POWER_FACTOR)),
    Topic.THD: ("the THD of voltage and current is not there", _starts_with("thd_voltage", "thd_current")),
    Topic.RATIOS: ("there is no register for ct_ratio", _has(_Q.CT_RATIO)),
    Topic.IDENTITY: (
        "there is neither an identity entry nor a register for device_serial",
        lambda p, _: bool(p.identity) or Quantity.DEVICE_SERIAL in p.quantities,
    ),
    Topic.PROBE: ("there is no probe", lambda p, _: bool(p.probes)),
    Topic.SENTINELS: (
        "no register has a sentinel, nor can one be NaN",
        lambda p, _: any(r.sentinels or r.type.is_float for r in p.registers),
    ),
    Topic.LIMITS: ("registers_per_request_max is not given", lambda _, written: "registers_per_request_max" in written),
    Topic.TIMING: ("timing is not given", lambda _, written: "timing" in written),
    Topic.TWO_SOURCES: (
        "a register is unverified",
        lambda p, _: not any(r.unverified for r in p.registers),
    ),
}
_CONFIRMED: dict[Topic, Callable[[Profile], bool]] = {
    Topic.IDENTITY: lambda p: (
        any(not told.unverified for told in p.identity)
        or any(not r.unverified for r in p.registers if r.quantity is Quantity.DEVICE_SERIAL)
    ),
    Topic.PROBE: lambda p: any(not probe.unverified for probe in p.probes),
}
"""What a second or an official source tells too, at least in part."""
_MEASURED = _CHECKS.keys() - {Topic.SENTINELS, Topic.LIMITS, Topic.TIMING, Topic.TWO_SOURCES}
