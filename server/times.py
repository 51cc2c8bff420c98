"""Times that people write: ISO 8601, Beijing's where no offset is given."""

import datetime as dt
import re

from wire.clock import BEIJING
from wire.limits import WALL_MS_MAX

_OFFICE = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
"""What a spreadsheet makes of a date when it saves: 2026/3/1 8:00."""

_LOST_PLUS = re.compile(r"(?<=:\d\d) (?=\d\d:\d\d$)")
"""A '+' that a web address turned into a space."""

EXPECTED = "expected a time like 2026-03-01T08:00 (Beijing) or 2026-03-01T08:00:00+08:00"


def parse_ms(text: str) -> int:
    """Milliseconds since 1970 of a written time; a date alone is its first moment.

    Raises:
        ValueError: not a time, or not one between 1970 and 9999.
    """
    try:
        moment = _moment(text.strip())
    except ValueError:
        raise ValueError(f"{EXPECTED}, got {text[:60]!r}") from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=BEIJING)
    wall_ms = (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
    if not 0 <= wall_ms <= WALL_MS_MAX:
        raise ValueError(f"expected a time between 1970 and 9999, got {text!r}")
    return wall_ms


def _moment(text: str) -> dt.datetime:
    office = _OFFICE.fullmatch(text)
    if office is not None:
        year, month, day, hour, minute, second = (int(part or 0) for part in office.groups())
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)
    return dt.datetime.fromisoformat(_LOST_PLUS.sub("+", text))
