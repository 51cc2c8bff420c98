"""The BODY of a batch: readings to columns and back."""

import re
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire import batch, columns, profile_files, registers
from wire.envelope import parse
from wire.errors import Malformed, UnknownVersion
from wire.limits import INTEGER_MAX
from wire.profile import WordOrder
from wire.quantities import Quantity, exponent
from wire.reading import Reading, Reason, State, Unreadable, Value

Q = Quantity
T0_MS = 1_772_294_400_000
NOT_ASKED = Unreadable(Reason.NOT_ASKED)
METERS = {name: profile_files.find(name).profile for name in profile_files.names()}


def _batch(blocks: list[batch.Block], **more: Any) -> batch.Batch:  # noqa: ANN401 - any member of a batch
    members = {"v": 1, "dep": "test", "agt": "mf-7", "boot": "b", "bn": 1, "seq": 1, "prev": "", "t0": T0_MS, "mono": 1}
    members |= {"clk": batch.ClockQuality(st="S"), "per": 1000, "mtr": blocks, "sw": "0", "cfg": ""}
    return msgspec.convert(members | more, batch.Batch, from_attributes=True)


def _block(readings: list[Reading], **more: Any) -> batch.Block:  # noqa: ANN401 - any member of a block
    members: dict[str, Any] = {"t0_ms": T0_MS, "period_ms": 1000, "profile": "test", "profile_digest": "", "unit": 1}
    return batch.block(readings, **(members | more))


def _reading(values: dict[Quantity, Value], index: int = 0, state: State = State.OK, late_ms: int = 0) -> Reading:
    return Reading("m1", T0_MS + 1000 * index + late_ms, 0, state, values, {"4:34": "449A8000"})


def _sent(body: batch.Batch) -> batch.Batch:
    """The batch as the server has it: written, read strictly."""
    return parse(batch.encode(body), batch.Batch)


def _values(quantity: Quantity) -> st.SearchStrategy[Value]:
    bound = batch.unscale(2**50, exponent(quantity))
    missing = st.builds(Unreadable, st.sampled_from(Reason))
    return st.one_of(st.just(0.0), st.floats(-bound, bound), missing)


@st.composite
def _polls(draw: st.DrawFn) -> list[Reading]:
    quantities = draw(st.sets(st.sampled_from(Quantity), min_size=1, max_size=5))
    return [
        _reading(
            {q: draw(_values(q)) for q in quantities}, i, draw(st.sampled_from(State)), draw(st.integers(-500, 500))
        )
        for i in range(draw(st.integers(1, 12)))
    ]


@settings(max_examples=60)
@given(_polls())
def test_pair(readings: list[Reading]) -> None:
    """Every value comes back within half a step of its exponent, every null with its reason, time and state exact."""
    rows = batch.rows(_sent(_batch([_block(readings)])))
    assert [(r.meter, r.index, r.wall_ms, r.state) for r in rows] == [
        ("m1", i, reading.wall_ms, reading.state) for i, reading in enumerate(readings)
    ]
    for row, reading in zip(rows, readings, strict=True):
        for quantity, value in reading.values.items():
            again = row.values.get(quantity, NOT_ASKED)
            if isinstance(value, Unreadable) or isinstance(again, Unreadable):
                assert again == value
            else:
                assert again == pytest.approx(value, rel=1e-14, abs=0.51 * 10.0 ** exponent(quantity))


@given(st.sampled_from(Quantity), st.integers(-(10**13), 10**13))
def test_decimals_are_exact(quantity: Quantity, steps: int) -> None:
    """A value of whole steps comes back as the very same number."""
    value = batch.unscale(steps, exponent(quantity))
    (row,) = batch.rows(_sent(_batch([_block([_reading({quantity: value})])])))
    assert row.values == {quantity: value}


_FORMATS = {"u32": ">I", "s32": ">i", "u64": ">Q", "s64": ">q", "f32": ">f", "f64": ">d"}


