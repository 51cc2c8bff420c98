"""Which model answers."""

import pytest

from edge_agent.line import RtuTcpLine, SerialLine, TcpLine
from edge_agent.modbus import LineReader
from edge_agent.probe import document, probe, text
from edge_agent.recognise import UNKIND_MAX, Recognition, recognise
from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.meter import ServedMeter
from simulators.modbus_frames import Framing
from simulators.paced_line import paced_line
from simulators.slaves import Bank
from tests.edge_agent.commissioning.sites import CUT, LOAD, Site, on_tcp, served
from wire import profile_files
from wire.clock import SystemClock
from wire.quantities import Quantity
from wire.reading import Value
from wire.words import bounds

ELECTRICITY = [n for n in profile_files.names() if profile_files.find(n).profile.kind == "electricity_meter"]


async def recognised(port: int) -> Recognition:
    """What unit 1 of a port is found to be."""
    line = TcpLine("127.0.0.1", port)
    reader = LineReader(line)
    try:
        return await recognise(reader, line, 1, SystemClock(), 0.5)
    finally:
        reader.close()


def fitting(name: str) -> dict[Quantity, Value]:
    """A load that a model's registers can hold: 16 bits of watts end at 32 kW, and one phase is its own total."""
    profile = profile_files.find(name).profile
    power = profile.register_of(Quantity.ACTIVE_POWER_W)
    is_narrow = power is not None and bounds(power.type)[1] * power.scale < LOAD[Quantity.ACTIVE_POWER_W]
    small = ("current", "active", "reactive", "apparent")
    values: dict[Quantity, Value] = {
        q: v / 10 if is_narrow and q.value.startswith(small) else v for q, v in LOAD.items()
    }
    if profile.register_of(Quantity.VOLTAGE_L2_V) is None and profile.register_of(Quantity.CURRENT_L2_A) is None:
        for stem, unit in (("active_power", "_w"), ("apparent_power", "_va"), ("reactive_power", "_var")):
            values[Quantity(stem + unit)] = values[Quantity(f"{stem}_l1{unit}")]
    return values


@pytest.mark.parametrize("name", ELECTRICITY)
async def test_each_meter_is_recognised(name: str) -> None:
    """A meter of each map that ships is recognised, or named among those that read equally well; never impossible."""
    async with on_tcp(name, Site(fitting(name))) as server:
        found = await recognised(server.port)

    assert found.best is not None
    assert name in (found.best.profile, *found.equals), [(c.profile, c.confidence) for c in found.candidates]
    assert found.best.reasons


@pytest.mark.parametrize(
    "name", ["eastron_sdm630", "acrel_adl400", "abb_b23", "carlo_gavazzi_em340", "siemens_pac3200"]
)
async def test_a_meter_that_names_itself_is_recognised_at_zero(name: str) -> None:
    """A sealed furnace's zeros do not hide a model that has a register for it; nothing else is looked at."""
    async with on_tcp(name, Site(CUT)) as server:
        found = await recognised(server.port)

    assert found.best is not None
    assert (found.best.profile, found.best.is_told, found.equals) == (name, True, ())


async def test_maps_that_read_equally_well_are_all_named() -> None:
    """Inputs of any make look alike: both maps are named, none is picked silently, and the score is low."""
    async with on_tcp("waveshare_di8", Site(LOAD)) as server:
        probed = await probe(TcpLine("127.0.0.1", server.port), 1, SystemClock())

    told = document(probed, TcpLine("127.0.0.1", server.port), 1)
    assert (told["profile"], told["equally_good"]) == ("waveshare_di8", ["generic_di"])
    assert probed.recognition.best is not None
    assert probed.recognition.best.confidence < 0.5
    assert "UNDECIDED: generic_di fits as well" in text(probed, TcpLine("127.0.0.1", server.port), 1)


async def test_a_scale_that_is_wrong_lowers_the_score_and_is_named() -> None:
    """Report g03: a meter that names itself but whose power is a thousandth is told as such."""
    small: dict[Quantity, Value] = {q: v / 1000 if q.value.startswith("active_power") else v for q, v in LOAD.items()}
    async with on_tcp("eastron_sdm630", Site(LOAD)) as right, on_tcp("eastron_sdm630", Site(small)) as wrong:
        good, bad = await recognised(right.port), await recognised(wrong.port)

    assert good.best is not None
    assert bad.best is not None
    assert good.best.confidence - bad.best.confidence > 0.25
    assert any("P is 1000 times too small" in words for words in bad.best.complaints)


async def test_a_foreign_meter_is_no_electricity_meter() -> None:
    """Words that break physics in every map of an electricity meter name none; what is left has a low score."""
    strange = Bank({(f, a): 0xBEEF for f in (3, 4) for a in range(0x80)})
    async with GatewayServer(Gateway({1: strange}, Framing.TCP)) as server:
        found = await recognised(server.port)

    assert found.answers
    assert not [c for c in found.candidates if c.profile in ELECTRICITY or c.confidence >= UNKIND_MAX]


async def test_nobody_there() -> None:
    """A unit that never answers is said to be silent, not guessed at."""
    async with GatewayServer(Gateway({7: served("eastron_sdm630", Site(LOAD))}, Framing.TCP)) as server:
        line = TcpLine("127.0.0.1", server.port)
        reader = LineReader(line)
        found = await recognise(reader, line, 1, SystemClock(), 0.02)
        reader.close()

    assert found == Recognition(answers=False, candidates=())


async def test_over_a_paced_serial_line_and_a_dtu() -> None:
    """The same at the pace of a wire, and with RTU frames over TCP; only reads are sent."""
    meter: ServedMeter = served("acrel_adl400", Site(LOAD))
    async with paced_line({1: meter}, baud=115_200) as wire:
        by_wire = await probe(SerialLine(wire.device, 115_200, "N", 1), 1, SystemClock())
        functions = {frame[1] for frame in wire.heard}
    async with GatewayServer(Gateway({1: meter}, Framing.RTU)) as dtu:
        by_dtu = await probe(RtuTcpLine("127.0.0.1", dtu.port), 1, SystemClock())

    for probed in (by_wire, by_dtu):
        assert probed.recognition.best is not None
        assert probed.recognition.best.profile == "acrel_adl400"
        assert probed.recognition.best.fingerprint.model == "A400"
    assert functions <= {1, 2, 3, 4}
