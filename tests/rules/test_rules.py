"""Rules on traces written by hand: each YAML file here is a case, and needs no code."""

import math
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml

from server.detect.facts import MeterFacts, SealFacts, Window
from server.detect.finding import Finding, Span
from server.detect.rules import MeterState, Outcome, advance
from server.detect.series import CURRENTS, POWERS, VOLTAGES, Series
from wire.quantities import Quantity

CASES = sorted(Path(__file__).parent.glob("*.yaml"))
START_MS = 1_772_294_400_000

COLUMNS = {
    "power_w": (Quantity.ACTIVE_POWER_W,),
    "power_phase_w": POWERS,
    "voltage_v": VOLTAGES,
    "current_a": CURRENTS,
    "frequency_hz": (Quantity.FREQUENCY_HZ,),
    "energy_wh": (Quantity.IMPORT_ENERGY_WH,),
    "contact_open": (Quantity.CONTACT_OPEN,),
    "contact_count": (Quantity.CONTACT_COUNT,),
}


def cells(text: str) -> list[str]:
    """`0*3 _ - 5` as cells: a value N times, `_` a row that was not read, `-` no row at all."""
    found: list[str] = []
    for token in text.split():
        value, _, times = token.partition("*")
        found += [value] * int(times or 1)
    return found


def rows_of(case: dict[str, Any]) -> list[Series]:
    """The case's rows, one series for each run of the agent; a column that is too short repeats its last cell.

    `wall_s` gives the rows' times by the agent's clock where they are not 0, 1, 2 …; `boot` its program run; `stepped`
    whether its clock jumped. Rows arrive one a second, or at `received_s`.
    """
    names = [*COLUMNS, "wall_s", "received_s", "boot", "stepped"]
    written = {name: cells(str(case[name])) for name in names if name in case}
    length = max(len(column) for column in written.values())
    full = {name: column + [column[-1]] * (length - len(column)) for name, column in written.items()}
    present = [i for i in range(length) if all(column[i] != "-" for column in full.values())]
    runs = groupby(present, key=lambda i: (full.get("boot", ["1"] * length)[i], full.get("stepped", ["0"] * length)[i]))
    return [_series(full, list(rows), boot, stepped == "1") for (boot, stepped), rows in runs]


def _series(full: dict[str, list[str]], present: list[int], boot: str, stepped: bool) -> Series:
    values = {
        quantity: np.array([math.nan if column[i] == "_" else float(column[i]) for i in present])
        for name, column in full.items()
        for quantity in COLUMNS.get(name, ())
    }
    main = values.get(Quantity.ACTIVE_POWER_W, values.get(Quantity.CONTACT_OPEN))
    assert main is not None, "a case has power_w or contact_open"
    times = [float(full["wall_s"][i]) if "wall_s" in full else float(i) for i in present]
    return Series(
        t_ms=np.array([START_MS + round(1000 * t) for t in times], dtype=np.int64),
        seq=np.array(present, dtype=np.int64),
        values=values,
        reasons=np.where(np.isnan(main), "timeout", "").astype(object),
        period_ms=1000,
        received_ms=START_MS
        + round(1000 * float(full["received_s"][present[-1]] if "received_s" in full else present[-1] + 1)),
        boot=boot,
        clock_stepped=stepped,
    )


def facts_of(case: dict[str, Any]) -> tuple[SealFacts, MeterFacts]:
    """The seal and the meter; what a case does not say is a plain 350 kW furnace that pledged 0."""
    seal, meter = case.get("seal", {}), case.get("meter", {})
    windows = tuple(
        Window(START_MS + w["from_s"] * 1000, START_MS + w["to_s"] * 1000, w.get("max_wh"))
        for w in seal.get("maintenance", [])
    )
    return SealFacts(
        from_ms=START_MS + 1000 * seal.get("from_s", 0),
        until_ms=None,
        break_position=seal.get("break", "downstream"),
        rated_w=seal.get("rated_w", 350_000),
        allowed_w=seal.get("allowed_w", 0.0),
        windows=windows,
    ), MeterFacts(
        name="m1",
        role=meter.get("role", "furnace"),
        aux_powered=meter.get("aux_powered", False),
        power_step_w=meter.get("power_step_w", 1.0),
        starting_power_w=meter.get("starting_power_w", 100.0),
        energy_step_wh=meter.get("energy_step_wh", 10.0),
        energy_is_float=meter.get("energy_is_float", False),
    )


def one_by_one(series: Series) -> list[Series]:
    """Each row alone, as a flushed reading travels."""
    return [series.part(i, i + 1) for i in range(len(series))]


def run(case: dict[str, Any], parts: list[Series]) -> tuple[dict[tuple[str, int], Finding], list[Span]]:
    """Findings by code and first second, as they grew last, and coverage with later spans over earlier ones."""
    seal, meter = facts_of(case)
    state, findings, seconds = MeterState(), dict[tuple[str, int], Finding](), dict[int, tuple[str, str]]()
    for part in parts:
        stored = msgspec.json.encode(state)  # the state must survive the database
        outcome: Outcome = advance(msgspec.json.decode(stored, type=MeterState), seal, meter, part)
        state = outcome.state
        for finding in outcome.findings:
            findings[finding.code.value, (finding.first_ms - START_MS) // 1000] = finding
        for span in outcome.spans:
            for t_ms in range(span.from_ms, span.to_ms, 1000):
                seconds[(t_ms - START_MS) // 1000] = (span.state.value, span.reason)
    return findings, _spans(seconds)


def _spans(seconds: dict[int, tuple[str, str]]) -> list[Any]:
    runs: list[list[Any]] = []
    for second, (state, reason) in sorted(seconds.items()):
        if runs and runs[-1][1] == second and runs[-1][2:] == [state, reason]:
            runs[-1][1] = second + 1
        else:
            runs.append([second, second + 1, state, reason])
    return runs


def seconds_of(finding: Finding) -> dict[str, Any]:
    """A finding as a case writes it."""
    ended = finding.ended_ms
    return {
        "code": finding.code.value,
        "first_s": (finding.first_ms - START_MS) // 1000,
        "raised_s": (finding.raised_ms - START_MS) // 1000,
        "last_s": (finding.last_ms - START_MS) // 1000,
        "ended_s": None if ended is None else (ended - START_MS) // 1000,
    }


@pytest.mark.parametrize("size", ["whole", "one by one"])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, size: str) -> None:
    """The rules find exactly what the case's author expects, however the rows are cut into envelopes."""
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    runs = rows_of(case)

    findings, spans = run(case, runs if size == "whole" else [row for one in runs for row in one_by_one(one)])

    found = [seconds_of(finding) for _, finding in sorted(findings.items())]
    shown = [
        {key: value for key, value in finding.items() if key in want}
        for finding, want in zip(found, case["expect"], strict=False)
    ]
    assert shown == case["expect"], f"{case['proves']}: {found}"
    assert len(found) == len(case["expect"]), f"{case['proves']}: {found}"
    if "coverage" in case:
        assert spans == case["coverage"], case["proves"]
