"""`coldseal server accounts …`, `keys …`, `sign-in` as a person or a script runs them, and what every command records."""

import re
from pathlib import Path

import pytest
import typer
from sqlmodel import col, select
from typer.main import get_command

from server.access import keys, links, sessions, signing_in
from server.access.links import Purpose
from server.access.signing_in import Place
from server.access.tables import AuditEntry
from server.commands import seal_app, server_app
from server.store import Store
from tests.server.commands.test_commands import KEY, TWO_SEALS, Terminal
from tests.server.stores import a_database, a_store, written_on
from wire.clock import SystemClock

LINK = re.compile(r"http://127\.0\.0\.1:8080/first/([\w-]{43})")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder."""
    return written_on(tmp_path / "data")


@pytest.fixture
def terminal(data: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on it."""
    return Terminal(data, capsys)


@pytest.fixture
def administered(terminal: Terminal) -> Terminal:
    """A terminal on a database with one administrator."""
    assert terminal.run("server", "accounts", "add", "li.ming", "--role", "administrator") == 0
    return terminal


def opened(data: Path, text: str, purpose: Purpose) -> bool:
    """Whether a printed link opens a door."""
    found = LINK.search(text)
    assert found is not None
    store = a_store(data)
    with store.transaction() as session:
        link = links.find(session, found[1], SystemClock().wall_ms())
    store.close()
    return link is not None and link.purpose == purpose.value


def test_an_account_from_nothing_to_disabled(data: Path, terminal: Terminal) -> None:
    """Made with a link for the password, listed, changed, disabled: each told in one line a person can read."""
    add = ("server", "accounts", "add", "chen", "--role", "monitor", "--shown-as", "陈某", "--county", "350121")
    assert terminal.run(*add) == 0
    told, link = terminal.out.splitlines()
    assert told == "陈某 (chen) is monitor; the password is chosen once, within 24 h, at:"
    assert opened(data, link, Purpose.PASSWORD)

    assert terminal.run("server", "accounts", "list") == 0
    head, row = terminal.out.splitlines()
    assert head.split() == ["name", "shown_as", "role", "counties", "has_password", "added", "disabled"]
    assert row.split()[:5] == ["chen", "陈某", "monitor", "350121", "no"]

    counties = ("--county", "350121", "--county", "350122")
    changed = terminal.document("server", "accounts", "set", "chen", *counties)
    assert changed["counties"] == ["350121", "350122"]
    assert terminal.document("server", "accounts", "set", "chen", "--every-county")["counties"] == []
    assert terminal.document("server", "accounts", "disable", "chen")["disabled"] is not None
    assert terminal.document("server", "accounts", "set", "chen", "--enable")["disabled"] is None
    assert not opened(data, link, Purpose.PASSWORD)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("accounts", "add", "Chen", "--role", "monitor"), "name: expected a-z, 0-9, '.', '-'"),
        (("accounts", "add", "li.ming", "--role", "monitor"), "name: 'li.ming' is taken"),
        (("accounts", "add", "x", "--role", "monitor", "--county", "1"), "counties: expected codes of six digits"),
        (("accounts", "add", "x", "--role", "administrator", "--county", "350121"), "counties: expected none for"),
        (("accounts", "set", "nobody", "--role", "viewer"), "name: 'nobody': no such account"),
        (("accounts", "disable", "li.ming"), "role: expected an administrator to be left"),
        (("keys", "add", "x", "--scope", "audit", "--county", "350121"), "counties: expected none beside audit"),
        (("keys", "revoke", "x"), "name: 'x': no such key; see: coldseal server keys list"),
        (("sign-in", "nobody"), "name: 'nobody': no such account; see: coldseal server accounts list"),
        (("sign-in",), "NAME: expected an account's name, got nothing"),
    ],
)
def test_wrong_use(administered: Terminal, words: tuple[str, ...], message: str) -> None:
    """One line on standard error that says what was expected; exit code 2."""
    assert administered.run("server", *words) == 2
    assert administered.err.startswith(f"coldseal: error: {message}")
    assert administered.err.count("\n") == 1


