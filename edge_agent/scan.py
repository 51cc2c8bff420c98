"""`coldseal agent scan`: which speeds and units answer on a line, the likely ones first."""

import itertools
import shlex
from collections.abc import Callable, Iterator, Sequence

import msgspec

from edge_agent import dlt645_line
from edge_agent.dlt645_line import Found as Dlt645
from edge_agent.line import Line, SerialLine, TcpLine
from edge_agent.modbus import LineReader
from edge_agent.plan import Block
from edge_agent.probe import dlt645_document
from wire import profile_files
from wire.clock import Clock
from wire.reading import Reason, Unreadable

QUESTIONS = (Block(3, 0, 2), Block(4, 0, 2))
"""Any answer counts, an exception too; some meters know one of the two functions only and keep silent at the other."""
USUAL = ((9600, "N", 1), (9600, "E", 1), (9600, "N", 2), (2400, "E", 1), (19200, "N", 1), (19200, "E", 1))
"""Factory settings of meters.md and domain.md, the most usual first."""
OTHER_BAUDS = (4800, 115_200, 38400, 2400, 57600, 1200)
UNITS_USUAL_MAX = 32
_NOBODY = (Reason.TIMEOUT, Reason.DISCONNECTED, Reason.GATEWAY_TARGET, Reason.GATEWAY_PATH)
_UNCLEAR = (
    Reason.CHECK_SUM,
    Reason.SHORT_FRAME,
    Reason.WRONG_UNIT,
    Reason.WRONG_FUNCTION,
    Reason.WRONG_LENGTH,
    Reason.BAD_REPLY,
)


class Answer(msgspec.Struct, frozen=True):
    """A unit that answered.

    Attributes:
        line: at which setting.
        unit: its number.
        said: `data`, or the exception's reason.
    """

    line: Line
    unit: int
    said: str


class Step(msgspec.Struct, frozen=True):
    """One setting of the line, and the units to ask at it."""

    line: Line
    units: tuple[int, ...]


class Progress(msgspec.Struct, frozen=True):
    """How far a scan is.

    Attributes:
        done, of: units asked, and to be asked at most.
        left_s: time that the rest takes at most, by the time so far.
        line, unit: what is asked now.
    """

    done: int
    of: int
    left_s: float
    line: Line
    unit: int


