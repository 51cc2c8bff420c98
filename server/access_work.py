"""The work of `coldseal server accounts …`, `keys …` and `sign-in`, from options to rows and lines."""

from collections.abc import Sequence
from pathlib import Path

from server import settings
from server.access import accounts, audit, counties, keys, links
from server.access.audit import COMMAND_LINE
from server.access.links import FIRST, Purpose
from server.access.rights import Right, Role
from server.access.tables import Account, ApiKey
from server.command_work import columns, show, transaction
from server.settings import Settings
from wire.clock import SystemClock, iso
from wire.errors import SettingsError

DAY_MS = 24 * 3_600_000


def add_account(data: Path, name: str, role: Role, shown_as: str, codes: Sequence[str], *, as_json: bool) -> None:
    """Make an account and a link to choose its password."""
    loaded, now_ms = settings.load(data), SystemClock().wall_ms()
    with transaction(loaded) as session:
        account = accounts.add(
            session, COMMAND_LINE, name=name, shown_as=shown_as, role=role, counties=codes, now_ms=now_ms
        )
        secret = accounts.link(session, COMMAND_LINE, account, Purpose.PASSWORD, now_ms)
    link = _address(loaded, secret)
    lines = [f"{account.shown_as} ({name}) is {role.value}; the password is chosen once, within 24 h, at:", link]
    show(_account(account) | {"link": link}, lines, as_json=as_json)


def print_accounts(data: Path, *, as_json: bool) -> None:
    """List accounts."""
    with transaction(settings.load(data)) as session:
        rows = [_account(account) for account in accounts.everyone(session)]
    lines = _table(rows) if rows else ["no account yet; make the first administrator's with: coldseal server sign-in"]
    show({"accounts": rows}, lines, as_json=as_json)


def change_account(
    data: Path,
    name: str,
    *,
    role: Role | None = None,
    shown_as: str | None = None,
    counties: Sequence[str] | None = None,
    disabled: bool | None = None,
    as_json: bool,
) -> None:
    """Change what is given."""
    with transaction(settings.load(data)) as session:
        account = accounts.change(
            session,
            COMMAND_LINE,
            name,
            now_ms=SystemClock().wall_ms(),
            shown_as=shown_as,
            role=role,
            counties=counties,
            disabled=disabled,
        )
        row = _account(account)
    show(row, [", ".join(f"{key} {_told(value)}" for key, value in row.items())], as_json=as_json)


def add_key(
    data: Path, name: str, scopes: Sequence[Right], codes: Sequence[str], days: int | None, *, as_json: bool
) -> None:
    """Make a key and print it."""
    now_ms = SystemClock().wall_ms()
    expires_ms = None if days is None else now_ms + days * DAY_MS
    with transaction(settings.load(data)) as session:
        issued = keys.add(
            session, COMMAND_LINE, name=name, scopes=scopes, counties=codes, expires_ms=expires_ms, now_ms=now_ms
        )
    lines = [f"key {name}, shown this once; send it as 'Authorization: Bearer KEY':", issued.secret]
    show(_key(issued.key) | {"secret": issued.secret}, lines, as_json=as_json)


def print_keys(data: Path, *, as_json: bool) -> None:
    """List keys."""
    with transaction(settings.load(data)) as session:
        rows = [_key(key) for key in keys.everything(session)]
    lines = _table(rows) if rows else ["no key yet; make one with: coldseal server keys add --help"]
    show({"keys": rows}, lines, as_json=as_json)


def revoke_key(data: Path, name: str, *, as_json: bool) -> None:
    """End a key."""
    with transaction(settings.load(data)) as session:
        row = _key(keys.revoke(session, COMMAND_LINE, name, SystemClock().wall_ms()))
    show(row, [f"key {name} opens nothing any more, since {row['revoked']}"], as_json=as_json)


def print_link(data: Path, name: str | None, *, password: bool, as_json: bool) -> None:
    """Make a one-time link and print it."""
    loaded, now_ms = settings.load(data), SystemClock().wall_ms()
    purpose = Purpose.PASSWORD if password else Purpose.SIGN_IN
    with transaction(loaded) as session:
        if name is None:
            secret = links.first_administrator(session, now_ms)
            audit.write(session, COMMAND_LINE, "link.add", "", now_ms, purpose=Purpose.FIRST_ADMIN.value)
        else:
            secret = accounts.link(session, COMMAND_LINE, accounts.named(session, name), purpose, now_ms)
    if secret is None:
        raise SettingsError("NAME: expected an account's name, got nothing; see: coldseal server accounts list")
    link = _address(loaded, secret)
    show({"link": link}, [link], as_json=as_json)


def _address(loaded: Settings, secret: str) -> str:
    host = f"[{loaded.http_host}]" if ":" in loaded.http_host else loaded.http_host
    return f"http://{host}:{loaded.http_port}{FIRST}{secret}"


def _account(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "shown_as": account.shown_as,
        "role": account.role,
        "counties": sorted(counties.parted(account.counties)),
        "has_password": account.password_hash is not None,
        "added": iso(account.created_ms),
        "disabled": account.disabled_ms and iso(account.disabled_ms),
    }


def _key(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": sorted(keys.scopes(key)),
        "counties": sorted(counties.parted(key.counties)),
        "added": iso(key.created_ms),
        "added_by": key.created_by,
        "expires": key.expires_ms and iso(key.expires_ms),
        "revoked": key.revoked_ms and iso(key.revoked_ms),
    }


def _table(rows: Sequence[dict[str, object]]) -> list[str]:
    header: dict[str, object] = {name: name for name in rows[0]}
    return columns([header, *({name: _told(value) for name, value in row.items()} for row in rows)])


def _told(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "every" if isinstance(value, list) else value
