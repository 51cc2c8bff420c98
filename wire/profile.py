"""Reads a meter's register map: YAML to a checked Profile, with every mistake told by its line and key."""

import hashlib
import re

import msgspec
import yaml

from wire import strict_yaml, yaml_lines
from wire.errors import ProfileError
from wire.keys import b64url
from wire.map_choices import (
    Coding,
    Group,
    Kind,
    PartOfWord,
    RatioAppliedBy,
    RegisterType,
    Starts,
    TextType,
    Topic,
    Use,
    WordOrder,
)
from wire.profile_checks import Complaint, complaints
from wire.register_map import (
    Answer,
    Barrier,
    Factor,
    Identity,
    NotDone,
    Part,
    Probe,
    Profile,
    Register,
    SerialLine,
    Spans,
    Timing,
)

__all__ = [
    "Barrier",
    "Coding",
    "Factor",
    "Group",
    "Identity",
    "Kind",
    "NotDone",
    "Part",
    "PartOfWord",
    "Probe",
    "Profile",
    "RatioAppliedBy",
    "Register",
    "RegisterType",
    "SerialLine",
    "Spans",
    "Starts",
    "TextType",
    "Timing",
    "Topic",
    "Use",
    "WordOrder",
    "digest",
    "load",
]

_LISTS: dict[str, type[msgspec.Struct]] = {"registers": Register, "probes": Probe, "identity": Identity}


def load(text: str, source: str) -> Profile:
    """The profile in a YAML text.

    Args:
        text: the file's content.
        source: the file's name, for messages.

    Raises:
        ProfileError: not YAML, a key that is unknown, missing or of the wrong type, or registers that contradict
            each other: one line for each mistake.
    """
    try:
        written = strict_yaml.load(text)
    except yaml.YAMLError as error:
        raise ProfileError(f"{source}: not YAML: {' '.join(str(error).split())}") from error
    numbers = _addresses(text)
    mistakes = numbers + [m for m in _structure(written) if m.place not in {n.place for n in numbers}]
    if not mistakes:
        profile = msgspec.convert(written, Profile)
        keys = written if isinstance(written, dict) else {}
        mistakes = list(complaints(profile, keys.keys()))
        if not mistakes:
            return profile
    raise ProfileError("\n".join(f"{source}: {_placed(text, mistake)}" for mistake in mistakes))


def digest(text: str) -> str:
    """SHA-256 of a profile's text, base64url: travels with each envelope, so that the map in force is known."""
    return b64url(hashlib.sha256(text.encode()).digest())


def _placed(text: str, mistake: Complaint) -> str:
    line = yaml_lines.line_of(text, mistake.place)
    return mistake.text if line is None else f"line {line}: {mistake.text}"


def _structure(written: object) -> list[Complaint]:
    """What msgspec refuses: each item of a list on its own, so that one mistake does not hide the next."""
    if not isinstance(written, dict):
        return _refused(written, Profile, "")
    mistakes: list[Complaint] = []
    rest = dict(written)
    for key, kind in _LISTS.items():
        items = written.get(key)
        if isinstance(items, list):
            rest[key] = []
            for index, item in enumerate(items):
                mistakes += _refused(item, kind, f"{key}[{index}]")
    if isinstance(written.get("quality"), dict):
        mistakes += _card(rest.pop("quality"))
    return _refused(rest, Profile, "") + mistakes


def _card(written: dict[object, object]) -> list[Complaint]:
    """Answers of the wrong shape, and answers to what is no topic."""
    mistakes = []
    for topic, answer in written.items():
        place = f"quality.{topic}"
        if topic not in set(Topic):
            mistakes.append(Complaint(place, f"{place}: no topic of the card; expected one of {', '.join(Topic)}"))
        try:
            msgspec.convert(answer, Answer)
        except msgspec.ValidationError:
            text = f"{place}: expected done, {{todo: why}} or {{exempt: why}}, got {answer!r}; correct it"
            mistakes.append(Complaint(place, text))
    return mistakes


def _refused(item: object, kind: type[msgspec.Struct], place: str) -> list[Complaint]:
    try:
        msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        what, separator, at = str(error).rpartition(" - at `$")
        at = (place + (at.rstrip("`") if separator else "")).strip(".")
        unknown = re.search(r"unknown field `(.+)`", str(error))
        line_at = f"{at}.{unknown[1]}".strip(".") if unknown else at
        return [Complaint(line_at, f"{at or 'top level'}: {what if separator else error}; correct this key")]
    return []


def _addresses(text: str) -> list[Complaint]:
    """Addresses that look like a document's numbers (report g01): 30001 and 40001 count from 1 and name a function."""
    mistakes = []
    for place, written in yaml_lines.scalars(text, "address"):
        number = re.fullmatch(r"([34])(\d{4,5})", written)
        if number and int(number[2]) > 0:
            function, address = {"3": 4, "4": 3}[number[1]], int(number[2]) - 1
            as_it_stands = f", or {int(written):#x} if that is meant" if int(written) <= 0xFFFF else ""
            mistakes.append(
                Complaint(
                    place,
                    f"{place}: {written} looks like a document's number; expected the address on the wire: "
                    f"function {function}, address {address}{as_it_stands}",
                )
            )
    return mistakes
