"""The commands for an inspector at a site: scan, probe, commission; and the trial of a map."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

EXIT_CODES = "Exit codes: 0 found, 1 something answers but no map fits, 2 wrong use, 3 nothing answers."
EXIT_CODES_OF_SCAN = "Exit codes: 0 found, 2 wrong use, 3 nothing answers, 130 stopped."
COMMISSION_CODES = "Exit codes: 0 passed, 1 not passed or the record is not right, 2 wrong use, 3 the environment."
EXIT_CODES_OF_TRY = "Exit codes: 0 read, 1 values that break physics, 2 wrong use or map, 3 the meter does not answer."

Tcp = Annotated[str | None, typer.Option("--tcp", metavar="HOST:PORT", help="Modbus TCP")]
RtuTcp = Annotated[
    str | None, typer.Option("--rtu-tcp", metavar="HOST:PORT", help="RTU frames over TCP, as of a 4G DTU")
]
Serial = Annotated[str | None, typer.Option("--serial", metavar="DEV", help="a serial device")]
Baud = Annotated[int, typer.Option("--baud", help="speed of the serial line")]
Parity = Annotated[str, typer.Option("--parity", help="N, E or O")]
Stopbits = Annotated[int, typer.Option("--stopbits", help="1 or 2")]
Unit = Annotated[int, typer.Option("--unit", min=0, max=255, help="the meter's address")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.02, max=30, help="longest wait for a reply, in seconds")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the agent's."""
    app.command(epilog=f"Example: coldseal agent scan --serial /dev/serial/by-id/usb-… {EXIT_CODES_OF_SCAN}")(scan)
    app.command(epilog=f"Example: coldseal agent probe --tcp 192.168.1.20:502 --unit 1 --json. {EXIT_CODES}")(probe)
    app.command(epilog=f"Example: coldseal agent commission agents/a1.yaml --lang zh. {COMMISSION_CODES}")(commission)


def scan(  # noqa: PLR0913 - the options of a command
    *,
    tcp: Tcp = None,
    rtu_tcp: RtuTcp = None,
    serial: Serial = None,
    baud: Annotated[str, typer.Option("--baud", help="one or more speeds, e.g. 9600,19200; default: all")] = "",
    parity: Annotated[str, typer.Option("--parity", help="one or more of N, E, O, e.g. N,E")] = "",
    stopbits: Annotated[str, typer.Option("--stopbits", help="1 or 2, or 1,2")] = "",
    units: Annotated[str, typer.Option("--units", help="e.g. 1-247 or 1,3,11; default: factory units, then 1-32")] = "",
    timeout_s: Timeout = 0.2,
    as_json: Json = False,
) -> None:
    """Look for meters on a line: speeds, parities, addresses, the likely ones first. Ctrl-C keeps what was found.

    Only reads. Stops after the first setting at which somebody answers. A line on which nothing answers Modbus is
    asked in DL/T 645-2007 last.
    """
    from edge_agent import scan as scanning  # noqa: PLC0415 - loaded when it runs
    from edge_agent.line_choice import line_of  # noqa: PLC0415 - loaded when it runs
    from edge_agent.progress import ProgressLine  # noqa: PLC0415 - loaded when it runs
    from wire.clock import SystemClock  # noqa: PLC0415 - loaded when it runs

    settings = _settings(baud, parity, stopbits)
    line = line_of(tcp, rtu_tcp, serial, settings[0] if settings else (9600, "N", 1))
    bar = ProgressLine(sys.stderr)

    def found(answer: scanning.Answer) -> None:
        bar.clear()
        typer.echo(f"found {answer.line} unit {answer.unit} ({answer.said})", err=True)

    def progress(now: scanning.Progress) -> None:
        bar.show(now.done, now.of, now.left_s, f"{_short(now.line)} u{now.unit}")

    plan = scanning.steps(line, settings, _units(units))
    running = scanning.Scan(plan, SystemClock(), timeout_s, found, progress)
    try:
        asyncio.run(running.run())
    except KeyboardInterrupt:
        bar.clear()
    bar.clear()
    _print_json(running.document()) if as_json else typer.echo(scanning.text(running))
    if not running.is_complete:
        raise typer.Exit(130)
    if not running.found and running.dlt645 is None:
        raise typer.Exit(3)


def probe(  # noqa: PLR0913 - the options of a command
    *,
    tcp: Tcp = None,
    rtu_tcp: RtuTcp = None,
    serial: Serial = None,
    baud: Baud = 9600,
    parity: Parity = "N",
    stopbits: Stopbits = 1,
    unit: Unit = 1,
    timeout_s: Timeout = 0.4,
    as_json: Json = False,
) -> None:
    """Recognise one meter: its model, how sure that is and why, what it tells of itself, and its values.

    Only reads. A meter that does not answer Modbus is asked in DL/T 645-2007 too.
    """
    from edge_agent import probe as probing  # noqa: PLC0415 - loaded when it runs
    from edge_agent.errors import CheckFailed  # noqa: PLC0415 - loaded when it runs
    from edge_agent.line_choice import line_of  # noqa: PLC0415 - loaded when it runs
    from edge_agent.progress import ProgressLine  # noqa: PLC0415 - loaded when it runs
    from wire.clock import SystemClock  # noqa: PLC0415 - loaded when it runs

    line = line_of(tcp, rtu_tcp, serial, (baud, parity, stopbits))
    bar = ProgressLine(sys.stderr)
    probed = asyncio.run(
        probing.probe(line, unit, SystemClock(), timeout_s, lambda done, of, name: bar.show(done, of, None, name))
    )
    bar.clear()
    if not probed.recognition.answers and probed.dlt645 is None:
        heard = f"; heard: {probed.heard.last_wrong}" if probed.heard.last_wrong else ""
        raise CheckFailed(
            f"{line} unit {unit}: no answer{heard}; check power, address, speed, parity and the wires A and B, "
            "or look for it with: coldseal agent scan"
        )
    if as_json:
        _print_json(probing.document(probed, line, unit))
    else:
        typer.echo(probing.text(probed, line, unit))
    if probed.recognition.answers and probed.recognition.best is None:
        raise typer.Exit(1)


