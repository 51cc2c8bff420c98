import hashlib
import re
from pathlib import Path

import pytest

from wire.errors import ProfileError
from wire.keys import b64url
from wire.profile import Register, RegisterType, WordOrder, digest, load
from wire.quantities import Quantity

BAD = sorted((Path(__file__).parent / "bad_profiles").glob("*.yaml"), key=lambda p: p.stem)

GOOD = """
name: test_meter
vendor: Test
model: Meter
kind: electricity_meter
word_order: CDAB
registers:
  - {quantity: frequency_hz, function: 4, address: 0x10, type: u16, scale: 0.01, order: ABCD, source: manual p. 3}
  - {quantity: active_power_w, function: 3, address: 0x10, type: s32, source: manual p. 4}
"""


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_mistake_is_named(path: Path) -> None:
    """Each fixture is refused with the message in its first line: file, key, what was expected, what to do."""
    text = path.read_text()
    expected = text.splitlines()[0].removeprefix("# expected: ")
    with pytest.raises(ProfileError, match=f"^{re.escape(expected)}$"):
        load(text, path.name)


def test_registers_of_different_functions_may_share_an_address() -> None:
    """Input and holding registers are two memories."""
    assert load(GOOD, "good.yaml").quantities == (Quantity.FREQUENCY_HZ, Quantity.ACTIVE_POWER_W)


def test_order_of_a_register() -> None:
    """A register's own word order comes before the profile's."""
    profile = load(GOOD, "good.yaml")
    assert [profile.order_of(r) for r in profile.registers] == [WordOrder.ABCD, WordOrder.CDAB]


def test_register_of_a_quantity() -> None:
    """A register is found by its quantity; a quantity that the meter lacks has none."""
    profile = load(GOOD, "good.yaml")
    assert profile.register_of(Quantity.ACTIVE_POWER_W) == profile.registers[1]
    assert profile.register_of(Quantity.POWER_FACTOR) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [("bit", 1), ("u16", 1), ("s16", 1), ("u32", 2), ("s32", 2), ("f32", 2), ("u64", 4), ("s64", 4), ("f64", 4)],
)
def test_span(kind: str, words: int) -> None:
    """A register takes as many addresses as its type has words."""
    register = Register(Quantity.CONTACT_COUNT, 3, 0x20, RegisterType(kind), "manual")
    assert register.span == range(0x20, 0x20 + words)


def test_every_type_has_a_span() -> None:
    """The table above leaves no type out."""
    assert {t.words for t in RegisterType} == {1, 2, 4}


def test_digest_changes_with_a_comment() -> None:
    """The digest is SHA-256 of the text, so that every edit of a map shows."""
    assert digest(GOOD) == b64url(hashlib.sha256(GOOD.encode()).digest())
    assert digest(GOOD + "# edited") != digest(GOOD)