@pytest.mark.parametrize("name", [n for n, p in METERS.items() if p.register_of(Q.IMPORT_ENERGY_WH)])
@given(data=st.data())
def test_energy_registers_are_exact(name: str, data: st.DataObject) -> None:
    """From 16 kWh up, the energy register's words can be found again from the wire, for each shipped meter."""
    profile = METERS[name]
    register = profile.register_of(Q.IMPORT_ENERGY_WH)
    assert register is not None
    least = 16_000 / register.scale  # 16 kWh in the register's own unit
    count = data.draw(st.floats(least, 2**23, width=32) if register.type == "f32" else st.integers(160, 2**31 - 1))
    packed = struct.pack(_FORMATS[register.type], count)
    words = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
    in_order = words if profile.order_of(register) is WordOrder.ABCD else words[::-1]
    image = {(register.function, a): word for a, word in zip(register.span, in_order, strict=True)}
    ratios: dict[Quantity, Value] = {Q.CT_RATIO: 200.0, Q.PT_RATIO: 1.0, Q.IMPORT_ENERGY_WH: 0.0}
    told = registers.decode(registers.encode(ratios, profile) | image, profile)
    energy = {Q.IMPORT_ENERGY_WH: told[Q.IMPORT_ENERGY_WH]}
    (row,) = batch.rows(_sent(_batch([_block([_reading(energy)])])))
    again = registers.encode(ratios | row.values, profile)
    if register.by:  # the meter's exponents leave a choice of words
        assert registers.decode(again, profile)[Q.IMPORT_ENERGY_WH] == pytest.approx(energy[Q.IMPORT_ENERGY_WH])
    else:
        assert {at: again[at] for at in image} == image


def test_nothing_asked_has_no_column() -> None:
    """A quantity that no row asked for costs no byte; one that a single row asked for is null elsewhere."""
    polls = [
        _reading({Q.FREQUENCY_HZ: 50.0, Q.CT_RATIO: NOT_ASKED, Q.PT_RATIO: NOT_ASKED}),
        _reading({Q.FREQUENCY_HZ: 50.0, Q.CT_RATIO: 200.0, Q.PT_RATIO: NOT_ASKED}, 1),
    ]
    block = _block(polls)
    assert block.cols == [("frequency_hz", -3, 50_000), ("ct_ratio", -3, [None, 200_000])]
    assert (block.why, block.ct, block.pt) == ([], 200_000, None)


def test_reasons_are_runs() -> None:
    """Nulls of one reason in a row are told once."""
    silent = Unreadable(Reason.TIMEOUT)
    polls: list[Value] = [1.0, silent, silent, Unreadable(Reason.BUSY), silent]
    block = _block([_reading({Q.ACTIVE_POWER_W: value}, i) for i, value in enumerate(polls)])
    assert block.why == [("timeout", 0, 1, 2), ("busy", 0, 3, 1), ("timeout", 0, 4, 1)]


def test_state_letters() -> None:
    """One letter stands for all rows, else each row has its own."""
    states = (State.OK, State.OK, State.TIMEOUT)
    polls = [_reading({Q.ACTIVE_POWER_W: 0.0}, i, state) for i, state in enumerate(states)]
    assert (_block(polls[:2]).q, _block(polls).q) == ("G", "GGT")


def test_raw_words_travel_on_demand() -> None:
    """Register words are in the block when an event asks for them, and only then."""
    polls = [_reading({Q.ACTIVE_POWER_W: 1236.0})]
    assert _block(polls, keep_raw=True).raw == [(0, "4:34", "449A8000")]
    assert _block(polls).raw == []


@pytest.mark.parametrize("value", [1e38, -1e38, batch.unscale(INTEGER_MAX, -1) + 1, float("inf"), float("nan")])
def test_a_value_that_no_reader_keeps_is_out_of_range(value: float) -> None:
    """A misread of 10^38 W becomes a reason: as an integer it would make the whole envelope unreadable."""
    block = _block([_reading({Q.ACTIVE_POWER_W: value, Q.CT_RATIO: 1e38})])
    assert block.why == [("out_of_range", 0, 0, 1), ("out_of_range", 1, 0, 1)]
    assert block.ct is None
    assert batch.rows(_sent(_batch([block])))[0].values[Q.ACTIVE_POWER_W] == Unreadable(Reason.OUT_OF_RANGE)


