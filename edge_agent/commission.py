"""Commissioning as an object with steps; who asks the questions, a terminal, a file or a page, is given to it."""

import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from edge_agent import commission_words as words
from edge_agent import cut_off, identity, probe, start_record, wiring
from edge_agent.commission_words import Lang
from edge_agent.config import Meter, Settings
from edge_agent.errors import CheckFailed
from edge_agent.meter_poll import MeterPoll
from edge_agent.modbus import LineReader
from edge_agent.recognise import read_whole
from edge_agent.start_record import Photo, Record
from wire.clock import Clock, iso
from wire.fingerprint import UNKNOWN
from wire.keys import PrivateKey
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable
from wire.release import RELEASE

CUT_WAIT_S = 60.0
TEXT_CHARS_MAX = 200
PHOTOS_MAX = 30
_NO_POWER = Unreadable(Reason.NOT_AVAILABLE)
_YES = ("y", "yes", "是")


class Talk(Protocol):
    """Who asks the inspector and shows what is found."""

    def say(self, text: str) -> None:
        """Show a text."""
        ...

    async def ask(self, key: str) -> str:
        """The answer to a question of commission_words.PHRASES."""
        ...

    def refuse(self, key: str, answer: str) -> None:
        """An answer that cannot be used; returns if the question is to be asked again."""
        ...


