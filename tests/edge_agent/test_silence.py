"""The pause between two frames, and what happens where there never is one."""

import asyncio
import time

import pytest

from edge_agent.line import DialInLine, Line, RtuTcpLine, SerialLine, TcpLine
from edge_agent.silence import Silence

LINES: dict[str, tuple[Line, float, float]] = {
    "9600 8N1": (SerialLine("d", 9600, "N", 1), 0.00401, 10 / 9600),
    "9600 8E1": (SerialLine("d", 9600, "E", 1), 0.00401, 11 / 9600),
    "9600 8E2": (SerialLine("d", 9600, "E", 2), 0.004375, 12 / 9600),
    "19200 8N1": (SerialLine("d", 19_200, "N", 1), 0.002005, 10 / 19_200),
    "38400 8N1": (SerialLine("d", 38_400, "N", 1), 0.00175, 10 / 38_400),
    "115200 8E1": (SerialLine("d", 115_200, "E", 1), 0.00175, 11 / 115_200),
    "Modbus TCP": (TcpLine("h", 1), 0.0, 0.0),
    "RTU over TCP": (RtuTcpLine("h", 1), 0.005, 0.0),
    "dial-in": (DialInLine("h", 1), 0.005, 0.0),
    "dial-in, Modbus TCP": (DialInLine("h", 1, is_rtu=False), 0.0, 0.0),
}


@pytest.mark.parametrize("name", LINES)
def test_silence_of_each_line(name: str) -> None:
    """3.5 characters of at least 11 bits, 1.75 ms above 19,200 baud, none where a number tells replies apart."""
    line, gap_s, character_s = LINES[name]
    silence = Silence(line)
    assert silence.gap_s == pytest.approx(gap_s, rel=0.003)
    assert silence.character_s == pytest.approx(character_s)


@pytest.mark.parametrize("pause_s", [0.0, 0.02])
async def test_the_wait_is_never_shorter(pause_s: float) -> None:
    """Counted from the last byte that left or came, the line is silent for its gap or the meter's longer pause."""
    silence = Silence(SerialLine("d", 9600, "N", 1))
    for _ in range(20):
        last = time.monotonic() + silence.sent(8)
        assert await silence.wait(pause_s)
        assert time.monotonic() - last >= max(silence.gap_s, pause_s)


async def test_bytes_prolong_the_wait() -> None:
    """What is heard while we wait for silence starts the silence anew."""
    silence = Silence(SerialLine("d", 1200, "N", 1))
    silence.heard()
    asyncio.get_running_loop().call_later(0.02, silence.heard)
    assert await silence.wait()
    assert time.monotonic() >= silence.until + silence.gap_s


async def test_a_line_that_is_never_silent() -> None:
    """A device that talks all the time ends the wait after a second, and nothing is sent into it."""
    silence = Silence(SerialLine("d", 1200, "N", 1))

    async def babble() -> None:
        while True:
            silence.heard()
            await asyncio.sleep(0.005)

    talking = asyncio.create_task(babble())
    await asyncio.sleep(0)
    assert not await silence.wait()
    talking.cancel()
