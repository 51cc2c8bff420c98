"""`coldseal server accounts …`, `server keys …`, `server sign-in`. What a command needs is imported inside it."""

from pathlib import Path
from typing import Annotated

import typer

from server.access.rights import Right, Role

accounts_app = typer.Typer(help="People: who signs in, what each may do, and in which counties.", no_args_is_help=True)
keys_app = typer.Typer(help="Programs: keys to the interface, with what each may ask.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder of database, keys and server.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What is typed to sign in: a-z, 0-9, '.', '-'.")]
KeyName = Annotated[
    str, typer.Argument(metavar="NAME", help="The author of what the program does: a-z, 0-9, '.', '-'.")
]
Counties = Annotated[
    list[str] | None,
    typer.Option(
        "--county", metavar="CODE", help="A county that is seen, six digits; again for more. None is every one."
    ),
]
DATA = Path("data")


@accounts_app.command("add")
def add_account(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person is here; docs/access.md says what each may do.")],
    shown_as: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How pages call the person; NAME otherwise.")
    ] = None,
    county: Counties = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make an account, and print a link with which the person chooses a password once, within 24 hours.

    Example: coldseal server accounts add li.ming --role monitor --shown-as 李明 --county 350121

    An administrator sees every county. A running server sees it at once.

    Exit codes: 0 done; 2 not a name or county, or a name that is taken; 3 the database cannot be used.
    """
    from server.access_work import add_account as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, name, role, shown_as or name, county or [], as_json=as_json)


@accounts_app.command("list")
def list_accounts(data: Data = DATA, as_json: Json = False) -> None:
    """List accounts: name, role, counties, whether a password was chosen, whether disabled.

    Example: coldseal server accounts list --json

    Exit codes: 0 done; 3 the database cannot be used.
    """
    from server.access_work import print_accounts as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, as_json=as_json)


@accounts_app.command("set")
def set_account(  # noqa: PLR0913, PLR0917 - what may be changed
    name: Name,
    role: Annotated[Role | None, typer.Option(help="What the person is here from now on.")] = None,
    shown_as: Annotated[str | None, typer.Option(metavar="TEXT", help="How pages call the person.")] = None,
    county: Counties = None,
    every_county: Annotated[bool, typer.Option("--every-county", help="See every county from now on.")] = False,
    enable: Annotated[bool, typer.Option("--enable", help="End a disabling.")] = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Change what is given of an account; who has another role or county is signed out everywhere at once.

    Example: coldseal server accounts set li.ming --county 350121 --county 350122

    Exit codes: 0 done; 2 no such account, not a county, or no administrator would be left; 3 the database.
    """
    from server.access_work import change_account as work  # noqa: PLC0415 - the database layer loads when it is needed

    counties = [] if every_county else county
    work(
        data, name, role=role, shown_as=shown_as, counties=counties, disabled=False if enable else None, as_json=as_json
    )


@accounts_app.command("disable")
def disable_account(name: Name, data: Data = DATA, as_json: Json = False) -> None:
    """Let nobody in under an account: its sessions and links end at once; what the person did stays in the record.

    Example: coldseal server accounts disable li.ming

    Exit codes: 0 done, or disabled before; 2 no such account, or the last administrator; 3 the database.
    """
    from server.access_work import change_account as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, name, disabled=True, as_json=as_json)


@keys_app.command("add")
def add_key(
    name: KeyName,
    scope: Annotated[list[Right], typer.Option(help="What the program may do; again for more.")],
    county: Counties = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help="Good for so many days; for ever otherwise.")
    ] = None,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Make a key for a program, and print it; it is shown this once.

    Example: coldseal server keys add city-platform --scope read --county 350121 --days 365

    The program sends it in the header 'Authorization: Bearer KEY'.

    Exit codes: 0 done; 2 not a name or county, or a name that is taken; 3 the database cannot be used.
    """
    from server.access_work import add_key as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, name, scope, county or [], days, as_json=as_json)


@keys_app.command("list")
def list_keys(data: Data = DATA, as_json: Json = False) -> None:
    """List keys, without their secrets.

    Example: coldseal server keys list

    Exit codes: 0 done; 3 the database cannot be used.
    """
    from server.access_work import print_keys as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, as_json=as_json)


@keys_app.command("revoke")
def revoke_key(name: KeyName, data: Data = DATA, as_json: Json = False) -> None:
    """Open nothing with a key any more, for good, at once.

    Example: coldseal server keys revoke city-platform

    Exit codes: 0 done, or revoked before; 2 no such key; 3 the database cannot be used.
    """
    from server.access_work import revoke_key as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, name, as_json=as_json)


def sign_in(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Whose; without it the first administrator's, while there is none."),
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="A link to choose a new password instead.")] = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Print a link that works once, within 24 hours: it signs a browser in as NAME, or lets NAME choose a password.

    Example: coldseal server sign-in li.ming --data data

    Without NAME, and as long as there is no account, the link makes the first administrator's. The link has the
    address that stands in server.yaml; a server started with --host or --port has its own.

    Exit codes: 0 done; 2 no such account, or it is disabled; 3 the database cannot be used.
    """
    from server.access_work import print_link as work  # noqa: PLC0415 - the database layer loads when it is needed

    work(data, name, password=password, as_json=as_json)
