"""What a meter refuses because of where a request begins, what it reads across, and what must be asked for alone."""

import msgspec
import pytest

from simulators.meter import Refusal, ServedMeter
from simulators.place import TcpPlace
from simulators.request_rules import RequestRules
from tests.simulators.fakes import Fixed
from wire.fingerprint import Fact
from wire.profile import (
    Barrier,
    Identity,
    Kind,
    Probe,
    Profile,
    Register,
    RegisterType,
    Starts,
    TextType,
)  # fmt: skip
from wire.quantities import Quantity

U32, U16 = RegisterType.U32, RegisterType.U16


def register(quantity: Quantity, address: int, kind: RegisterType = U32, *, alone: bool = False) -> Register:
    """A holding register."""
    return Register(quantity, 3, address, kind, "test", alone=alone)


METER = Profile(
    name="test_meter",
    vendor="Test",
    model="Meter",
    kind=Kind.ELECTRICITY_METER,
    registers=(
        register(Quantity.VOLTAGE_L1_V, 10),
        register(Quantity.CURRENT_L1_A, 12),
        register(Quantity.ACTIVE_POWER_W, 16),
        register(Quantity.FREQUENCY_HZ, 20, U16, alone=True),
        register(Quantity.CONTACT_COUNT, 24, U16),
    ),
    gap_registers_max=3,
    identity=(
        Identity(Fact.MODEL, 3, 11, TextType.U16, "test", alone=True),
        Identity(Fact.FIRMWARE, 3, 26, TextType.U16, "test", alone=True),
    ),
    probes=(Probe(3, 11, (1648,), "test"),),
)
BARRED: dict[str, object] = {"barriers": (Barrier(3, 14, 15),)}
STARTS: dict[str, object] = {"starts": Starts.REGISTERS}
EVEN: dict[str, object] = {"even_spans": True}

OK, ADDRESS, VALUE = None, Refusal.ILLEGAL_ADDRESS, Refusal.ILLEGAL_VALUE
CASES: dict[str, tuple[dict[str, object], int, int, Refusal | None]] = {
    "one register": ({}, 10, 2, OK),
    "two neighbours": ({}, 10, 4, OK),
    "across a gap": ({}, 10, 8, OK),
    "from the middle of a register": ({}, 13, 1, OK),
    "begins in a gap": ({}, 14, 4, ADDRESS),
    "ends in a gap": ({}, 10, 5, ADDRESS),
    "across a barrier": (BARRED, 10, 8, ADDRESS),
    "up to a barrier": (BARRED, 10, 4, OK),
    "behind a barrier": (BARRED, 16, 2, OK),
    "another function's barrier": ({"barriers": (Barrier(4, 14, 15),)}, 10, 8, OK),
    "starts where a register does": (STARTS, 12, 6, OK),
    "starts in a register": (STARTS, 13, 1, ADDRESS),
    "starts where a probe does": (STARTS, 11, 1, OK),
    "alone": ({}, 20, 1, OK),
    "alone, with its neighbour": ({}, 16, 5, ADDRESS),
    "alone, read across": ({}, 16, 9, ADDRESS),
    "identity alone": ({}, 26, 1, OK),
    "identity with its neighbour": ({}, 24, 3, ADDRESS),
    "even": (EVEN, 10, 2, OK),
    "odd count": (EVEN, 10, 3, VALUE),
    "odd start": (EVEN, 11, 2, ADDRESS),
    "a probe may be odd": (EVEN, 11, 1, OK),
    "no register": ({}, 10, 0, VALUE),
}


@pytest.mark.parametrize("name", CASES)
def test_requests(name: str) -> None:
    """Each rule of a register map refuses what the meter would refuse, and nothing else."""
    changes, address, count, expected = CASES[name]
    profile = msgspec.structs.replace(METER, **changes)
    assert RequestRules(profile).refuses(3, address, count) is expected


def test_a_model_code_within_another_register() -> None:
    """Asked for alone it is told; a longer request gets the register that lies there (Carlo Gavazzi 0x000B)."""
    meter = ServedMeter(METER, Fixed({Quantity.VOLTAGE_L1_V: 230.0}), TcpPlace("127.0.0.1", 0))
    assert meter.answer(3, 11, 1, 0) == [1648]
    assert meter.answer(3, 10, 2, 0) == [0, 230]


def test_a_gap_reads_zero() -> None:
    """Registers without a meaning that a request may read across are 0."""
    values = {Quantity.CURRENT_L1_A: 5.0, Quantity.ACTIVE_POWER_W: 0x10002}
    meter = ServedMeter(METER, Fixed(values), TcpPlace("127.0.0.1", 0))
    assert meter.answer(3, 12, 6, 0) == [0, 5, 0, 0, 1, 2]
