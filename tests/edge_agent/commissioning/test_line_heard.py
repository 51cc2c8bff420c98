"""A line on which more is heard than answers: said by every command for a site, also when each value was read."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent import probe, profile_trial, start_record
from edge_agent.commission import Commissioning
from edge_agent.commission_talk import Answers
from edge_agent.line import SerialLine
from edge_agent.modbus import LineReader
from simulators.paced_line import PacedLine, paced_line
from tests.edge_agent.commissioning.sites import LOAD, Site, served
from tests.edge_agent.commissioning.test_commission import KEY, PHOTO, answers
from tests.edge_agent.conftest import Write
from wire.clock import SystemClock

BAUD = 19200
ECHO = "the line repeats what we send; set serial.echo: true"


@pytest.fixture
async def echoing() -> AsyncIterator[PacedLine]:
    """An SDM630 as unit 1 on an adapter that repeats what is sent."""
    async with paced_line({1: served("eastron_sdm630", Site(LOAD))}, BAUD, echo=True) as far:
        yield far


async def test_probe_says_it(echoing: PacedLine) -> None:
    """A meter that was recognised, with the echo as text and in JSON."""
    line = SerialLine(echoing.device, BAUD, "N", 1)
    probed = await probe.probe(line, 1, SystemClock())

    told = probe.document(probed, line, 1)
    assert told["profile"] == "eastron_sdm630"
    assert isinstance(told["heard"], dict)
    assert told["heard"]["last_wrong"] == ECHO
    assert f"  ! heard on the line: {ECHO} (noise " in probe.text(probed, line, 1)


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (probe.Heard(0, 0, 0, ""), []),
        (probe.Heard(4, 0, 0, ""), []),
        (
            probe.Heard(3, 3, 0, "junk"),
            ["  ! heard on the line: junk (noise 3, junk before replies 3, other master 0)"],
        ),
        (
            probe.Heard(1, 0, 1, ""),
            ["  ! heard on the line: bytes that are no answer (noise 1, junk before replies 0, other master 1)"],
        ),
    ],
)
def test_what_is_worth_a_line(heard: probe.Heard, words: list[str]) -> None:
    """Junk and another master are said; an echo that the settings name is not."""
    assert list(probe.heard_lines(heard)) == words


async def test_a_trial_says_it(echoing: PacedLine) -> None:
    """`profiles try` of a meter that was read has the echo in its document and its text."""
    line = SerialLine(echoing.device, BAUD, "N", 1)
    document = await asyncio.to_thread(profile_trial.try_profile, "eastron_sdm630", line, 1, SystemClock())

    assert document["breaks_physics"] is False
    assert isinstance(document["heard"], dict)
    assert document["heard"]["last_wrong"] == ECHO
    assert f"! heard on the line: {ECHO} (noise " in profile_trial.text(document)


async def test_the_signed_record_says_it(echoing: PacedLine, write: Write, tmp_path: Path) -> None:
    """A commissioning on an echoing line signs the note."""
    said: list[str] = []
    (tmp_path / "seal 1.jpg").write_bytes(PHOTO)
    made = write(meters="[{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:502', timeout_s: 1.0}]")
    reader = LineReader(SerialLine(echoing.device, BAUD, "N", 1))
    talk = Answers(tmp_path / "answers.yaml", answers(), said.append)
    work = Commissioning(made, made.meters[0], reader, talk, SystemClock(), KEY, cut_wait_s=0.1, period_s=0.05)
    try:
        record = start_record.verify(await work.run(), KEY.public)
    finally:
        reader.close()

    (note,) = [n for n in record.wiring if n.code == "line_heard"]
    assert (note.level, note.facts["last_wrong"]) == ("unknown", ECHO)
    assert any("非应答数据" in text.replace("\n  ", "") for text in said)
    assert ECHO in start_record.text(record, "en").replace("\n  ", " ")
