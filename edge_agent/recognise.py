"""Which model answers: by what it tells of itself, else by which map makes sense of its words. Only reads.

Never picks silently between maps that read equally well: all of them are named.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from edge_agent.config import WAKE_POWER_W, Meter
from edge_agent.line import Line
from edge_agent.meter_poll import MeterPoll, RegisterSource
from edge_agent.modbus import LineReader, ReadImage
from edge_agent.plan import Block
from edge_agent.plausibility import Verdict, judge
from edge_agent.replies import NO_CONNECTION, SILENT, SPOILT
from wire import profile_files, telling
from wire.clock import Clock
from wire.fingerprint import UNKNOWN, Fingerprint
from wire.profile import Kind, Profile
from wire.profile_files import LoadedProfile
from wire.quantities import Quantity
from wire.reading import Reading, Reason, Unreadable, Value

CHAIN = ("Carlo Gavazzi", "ABB", "Socomec", "Schneider", "Siemens", "Eastron", "Acrel", "CET", "Huawei")
"""The order of probes that needs no guess; the rest follows by name."""
EQUAL = 0.05
"""Scores that differ by less are equal."""
ENOUGH = 0.35
"""Below, no map is named."""
UNKIND_MAX = 0.4
"""Inputs look like any other inputs: without a probe, no more can be said."""
GENERIC = "generic_"
"""A map for any make: of two that fit equally well, the one with a name comes first."""
SPLITS_MAX = 8
IMPOSSIBLE = 0.3
"""What a model loses that names itself while its values break physics: then the wiring or the map is wrong."""
IMPOSSIBLE_SHARE = 0.7
"""What is left to a model that does not name itself and whose values break physics."""
_PROBE, _PROBE_UNVERIFIED = 0.85, 0.7
_CONTRADICTED, _CONTRADICTED_UNVERIFIED, _NO_PROBE = 0.4, 0.6, 0.9
_GONE = (*SILENT, *NO_CONNECTION)

Progress = Callable[[int, int, str], None]
"""Takes how many maps were looked at, how many there are, and the name of the next."""


class Candidate(msgspec.Struct, frozen=True):
    """One map, and how well it fits.

    Attributes:
        profile: its name.
        confidence: a score of 0 to 1, no probability.
        reasons: what speaks for it and against it.
        complaints: those against it.
        values: what it makes of the meter's words.
        fingerprint: what the meter tells of itself by this map.
        is_told: the meter itself named the model.
    """

    profile: str
    confidence: float
    reasons: tuple[str, ...]
    complaints: tuple[str, ...]
    values: dict[Quantity, Value]
    fingerprint: Fingerprint
    is_told: bool


class Recognition(msgspec.Struct, frozen=True):
    """What a unit is.

    Attributes:
        answers: the unit said something, if only an exception.
        candidates: the best first; none where no map fits.
    """

    answers: bool
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate | None:
        """The map that fits best, if one fits."""
        return self.candidates[0] if self.candidates else None

    @property
    def equals(self) -> tuple[str, ...]:
        """Other maps that fit as well as the best; a choice between them needs a look at the meter's label."""
        best = self.best
        if best is None or best.is_told:
            return ()
        return tuple(c.profile for c in self.candidates[1:] if best.confidence - c.confidence < EQUAL)


class _Memory:
    """A line whose answers are kept, so that maps with the same registers cost one request.

    Attributes:
        late_units: as of the line.
        heard: whether the unit said anything.
    """

    def __init__(self, reader: LineReader) -> None:
        self._reader = reader
        self._known: dict[Block, tuple[int, ...] | Unreadable] = {}
        self.late_units = reader.late_units
        self.heard = False

    async def poll(
        self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
    ) -> ReadImage:
        """As LineReader.poll, each request once."""
        del settle  # LineReader.read asks again itself where a reply went missing
        image: ReadImage = {}
        for block in blocks:
            answer = await self.read(unit, block, timeout_s, pause_s)
            words = (answer,) * block.count if isinstance(answer, Unreadable) else answer
            image.update(zip(block.words, words, strict=True))
        return image

    async def read(
        self, unit: int, block: Block, timeout_s: float, pause_s: float = 0.0
    ) -> tuple[int, ...] | Unreadable:
        """As LineReader.read; what came spoilt, or not at all from a unit that was heard, is asked once more."""
        if block not in self._known:
            answer = await self._reader.read(unit, block, timeout_s, pause_s)
            worth = SPOILT if not self.heard else (*SPOILT, Reason.TIMEOUT, Reason.BUSY)
            if isinstance(answer, Unreadable) and answer.reason in worth:
                answer = await self._reader.read(unit, block, timeout_s, pause_s)
            self.heard |= not (isinstance(answer, Unreadable) and answer.reason in (*_GONE, *SPOILT))
            self._known[block] = answer if isinstance(answer, Unreadable) else tuple(answer)
        return self._known[block]

    def close(self) -> None:
        """The line stays open: it is its owner's."""


