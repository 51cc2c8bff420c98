"""firmware_configs/README.md explains every key of a profile, and every source that a profile names."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from wire import profile_files
from wire.profile import Barrier, Factor, Identity, Part, Probe, Profile, Register, SerialLine, Timing, Topic

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
        ("Keys of `plus`:", Part),
        ("Keys of `by`:", Factor),
        ("Keys of `timing`:", Timing),
        ("Keys of `barriers`:", Barrier),
        ("Keys of `probes`:", Probe),
        ("Keys of `identity`:", Identity),
    ],
)
def test_every_key_is_explained(title: str, struct: type[msgspec.Struct]) -> None:
    """The table has each key of the schema and no other, and says which must be given."""
    told = _table(title)
    fields = msgspec.structs.fields(struct)
    assert sorted(told) == sorted(field.name for field in fields)
    assert {name for name, default in told.items() if default == "–"} == {f.name for f in fields if f.required}


@pytest.mark.parametrize(
    ("title", "struct"),
    [
        ("Keys of a profile:", Profile),
        ("Keys of `serial_line`:", SerialLine),
        ("Keys of `timing`:", Timing),
        ("Keys of `by`:", Factor),
        ("Keys of `probes`:", Probe),
    ],
)
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
        sources = [register.source for register in profile.registers]
        sources += [part.source for register in profile.registers for part in register.plus]
        sources += [factor.source for register in profile.registers for factor in register.by]
        sources += [probe.source for probe in profile.probes] + [item.source for item in profile.identity]
        for source in sources:
            named = set(re.findall(r"[\w-]+", source)) & SOURCES.keys()
            assert named, f"{name}: {source!r} names no source of firmware_configs/README.md"
            used |= named
        comments = (FOLDER / "meters" / f"{name}.yaml").read_text(encoding="utf-8")
        used |= {source for source in SOURCES if re.search(rf"\b{re.escape(source)}\b", comments)}
    assert used == SOURCES.keys()


def test_a_single_unofficial_source_is_unverified() -> None:
    """What one source tells is marked, so that nobody takes it for settled."""
    profiles = [profile_files.find(name).profile for name in profile_files.names()]
    told = [(r.source, r.unverified) for p in profiles for r in p.registers]
    told += [(probe.source, probe.unverified) for p in profiles for probe in p.probes]
    told += [(item.source, item.unverified) for p in profiles for item in p.identity]
    assert [source for source, is_unverified in told if "1src" in source and not is_unverified] == []


def test_every_topic_of_the_card_is_named() -> None:
    """The page names the topics of the quality card."""
    _, _, after = PAGE.partition("### Quality card")
    assert [topic.value for topic in Topic if f"`{topic.value}`" not in after.partition("###")[0]] == []