def test_a_newer_agents_quantity_is_left_alone() -> None:
    """A column with an unknown name is skipped; the reasons of the columns behind it still fit."""
    block = _block([_reading({Q.VOLTAGE_L1_V: 230.0, Q.ACTIVE_POWER_W: Unreadable(Reason.BUSY)})])
    newer = msgspec.structs.replace(block, cols=[block.cols[0], ("flux_wb", -3, 5), block.cols[1]])
    shifted = msgspec.structs.replace(newer, why=[("busy", 2, 0, 1), ("timeout", 1, 0, 1)])
    (row,) = batch.rows(_sent(_batch([shifted])))
    assert row.values == {Q.VOLTAGE_L1_V: 230.0, Q.ACTIVE_POWER_W: Unreadable(Reason.BUSY)}


def test_an_envelope_without_rows() -> None:
    """A batch may carry events and health alone."""
    body = _sent(_batch([], t0=None, mono=None, ev=[(0, "boot", [])], fin=True))
    assert batch.rows(body) == []
    assert (body.ev, body.fin) == ([(0, "boot", [])], True)


def test_defaults_cost_no_byte() -> None:
    """Members at their default are left out."""
    body = batch.encode(_batch([_block([_reading({Q.ACTIVE_POWER_W: 0.0})])]))
    assert not [
        name for name in ("ev", "loss", "hlt", "after", "fin", "ser", "why", "raw") if f'"{name}"'.encode() in body
    ]


_GOOD = _block([_reading({Q.ACTIVE_POWER_W: float(i)}, i) for i in range(3)])


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"n": 0}, "expected 1 to 3600 rows with a letter each, got 0"),
        ({"n": 3601}, "expected 1 to 3600 rows with a letter each, got 3601"),
        ({"n": 4}, "column: expected 4 rows, got 3"),
        ({"q": "GG"}, "rows with a letter each, got 3 and 2"),
        ({"q": "GGX"}, "row 2: expected a state of G, T, D, F, got 'X'"),
        ({"dt": None}, "row 0 has no time"),
        ({"dt": -INTEGER_MAX}, "row 0 has no time"),
        ({"dt": INTEGER_MAX}, "row 0 has no time"),
        ({"cols": [("active_power_w", -1, [1, 2])]}, "column: expected 3 rows, got 2"),
        ({"cols": [("active_power_w", -1, columns.Differences("AA"))]}, "column: expected 3 rows, got 2"),
        (
            {"cols": [("active_power_w", 10**9, 1)]},
            "active_power_w: expected an exponent of at most 12, got 1000000000",
        ),
        ({"cols": [("newer", -(10**9), 1)]}, "newer: expected an exponent of at most 12, got -1000000000"),
        ({"cols": [("active_power_w", -1, 1), ("active_power_w", -1, 2)]}, "cols: a quantity is given twice"),
        ({"why": [("tired", 0, 0, 1)]}, "why: unknown reason 'tired'"),
        ({"why": [("busy", 0, 2, 2)]}, "rows outside 0 to 3"),
        ({"why": [("busy", 0, -1, 2)]}, "rows outside 0 to 3"),
        ({"why": [("busy", 0, 1, 0)]}, "rows outside 0 to 3"),
    ],
)
def test_malformed_block(edit: dict[str, Any], words: str) -> None:
    """A signed body that contradicts itself is refused with what is wrong, never read halfway."""
    body = _sent(_batch([msgspec.structs.replace(_GOOD, **edit)]))
    with pytest.raises(Malformed, match=re.escape(words)):
        batch.rows(body)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"t0": None}, "a t0 with them"),
        ({"mtr": [_GOOD] * 65}, "at most 64 meters"),
        ({"per": 0}, "a period of 1 to"),
        ({"mtr": [msgspec.structs.replace(_GOOD, n=3600)] * 60}, "values and a period"),
        ({"mtr": [msgspec.structs.replace(_GOOD, n=n) for n in (3600, -(10**15))]}, "values and a period"),
    ],
)
def test_malformed_batch(edit: dict[str, Any], words: str) -> None:
    """Bounds that concern the whole batch hold before any row is built."""
    body = msgspec.structs.replace(_batch([_GOOD]), **edit)
    with pytest.raises(Malformed, match=re.escape(words)):
        batch.rows(body)


def test_unknown_version() -> None:
    """A newer version is not read, and the message says what to do."""
    with pytest.raises(UnknownVersion, match="expected version 1, got 2; update the server"):
        batch.rows(_batch([_GOOD], v=2))


def test_null_has_no_value() -> None:
    """The one place that makes numbers of cells makes none of a null."""
    with pytest.raises(Malformed, match="null has no value"):
        batch.unscale(None, 0)