class Commissioning:
    """One meter's commissioning.

    Attributes:
        steps: what is done in which order; each takes what the ones before found.
    """

    def __init__(  # noqa: PLR0913 - what a commissioning needs
        self,
        settings: Settings,
        meter: Meter,
        line: LineReader,
        talk: Talk,
        clock: Clock,
        key: PrivateKey,
        *,
        lang: Lang = "zh",
        cut_wait_s: float = CUT_WAIT_S,
        period_s: float = 1.0,
    ) -> None:
        """A commissioning that has not begun.

        Args:
            settings: the agent's.
            meter: of these settings.
            line: the meter's.
            talk: who asks and shows.
            clock: wall and monotonic time.
            key: the agent's, which signs.
            lang: of what is said.
            cut_wait_s: how long to wait for zero after the cut.
            period_s: between two readings.
        """
        self._settings, self._meter, self._line, self._talk = settings, meter, line, talk
        self._clock, self._key, self._lang = clock, key, lang
        self._cut_wait_s, self._period_s = cut_wait_s, period_s
        self._poll = MeterPoll(meter)
        self._seen: Reading | None = None
        self._notes: tuple[wiring.Note, ...] = ()
        self._loaded_notes: tuple[wiring.Note, ...] = ()
        self._line_notes: tuple[wiring.Note, ...] = ()
        self._clamp: wiring.Note | None = None
        self._test: cut_off.CutOff | None = None
        self._papers: dict[str, str] = {}
        self._photos: tuple[Photo, ...] = ()
        self.steps = (self.look, self.check_wiring, self.compare_clamp, self.cut, self.take_papers)

    async def run(self) -> bytes:
        """All steps; the signed record's bytes.

        Raises:
            CheckFailed: the meter does not answer at the start.
        """
        for step in self.steps:
            await step()
        return self.sign()

    async def look(self) -> None:
        """Read everything and show it."""
        self._head("look")
        self._seen = await read_whole(self._line, self._meter, self._clock)
        if self._seen.state is not State.OK:
            raise CheckFailed(
                f"meter {self._meter.id}: {self._meter.line} unit {self._meter.unit}: no answer; "
                "check it with: coldseal agent probe"
            )
        lines = [f"{self._meter.loaded.profile.name} u{self._meter.unit}"]
        lines += [f"{name}: {value}" for name, value in probe.identity(self._seen.fingerprint or UNKNOWN).items()]
        shown = msgspec.convert(cut_off.reading_document(self._seen), start_record.Reading)
        self._say("\n".join([*lines, *start_record.values(shown.values, self._lang)]))

    async def check_wiring(self) -> None:
        """Judge the wiring by what was read."""
        self._head("wiring")
        self._notes = wiring.check(self._read().values)
        for note in self._notes:
            self._tell(note)

    async def compare_clamp(self) -> None:
        """Compare a current with a clamp meter's, read at the same moment."""
        self._head("clamp")
        phase = int(await self._answer("clamp_phase", lambda text: text in ("0", "1", "2", "3")))
        if phase == 0:
            reason = await self._answer("clamp_why_not", _is_text)
            self._clamp = wiring.Note("clamp_none", wiring.UNKNOWN, {"reason": reason})
        else:
            ampere = float(await self._answer("clamp_current_a", _is_ampere))
            self._clamp = wiring.clamp((await self._reading()).values, phase, ampere)
        self._tell(self._clamp)

    async def cut(self) -> None:
        """The cut-off test: load, at which the wiring is judged again, cut, zero."""
        self._head("cut_off")
        zero = cut_off.zero_w(self._meter.loaded.profile, self._read())
        await self._answer("load", _is_yes)
        self._say(words.say("measuring", self._lang))
        first = await cut_off.before(self._shown_reading, self._clock, zero, self._period_s)
        self._head("wiring_loaded")
        self._loaded_notes = wiring.check_load([reading.values for reading in first.readings])
        for note in self._loaded_notes:
            self._tell(note)
        await self._answer("cut", _is_yes)
        cut_ms = self._clock.wall_ms()
        self._say(words.say("measuring", self._lang))
        last = await cut_off.after(self._shown_reading, self._clock, zero, self._cut_wait_s, self._period_s)
        self._test = cut_off.judge(first, last, cut_ms, zero)
        if heard := probe.heard(self._line):
            facts = {name: str(value) for name, value in msgspec.to_builtins(heard).items()}
            self._line_notes = (wiring.Note("line_heard", wiring.UNKNOWN, facts),)
            self._tell(self._line_notes[0])
        shown = msgspec.convert(cut_off.document(self._test), start_record.CutOff)
        self._say("\n".join(start_record.cut_off(shown, self._lang)))

    async def take_papers(self) -> None:
        """Seal number, photos, the inspector's name."""
        self._head("papers")
        self._papers["seal_number"] = await self._answer("seal_number", _is_text)
        named = await self._answer("photos", _are_files)
        self._photos = tuple(start_record.photo(Path(name)) for name in shlex.split(named))
        self._papers["inspector"] = await self._answer("inspector", _is_text)
        self._papers["note"] = await self._answer("note", lambda text: not text or _is_text(text))

    def sign(self) -> bytes:
        """The signed record of what the steps found."""
        if self._clamp is None or self._test is None or not self._papers:
            raise AssertionError("a step was left out: nothing to sign")
        seen, meter = self._read(), self._meter
        result, why = self._verdict(self._test)
        record = Record(
            v=start_record.VERSION,
            deployment=self._settings.deployment,
            agent=self._settings.agent,
            software=RELEASE,
            config=self._settings.digest,
            at=iso(self._clock.wall_ms()),
            meter=start_record.MeterFacts(
                id=meter.id,
                profile=meter.loaded.profile.name,
                profile_digest=meter.loaded.digest,
                line=str(meter.line),
                unit=meter.unit,
                identity=probe.identity(seen.fingerprint or UNKNOWN),
            ),
            seen=msgspec.convert(cut_off.reading_document(seen), start_record.Reading),
            wiring=_written((*self._notes, *self._line_notes)),
            clamp=_written((self._clamp,))[0],
            cut_off=msgspec.convert(cut_off.document(self._test), start_record.CutOff),
            seal_number=self._papers["seal_number"],
            inspector=self._papers["inspector"],
            photos=self._photos,
            note=self._papers["note"],
            wiring_loaded=_written(self._loaded_notes),
            result=result,
            why=why,
        )
        return start_record.sign(record, identity.kid(self._settings.agent), self._key)

    @property
    def result(self) -> str:
        """The result of all together, once the cut-off test is done."""
        return "" if self._test is None else self._verdict(self._test)[0]

    def _verdict(self, test: cut_off.CutOff) -> tuple[str, str]:
        clamp = () if self._clamp is None else (self._clamp,)
        notes = _written((*self._notes, *self._loaded_notes, *clamp))
        return start_record.verdict(notes, msgspec.convert(cut_off.document(test), start_record.CutOff))

    async def _reading(self) -> Reading:
        """One poll; the ratios that turn its values into primary ones are asked with it."""
        return await self._poll.read(self._line, self._clock, everything=True)

    async def _shown_reading(self) -> Reading:
        """One poll, and its power shown as it comes."""
        reading = await self._reading()
        power = probe.told(reading.values.get(Quantity.ACTIVE_POWER_W, _NO_POWER), Quantity.ACTIVE_POWER_W)
        self._say(f"{iso(reading.wall_ms)[11:19]} P {power}")
        return reading

    def _read(self) -> Reading:
        if self._seen is None:
            raise AssertionError("look() comes first")
        return self._seen

    async def _answer(self, key: str, is_usable: Callable[[str], bool]) -> str:
        while True:
            answer = (await self._talk.ask(key)).strip()
            if is_usable(answer):
                return answer
            self._talk.refuse(key, answer)

    def _head(self, key: str) -> None:
        self._say(f"== {words.say(key, self._lang)}")

    def _tell(self, note: wiring.Note) -> None:
        self._say(words.note(note.code, note.level, note.facts, self._lang))

    def _say(self, text: str) -> None:
        self._talk.say(words.narrow(text))


def _written(notes: Iterable[wiring.Note]) -> tuple[start_record.Note, ...]:
    return tuple(start_record.Note(n.code, n.level, n.facts) for n in notes)


def _is_text(text: str) -> bool:
    return 0 < len(text) <= TEXT_CHARS_MAX and text.isprintable()


def _is_yes(text: str) -> bool:
    return text.lower() in _YES


def _is_ampere(text: str) -> bool:
    return re.fullmatch(r"\d{1,6}(\.\d{1,4})?", text, re.ASCII) is not None


def _are_files(text: str) -> bool:
    try:
        names = shlex.split(text)
    except ValueError:  # a quotation mark without its partner
        return False
    return len(names) <= PHOTOS_MAX and all(Path(name).is_file() for name in names)
