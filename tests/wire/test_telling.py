"""What a meter tells of itself, from its words."""

import pytest

from wire import profile_files
from wire.fingerprint import Fact
from wire.profile import Identity, Kind, Probe, Profile, TextType, WordOrder
from wire.reading import Reason, Unreadable
from wire.telling import encode_told, holds, identity, read

EMPTY = Unreadable(Reason.NOT_AVAILABLE)


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("u16", [0x00CB], 203),
        ("u32", [0x1234, 0x5678], 305419896),
        ("u64", [0, 0, 1, 0], 65536),
        ("ascii", [0x4232, 0x3320], "B23"),
        ("ascii", [0x4232, 0x3300, 0x0000], "B23"),
        ("ascii", [0x2020, 0x4142], "AB"),
        ("ascii", [0x2020, 0x0000], EMPTY),
        ("ascii", [0xFFFF, 0xFFFF], EMPTY),
        ("ascii", [0x4107, 0x4142], EMPTY),
        ("ascii_low", [0x50, 0x4D, 0x43, 0x20], "PMC"),
        ("ascii_low", [0x0150, 0x004D], "PM"),
        ("hex", [0x0009, 0xABCD], "0009ABCD"),
    ],
)
def test_words_are_read(kind: str, words: list[int], expected: object) -> None:
    """Numbers, texts and digits; a text that is empty or not printable is unreadable."""
    assert read(words, TextType(kind)) == expected


def test_the_order_of_words_is_for_numbers() -> None:
    """With the low word first a number is turned round; a text and hexadecimal digits stand as they are."""
    assert read([0x5678, 0x1234], TextType.U32, WordOrder.CDAB) == 0x12345678
    assert read([0x4142, 0x4344], TextType.ASCII, WordOrder.CDAB) == "ABCD"
    assert read([0x4142, 0x4344], TextType.HEX, WordOrder.CDAB) == "41424344"


def _meter(*items: Identity) -> Profile:
    return Profile(name="own", vendor="V", model="M", kind=Kind.ELECTRICITY_METER, registers=(), identity=items)


def test_counters_are_numbers_and_the_rest_is_text() -> None:
    """A change counter can be compared; firmware 203 at a scale of 0.01 is told as 2.03."""
    counter = Identity(Fact.CHANGE_COUNT, 3, 1, TextType.U16, "s")
    firmware = Identity(Fact.FIRMWARE, 3, 2, TextType.U16, "s", scale=0.01)
    hardware = Identity(Fact.HARDWARE, 3, 3, TextType.U16, "s")
    told = identity({(3, 1): 7, (3, 2): 203, (3, 3): 4}, _meter(counter, firmware, hardware))
    assert told == {Fact.CHANGE_COUNT: 7, Fact.FIRMWARE: "2.03", Fact.HARDWARE: "4"}


@pytest.mark.parametrize("lost", [None, Unreadable(Reason.ILLEGAL_ADDRESS)])
def test_a_missing_word_leaves_no_half_text(lost: Unreadable | None) -> None:
    """A serial number with one word missing is unreadable for that word's reason."""
    image: dict[tuple[int, int], int | Unreadable] = {(3, 1): 0x4142}
    if lost:
        image[3, 2] = lost
    told = identity(image, _meter(Identity(Fact.SERIAL, 3, 1, TextType.ASCII, "s", words=2)))
    assert told == {Fact.SERIAL: lost or Unreadable(Reason.NOT_ASKED)}


@pytest.mark.parametrize(
    ("probe", "words", "expected"),
    [
        (Probe(3, 1, (331, 332), "s"), [332], True),
        (Probe(3, 1, (331, 332), "s"), [333], False),
        (Probe(3, 1, ("B23", "B24"), "s", TextType.ASCII, 2), [0x4232, 0x3420], True),
        (Probe(3, 1, ("B23", "B24"), "s", TextType.ASCII, 2), [0x4132, 0x3420], False),
        (Probe(3, 1, ("B23",), "s", TextType.ASCII, 2), [0xFFFF, 0xFFFF], False),
        (Probe(3, 1, ("B23",), "s", TextType.ASCII, 2), [0x4232], Unreadable(Reason.NOT_ASKED)),
    ],
)
def test_probes(probe: Probe, words: list[int], expected: object) -> None:
    """Any of the values, or a text that begins with one, tells the model; what was not read tells nothing."""
    assert holds({(3, 1 + i): word for i, word in enumerate(words)}, probe) == expected


@pytest.mark.parametrize("name", profile_files.names())
def test_what_a_simulated_meter_tells_of_itself_is_read(name: str) -> None:
    """Each shipped model's probes hold on its own simulated words, and all its facts can be read."""
    profile = profile_files.find(name).profile
    image = encode_told(profile, "12345678")
    assert [p for p in profile.probes if holds(image, p, profile.word_order) is not True] == []
    told = identity(image, profile)
    assert [fact for fact, value in told.items() if isinstance(value, Unreadable)] == []
    assert "12345678" in str(told.get(Fact.SERIAL, "12345678"))
