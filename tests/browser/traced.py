"""Every number on a page, and where it is stored: a number that no row explains is invented.

A page's text is taken apart into numbers; each must be one that a value of a row is shown as. What a value may be shown
as is written here once, apart from the code that shows it: times of day, dates, lengths of time, powers, energies, shares.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping

from playwright.sync_api import Page
from pydantic import BaseModel
from sqlmodel import Session, SQLModel, select

THIN = "\u2009"
BEIJING = dt.timezone(dt.timedelta(hours=8))

_NUMBER = re.compile(r"(?<![\w-])[+-]?\d+(?:[.:]\d+)*(?:\u2009\d{3})*(?![\w])")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\b\d\d-\d\d(?= \d\d:\d\d)")

SHOWN = """(skipped) => {
  const texts = [];
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) { if (node.textContent.trim()) texts.push(node.textContent); return; }
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(skipped) || !node.checkVisibility()) return;
    for (const child of node.childNodes) walk(child);
    texts.push("\\n");
  };
  walk(document.body);
  return texts.join(" ");
}"""


def shown_text(
    page: Page, skipped: str = "script, style, kbd, dialog, svg, [data-clock], [data-age], [data-since]"
) -> str:
    """What a person reads on a page.

    Args:
        page: the window.
        skipped: what the browser itself writes (its clock, ages), and what is no text.
    """
    text: str = page.evaluate(SHOWN, skipped)
    return text


def numbers(text: str, known_words: Iterable[str] = ()) -> list[str]:
    """The numbers of a text, in their order, without dates and without those inside of names.

    Args:
        text: what a page says.
        known_words: names and ids that hold digits, e.g. "FZ-MH-2026-0043".
    """
    for word in sorted(known_words, key=len, reverse=True):
        text = text.replace(word, " ")
    return [found[0] for found in _NUMBER.finditer(_DATE.sub(" ", text))]


def untraced(text: str, rows: Iterable[object], now_ms: int, *, known_words: Iterable[str] = ()) -> list[str]:
    """The numbers of a text that no value of any row is shown as.

    Args:
        text: what a page says.
        rows: stored rows, and sums over them that a test made itself (plain numbers).
        now_ms: the page's time: lengths up to now come from a stored time and it.
        known_words: names and ids that hold digits.
    """
    traces = set(_traces(rows, now_ms))
    return [number for number in numbers(text, known_words) if number.lstrip("+") not in traces]


def every_row(session: Session) -> list[SQLModel]:
    """Every row of every table that pages speak of."""
    from server import tables  # noqa: PLC0415 - what there is at run time
    from server.notify import tables as alerts  # noqa: PLC0415 - the same

    kinds = [kind for module in (tables, alerts) for kind in vars(module).values()]
    mapped = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, SQLModel) and kind is not SQLModel]
    return [row for kind in mapped if hasattr(kind, "__table__") for row in session.exec(select(kind)).all()]


def words_of(rows: Iterable[SQLModel]) -> set[str]:
    """Texts of rows that hold a digit: names, ids, addresses. Numbers inside of them are names, not figures."""
    texts = {value for row in rows for value in row.model_dump().values() if isinstance(value, str)}
    return {text for text in texts if any(char.isdigit() for char in text) and len(text) < 64}


def _traces(rows: Iterable[object], now_ms: int) -> Iterator[str]:
    for row in rows:
        for name, value in _values(row):
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            yield from _of_value(name, value, now_ms)


def _values(row: object) -> Iterator[tuple[str, object]]:
    if isinstance(row, BaseModel):
        values = row.model_dump()
        yield from values.items()
        ends = {n: v for n, v in values.items() if n.endswith("_ms") and isinstance(v, int)}
        for later, at in ends.items():
            yield from ((f"{later}-{earlier}_ms", at - other) for earlier, other in ends.items() if at > other)
    elif isinstance(row, Mapping):
        yield from row.items()
    else:
        yield "", row


def _of_value(name: str, value: float, now_ms: int) -> Iterator[str]:
    yield from _plain(value)
    if name.endswith("_ms") and isinstance(value, int):
        yield from _time(value)
        yield from _length(value)
        yield from _length(now_ms - value)
    if name.endswith("_s"):
        yield from _length(round(value * 1000))
    if not name.endswith("_ms"):
        yield from _plain(value / 1000)  # W as kW, Wh as kWh
        yield from _plain(value * 1000)


def _plain(value: float) -> Iterator[str]:
    yield f"{value:.4g}"
    yield f"{value:.3g}"
    yield f"{value:.0f}"
    yield f"{value:.1f}"
    yield f"{value:,.0f}".replace(",", THIN)
    if 0 <= value < 0.001:
        yield "0.001"  # shown as "< 0.001"


def _time(at_ms: int) -> Iterator[str]:
    at = dt.datetime.fromtimestamp(at_ms / 1000, BEIJING)
    yield f"{at:%H:%M:%S}"
    yield f"{at:%H:%M}"


def _length(ms: int) -> Iterator[str]:
    if ms < 0:
        return
    seconds = ms // 1000
    yield f"{ms / 1000:.1f}"
    for part in (seconds, seconds // 60, seconds // 3600, seconds // 60 % 60, seconds // 86_400, seconds // 3600 % 24):
        yield str(part)
