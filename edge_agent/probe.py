"""`coldseal agent probe`: what one unit is, what it tells, and how sure that is."""

from collections.abc import Sequence

import msgspec

from edge_agent import dlt645_line
from edge_agent.dlt645_line import Found
from edge_agent.line import Line
from edge_agent.modbus import LineReader
from edge_agent.recognise import Candidate, Progress, Recognition, recognise
from wire.clock import Clock
from wire.fingerprint import Fingerprint
from wire.quantities import Quantity, shown
from wire.reading import Reason, Unreadable, Value

ALIKE_SCORE = "a score of 0 to 1 of what was looked at and held, no probability"


class Heard(msgspec.Struct, frozen=True):
    """What a line heard that was no answer, also when reading succeeded.

    Attributes:
        noise: frames and bytes that answered nothing.
        junk_replies: good replies with junk before them.
        other_masters: how often somebody else's request was heard.
        last_wrong: what was wrong with the newest of it, in words.
    """

    noise: int
    junk_replies: int
    other_masters: int
    last_wrong: str

    def __bool__(self) -> bool:
        """Whether there is anything to say; an echo that the settings name is nothing."""
        return bool(self.junk_replies or self.other_masters or self.last_wrong)


def heard(reader: LineReader) -> Heard:
    """What a line heard until now."""
    return Heard(reader.noise, reader.junk_replies, reader.other_masters, reader.last_wrong)


def heard_lines(on_line: Heard) -> Sequence[str]:
    """The same for people; nothing where nothing was heard."""
    counts = f"noise {on_line.noise}, junk before replies {on_line.junk_replies}, other master {on_line.other_masters}"
    return [f"  ! heard on the line: {on_line.last_wrong or 'bytes that are no answer'} ({counts})"] if on_line else []


class Probed(msgspec.Struct, frozen=True):
    """What a unit was found to be.

    Attributes:
        recognition: by Modbus.
        dlt645: the meter that answered in DL/T 645 where none answered Modbus.
        heard: what else was on the line.
    """

    recognition: Recognition
    dlt645: Found | None
    heard: Heard


async def probe(
    line: Line, number: int, clock: Clock, timeout_s: float = 0.4, progress: Progress | None = None
) -> Probed:
    """Ask one unit; in DL/T 645 only if it does not answer Modbus, and nobody else was heard to.

    Args:
        line: where it is.
        number: Modbus unit.
        clock: wall and monotonic time.
        timeout_s: longest wait for a reply.
        progress: told before each map.
    """
    reader = LineReader(line)
    try:
        recognition = await recognise(reader, line, number, clock, timeout_s, progress)
    finally:
        reader.close()
    is_silent = not recognition.answers and not reader.noise and not reader.other_masters and reader.connects > 0
    found = await ask_dlt645(line) if is_silent else None
    return Probed(recognition, found, heard(reader))


async def ask_dlt645(line: Line, *, given: bool = True) -> Found | None:
    """The first meter that answers in DL/T 645 on a line that does not speak Modbus."""
    for tried in dlt645_line.lines_to_try(line, given=given):
        if found := await dlt645_line.find(tried):
            return found
    return None


def document(probed: Probed, line: Line, number: int) -> dict[str, object]:
    """What `--json` prints."""
    best = probed.recognition.best
    result: dict[str, object] = {
        "line": str(line),
        "unit": number,
        "protocol": "modbus" if probed.recognition.answers else "dlt645" if probed.dlt645 else None,
        "profile": best.profile if best else None,
        "confidence": best.confidence if best else 0.0,
        "confidence_is": ALIKE_SCORE,
        "equally_good": list(probed.recognition.equals),
        "reasons": list(best.reasons) if best else [],
        "complaints": list(best.complaints) if best else [],
        "others": [{"profile": c.profile, "confidence": c.confidence} for c in probed.recognition.candidates[1:4]],
        "identity": identity(best.fingerprint) if best else {},
        "quantities": quantities(best.values) if best else {},
        "heard": msgspec.to_builtins(probed.heard),
    }
    if probed.dlt645 is not None:
        result["dlt645"] = dlt645_document(probed.dlt645)
        result["identity"] = {"serial": probed.dlt645.address}
    return result


def dlt645_document(found: Found) -> dict[str, object]:
    """A meter that speaks DL/T 645, as `--json` prints it."""
    return {
        "address": found.address,
        "line": str(found.line),
        "import_energy_wh": found.import_energy_wh,
        "what_to_do_en": dlt645_line.ADVICE_EN,
        "what_to_do_zh": dlt645_line.ADVICE_ZH,
    }


def identity(told: Fingerprint) -> dict[str, object]:
    """What a meter told of itself, without what it did not."""
    found: dict[str, object] = msgspec.to_builtins(told)
    return {name: value for name, value in found.items() if value not in (None, {})}


def quantities(values: dict[Quantity, Value]) -> dict[str, object]:
    """Values by name; one that was not read has its reason."""
    return {q.value: {"unreadable": v.reason.value} if isinstance(v, Unreadable) else v for q, v in values.items()}


def told(value: Value, quantity: Quantity) -> str:
    """A value as people read it."""
    return f"unreadable: {value.reason.value}" if isinstance(value, Unreadable) else shown(quantity, value)


def text(probed: Probed, line: Line, number: int) -> str:
    """The same as document() for people."""
    lines = [f"{line} unit {number}"]
    best = probed.recognition.best
    if best is not None:
        lines += _best_lines(best, probed.recognition)
    elif probed.recognition.answers:
        lines += [
            "  answers Modbus, but no map fits",
            "  do: copy firmware_configs/meters/BLUEPRINT.yaml, fill it from the manual, and use",
            "      coldseal profiles try FILE",
        ]
    elif probed.dlt645 is not None:
        lines += _dlt645_lines(probed.dlt645)
    lines += heard_lines(probed.heard)
    return "\n".join(lines)


def _best_lines(best: Candidate, recognition: Recognition) -> Sequence[str]:
    lines = [f"  {best.profile}, score {best.confidence:.2f} ({ALIKE_SCORE})"]
    if equals := recognition.equals:
        lines += [f"  UNDECIDED: {', '.join(equals)} fits as well: look at the meter's label before you choose"]
    elif others := recognition.candidates[1:2]:
        lines += [f"  second best: {others[0].profile}, score {others[0].confidence:.2f}"]
    lines += [f"  {'!' if reason in best.complaints else '+'} {reason}" for reason in best.reasons]
    lines += [f"  identity {name} = {value}" for name, value in identity(best.fingerprint).items()]
    asked = {q: v for q, v in best.values.items() if not (isinstance(v, Unreadable) and v.reason is Reason.NOT_ASKED)}
    return [*lines, *(f"  {q.value} = {told(v, q)}" for q, v in asked.items())]


def _dlt645_lines(found: Found) -> Sequence[str]:
    energy = "not told" if found.import_energy_wh is None else f"{found.import_energy_wh / 1000:.2f} kWh"
    return [
        f"  DL/T 645-2007 meter {found.address} at {found.line}, import {energy}",
        f"  {dlt645_line.ADVICE_EN}",
        f"  {dlt645_line.ADVICE_ZH}",
    ]
