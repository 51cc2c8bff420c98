"""`coldseal server …` and `coldseal seal …`. What a command needs is imported inside it: --help must be quick."""

from pathlib import Path
from typing import Annotated

import typer

from server.access_commands import accounts_app, keys_app, sign_in
from server.notify_commands import notify_app

server_app = typer.Typer(help="The server: page, interface, ingest and detection.", no_args_is_help=True)
agents_app = typer.Typer(help="Edge agents: whose envelopes are believed.", no_args_is_help=True)
seal_app = typer.Typer(help="Seals: which furnaces are off, since when, and who pledged it.", no_args_is_help=True)
server_app.add_typer(agents_app, name="agents")
server_app.add_typer(accounts_app, name="accounts")
server_app.add_typer(keys_app, name="keys")
server_app.add_typer(notify_app, name="notify")

Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder of database, keys and server.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Deployment = Annotated[
    str | None, typer.Option(metavar="NAME", help="The name that agents sign; server.yaml's otherwise.")
]
DATA = Path("data")


@server_app.command()
def run(
    data: Data = DATA,
    host: Annotated[str | None, typer.Option(help="Address to serve on; 127.0.0.1 otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on; 8080 otherwise, 0 takes a free one.")] = None,
    broker: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The MQTT broker; 127.0.0.1:1883.")] = None,
    deployment: Deployment = None,
    silent_after_s: Annotated[float | None, typer.Option(help="An agent is silent after so many seconds; 180.")] = None,
) -> None:
    """Serve page and interface, take envelopes from the broker, and judge them, until Ctrl-C or SIGTERM.

    Example: coldseal server run --data data --broker 127.0.0.1:1883

    The first start makes the database, the key that signs receipts, and shows a link that makes the first
    administrator's account. A line `ready http://HOST:PORT` on standard error says that it serves. What the command line leaves
    out stands in DATA/server.yaml; see server/README.md.

    Exit codes: 0 ended by Ctrl-C or SIGTERM; 2 wrong use or settings; 3 port, broker, database or key.
    """
    from server.command_work import run_server  # noqa: PLC0415 - the web framework loads when it is needed

    run_server(data, host=host, port=port, broker=broker, deployment=deployment, silent_after_s=silent_after_s)


@server_app.command()
def migrate(data: Data = DATA) -> None:
    """Make the database, or bring it to this release's tables; `run` does the same by itself.

    Example: coldseal server migrate --data data

    Exit codes: 0 done; 3 the database cannot be used, or a newer release made it.
    """
    from server.command_work import migrate_database  # noqa: PLC0415 - the database layer loads when it is needed

    migrate_database(data)


server_app.command("sign-in")(sign_in)


@agents_app.command("add")
def add_agent(
    agent: Annotated[str, typer.Argument(metavar="ID", help="As the agent's settings have it: a-z, 0-9, '-'.")],
    key: Annotated[str, typer.Option(metavar="ALG:BASE64URL", help="The agent's public key, as the agent prints it.")],
    kid: Annotated[str | None, typer.Option(metavar="ID#N", help="The key's id; ID#1 otherwise.")] = None,
    data: Data = DATA,
    deployment: Deployment = None,
    as_json: Json = False,
) -> None:
    """Believe an agent's envelopes from now on; prints the two lines that its settings file needs of this server.

    Example: coldseal server agents add fz-mh-0043 --key Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo

    The very same registration again changes nothing. A running server sees it at once.

    Exit codes: 0 done; 2 not an id, key or kid, or one that is taken; 3 database or key.
    """
    from server.command_work import register_agent  # noqa: PLC0415 - the database layer loads when it is needed

    register_agent(data, agent, key, kid, deployment=deployment, as_json=as_json)


@agents_app.command("list")
def list_agents(data: Data = DATA, as_json: Json = False) -> None:
    """List agents: key id, since when, up to which envelope, when heard.

    Example: coldseal server agents list --json

    Exit codes: 0 done; 3 the database cannot be used.
    """
    from server.command_work import print_agents  # noqa: PLC0415 - the database layer loads when it is needed

    print_agents(data, as_json=as_json)


@agents_app.command("revoke")
def revoke_agent(
    agent: Annotated[str, typer.Argument(metavar="ID", help="The agent.")], data: Data = DATA, as_json: Json = False
) -> None:
    """Believe an agent no longer, for good; what it sent before stays.

    Example: coldseal server agents revoke fz-mh-0043

    Exit codes: 0 done, or revoked before; 2 no such agent; 3 the database cannot be used.
    """
    from server.command_work import revoke  # noqa: PLC0415 - the database layer loads when it is needed

    revoke(data, agent, as_json=as_json)


@seal_app.command("add")
def add_seals(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML, or CSV from a spreadsheet: server/README.md.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Register the seals of a file: enterprise, site, furnace, meters, pledge, windows. All of it, or nothing.

    Example: coldseal seal add seals.csv --data data

    Every mistake is told, one a line, with its place: `seals.csv: row 3, tonnes: expected …, got …`. A furnace that
    no catalogue item lists can be sealed too; a note says why none does.

    Exit codes: 0 done; 2 mistakes in the file, nothing was stored; 3 file or database.
    """
    from server.command_work import register_seals  # noqa: PLC0415 - the database layer loads when it is needed

    register_seals(data, file, as_json=as_json)


@seal_app.command("list")
def list_seals(data: Data = DATA, as_json: Json = False) -> None:
    """List the registered seals.

    Example: coldseal seal list

    Exit codes: 0 done; 3 the database cannot be used.
    """
    from server.command_work import print_seals  # noqa: PLC0415 - the database layer loads when it is needed

    print_seals(data, as_json=as_json)


@seal_app.command("show")
def show_seal(
    seal: Annotated[str, typer.Argument(metavar="ID", help="The seal's number.")],
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Show all that is registered of one seal.

    Example: coldseal seal show FZ-MH-2026-0043

    Exit codes: 0 done; 2 no such seal; 3 the database cannot be used.
    """
    from server.command_work import print_seal  # noqa: PLC0415 - the database layer loads when it is needed

    print_seal(data, seal, as_json=as_json)
