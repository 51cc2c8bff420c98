"""The commands as an inspector starts them: processes, exit codes, one object on stdout."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import identity, start_record
from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.modbus_frames import Framing
from simulators.slaves import Bank
from tests.edge_agent.broker import until
from tests.edge_agent.commissioning.sites import CUT, LOAD, Site, dlt645_behind_dtu, on_tcp
from tests.edge_agent.conftest import Write
from wire.keys import PrivateKey

ROOT = Path(__file__).parents[3]


async def run(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """Run a command to its end while the test's own meter answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "coldseal", *words),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), 90)
    return process.returncode or 0, out.decode(), err.decode()


def records(folder: Path) -> list[Path]:
    """The start records in a folder."""
    return list(folder.glob("start-record-a1-*.json"))


async def test_probe_prints_the_keys_of_the_design() -> None:
    """`probe --json` prints one object: profile, confidence, identity, quantities."""
    async with on_tcp("acrel_adl400", Site(LOAD)) as server:
        code, out, _ = await run("agent", "probe", "--tcp", f"127.0.0.1:{server.port}", "--unit", "1", "--json")

    told = json.loads(out)
    assert code == 0
    assert (told["profile"], told["identity"]["model"]) == ("acrel_adl400", "A400")
    assert 0.5 < told["confidence"] <= 1
    assert told["quantities"]["frequency_hz"] == pytest.approx(50.02, abs=0.001)
    assert told["reasons"]


async def test_probe_of_a_dlt645_meter_says_what_to_do() -> None:
    """It is named by its number, with what to do in both languages."""
    async with dlt645_behind_dtu() as (port, _):
        code, out, _ = await run("agent", "probe", "--rtu-tcp", f"127.0.0.1:{port}", "--timeout", "0.02")

    assert code == 0
    assert "DL/T 645-2007 meter 000000000012" in out
    assert "123456.78 kWh" in out
    assert "Modbus-RTU" in out


async def test_probe_of_nobody_and_of_a_foreign_meter() -> None:
    """Nobody there is 3 with what to check; somebody whom no map fits is 1."""
    strange = Bank({(3, 0xFFF0): 1})
    async with GatewayServer(Gateway({1: strange}, Framing.TCP)) as server:
        foreign, told, _ = await run("agent", "probe", "--tcp", f"127.0.0.1:{server.port}")
        nobody, _, error = await run(
            *("agent", "probe", "--tcp", f"127.0.0.1:{server.port}", "--unit", "9", "--timeout", "0.02")
        )

    assert foreign == 1
    assert "answers Modbus, but no map fits" in told
    assert nobody == 3
    assert "no answer; check power, address, speed, parity and the wires A and B" in error
    assert "Traceback" not in error


async def test_scan_and_its_ctrl_c() -> None:
    """`scan --json` tells what it found; Ctrl-C ends it with what was found until then and code 130."""
    async with on_tcp("eastron_sdm630", Site(LOAD)) as server:
        where = ("agent", "scan", "--tcp", f"127.0.0.1:{server.port}", "--json", "--units")
        code, out, early = await run(*where, "1-3")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "coldseal", *where, "1-247", "--timeout", "5"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        first = await asyncio.wait_for(process.stderr.readline(), 60)
        process.send_signal(signal.SIGINT)
        stopped, _ = await asyncio.wait_for(process.communicate(), 60)

    assert (code, json.loads(out)["complete"], [a["unit"] for a in json.loads(out)["found"]]) == (0, True, [1])
    assert early.startswith("found 127.0.0.1:")
    assert first.startswith(b"found 127.0.0.1:")
    told = json.loads(stopped)
    assert (process.returncode, told["complete"], [a["unit"] for a in told["found"]]) == (130, False, [1])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("probe",), "expected exactly one of --tcp, --rtu-tcp, --serial"),
        (("probe", "--tcp", "10.0.0.010:502"), "--tcp: expected HOST:PORT without leading zeros"),
        (("probe", "--serial", "/dev/null", "--baud", "9601"), "--baud: expected one of"),
        (("scan", "--tcp", "127.0.0.1:1", "--units", "0-5"), "--units: expected numbers from 1 to 247"),
        (("scan", "--serial", "/dev/null", "--baud", "fast"), "--baud: expected numbers with commas between"),
        (("commission",), "CONFIG: expected the agent's settings"),
        (("commission", "--verify", "x.json"), "--verify: expected the agent's settings or --key"),
    ],
)
async def test_wrong_use(words: tuple[str, ...], message: str) -> None:
    """Each mistake is one line that says what is expected, and code 2."""
    code, _, error = await run("agent", *words)

    assert code == 2
    assert message in error


