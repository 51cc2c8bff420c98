"""Numbers and times as people read them: unit behind a thin space, Beijing time, age beside a live value."""

import re
from typing import Literal

from markupsafe import Markup, escape

from server.console.words import Words
from server.sentences import THIN, span
from wire.clock import beijing

NOTHING = "—"

_HEAD = re.compile(r"\d\d:\d\d:\d\d [^：:，,（(]+")
_NUMBER = re.compile(rf"\d[\d.]*{THIN}(?:kWh|kW|V|秒|分钟|小时|min|s|h)")


def power(watts: float | None) -> str:
    """W as kW."""
    return NOTHING if watts is None else measured(watts, "W")


def measured(value: float, unit: str) -> str:
    """A number of four digits in its unit, thousands grouped; W as kW, Wh as kWh from one on."""
    if unit == "W" or (unit == "Wh" and (abs(value) >= 1000 or value == 0)):
        value, unit = value / 1000, f"k{unit}"
    text = f"{value:,.0f}".replace(",", THIN) if abs(value) >= 1000 else f"{value:.4g}"
    return f"{text}{THIN}{unit}" if unit else text


def lasted(words: Words, ms: int) -> str:
    """A length of time."""
    return span(ms)[0 if words.language == "zh" else 1]


def briefly(ms: int) -> str:
    """A length of time in little room, the same in both languages."""
    minutes = max(0, ms) // 60_000
    if minutes < 1:
        return f"{max(0, ms) // 1000}{THIN}s"
    if minutes < 60:
        return f"{minutes}{THIN}min"
    if minutes < 48 * 60:
        return f"{minutes // 60}{THIN}h" + (f" {minutes % 60}{THIN}min" if minutes % 60 else "")
    return f"{minutes // 1440}{THIN}d" + (f" {minutes % 1440 // 60}{THIN}h" if minutes % 1440 >= 60 else "")


def delay(words: Words, ms: int) -> str:
    """A short length of time, to a tenth of a second."""
    return f"{ms / 1000:.1f}{THIN}{'秒' if words.language == 'zh' else 's'}" if ms < 60_000 else lasted(words, ms)


def clock(at_ms: int, now_ms: int | None = None) -> str:
    """The time of day; with its date where that is not today's."""
    at = beijing(at_ms)
    other_day = now_ms is not None and beijing(now_ms).date() != at.date()
    return f"{at:%m-%d %H:%M:%S}" if other_day else f"{at:%H:%M:%S}"


def date(at_ms: int | None) -> str:
    """The day in Beijing."""
    return NOTHING if at_ms is None else f"{beijing(at_ms):%Y-%m-%d}"


def share(part_ms: int, whole_ms: int) -> str:
    """A share in %, rounded down: 100 % is all of it and nothing less."""
    if whole_ms <= 0:
        return NOTHING
    tenths = part_ms * 1000 // whole_ms
    text = f"{tenths // 10}" if tenths in (0, 1000) and part_ms in (0, whole_ms) else f"{tenths / 10:.1f}"
    return f"{text}{THIN}%"


def rarely(per_year: float) -> str:
    """An expected number of false alarms a year."""
    return "< 0.001" if per_year < 0.001 else f"{per_year:.3g}"


def split(text: str) -> tuple[str, str]:
    """A number and its unit, to be set in two sizes."""
    number, thin, unit = text.rpartition(THIN)
    return (number, unit) if thin and not unit.isdigit() else (text, "")


def tail(sentence: str, name: str) -> str:
    """A sentence without the name that stands above it."""
    return sentence.removeprefix(f"{name} ")


def emphasised(sentence: str, name: str, colour: Literal["red", "amber"]) -> Markup:
    """A violation's sentence with time and event in its colour and the numbers in bold."""
    rest = tail(sentence, name)
    head = _HEAD.match(rest)
    event = head[0] if head else ""
    numbers = _NUMBER.sub(lambda found: f"<b>{found[0]}</b>", str(escape(rest[len(event) :])))
    subject = sentence[: len(sentence) - len(rest)]
    return Markup("{}<em class='{}'>{}</em>{}").format(subject, colour, event, Markup(numbers))  # noqa: S704 - escaped above
