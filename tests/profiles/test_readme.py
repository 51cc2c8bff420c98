"""firmware_configs/README.md explains every key of a profile, and every source that a profile names."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from wire import profile_files
from wire.profile import Probe, Profile, Register, SerialLine

FOLDER = Path(profile_files.__file__).parents[1] / "firmware_configs"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")


def _table(title: str) -> dict[str, str]:
    """First and second cell of each row of the table under a line of the page."""
    _, _, after = PAGE.partition(f"{title}\n\n")
    rows = [re.split(r"\s*\|\s*", line)[1:3] for line in after.partition("\n\n")[0].splitlines()]
    return {first.strip("`"): second for first, second in rows[2:]}


SOURCES = _table("`(2src)` behind a source means that two independent sources agree, `(1src)` that there is one.")


@pytest.mark.parametrize(
    ("title", "struct"),
    [
        ("Keys of a profile:", Profile),
        ("Keys of a register:", Register),
        ("Keys of `serial_line`:", SerialLine),
        ("Keys of `probe`:", Probe),
    ],
)
def test_every_key_is_explained(title: str, struct: type[msgspec.Struct]) -> None:
    """The table has each key of the schema and no other, and says which must be given."""
    told = _table(title)
    fields = msgspec.structs.fields(struct)
    assert sorted(told) == sorted(field.name for field in fields)
    assert {name for name, default in told.items() if default == "–"} == {f.name for f in fields if f.required}


@pytest.mark.parametrize(("title", "struct"), [("Keys of a profile:", Profile), ("Keys of `serial_line`:", SerialLine)])
def test_defaults_are_the_codes(title: str, struct: type[msgspec.Struct]) -> None:
    """A number, text or flag given as default is the schema's."""
    told = _table(title)
    for field in msgspec.structs.fields(struct):
        if isinstance(field.default, int | str):
            assert yaml.safe_load(told[field.name]) == field.default, field.name


def test_every_source_is_explained() -> None:
    """Each register and probe names a source that the page explains, and each source on the page is used."""
    used: set[str] = set()
    for name in profile_files.names():
        profile = profile_files.find(name).profile
        told = [register.source for register in profile.registers]
        for source in [*told, profile.probe.source] if profile.probe else told:
            named = set(re.findall(r"[\w-]+", source)) & SOURCES.keys()
            assert named, f"{name}: {source!r} names no source of firmware_configs/README.md"
            used |= named
        comments = (FOLDER / "meters" / f"{name}.yaml").read_text(encoding="utf-8")
        used |= {source for source in SOURCES if re.search(rf"\b{re.escape(source)}\b", comments)}
    assert used == SOURCES.keys()


def test_a_single_unofficial_source_is_unverified() -> None:
    """What one source tells is marked, so that nobody takes it for settled."""
    registers = [r for name in profile_files.names() for r in profile_files.find(name).profile.registers]
    assert [r.source for r in registers if "1src" in r.source and not r.unverified] == []
