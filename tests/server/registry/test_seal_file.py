"""Seal files: a folder of files named for their mistake, each with the exact lines that it must lead to."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import seal_file
from server.seal_entry import MeterEntry
from server.seal_file import SealFileError, parse
from wire.errors import SurroundingsError

HERE = Path(__file__).parent
BAD = sorted(p for p in (HERE / "bad").iterdir() if p.suffix != ".expected")


@pytest.mark.parametrize("file", BAD, ids=lambda p: p.name)
def test_mistake(file: Path) -> None:
    """Every mistake of a file is told at once, one a line, with place, expectation and what was got."""
    with pytest.raises(SealFileError, match=file.name) as error:
        parse(file)

    told = [line.replace(str(file), file.name) for line in error.value.lines]
    assert told == file.with_name(f"{file.name}.expected").read_text(encoding="utf-8").splitlines()
    assert error.value.exit_code == 2


def test_yaml_and_spreadsheet_say_the_same() -> None:
    """A CSV as Excel saves it (mark at the start, CRLF, 2026/3/1 8:00, FALSE) gives what the YAML gives."""
    from_yaml = [one.entry for one in parse(HERE / "good" / "two_seals.yaml")]
    from_csv = [one.entry for one in parse(HERE / "good" / "two_seals.csv")]

    door = MeterEntry(
        agent="?", name="door", role="seal_contact", profile="waveshare_di8", ct_ratio=1.0, aux_powered=False
    )
    for yaml_entry, csv_entry in zip(from_yaml, from_csv, strict=True):
        assert csv_entry.meters == (*yaml_entry.meters, msgspec.structs.replace(door, agent=yaml_entry.meters[0].agent))
        for field in csv_entry.__struct_fields__:
            if field != "meters":
                assert getattr(csv_entry, field) == getattr(yaml_entry, field), field


def test_cells_stay_as_written(tmp_path: Path) -> None:
    """A number with leading zeros stays one: YAML's own reading would make 0043 the number 35."""
    good = (HERE / "good" / "two_seals.yaml").read_text(encoding="utf-8")
    file = tmp_path / "seals.yml"
    file.write_text(good.replace("seal: FZ-MH-2026-0043", "seal: 0043"), encoding="utf-8")

    assert parse(file)[0].entry.seal == "0043"


def test_a_seal_may_have_little(tmp_path: Path) -> None:
    """Credit code, address, yoke, shell, end, deadline, pledge, windows and meters may be missing."""
    file = tmp_path / "seals.yaml"
    file.write_text(
        "- {seal: S-1, enterprise: 甲, site: 乙, county_code: 350121, break: upstream, from: 2026-03-01, until: ~,\n"
        "   furnace: {name: 丙, kind: mains_channel, tonnes: 1, rated_kw: 300, melts_scrap: yes}}\n",
        encoding="utf-8",
    )
    entry = parse(file)[0].entry

    assert (entry.pledge, entry.until, entry.furnace.yoke) == (None, None, None)
    assert (entry.meters, entry.maintenance, entry.paper_seals) == ((), (), ())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is the environment's fault, and the message names it."""
    with pytest.raises(SurroundingsError, match=r"seals\.csv: cannot be read: No such file or directory"):
        parse(tmp_path / "seals.csv")


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    """A file beyond the bound is refused before it is read as a table."""
    file = tmp_path / "seals.csv"
    file.touch()
    os.truncate(file, seal_file.FILE_BYTES_MAX + 1)

    with pytest.raises(SealFileError, match="expected at most 10000000 bytes, got 10000001; split it"):
        parse(file)


@settings(max_examples=150, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=200),
        st.lists(st.sampled_from(["seals:", "- ", "  ", "seal", ": ", "[", "{", "}", "&a", "*a", "\n", '"', ","])).map(
            "".join
        ),
    ),
    suffix=st.sampled_from([".yaml", ".csv"]),
)
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str) -> None:
    """Whatever stands in a file, the answer is entries or lines that name the file: never a traceback."""
    file = tmp_path_factory.mktemp("any") / f"any{suffix}"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))

    try:
        assert parse(file)
    except SealFileError as error:
        assert all(line.startswith(f"{file}: ") for line in error.lines)  # noqa: PT017 - either outcome is good
