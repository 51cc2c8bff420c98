"""The start record: what an inspector found and did at a site, signed with the agent's key.

A file of the form of envelopes (wire/envelope.py) with a type of its own, so that it can never pass for readings.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from edge_agent import commission_words as words
from edge_agent.commission_words import Lang
from edge_agent.errors import DataUnusable
from wire import envelope
from wire.clock import beijing
from wire.errors import Malformed
from wire.keys import PublicKey, Signer

VERSION = 1

Body = dict[str, object]


class Note(msgspec.Struct, frozen=True):
    """A note about the wiring, as written."""

    code: str
    level: str
    facts: dict[str, str] = {}


class Reading(msgspec.Struct, frozen=True):
    """A reading, as written: texts, or {"unreadable": reason}."""

    at: str
    state: str
    values: dict[str, str | dict[str, str]]


class Stage(msgspec.Struct, frozen=True):
    """A stage of the cut-off test, as written."""

    state: str
    readings: tuple[Reading, ...]


class CutOff(msgspec.Struct, frozen=True):
    """The cut-off test, as written."""

    result: str
    why: str
    zero_up_to_w: str
    before: Stage
    cut_at: str
    after: Stage


class MeterFacts(msgspec.Struct, frozen=True):
    """Which meter, as written."""

    id: str
    profile: str
    profile_digest: str
    line: str
    unit: int
    identity: dict[str, object]


class Photo(msgspec.Struct, frozen=True):
    """A photo, as written: the file's name and SHA-256 (hex)."""

    file: str
    sha256: str
    bytes: int


class Record(msgspec.Struct, frozen=True):
    """The BODY of a start record.

    Attributes:
        wiring: by the values of the first look, and what else was heard on the line until the end.
        wiring_loaded: by those under load, before the cut.
        result, why: of all together, as of verdict(); records written before these existed have neither.
    """

    v: int
    deployment: str
    agent: str
    software: str
    config: str
    at: str
    meter: MeterFacts
    seen: Reading
    wiring: tuple[Note, ...]
    clamp: Note
    cut_off: CutOff
    seal_number: str
    inspector: str
    photos: tuple[Photo, ...]
    note: str
    wiring_loaded: tuple[Note, ...] = ()
    result: str = ""
    why: str = ""


def verdict(notes: Iterable[Note], test: CutOff) -> tuple[str, str]:
    """The result of a commissioning and why: no zero proves anything through a meter that is wired or set wrong.

    Args:
        notes: about the wiring and the clamp meter.
        test: the cut-off test.

    Returns:
        `failed` and the first wrong note's code, else the test's result and reason.
    """
    wrong = next((note.code for note in notes if note.level == "wrong"), None)
    return (test.result, test.why) if wrong is None else ("failed", wrong)


def file_name(agent: str, wall_ms: int) -> str:
    """The record's file name, with Beijing time."""
    return f"start-record-{agent}-{beijing(wall_ms):%Y%m%dT%H%M%S}.json"


def photo(path: Path) -> Photo:
    """A photo by its name and hash.

    Raises:
        DataUnusable: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataUnusable(f"photo {path}: {error.strerror}; check the path") from error
    return Photo(path.name, hashlib.sha256(data).hexdigest(), len(data))


def sign(record: Record, kid: str, signer: Signer) -> bytes:
    """The signed file's bytes."""
    return envelope.sign(msgspec.json.encode(record), envelope.Kind.START_RECORD, kid, signer)


def verify(data: bytes, key: PublicKey) -> Record:
    """The record in a file, once the signature is found right.

    Raises:
        Malformed: no start record, or of a format that this release does not read.
        BadSignature: other bytes, or another key.
    """
    sealed = envelope.take_apart(data)
    if sealed.header.typ != envelope.Kind.START_RECORD:
        raise Malformed(f"expected a start record ({envelope.Kind.START_RECORD.value}), got {sealed.header.typ}")
    envelope.check_signature(sealed, key)
    record = envelope.parse(sealed.body, Record)
    if record.v != VERSION:
        raise Malformed(f"start record of format {record.v}: expected {VERSION}; use a newer release")
    if sealed.header.kid.partition("#")[0] != record.agent:
        raise Malformed(f"signed as {sealed.header.kid!r}, but of agent {record.agent!r}")
    return record


def text(record: Record, lang: Lang) -> str:
    """The record as people read it, in lines of a phone's width."""
    return words.narrow("\n".join(_lines(record, lang)))


def _lines(record: Record, lang: Lang) -> Iterator[str]:
    say, at = words.say, lang == "en"
    meter = record.meter
    yield say("title", lang)
    yield f"{say('agent', lang)}: {record.agent}"
    yield f"{say('time', lang)}: {_time(record.at)}"
    yield f"{say('meter', lang)}: {meter.id} {meter.profile} {meter.line} u{meter.unit}"
    yield from (f"  {name}: {value}" for name, value in meter.identity.items())
    yield from values(record.seen.values, lang)
    yield f"== {say('wiring', lang)}"
    yield from (words.note(n.code, n.level, n.facts, lang) for n in (*record.wiring, record.clamp))
    if record.wiring_loaded:
        yield f"== {say('wiring_loaded', lang)}"
        yield from (words.note(n.code, n.level, n.facts, lang) for n in record.wiring_loaded)
    yield f"== {say('cut_off', lang)}"
    yield from cut_off(record.cut_off, lang)
    yield f"== {say('papers', lang)}"
    yield f"{say('seal', lang)}: {record.seal_number}"
    yield f"{say('by', lang)}: {record.inspector}"
    yield from (f"{say('photo', lang)}: {p.file} SHA-256 {p.sha256}" for p in record.photos)
    if record.note:
        yield f"{say('notes', lang)}: {record.note}"
    notes = (*record.wiring, *record.wiring_loaded, record.clamp)
    result = record.result or verdict(notes, record.cut_off)[0]
    yield f"{say('result', lang)}: {words.RESULTS[result][at]}"
    yield from dict.fromkeys(words.note(n.code, n.level, n.facts, lang) for n in notes if n.level == "wrong")


def cut_off(test: CutOff, lang: Lang) -> Iterator[str]:
    """The cut-off test, a line each."""
    at = lang == "en"
    for name, stage in (("before", test.before), ("after", test.after)):
        if name == "after":
            yield f"{words.say('cut_at', lang)}: {_time(test.cut_at)}"
        yield f"{words.say(name, lang)}: {words.STATES[stage.state][at]}"
        for reading in stage.readings:
            power = reading.values.get("active_power_w", {"unreadable": "not_available"})
            yield f"  {reading.at[11:23]} P = {_value(power, lang)}{' W' if isinstance(power, str) else ''}"
    yield f"{words.RESULTS[test.result][at]}: {words.CUT[test.why][at]}"


def values(told: Mapping[str, str | dict[str, str]], lang: Lang) -> Iterator[str]:
    """Values, a line each."""
    for name, value in told.items():
        if not _not_asked(value):
            yield f"  {name} {_value(value, lang)}"


def _value(value: str | dict[str, str], lang: Lang) -> str:
    return value if isinstance(value, str) else f"{words.say('unreadable', lang)} ({value.get('unreadable', '?')})"


def _time(text: str) -> str:
    """Date and time of an ISO text; all times here are Beijing's."""
    return text[:19].replace("T", " ")


def _not_asked(value: str | dict[str, str]) -> bool:
    return isinstance(value, dict) and value.get("unreadable") == "not_asked"
