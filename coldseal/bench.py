"""`coldseal bench`: figures of this machine, each beside its limit from the same run."""

import sys
from typing import Annotated

import msgspec
import typer

from coldseal.poll_bench_parts import Part

EXIT_CODES = "Exit codes: 0 it ran (with --strict: and kept the limit), 1 with --strict the limit was not kept, 2, 3."

app = typer.Typer(help=f"Measure this machine. {EXIT_CODES}", no_args_is_help=True, add_completion=False)


@app.callback()
def bench() -> None:
    """Measure this machine."""


@app.command("end-to-end")
def end_to_end(
    meters: Annotated[int, typer.Option(min=1, max=400, help="sealed furnaces, each with an agent of its own")] = 1,
    restarts: Annotated[int, typer.Option(min=1, help="restarts to measure in all")] = 300,
    seed: Annotated[int, typer.Option(help="decides when each furnace restarts")] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="exit 1 when the limit is not kept or a restart was missed")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """From the agent's first reply above the limit to the committed violation, at 1 s polls.

    How each figure is taken: meters, agents and broker are processes of this machine; the server's worker and its
    SQLite file are in this one. first_reply: the agent's wall clock when the first reply above the limit arrived.
    second_reply: the same for the sample that satisfies the rule. committed: the server's wall clock just after the
    transaction that stored the violation. Percentiles are over all restarts. limit_s is one poll period + 1 s.
    With 1 meter it restarts each 5 s (about 25 minutes for 300); with 200 each restarts about once a minute.

    Example: coldseal bench end-to-end --meters 200 --json
    """
    from coldseal.end_to_end import measure  # noqa: PLC0415 - numpy and the server, when it runs

    figures = measure(meters, restarts, seed, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    if as_json:
        typer.echo(msgspec.json.encode(figures).decode())
    else:
        for name, value in msgspec.structs.asdict(figures).items():
            typer.echo(f"{name:<36} {value}")
    missed = figures.restarts_measured < figures.restarts_planned
    if strict and (missed or not figures.first_reply_to_committed_p99_s <= figures.limit_s):
        raise typer.Exit(1)


@app.command("console")
def console(
    seals: Annotated[int, typer.Option(min=1, max=2_000, help="sealed furnaces with a year of minutes each")] = 500,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="how often each page is opened")] = 15,
    restarts: Annotated[int, typer.Option(min=1, help="restarts to see on an open board")] = 100,
    strict: Annotated[bool, typer.Option("--strict", help="exit 1 when a limit is not kept")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """What a person waits for: the board and a day of seconds until they are drawn, and a restart until it is shown.

    How each figure is taken: from the start of a navigation in Chromium, first_paint is until its first paint of content,
    drawn until the page's own content and its chart are drawn, medians over the rounds; blank is an empty page of the
    same toolkit with one chart, opened in turn with them. memory_per_viewer is the server's resident memory with 20 idle boards, less that without, by 20.
    stored_to_shown is from the server's time of the transaction that stored a violation until its row is in the document
    of a board that was open. Needs Chromium, and about 1 GB of disk.

    Example: coldseal bench console --json
    """
    from coldseal.console_bench import measure  # noqa: PLC0415 - the server and Playwright, when it runs

    figures = measure(seals, rounds, restarts, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    if as_json:
        typer.echo(msgspec.json.encode(figures).decode())
    else:
        for name, value in msgspec.structs.asdict(figures).items():
            typer.echo(f"{name:<36} {value}")
    kept = max(figures.board_first_paint_ratio, figures.day_first_paint_ratio) < figures.ratio_limit
    if strict and not (kept and figures.stored_to_shown_p99_s < figures.shown_limit_s):
        raise typer.Exit(1)


@app.command("poll")
def poll(
    only: Annotated[
        list[Part] | None, typer.Option(help="a part to measure; give it again for more; all if none")
    ] = None,
    meters: Annotated[list[int] | None, typer.Option(min=1, help="size of a fleet; 100 and 1000 if none")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="how long each fleet and the memory are watched")] = 120.0,
    strict: Annotated[bool, typer.Option("--strict", help="exit 1 when a limit is not kept")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """What a poll costs: requests, the wire's limit, processor, memory, a thousand meters, and a bus with bad meters.

    requests: counted from the register maps. pace: the agent on a simulated serial line at its true pace. cpu: one poll
    against a bare pymodbus loop, interleaved, the server in another process. fleet: agents over TCP for --seconds each.
    bus: 32 meters at 9,600 baud, three dead, one late, one sending garbage. memory: a real agent process. About 15
    minutes in all; docs/bench.md has every figure.

    Example: coldseal bench poll --only pace --only bus --json
    """
    from coldseal.poll_bench import lines, measure  # noqa: PLC0415 - the agent and the simulators, when it runs

    figures = measure(
        only or list(Part),
        meters or (100, 1000),
        seconds,
        lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201
    )
    typer.echo(msgspec.json.encode(figures).decode() if as_json else "\n".join(lines(figures)))
    if strict and figures.not_kept:
        raise typer.Exit(1)