def commission(  # noqa: PLR0913 - the options of a command
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="the agent's settings, YAML")] = None,
    *,
    meter: Annotated[
        str | None, typer.Option("--meter", help="id of the meter; needed where there are several")
    ] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option("--lang", help="language of what is shown")] = "zh",
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="answers as YAML; asks nobody")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="where the record is written")] = Path(),
    cut_wait_s: Annotated[float, typer.Option("--cut-wait", help="longest wait for zero after the cut, s")] = 60.0,
    verify: Annotated[Path | None, typer.Option("--verify", metavar="FILE", help="check a record instead")] = None,
    key: Annotated[str | None, typer.Option("--key", help="with --verify: the agent's public key")] = None,
) -> None:
    """Put a sealed furnace's meter into service: values, wiring, clamp meter, cut-off test, seal; signed at the end.

    Stop a running agent first where the meter is on a serial line.
    """
    from edge_agent import commission_command  # noqa: PLC0415 - loaded when it runs
    from edge_agent.errors import SettingsMistake  # noqa: PLC0415 - loaded when it runs
    from wire.clock import SystemClock  # noqa: PLC0415 - loaded when it runs
    from wire.errors import WireError  # noqa: PLC0415 - loaded when it runs

    if verify is not None:
        try:
            typer.echo(commission_command.verify(verify, config, key, lang))
        except WireError as error:
            typer.echo(f"{verify}: NOT RIGHT: {error}", err=True)
            raise typer.Exit(1) from None
        return
    if config is None:
        raise SettingsMistake(
            "CONFIG: expected the agent's settings, got nothing; e.g. coldseal agent commission a1.yaml"
        )
    record, result = commission_command.run(
        config,
        meter=meter,
        answers=answers,
        out=out,
        lang=lang,
        clock=SystemClock(),
        say=typer.echo,
        cut_wait_s=cut_wait_s,
    )
    typer.echo(f"{record}")
    if result != "passed":
        raise typer.Exit(1)


def try_map(  # noqa: PLR0913 - the options of a command
    profile: Annotated[str, typer.Argument(metavar="FILE", help="a map (.yaml), or a profile's name")],
    *,
    tcp: Tcp = None,
    rtu_tcp: RtuTcp = None,
    serial: Serial = None,
    baud: Baud = 9600,
    parity: Parity = "N",
    stopbits: Stopbits = 1,
    unit: Annotated[int | None, typer.Option("--unit", min=0, max=255, help="default: the map's factory unit")] = None,
    timeout_s: Timeout = 0.4,
    as_json: Json = False,
) -> None:
    """Read a meter with one map, print its quantities, and say which of them cannot be true. Only reads."""
    from edge_agent import profile_trial  # noqa: PLC0415 - loaded when it runs
    from edge_agent.line_choice import line_of  # noqa: PLC0415 - loaded when it runs
    from wire.clock import SystemClock  # noqa: PLC0415 - loaded when it runs

    line = line_of(tcp, rtu_tcp, serial, (baud, parity, stopbits))
    document = profile_trial.try_profile(profile, line, unit, SystemClock(), timeout_s)
    _print_json(document) if as_json else typer.echo(profile_trial.text(document))
    if document["breaks_physics"]:
        raise typer.Exit(1)


def _short(line: object) -> str:
    words = str(line).split("/")[-1]
    return words.split(" ", 1)[-1] if " 8" in words else words


def _settings(baud: str, parity: str, stopbits: str) -> tuple[tuple[int, str, int], ...]:
    """The serial settings that the options name; empty for the usual ones."""
    from edge_agent.scan import usual_settings  # noqa: PLC0415 - loaded when it runs

    if not (baud or parity or stopbits):
        return ()
    usual = usual_settings()
    bauds = _numbers(baud, "--baud") or tuple(dict.fromkeys(b for b, _, _ in usual))
    parities = tuple(parity.upper().split(",")) if parity else ("N", "E")
    stops = _numbers(stopbits, "--stopbits") or (1,)
    return tuple((b, p, s) for b in bauds for p in parities for s in stops)


def _numbers(text: str, option: str) -> tuple[int, ...]:
    from edge_agent.errors import SettingsMistake  # noqa: PLC0415 - loaded when it runs

    if not re.fullmatch(r"(\d+(,\d+)*)?", text, re.ASCII):
        raise SettingsMistake(f"{option}: expected numbers with commas between, got {text!r}")
    return tuple(int(word) for word in text.split(",") if word)


def _units(text: str) -> tuple[int, ...]:
    from edge_agent.errors import SettingsMistake  # noqa: PLC0415 - loaded when it runs

    units: list[int] = []
    for word in filter(None, text.split(",")):
        match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", word, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 247:
            raise SettingsMistake(f"--units: expected numbers from 1 to 247, e.g. 1-32,100, got {word!r}")
        units += range(first, last + 1)
    return tuple(dict.fromkeys(units))


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False))
