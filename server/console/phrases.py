"""What pages say in a few words: long times, whole numbers, shares, makers of meters, what a seal or a time is."""

from functools import lru_cache

from server.console import figures
from server.console.words import Words
from server.detect.finding import Coverage
from server.sentences import THIN
from server.views import SealRow
from server.views.instruments import make
from server.views.state import SealState
from server.views.today import REGISTER
from wire.clock import beijing

DAY_MS, HOUR_MS, SECOND_MS = 86_400_000, 3_600_000, 1_000


def long(words: Words, ms: int) -> str:
    """A length of time; from two days on in days and hours."""
    if ms < 2 * DAY_MS:
        return figures.lasted(words, ms)
    days, hours = ms // DAY_MS, ms % DAY_MS // HOUR_MS
    return words("days_hours", days=grouped(days), hours=hours) if hours else words("days", days=grouped(days))


def moment(at_ms: int, now_ms: int) -> str:
    """A time of day; with its date where that is another day's, and with its year where that is another year's."""
    if beijing(at_ms).year == beijing(now_ms).year:
        return figures.clock(at_ms, now_ms)
    return f"{figures.date(at_ms)} {figures.clock(at_ms)[:5]}"


def signed(words: Words, ms: int) -> str:
    """A difference of time with its sign: in ms below a second, in tenths of a second below ten."""
    size, sign = abs(ms), "\u2212" if ms < 0 else ""
    if size < SECOND_MS:
        return f"{sign}{size}{THIN}ms"
    return sign + (figures.delay(words, size) if size < 10 * SECOND_MS else long(words, size))


def grouped(number: int) -> str:
    """A whole number with its thousands grouped."""
    return f"{number:,}".replace(",", THIN)


@lru_cache(maxsize=64)
def maker(profile: str) -> str:
    """Vendor and model of a profile; its own name where it did not come with ColdSeal."""
    return " ".join(make(profile)).strip() or profile


def proved(state: Coverage, reason: str, words: Words) -> str:
    """What a time is proved to be, with its reason where that says more."""
    if state is Coverage.ON:
        return words("state.on")
    if state is Coverage.OFF:
        return words("state.off_by_register" if reason == REGISTER else "state.off")
    return words("gap_label", state=words("state.unproved"), why=words.why(reason))


def state_words(row: SealRow, words: Words) -> str:
    """A seal's state, with its reason where that says more."""
    if row.state is SealState.RESTARTED:
        return words.why(row.state_reason)
    state = words(f"state.{row.state.value}")
    if row.state in (SealState.ENDED_UNSEEN, SealState.UNPROVED):
        return words("gap_label", state=state, why=words.why(row.state_reason))
    return state


def portion(part_ms: int, whole_ms: int) -> str:
    """A share in % to two decimals, rounded down: 100 % is all of it, 0 % is none of it."""
    if whole_ms <= 0:
        return figures.NOTHING
    if part_ms in (0, whole_ms):
        return f"{100 if part_ms else 0}{THIN}%"
    hundredths = part_ms * 10_000 // whole_ms
    return f"{hundredths / 100:.2f}{THIN}%" if hundredths else f"< 0.01{THIN}%"