class Scan:
    """One scan; what was found stays when it is stopped.

    Attributes:
        found: units that answered.
        unclear: settings at which something was heard that was no answer, with words.
        dlt645: a meter that answers DL/T 645 only.
        is_complete: everything was asked, or a bus was found and asked whole.
        unopened: lines that could not be opened.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        clock: Clock,
        timeout_s: float = 0.2,
        on_found: Callable[[Answer], None] = lambda _: None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """A scan that has not begun.

        Args:
            steps: as of steps().
            clock: monotonic time.
            timeout_s: wait for each unit.
            on_found: told at once of each unit.
            on_progress: told before each unit.
        """
        self.found: list[Answer] = []
        self.unclear: dict[str, str] = {}
        self.unopened: list[str] = []
        self.dlt645: Dlt645 | None = None
        self.is_complete = False
        self._steps, self._clock, self._timeout_s = steps, clock, timeout_s
        self._on_found, self._on_progress = on_found, on_progress
        self._done, self._of = 0, sum(len(step.units) for step in steps)
        self._began_ms = 0

    async def run(self) -> None:
        """Ask; ends after the first setting at which units answered, for a bus has one."""
        self._began_ms = self._clock.monotonic_ms()
        for line, steps in itertools.groupby(self._steps, key=lambda step: step.line):
            await self._ask_line(line, [unit for step in steps for unit in step.units])
            if self.found:
                break
        if not self.found and not self.unclear:
            await self._ask_dlt645()
        self.is_complete = True

    async def _ask_line(self, line: Line, units: Sequence[int]) -> None:
        reader = LineReader(line)
        try:
            for unit in units:
                self._tell(line, unit)
                answer = await self._ask(reader, unit)
                if not reader.connects:
                    self.unopened.append(str(line))
                    self._done += len(units) - units.index(unit)
                    return
                self._done += 1
                self._take(line, unit, answer, reader)
        finally:
            reader.close()

    async def _ask(self, reader: LineReader, unit: int) -> Unreadable | None:
        """None for data, else what the unit said, or why nothing."""
        answer: Unreadable | None = None
        for question in QUESTIONS:
            said = await reader.read(unit, question, self._timeout_s, late_s=0.0)
            answer = said if isinstance(said, Unreadable) else None
            if answer is None or answer.reason not in _NOBODY:
                return answer
        return answer

    def _take(self, line: Line, unit: int, answer: Unreadable | None, reader: LineReader) -> None:
        reason = None if answer is None else answer.reason
        if reason in _UNCLEAR or (reason in _NOBODY and (reader.noise or reader.other_masters)):
            self.unclear.setdefault(str(line), reader.last_wrong or "bytes that are no answer")
        if reason in _NOBODY or reason in _UNCLEAR:
            return
        found = Answer(line, unit, "data" if reason is None else reason.value)
        self.found.append(found)
        self._on_found(found)

    def _tell(self, line: Line, unit: int) -> None:
        spent_s = (self._clock.monotonic_ms() - self._began_ms) / 1000
        each_s = spent_s / self._done if self._done else self._timeout_s * len(QUESTIONS)
        self._on_progress(Progress(self._done, self._of, each_s * (self._of - self._done), line, unit))

    async def _ask_dlt645(self) -> None:
        lines = [step.line for step in self._steps]
        tried = [line for first in lines[:1] for line in dlt645_line.lines_to_try(first, given=len(set(lines)) == 1)]
        for line in dict.fromkeys(tried):
            if str(line) not in self.unopened and self.dlt645 is None:
                self.dlt645 = await dlt645_line.find(line)

    def document(self) -> dict[str, object]:
        """What `--json` prints."""
        return {
            "complete": self.is_complete,
            "asked": self._done,
            "of": self._of,
            "found": [{"line": str(a.line), "unit": a.unit, "said": a.said, **_setting(a.line)} for a in self.found],
            "unclear": [{"line": line, "heard": words} for line, words in self.unclear.items()],
            "unopened": self.unopened,
            "dlt645": None if self.dlt645 is None else dlt645_document(self.dlt645),
            "notes": list(self.notes()),
        }

    def notes(self) -> Iterator[str]:
        """What strikes the eye."""
        units = [a.unit for a in self.found]
        if len(units) >= 8 and len(units) == self._done and isinstance(self.found[0].line, TcpLine):
            yield "every unit answers: most likely one device that does not look at the unit"


def probe_command(answer: Answer) -> str:
    """The command that recognises a unit which answered, with the settings at which it did."""
    line = answer.line
    if isinstance(line, SerialLine):
        where = f"--serial {shlex.quote(line.device)} --baud {line.baud} --parity {line.parity}"
        where += f" --stopbits {line.stopbits}"
    else:
        where = f"--{'tcp' if isinstance(line, TcpLine) else 'rtu-tcp'} {line.host}:{line.port}"
    return f"coldseal agent probe {where} --unit {answer.unit}"


def _setting(line: Line) -> dict[str, object]:
    if isinstance(line, SerialLine):
        return {"baud": line.baud, "parity": line.parity, "stopbits": line.stopbits}
    return {}


def steps(
    line: Line,
    settings: Sequence[tuple[int, str, int]] = (),
    units: Sequence[int] = (),
) -> tuple[Step, ...]:
    """What to ask in which order: at each setting the factory units first.

    Args:
        line: where; of a serial line the device counts.
        settings: speeds, parities and stop bits; empty for the usual ones, the most likely first.
        units: empty for those that meters leave the factory with, then 1 to UNITS_USUAL_MAX.
    """
    asked = tuple(units) or likely_units()
    if not isinstance(line, SerialLine):
        return (Step(line, asked),)
    chosen = tuple(settings) or usual_settings()
    return tuple(Step(SerialLine(line.device, *setting, line.echo), asked) for setting in chosen)


def usual_settings() -> tuple[tuple[int, str, int], ...]:
    """Serial settings, the most likely first."""
    others = [(baud, parity, 1) for baud in OTHER_BAUDS for parity in ("N", "E")]
    return tuple(dict.fromkeys([*USUAL, *others]))


def likely_units() -> tuple[int, ...]:
    """Units, those of the factory settings first."""
    factory = [profile_files.find(name).profile.serial_line.unit for name in profile_files.names()]
    return tuple(dict.fromkeys([1, *sorted(set(factory)), *range(1, UNITS_USUAL_MAX + 1)]))


def text(scan: Scan) -> str:
    """What was found, for people."""
    lines = [f"found {a.line} unit {a.unit} ({a.said})" for a in scan.found]
    lines += [f"next: {probe_command(a)}" for a in scan.found]
    lines += [f"note: {note}" for note in scan.notes()]
    lines += [
        f"unclear: {line}: {words}; wrong speed or parity, two units of one address, or bad wiring"
        for line, words in scan.unclear.items()
    ]
    lines += [
        f"cannot be opened: {line}; check cable, address and that no other program holds it" for line in scan.unopened
    ]
    if scan.dlt645 is not None:
        lines += [f"found DL/T 645-2007 meter {scan.dlt645.address} at {scan.dlt645.line}"]
        lines += [dlt645_line.ADVICE_EN, dlt645_line.ADVICE_ZH]
    if not scan.found and scan.dlt645 is None:
        lines += ["nothing found; check power, the wires A and B (exchange them), and the meter's address and speed"]
    if not scan.is_complete:
        lines += ["stopped before the end"]
    return "\n".join(lines)
