"""Commands on register maps: list those that ship, check one of your own, try it on a meter."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge_agent.field_commands import EXIT_CODES_OF_TRY, try_map
from edge_agent.profile_table import Row, card_counts, grid_check, row, rows
from wire import profile_files
from wire.errors import ProfileError, SurroundingsError
from wire.profile import Profile
from wire.quality import mark

EXIT_CODES = "Exit codes: 0 done, 1 the check failed, 2 wrong use, 3 the environment (file)."

app = typer.Typer(
    name="profiles",
    help=f"List, check and try register maps. {EXIT_CODES}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.command("list", epilog=f"Example: coldseal profiles list --json. {EXIT_CODES}")
def show(as_json: Json = False) -> None:
    """List every register map that ships: what it is, how sure its facts are, its quality card."""
    told = rows()
    if as_json:
        _print_json({"profiles": [msgspec.to_builtins(one) for one in told]})
        return
    typer.echo("\n".join(_table(told)))


@app.command(epilog=f"Example: coldseal profiles check my_meter.yaml. {EXIT_CODES}")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a register map (.yaml), or the name of a shipped one")],
    as_json: Json = False,
) -> None:
    """Check a register map: every mistake with its line, then the card and what is unverified."""
    if file.endswith((".yaml", ".yml")) and not Path(file).is_file():
        raise SurroundingsError(f"{file}: there is no such file; check the path")
    try:
        profile = profile_files.find(file).profile
    except ProfileError as error:
        mistakes = str(error).splitlines()
        if as_json:
            _print_json({"ok": False, "complaints": mistakes})
        else:
            typer.echo("\n".join([*mistakes, f"{file}: {_count(mistakes, 'mistake')}; correct and check again"]))
        raise typer.Exit(1) from error
    if as_json:
        _print_json({"ok": True, "complaints": [], "profile": msgspec.to_builtins(row(profile))})
        return
    typer.echo("\n".join(_told(profile)))


app.command("try", epilog=f"Example: coldseal profiles try my_meter.yaml --tcp 192.168.1.20:502. {EXIT_CODES_OF_TRY}")(
    try_map
)


def _table(told: Sequence[Row]) -> list[str]:
    width = max(len(one.name) for one in told)
    head = f"{'profile':<{width}}  {'kind':<17}  {'quantities':<24}  {'grid check':<13}  meter"
    lines = [
        f"{one.name:<{width}}  {one.kind:<17}  {_verified(one):<24}  {grid_check(one):<13}  {one.vendor} {one.model}"
        for one in told
    ]
    return [head, *lines, "grid check: whether the frequency is fine enough (0.01 Hz) to be compared with the grid's"]


def _verified(one: Row) -> str:
    unverified = len(one.unverified)
    return f"{one.registers}, {unverified} unverified" if unverified else f"{one.registers}, all verified"


def _told(profile: Profile) -> list[str]:
    """What a good profile is shown as."""
    one = row(profile)
    lines = [f"{one.name}: no mistake found; {one.vendor} {one.model}, {_count(profile.registers, 'quantity')}"]
    lines.append(f"grid check: {grid_check(one)}")
    lines.append(f"unverified: {', '.join((*one.unverified, *one.unverified_identity)) or 'nothing'}")
    if not profile.quality:
        return [*lines, "quality: no card; copy it from firmware_configs/meters/BLUEPRINT.yaml"]
    lines.append(f"quality (done / todo / exempt): {card_counts(profile)}")
    for topic, answer in profile.quality.items():
        state, why = mark(answer)
        lines.append(f"  {topic.value:<17}  {state}{'' if why is None else f': {why}'}")
    return lines


def _count(items: Sequence[object], word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{len(items)} {word if len(items) == 1 else plural}"


def _print_json(told: object) -> None:
    typer.echo(json.dumps(told, ensure_ascii=False))
