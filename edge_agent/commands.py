"""The agent's commands. They import what they need when they run: `key` needs no Modbus, `run` no tables."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from edge_agent import field_commands

EXIT_CODES = "Exit codes: 0 done, 2 wrong use or settings, 3 the environment (device, file, broker, meter)."


# No markup: Typer would import rich, which the agent must do without.
app = typer.Typer(
    name="agent",
    help=f"Read meters, sign what they say, deliver it. {EXIT_CODES}",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="the agent's settings, YAML")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


@app.command(epilog=f"Example: coldseal agent run agents/a1.yaml agents/a2.yaml. {EXIT_CODES}")
def run(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="settings of one or more agents, YAML")],
) -> None:
    """Poll and deliver until SIGTERM or Ctrl-C; prints 'ready agent ID' when polling has started."""
    from edge_agent import entry  # noqa: PLC0415 - loaded when it runs

    entry.run(configs)


@app.command(epilog=f"Example: coldseal agent key agents/a1.yaml. {EXIT_CODES}")
def key(config: Config, as_json: Json = False) -> None:
    """Print agent, key id and public key for `coldseal server agents add`; makes the key if there is none.

    Only `agent` and `data` need to stand in CONFIG yet: the server's key comes from that very command.
    """
    from edge_agent import identity  # noqa: PLC0415 - loaded when it runs
    from edge_agent.config import load_identity  # noqa: PLC0415 - loaded when it runs

    agent, data = load_identity(config)
    public = identity.load_or_make_key(data).public
    if as_json:
        _print_json({"agent": agent, "kid": identity.kid(agent), "public_key": str(public)})
    else:
        typer.echo(f"{agent} {identity.kid(agent)} {public}")


@app.command(epilog=f"Example: coldseal agent outbox agents/a1.yaml --json. {EXIT_CODES}")
def outbox(config: Config, as_json: Json = False) -> None:
    """Show what waits for the server: count, numbers, bytes, oldest time, last receipt, faults."""
    from edge_agent import inspection  # noqa: PLC0415 - loaded when it runs
    from edge_agent.config import load  # noqa: PLC0415 - loaded when it runs

    document = inspection.outbox(load(config))
    if as_json:
        _print_json(document)
    else:
        typer.echo(inspection.outbox_text(document))


@app.command(epilog=f"Example: coldseal agent check agents/a1.yaml. {EXIT_CODES}")
def check(config: Config) -> None:
    """Check settings, lines, meters and broker once, before the agent is left alone; ends at the first failure."""
    from edge_agent import inspection  # noqa: PLC0415 - loaded when it runs
    from edge_agent.config import load  # noqa: PLC0415 - loaded when it runs

    settings = load(config)
    typer.echo(f"settings: {config}: agent {settings.agent}, {len(settings.meters)} meters")
    asyncio.run(inspection.check(settings, typer.echo))


field_commands.add_to(app)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False))
