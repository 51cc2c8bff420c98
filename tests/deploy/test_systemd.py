"""The systemd units by systemd's own tools: they can be read, and they keep the programs in a small room."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "firmware_configs" / "systemd").glob("*.service"))
EXPOSURE_MAX = 2.0
"""systemd's own scale: 0 is shut away, 10 is free; its verdict is OK below 4.5."""


def unit_here(unit: Path, folder: Path) -> Path:
    """A unit whose program exists on this machine."""
    copy = folder / unit.name.replace("@.", "@fz-1.")
    copy.write_text(
        unit.read_text(encoding="utf-8").replace("/opt/coldseal/bin/coldseal", sys.executable), encoding="utf-8"
    )
    return copy


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_reads_it(unit: Path, tmp_path: Path) -> None:
    """No unknown key, no wrong value, no missing program."""
    said = asked("verify", "--man=no", str(unit_here(unit, tmp_path)))

    ours = [line for line in (said.stdout + said.stderr).splitlines() if "coldseal" in line]
    assert not ours


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_sandboxed(unit: Path, tmp_path: Path) -> None:
    """The exposure that systemd computes stays low."""
    said = asked("security", "--offline=true", "--no-pager", str(unit_here(unit, tmp_path)))

    level = re.search(r"exposure level for .*: ([\d.]+)", said.stdout)
    assert level is not None, said.stdout + said.stderr
    assert float(level[1]) <= EXPOSURE_MAX


def test_every_unit_is_tested() -> None:
    """One for the server, one for each agent of a machine."""
    assert [unit.name for unit in UNITS] == ["coldseal-agent@.service", "coldseal-server.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_comes_back_but_not_for_ever(unit: Path) -> None:
    """A program that ends comes back, but not one whose settings cannot work: that exit code is 2."""
    text = unit.read_text(encoding="utf-8")

    assert {"Restart=always", "RestartPreventExitStatus=2", "DynamicUser=yes"} <= set(text.splitlines())