async def recognise(
    reader: LineReader,
    line: Line,
    unit: int,
    clock: Clock,
    timeout_s: float = 0.4,
    progress: Progress | None = None,
) -> Recognition:
    """Find the model of one unit.

    Args:
        reader: of the line.
        line: where it is.
        unit: Modbus unit.
        clock: wall and monotonic time.
        timeout_s: longest wait for a reply.
        progress: told before each map.
    """
    memory = _Memory(reader)
    models = sorted((profile_files.find(name) for name in profile_files.names()), key=_chain)
    told = {m.profile.name: await _probe(memory, m.profile, unit, timeout_s) for m in models}
    named = [m for m in models if told[m.profile.name] is True]
    looked = named or models
    if not memory.heard and not await _answers(memory, looked, unit, timeout_s):
        return Recognition(answers=False, candidates=())
    found: list[Candidate] = []
    for done, model in enumerate(looked):
        if progress is not None:
            progress(done, len(looked), model.profile.name)
        meter = Meter("probe", line, unit, timeout_s, WAKE_POWER_W, model)
        if named or await _first_look(memory, model.profile, unit, timeout_s):
            found.append(await _candidate(memory, meter, clock, told[model.profile.name]))
    ranked = sorted(found, key=lambda c: (-c.confidence, c.profile.startswith(GENERIC)))
    return Recognition(answers=True, candidates=tuple(c for c in ranked if c.confidence >= ENOUGH or c.is_told))


def _chain(model: LoadedProfile) -> tuple[int, str]:
    vendor = model.profile.vendor
    at = next((i for i, name in enumerate(CHAIN) if vendor.startswith(name)), len(CHAIN))
    return at, model.profile.name


async def _probe(memory: _Memory, profile: Profile, unit: int, timeout_s: float) -> bool | None:
    """Whether all probes of a profile hold; None where there is none, or the meter does not answer it."""
    answers: list[bool | None] = []
    for probe in profile.probes:
        block = Block(probe.function, probe.span.start, len(probe.span))
        image = await memory.poll(unit, [block], block, timeout_s, profile.timing.pause_s)
        held = telling.holds(image, probe, profile.word_order)
        answers.append(None if isinstance(held, Unreadable) else held)
        if held is not True:
            break
    if not answers:
        return None
    return False if False in answers else None if None in answers else True


async def _answers(memory: _Memory, models: Sequence[LoadedProfile], unit: int, timeout_s: float) -> bool:
    """Whether the unit says anything to the most usual requests: a meter may keep silent at what it does not know."""
    usual: dict[Block, None] = {}
    for model in models:
        for block in _first_blocks(model.profile):
            usual.setdefault(block)
    for block in usual:
        await memory.read(unit, block, timeout_s)
        if memory.heard:
            return True
    return False


_FIRST = (Quantity.VOLTAGE_L1_V, Quantity.FREQUENCY_HZ, Quantity.ACTIVE_POWER_W, Quantity.WATER_FLOW_M3_H)


def _first_blocks(profile: Profile) -> Iterator[Block]:
    """Requests for the quantities that tell most, one register each."""
    registers = [r for q in _FIRST if (r := profile.register_of(q)) is not None][:2] or list(profile.registers[:1])
    for register in registers:
        start, stop = register.span.start, register.span.stop
        if profile.even_spans:
            start, stop = start // 2 * 2, (stop + 1) // 2 * 2
        yield Block(register.function, start, stop - start)


async def _first_look(memory: _Memory, profile: Profile, unit: int, timeout_s: float) -> bool:
    """Whether the meter answers at all where this map has its first quantities."""
    for block in _first_blocks(profile):
        if not isinstance(await memory.read(unit, block, timeout_s, profile.timing.pause_s), Unreadable):
            return True
    return False


async def read_whole(source: RegisterSource, meter: Meter, clock: Clock) -> Reading:
    """All that a meter tells; requests that it refuses are halved until what is left is refused by itself.

    Args:
        source: the line.
        meter: where it is, and its map.
        clock: wall and monotonic time.
    """
    poll = MeterPoll(meter)
    reading = await poll.read(source, clock, everything=True)
    for _ in range(SPLITS_MAX):
        before = sum(isinstance(value, Unreadable) for value in reading.values.values())
        if not before:
            break
        reading = await poll.read(source, clock, everything=True)
    return reading


async def _candidate(memory: _Memory, meter: Meter, clock: Clock, told: bool | None) -> Candidate:
    profile = meter.loaded.profile
    reading = await read_whole(memory, meter, clock)
    verdict = judge(reading.values, profile)
    confidence, why = _confidence(profile, verdict, told)
    return Candidate(
        profile=profile.name,
        confidence=round(confidence, 3),
        reasons=(why, *(check.words for check in verdict.checks)),
        complaints=verdict.complaints,
        values=dict(reading.values),
        fingerprint=reading.fingerprint or UNKNOWN,
        is_told=told is True,
    )


def _confidence(profile: Profile, verdict: Verdict, told: bool | None) -> tuple[float, str]:
    unverified = any(probe.unverified for probe in profile.probes)
    doubt = " (a fact with one source)" if unverified else ""
    where = ", ".join(f"{p.function}:0x{p.address:04X}" for p in profile.probes)
    score = verdict.score * (IMPOSSIBLE_SHARE if verdict.is_impossible and not told else 1)
    if told:
        own = _PROBE_UNVERIFIED if unverified else _PROBE
        return own + (1 - own) * score - (
            IMPOSSIBLE if verdict.is_impossible else 0
        ), f"the meter names the model at {where}{doubt}"
    if profile.kind is not Kind.ELECTRICITY_METER:
        score = min(score, UNKIND_MAX)
    if told is False:
        weight = _CONTRADICTED_UNVERIFIED if unverified else _CONTRADICTED
        return score * weight, f"the meter answers {where}, but not with this model's word{doubt}"
    if profile.probes:
        return score * _NO_PROBE, f"the meter does not answer {where}, where this model would name itself{doubt}"
    if profile.kind is not Kind.ELECTRICITY_METER:
        return score * _NO_PROBE, "almost any word fits this map and none names the model: only the label tells"
    return score * _NO_PROBE, "this model has no register that names it: judged by plausibility alone"
