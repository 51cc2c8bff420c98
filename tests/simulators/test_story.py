"""Stories: one seed, one recording."""

from pathlib import Path

import pytest

from simulators.furnace_class import FurnaceClass
from simulators.sealed import seal_contact
from simulators.story import one_heat, quiet
from simulators.trace import Trace
from simulators.trace_file import load, save
from wire.quantities import Quantity


@pytest.mark.parametrize("kind", FurnaceClass)
def test_same_seed_same_bytes(kind: FurnaceClass, tmp_path: Path) -> None:
    """A seed gives the same file byte for byte, another seed another."""
    files = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        save(one_heat(kind, 0.5, 30, seed, after_s=30), tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_story_survives_its_file(tmp_path: Path) -> None:
    """Written and read again, a story serves the same values."""
    story = quiet(120, 3)
    save(story, tmp_path / "quiet.csv")
    again = load(tmp_path / "quiet.csv")
    assert [again.values(t) for t in range(120)] == [story.values(t) for t in range(120)]


def test_ct_ratio_fits_or_is_given() -> None:
    """Without a ratio the story takes a standard transformer that carries the furnace; a given ratio stands."""
    fitting = one_heat(FurnaceClass.MF_CORELESS, 0.5, 10, 1).values(0)
    given = one_heat(FurnaceClass.MF_CORELESS, 0.5, 10, 1, ct_ratio=200).values(0)
    assert fitting[Quantity.CT_RATIO] == 160  # 800/5 for 350 kW
    assert given[Quantity.CT_RATIO] == 200


SEALS: dict[str, tuple[Trace, dict[float, tuple[int, int]]]] = {
    "stays closed": (seal_contact(), {0: (0, 0), 1e6: (0, 0)}),
    "opened": (seal_contact(60), {0: (0, 0), 59.9: (0, 0), 60: (1, 1), 1e6: (1, 1)}),
    "opened and closed again": (seal_contact(60, 62), {59: (0, 0), 61: (1, 1), 62: (0, 1)}),
    "open from the start": (seal_contact(0), {0: (1, 1)}),
}


@pytest.mark.parametrize("name", SEALS)
def test_seal_contact(name: str) -> None:
    """A seal's contact opens when it is told to, and its counter remembers an opening that was undone."""
    trace, expected = SEALS[name]
    for t_s, (state, count) in expected.items():
        assert trace.values(t_s)[Quantity.CONTACT_OPEN] == state
        assert trace.values(t_s)[Quantity.CONTACT_COUNT] == count
