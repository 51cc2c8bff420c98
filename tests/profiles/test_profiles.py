"""Golden register images: <model>/<case>/registers.txt decodes to <model>/<case>/expected.yaml.

A case is a folder; it needs no code. A line of registers.txt is function code, first address, then words (or bits), all
in hex; `!reason` stands for a word that was not read. What expected.yaml does not list was not asked.
"""

from pathlib import Path

import pytest
import yaml

from edge_agent.plan import plan
from wire import profile_files
from wire.profile import Factor, Part, Profile, Register, RegisterType
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


TELLING = ("active_power", "voltage_l", "current_", "import_energy", "export_energy")
PLAUSIBLE = (1e-6, 1e10)
"""Of the size of a voltage, current, power or energy that an owner could take for true."""


def _floats(profile: Profile) -> list[Register | Part | Factor]:
    numbers: list[Register | Part | Factor] = []
    for register in profile.registers:
        numbers += [register, *register.plus, *register.by]
    return [number for number in numbers if number.type is RegisterType.F32]


def _is_in_order(folder: Path) -> bool:
    """Whether a golden image is of a profile with f32 registers, and not itself one of a wrong order."""
    profile = profile_files.find(folder.parent.name).profile
    frequency = decode(_image(folder), profile).get(Quantity.FREQUENCY_HZ)
    return bool(_floats(profile)) and frequency != Unreadable(Reason.OUT_OF_RANGE)


IN_ORDER = [folder for folder in CASES if _is_in_order(folder)]


@pytest.mark.parametrize("folder", IN_ORDER, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_a_meter_set_to_the_other_word_order_tells_no_power(folder: Path) -> None:
    """With the words of each f32 swapped, no power, voltage, current or energy is 0 or could be taken for true."""
    profile = profile_files.find(folder.parent.name).profile
    fifty_hz = encode({Quantity.FREQUENCY_HZ: 50.0}, profile) if Quantity.FREQUENCY_HZ in profile.quantities else {}
    image: Words = {**fifty_hz, **_image(folder)}
    swapped = dict(image)
    for first, second in [[(n.function, address) for address in n.span] for n in _floats(profile)]:
        if first in image and second in image:
            swapped |= {first: image[second], second: image[first]}
    right, wrong = decode(image, profile), decode(swapped, profile)
    for register in profile.registers:
        told = wrong[register.quantity]
        is_asked = register.type is RegisterType.F32 and register.quantity.value.startswith(TELLING)
        if is_asked and right[register.quantity] != 0 and not isinstance(told, Unreadable):
            assert abs(told) > 0, register.quantity
            assert not PLAUSIBLE[0] <= abs(told) <= PLAUSIBLE[1], register.quantity


@pytest.mark.parametrize("name", profile_files.names())
def test_no_two_fast_requests_of_one_shape(name: str) -> None:
    """In a poll of any shipped profile a late reply to one request cannot pass for the reply to another."""
    shapes = [block.shape for block in plan(profile_files.find(name).profile).fast]
    assert len(shapes) == len(set(shapes)), shapes


@pytest.mark.parametrize("name", profile_files.names())
def test_every_profile_has_a_case(name: str) -> None:
    """No shipped profile is without a golden image."""
    assert [folder for folder in CASES if folder.parent.name == name]


def test_every_folder_is_a_case() -> None:
    """A folder without registers.txt or expected.yaml, or of an unknown meter, is a mistake and not skipped."""
    folders = {path for path in Path(__file__).parent.glob("*/*") if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(CASES)
    assert {folder.parent.name for folder in CASES} <= set(profile_files.names())
