"""Golden register images: <model>/<case>/registers.txt decodes to <model>/<case>/expected.yaml.

A case is a folder; it needs no code. A line of registers.txt is function code, first address, then words (or bits), all
in hex; `!reason` stands for a word that was not read. What expected.yaml does not list was not asked.
"""

from pathlib import Path

import pytest
import yaml

from wire import profile_files
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value
from wire.registers import decode, encode
from wire.telling import identity

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/registers.txt"))
Words = dict[tuple[int, int], int | Unreadable]


def _image(folder: Path) -> Words:
    image: Words = {}
    for line in (folder / "registers.txt").read_text(encoding="utf-8").splitlines():
        fields = line.split("#")[0].split()
        if not fields:
            continue
        function, address = int(fields[0], 16), int(fields[1], 16)
        for offset, word in enumerate(fields[2:]):
            assert (function, address + offset) not in image, f"{folder}: {line}: address given twice"
            missing = Unreadable(Reason(word[1:])) if word.startswith("!") else None
            image[function, address + offset] = missing or int(word, 16)
    return image


def _expected(folder: Path) -> dict[Quantity, Value]:
    listed = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    return {Quantity(q): Unreadable(Reason(v["unreadable"])) if isinstance(v, dict) else v for q, v in listed.items()}


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_image_decodes(folder: Path) -> None:
    """The image gives the expected primary values and reasons, to the float's precision."""
    profile = profile_files.find(folder.parent.name).profile
    expected = {q: Unreadable(Reason.NOT_ASKED) for q in profile.quantities} | _expected(folder)
    values = decode(_image(folder), profile)
    assert values.keys() == expected.keys()
    for quantity, value in expected.items():
        wanted = value if isinstance(value, Unreadable) else pytest.approx(value, rel=2e-7, abs=1e-12)
        assert values[quantity] == wanted, quantity.value


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_image_tells_who_the_meter_is(folder: Path) -> None:
    """The image gives the texts of identity.yaml; what that does not list was not asked."""
    profile = profile_files.find(folder.parent.name).profile
    file = folder / "identity.yaml"
    listed = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    assert {str(item.fact) for item in profile.identity} >= listed.keys()
    for fact, told in identity(_image(folder), profile).items():
        wanted = listed.get(fact.value, {"unreadable": Reason.NOT_ASKED})
        expected = Unreadable(Reason(wanted["unreadable"])) if isinstance(wanted, dict) else str(wanted)
        assert (told if isinstance(told, Unreadable) else str(told)) == expected, fact.value


@pytest.mark.parametrize("folder", CASES, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_simulated_meter_writes_the_image(folder: Path) -> None:
    """Encoding what was decoded gives the words of the image, for every value that could be read.

    A value that several registers make (`by`, `plus`) can be told in more than one way: it is read again instead.
    """
    profile = profile_files.find(folder.parent.name).profile
    image = _image(folder)
    values = decode(image, profile)
    written = encode(values, profile)
    again = decode(written, profile)
    readable = [r for r in profile.registers if not isinstance(values[r.quantity], Unreadable)]
    alone = [r for r in readable if not r.by and not r.plus and not r.coding]
    addresses = [(r.function, a) for r in alone for a in r.span]
    assert {at: written[at] for at in addresses} == {at: image[at] for at in addresses}
    told = {r.quantity: values[r.quantity] for r in readable}
    assert {q: again[q] for q in told} == pytest.approx(told, rel=2e-7)


@pytest.mark.parametrize("name", profile_files.names())
def test_every_profile_has_a_case(name: str) -> None:
    """No shipped profile is without a golden image."""
    assert [folder for folder in CASES if folder.parent.name == name]


def test_every_folder_is_a_case() -> None:
    """A folder without registers.txt or expected.yaml, or of an unknown meter, is a mistake and not skipped."""
    folders = {path for path in Path(__file__).parent.glob("*/*") if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(CASES)
    assert {folder.parent.name for folder in CASES} <= set(profile_files.names())