async def test_commission_by_file_and_check_of_its_record(write: Write, tmp_path: Path) -> None:
    """A commissioning by --answers writes a signed record and its text; --verify reads it, and refuses a changed one."""
    site = Site(LOAD)
    (tmp_path / "seal.jpg").write_bytes(b"a seal")
    (tmp_path / "answers.yaml").write_text(
        "inspector: 张三\nseal_number: 榕封0001\nload: true\ncut: true\nclamp_phase: 1\nclamp_current_a: 101\n"
        "photos: [seal.jpg]\n",
        encoding="utf-8",
    )
    async with on_tcp("eastron_sdm630", site) as server:
        config = write(meters=f"[{{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:{server.port}', timeout_s: 1.0}}]")
        begun = asyncio.create_task(
            run(
                "agent",
                "commission",
                str(config.file),
                "--answers",
                str(tmp_path / "answers.yaml"),
                "--out",
                str(tmp_path),
            )
        )
        await until(lambda: server.gateway.requests > 0, "the first request")
        site.change_after(6.0, CUT)  # before: three readings, a second apart; the cut is waited for
        code, out, err = await begun

    (record,) = records(tmp_path)
    assert code == 0, out + err
    assert "结果: 通过" in record.with_suffix(".txt").read_text(encoding="utf-8")
    assert (await run("agent", "commission", str(config.file), "--verify", str(record), "--lang", "en"))[0] == 0
    record.write_bytes(record.read_bytes().replace("张三".encode(), "李四".encode()))
    code, _, error = await run("agent", "commission", str(config.file), "--verify", str(record))
    assert (code, "NOT RIGHT" in error) == (1, True)
    other = str(PrivateKey.generate().public)
    assert (await run("agent", "commission", "--verify", str(record), "--key", other))[0] == 1


async def test_a_meter_that_reads_a_thousandth_does_not_pass(write: Write, tmp_path: Path) -> None:
    """A map whose P is a thousandth, and a clamp of another current: a clean cut still fails, signed, with code 1."""
    shipped = (ROOT / "firmware_configs" / "meters" / "eastron_sdm630.yaml").read_text(encoding="utf-8")
    was = "{quantity: active_power_w, function: 4, address: 0x0034, type: f32,"
    assert was in shipped
    (tmp_path / "mine.yaml").write_text(shipped.replace(was, was + " scale: 0.001,"), encoding="utf-8")
    (tmp_path / "answers.yaml").write_text(
        "inspector: 张三\nseal_number: 榕封0003\nload: true\ncut: true\nclamp_phase: 1\nclamp_current_a: 1200\n",
        encoding="utf-8",
    )
    site = Site(LOAD)
    async with on_tcp("eastron_sdm630", site) as server:
        meter = f"id: m1, profile: '{tmp_path / 'mine.yaml'}', tcp: '127.0.0.1:{server.port}', timeout_s: 1.0"
        config = write(meters=f"[{{{meter}}}]")
        words = ("agent", "commission", str(config.file), "--answers", str(tmp_path / "answers.yaml"))
        begun = asyncio.create_task(run(*words, "--out", str(tmp_path), "--lang", "en"))
        await until(lambda: server.gateway.requests > 0, "the first request")
        site.change_after(6.0, CUT)
        code, out, err = await begun

    (file,) = records(tmp_path)
    record = start_record.verify(file.read_bytes(), identity.load_or_make_key(config.data).public)
    assert code == 1, out + err
    assert "result: failed" in out
    assert (record.result, record.why, record.cut_off.result) == ("failed", "power_small", "passed")
    assert "power_small" in [n.code for n in record.wiring_loaded]
    assert (record.clamp.code, record.clamp.level) == ("clamp_ratio_missing", "wrong")


async def test_commission_at_a_terminal(write: Write, tmp_path: Path) -> None:
    """A person's answers come by lines; a wrong one is asked again; a site that was not cut does not pass."""
    async with on_tcp("eastron_sdm630", Site(LOAD)) as server:
        config = write(meters=f"[{{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:{server.port}', timeout_s: 1.0}}]")
        lines = "7\n0\n没带钳表\ny\ny\n榕封0002\n\n李四\n\n"
        code, out, err = await run(
            *("agent", "commission", str(config.file), "--out", str(tmp_path), "--cut-wait", "1"), stdin=lines.encode()
        )

    assert code == 1
    assert "Traceback" not in err, err
    assert "不能用, 请重填: '7'" in out
    assert "结果: 不通过" in out
    assert records(tmp_path)


async def test_try_reads_a_meter_with_a_map(tmp_path: Path) -> None:
    """`profiles try` prints quantities; a map with a wrong scale is told by physics and ends with 1."""
    shipped = (ROOT / "firmware_configs" / "meters" / "eastron_sdm630.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "mine.yaml"
    was = "{quantity: active_power_w, function: 4, address: 0x0034, type: f32,"
    assert was in shipped
    wrong.write_text(shipped.replace(was, was + " scale: 0.001,"), encoding="utf-8")
    async with on_tcp("eastron_sdm630", Site(LOAD)) as server:
        where = ("--tcp", f"127.0.0.1:{server.port}", "--json")
        right_code, right, _ = await run("profiles", "try", "eastron_sdm630", *where)
        wrong_code, told, _ = await run("profiles", "try", str(wrong), *where)

    assert (right_code, json.loads(right)["breaks_physics"]) == (0, False)
    assert wrong_code == 1
    assert any("P is 1000 times too small for U, I and PF" in words for words in json.loads(told)["complaints"])
