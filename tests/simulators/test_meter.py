"""A source behind a real profile: what the simulated meter answers to a request."""

import math
from collections.abc import Callable

import pytest

from simulators.meter import Refusal, ServedMeter
from simulators.place import SerialPlace, TcpPlace
from simulators.trace import Trace
from tests.simulators.fakes import Fixed, MakeMeter
from wire.fingerprint import Fact
from wire.profile import Profile, RatioAppliedBy, SerialLine
from wire.profile_files import find, names
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value
from wire.registers import decode
from wire.telling import holds, identity

SHIPPED = names()
WITH_SERIAL = "acrel_adw300"
RATIOS = (Quantity.CT_RATIO, Quantity.PT_RATIO)
TCP = TcpPlace("127.0.0.1", 5020)


def read_all(meter: ServedMeter, t_s: float = 0.0) -> dict[Quantity, Value]:
    """Every register of a meter and what belongs to it, read one by one and decoded."""
    image: dict[tuple[int, int], int | Unreadable] = {}
    for function, span in {spans for register in meter.profile.registers for spans in register.spans}:
        answer = meter.answer(function, span[0], len(span), t_s)
        if isinstance(answer, list):
            image |= {(function, address): word for address, word in zip(span, answer, strict=True)}
    return decode(image, meter.profile)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_quantity_arrives(name: str, everything: Callable[[Profile], Fixed]) -> None:
    """Whatever the profile can tell is read back as it was measured, to the register's resolution in primary values."""
    profile = find(name).profile
    source = everything(profile)
    is_secondary = profile.ratio_applied_by is RatioAppliedBy.AGENT
    ratios = [value for q, value in source.values(0).items() if q in RATIOS and not isinstance(value, Unreadable)]
    ratio = math.prod(ratios, start=1.0) if is_secondary else 1.0
    found = read_all(ServedMeter(profile, source, TCP))
    for quantity, value in source.values(0).items():
        register = profile.register_of(quantity)
        assert register is not None
        assert found[quantity] == pytest.approx(value, rel=1e-6, abs=ratio * abs(register.scale) / 2)


REFUSALS = {
    "function that the meter has not": ("eastron_sdm630", 1, 0, 2, 1),
    "function of another kind of device": ("generic_di", 3, 0, 1, 1),
    "write one register": ("eastron_sdm630", 6, 0, 1, 1),
    "write many registers": ("chint_dtsu666", 16, 0x0006, 1, 1),
    "diagnostics": ("acrel_adl400", 8, 0, 0, 1),
    "identification": ("acrel_adl400", 0x2B, 0, 0, 1),
    "address beyond the map": ("eastron_sdm630", 4, 0x4000, 2, 2),
    "across a wide gap": ("eastron_sdm630", 4, 0x0022, 20, 2),
    "ends in a gap": ("eastron_sdm630", 4, 0x0034, 4, 2),
    "begins in a gap": ("acrel_adl400", 3, 0x081C, 8, 2),
    "beyond the last address": ("acrel_adl400", 3, 0xFFFF, 10, 2),
    "odd start": ("eastron_sdm630", 4, 1, 2, 2),
    "odd count": ("eastron_sdm630", 4, 0, 3, 3),
    "no register": ("acrel_adl400", 3, 0x0800, 0, 3),
    "no bit": ("waveshare_di8", 2, 0, 0, 3),
    "more than the meter allows": ("chint_dtsu666", 3, 0x2006, 16, 3),
    "more than Modbus allows": ("acrel_adl400", 3, 0x0800, 126, 3),
    "more bits than Modbus allows": ("waveshare_di8", 2, 0, 2001, 3),
    "quantity comes before address": ("chint_dtsu666", 3, 0x9000, 16, 3),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str, everything: Callable[[Profile], Fixed], make_meter: MakeMeter) -> None:
    """What a real meter refuses is refused with the exception code that it would give."""
    model, function, address, count, code = REFUSALS[name]
    meter = make_meter(model, everything(find(model).profile))
    assert meter.answer(function, address, count, 0) is Refusal(code)


@pytest.mark.parametrize("name", [name for name in names() if find(name).profile.probes])
def test_a_model_is_recognised(name: str, everything: Callable[[Profile], Fixed], make_meter: MakeMeter) -> None:
    """Each probe of a profile, asked for by a request of its own, holds on a meter of that model."""
    profile = find(name).profile
    meter = make_meter(name, everything(profile))
    for probe in profile.probes:
        words = meter.answer(probe.function, probe.address, len(probe.span), 0)
        assert isinstance(words, list)
        image = {(probe.function, address): word for address, word in zip(probe.span, words, strict=True)}
        assert holds(image, probe, profile.word_order) is True


def test_the_serial_number_is_the_sources() -> None:
    """A meter that is swapped in the source tells the new number where its profile has it as a text, too."""
    profile = find(WITH_SERIAL).profile
    serial = next(item for item in profile.identity if item.fact is Fact.SERIAL)
    source = Fixed({Quantity.VOLTAGE_L1_V: 230.0})
    meter = ServedMeter(profile, source, TCP, fixed={Quantity.DEVICE_SERIAL: 11})

    def told() -> object:
        words = meter.answer(serial.function, serial.address, len(serial.span), 0)
        assert isinstance(words, list)
        image = {(serial.function, address): word for address, word in zip(serial.span, words, strict=True)}
        return identity(image, profile)[Fact.SERIAL]

    assert told() == "11"
    source.now = {Quantity.VOLTAGE_L1_V: 230.0, Quantity.DEVICE_SERIAL: 12.0}
    assert told() == "12"