def test_a_key_is_shown_once(data: Path, administered: Terminal) -> None:
    """The printed key opens what its scopes say, until it is revoked; the list never shows it."""
    assert (
        administered.run("server", "keys", "add", "platform", "--scope", "read", "--scope", "metrics", "--days", "1")
        == 0
    )
    told, secret = administered.out.splitlines()
    assert told == "key platform, shown this once; send it as 'Authorization: Bearer KEY':"
    assert administered.run("server", "keys", "list") == 0
    assert "metrics, read" in administered.out
    assert secret not in administered.out
    assert rights(data, secret) == ["metrics", "read"]
    assert administered.run("server", "keys", "revoke", "platform") == 0
    assert administered.out.startswith("key platform opens nothing any more, since 20")
    assert rights(data, secret) == []


def rights(data: Path, secret: str) -> list[str]:
    """What a key opens."""
    store = a_store(data)
    with store.transaction() as session:
        who = keys.who(session, secret, SystemClock().wall_ms(), "")
    store.close()
    return sorted(who.rights) if who is not None else []


def test_sign_in_signs_in(data: Path, administered: Terminal) -> None:
    """The printed link signs a browser in; with --password it lets the person choose another one."""
    assert administered.run("server", "sign-in", "li.ming") == 0
    found = LINK.fullmatch(administered.out.strip())
    assert found is not None
    store = a_store(data)
    now_ms = SystemClock().wall_ms()
    gained = signing_in.use_link(store, found[1], Place(now_ms, "", ""))
    with store.transaction() as session:
        who = sessions.who(session, gained.secret, now_ms, "")
    store.close()
    assert who is not None
    assert who.name == "li.ming"
    assert administered.run("server", "sign-in", "li.ming", "--password") == 0
    assert opened(data, administered.out, Purpose.PASSWORD)


def test_the_first_administrators_link(data: Path, terminal: Terminal) -> None:
    """Without any account, sign-in alone makes the link of the first start once more."""
    document = terminal.document("server", "sign-in")
    assert opened(data, str(document["link"]), Purpose.FIRST_ADMIN)


READS = {
    "server run", "server migrate", "server agents list", "server accounts list", "server keys list", "seal list",
    "seal show",
}  # fmt: skip
"""Commands that change nothing that a person decides on."""

CHANGES = {
    "server accounts add": (("server", "accounts", "add", "new", "--role", "viewer"), "account.add"),
    "server accounts set": (("server", "accounts", "set", "new", "--role", "monitor"), "account.set"),
    "server accounts disable": (("server", "accounts", "disable", "new"), "account.disable"),
    "server keys add": (("server", "keys", "add", "platform", "--scope", "read"), "key.add"),
    "server keys revoke": (("server", "keys", "revoke", "platform"), "key.revoke"),
    "server sign-in": (("server", "sign-in", "li.ming"), "link.add"),
    "server agents add": (("server", "agents", "add", "fz-mh-0043", "--key", KEY), "agent.add"),
    "server agents revoke": (("server", "agents", "revoke", "fz-mh-0043"), "agent.revoke"),
    "seal add": (("seal", "add", str(TWO_SEALS)), "seal.add"),
}
"""An example of each command that changes something, and the action that the record must name."""


def commands() -> set[str]:
    """Every command of the two groups."""
    found = set[str]()

    def walk(command: object, before: str) -> None:
        inside = getattr(command, "commands", None)
        if inside is None:
            found.add(before)
            return
        for name, one in inside.items():
            walk(one, f"{before} {name}")

    for name, app in (("server", server_app), ("seal", seal_app)):
        assert isinstance(app, typer.Typer)
        walk(get_command(app), name)
    return found


def test_every_command_is_known() -> None:
    """A new command has to say here whether it changes something, and with which action."""
    assert {one for one in commands() if not one.startswith("server notify")} == READS | set(CHANGES)


def test_every_change_leaves_an_entry(data: Path, administered: Terminal) -> None:
    """Each changing command adds to the record, by command-line, from no address."""
    for command, (words, action) in CHANGES.items():
        before = recorded(data)
        assert administered.run(*words) == 0, (command, administered.err)
        added = recorded(data)[len(before) :]
        assert action in [one for one, _, _ in added], command
        assert {(actor, address) for _, actor, address in added} == {("command-line", "")}, command


def recorded(data: Path) -> list[tuple[str, str, str]]:
    """Action, actor and address of every entry."""
    store = Store(a_database(data))
    with store.transaction() as session:
        found = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    store.close()
    return [(entry.action, entry.actor, entry.address) for entry in found]
