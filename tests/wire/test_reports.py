"""Field reports on decoding: the frames that went wrong for others, and what they mean."""

from pathlib import Path

import pytest

from wire import profile_files
from wire.errors import ProfileError
from wire.profile import Profile, load
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value
from wire.registers import decode

Q = Quantity
REPORTS = Path(__file__).parent / "reports"
HEAD = "name: own\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters:\n"
ENERGY = "  - {quantity: import_energy_wh, function: 4, address: 5, type: %s, order: CDAB, source: s}\n"


def _polls(report: str) -> list[dict[tuple[int, int], int]]:
    """The words of each request and reply of a report's RTU frames."""
    polls: list[dict[tuple[int, int], int]] = []
    request = b""
    for line in (REPORTS / report / "frames.txt").read_text(encoding="utf-8").splitlines():
        data = bytes.fromhex(line[1:]) if line[:1] in "<>" else b""
        if line.startswith(">"):
            request = data
        elif line.startswith("<"):
            function, first = request[1], int.from_bytes(request[2:4], "big")
            words = [int.from_bytes(data[i : i + 2], "big") for i in range(3, 3 + data[2], 2)]
            polls.append({(function, first + i): word for i, word in enumerate(words)})
    return polls


def _shipped(name: str) -> Profile:
    return profile_files.find(name).profile


def test_small_negative_numbers_stay_negative() -> None:
    """r01: -8.63 W and its phases, and a current whose low word comes first; no 42 MW and no 65 A."""
    abb, em340 = _polls("r01-neg-s32")
    told = decode(abb, _shipped("abb_b23"))
    powers = [told[q] for q in (Q.ACTIVE_POWER_W, Q.ACTIVE_POWER_L1_W, Q.ACTIVE_POWER_L2_W, Q.ACTIVE_POWER_L3_W)]
    assert powers == pytest.approx([-8.63, -2.86, -3.27, -2.49])
    assert decode(em340, _shipped("carlo_gavazzi_em340"))[Q.CURRENT_L1_A] == pytest.approx(-1.335)


@pytest.mark.parametrize("name", ["carlo_gavazzi_em340", "carlo_gavazzi_em24_rtu", "abb_b23", "acrel_adw300"])
def test_every_signed_register_reads_minus_one(name: str) -> None:
    """r01, the kind: all ones is -1 step in every signed register without that sentinel, never 2**32 steps."""
    profile = _shipped(name)
    signed = [r for r in profile.registers if r.type.value.startswith("s") and not r.by]
    image = {(r.function, a): 0xFFFF for r in signed for a in r.span}
    assert signed
    for register in signed:
        assert decode(image, profile)[register.quantity] in (-register.scale, Unreadable(Reason.OUT_OF_RANGE))


def test_a_sentinel_takes_only_its_own_quantity() -> None:
    """r02: words for "not available" among good words and true zeros; the total is not made of the phases."""
    block, energy = _polls("r02-sentinel-in-block")
    gone = Unreadable(Reason.NOT_AVAILABLE)
    expected: dict[Quantity, Value] = {
        Q.VOLTAGE_L1_V: gone,
        Q.VOLTAGE_L2_V: 230.1,
        Q.VOLTAGE_L3_V: 228.7,
        Q.CURRENT_L1_A: 0.0,
        Q.CURRENT_L2_A: 0.25,
        Q.CURRENT_L3_A: 0.31,
        Q.CURRENT_N_A: gone,
        Q.ACTIVE_POWER_W: gone,
        Q.ACTIVE_POWER_L1_W: 0.0,
        Q.ACTIVE_POWER_L2_W: 56.12,
        Q.ACTIVE_POWER_L3_W: 70.55,
        Q.IMPORT_ENERGY_WH: gone,
    }
    told = decode(block | energy, _shipped("abb_b23"))
    assert {q: told[q] for q in expected} == {
        q: v if isinstance(v, Unreadable) else pytest.approx(v) for q, v in expected.items()
    }


def test_every_sentinel_is_not_available() -> None:
    """r02, the kind: each sentinel of each shipped profile is not_available; none passes the scale."""
    for name in profile_files.names():
        profile = _shipped(name)
        for register in profile.registers:
            for sentinel in register.sentinels:
                words = [sentinel >> 16 * i & 0xFFFF for i in range(register.type.words)]
                ordered = words if profile.order_of(register).value == "CDAB" else words[::-1]
                image = {(register.function, a): w for a, w in zip(register.span, ordered, strict=True)}
                assert decode(image, profile)[register.quantity] == Unreadable(Reason.NOT_AVAILABLE), name


def test_a_float_energy_is_exactly_what_the_register_holds() -> None:
    """r04: one step of a float at 300 MWh is 31.25 Wh; each poll is the register's own number, never a sum of steps."""
    polls = _polls("r04-f32-energy-step")
    sdm = [decode(words, _shipped("eastron_sdm630"))[Q.IMPORT_ENERGY_WH] for words in polls[:3]]
    janitza = [decode(words, _shipped("janitza_umg96"))[Q.IMPORT_ENERGY_WH] for words in polls[3:]]
    assert sdm == [300_000_000.0, 300_000_000.0, 300_000_031.25]
    assert janitza == [18_228_934.0, 18_228_936.0]


def test_both_words_of_an_energy_are_read() -> None:
    """r05: 65535, 65537 and 131073 Wh, low word first: the energy grows and does not begin again."""
    profile = load(HEAD + ENERGY % "u32", "own.yaml")
    told = [decode(words, profile)[Q.IMPORT_ENERGY_WH] for words in _polls("r05-half-word")]
    assert told == [65535.0, 65537.0, 131073.0]


def test_half_an_energy_is_refused_by_the_check() -> None:
    """r05, the kind: a map that reads one word of an energy does not load; a lost word gives no number."""
    with pytest.raises(ProfileError, match=r"own.yaml: line 6: .*one word cannot hold an energy total"):
        load(HEAD + ENERGY % "u16", "own.yaml")
    profile = load(HEAD + ENERGY % "u32", "own.yaml")
    assert decode({(4, 5): 65535}, profile)[Q.IMPORT_ENERGY_WH] == Unreadable(Reason.NOT_ASKED)