def test_unread_values(make_meter: MakeMeter, unread: Unreadable) -> None:
    """A float register tells NaN; an integer without such a word is refused; neither is ever 0."""
    source = Fixed({Quantity.VOLTAGE_L1_V: unread, Quantity.FREQUENCY_HZ: 50.0})
    meter = make_meter("acrel_adl400", source)
    found = read_all(meter)
    assert found[Quantity.VOLTAGE_L1_V] == Unreadable(Reason.NOT_A_NUMBER)
    assert found[Quantity.ACTIVE_POWER_W] == Unreadable(Reason.NOT_A_NUMBER)
    assert meter.answer(3, 0x084C, 2, 0) is Refusal.ILLEGAL_ADDRESS


def test_dead_meter_answers_nothing(make_meter: MakeMeter) -> None:
    """No values at all is a meter without supply: silence, whatever is asked."""
    meter = make_meter("eastron_sdm630", Fixed({}))
    assert meter.answer(4, 0, 2, 0) is None
    assert meter.answer(1, 0, 2, 0) is None


def test_secondary_registers(make_meter: MakeMeter) -> None:
    """The DTSU666's words are secondary: what it was told in primary values divided by its ratios."""
    source = Fixed({Quantity.CURRENT_L1_A: 800.0, Quantity.CT_RATIO: 160.0, Quantity.PT_RATIO: 1.0})
    meter = make_meter("chint_dtsu666", source)
    assert meter.answer(3, 0x0006, 1, 0) == [160]
    assert meter.answer(3, 0x200C, 2, 0) == [0x459C, 0x4000]  # 5000.0: 5 A in thousandths
    assert read_all(meter)[Quantity.CURRENT_L1_A] == 800


def test_ratio_and_number_from_outside(make_meter: MakeMeter) -> None:
    """Ratio and serial number fill in where the source has none, and never replace the source's."""
    fixed = {Quantity.CT_RATIO: 40.0, Quantity.DEVICE_SERIAL: 12345678.0}
    bare, own = Fixed({Quantity.CURRENT_L1_A: 1.0}), Fixed({Quantity.CT_RATIO: 80.0})
    assert make_meter("chint_dtsu666", bare, fixed=fixed).answer(3, 6, 1, 0) == [40]
    assert make_meter("chint_dtsu666", own, fixed=fixed).answer(3, 6, 1, 0) == [80]
    assert make_meter("chint_dtsu666", bare).answer(3, 6, 1, 0) == [1]
    assert read_all(make_meter("eastron_sdm630", bare, fixed=fixed))[Quantity.DEVICE_SERIAL] == 12345678


def test_serial_number_stays(make_meter: MakeMeter) -> None:
    """Without an option the number is the same at each start and on any pseudo-terminal, and differs by unit."""

    def number(place: TcpPlace | SerialPlace, unit: int) -> Value:
        return read_all(make_meter("eastron_sdm630", Fixed({Quantity.FREQUENCY_HZ: 50.0}), unit, place=place))[
            Quantity.DEVICE_SERIAL
        ]

    line = SerialLine()
    assert number(SerialPlace("/dev/pts/1", line), 1) == number(SerialPlace("/dev/pts/2", line), 1)
    assert number(TCP, 1) == number(TCP, 1)
    assert len({number(TCP, 1), number(TCP, 2), number(TcpPlace("127.0.0.1", 5021), 1)}) == 3


@pytest.mark.parametrize(
    ("model", "shown"), [("eastron_sdm630", 50.012), ("chint_dtsu666", 50.01), ("acrel_adl400", 50.01)]
)
def test_frequency_in_the_meters_own_steps(model: str, shown: float, make_meter: MakeMeter) -> None:
    """A float register carries no finer frequency than the meter measures."""
    found = read_all(make_meter(model, Fixed({Quantity.FREQUENCY_HZ: 50.01234})))
    assert found[Quantity.FREQUENCY_HZ] == pytest.approx(shown, abs=1e-5)


def test_speed_compresses_time(make_meter: MakeMeter) -> None:
    """At speed 60 a minute of the source passes in a second of the clock."""
    trace = Trace([0, 60, 120], {Quantity.VOLTAGE_L1_V: [230.0, 231.0, 232.0]})
    meter = make_meter("eastron_sdm630", trace, speed=60.0)
    assert [read_all(meter, t)[Quantity.VOLTAGE_L1_V] for t in (0, 0.99, 1, 2, 9)] == [230, 230, 231, 232, 232]


def test_new_values_are_encoded(make_meter: MakeMeter) -> None:
    """A source that hands out another mapping is read anew; the old image is not served on."""
    source = Fixed({Quantity.VOLTAGE_L1_V: 230.0})
    meter = make_meter("eastron_sdm630", source)
    assert read_all(meter)[Quantity.VOLTAGE_L1_V] == 230
    source.now = {Quantity.VOLTAGE_L1_V: 0.0}
    assert read_all(meter)[Quantity.VOLTAGE_L1_V] == 0
