"""The work of `coldseal server …` and `coldseal seal …`, from options to rows and lines."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from unicodedata import east_asian_width

import msgspec
import typer
from sqlmodel import Session, col, select

from server import agents, registry, seal_file, settings
from server.access import audit
from server.access.audit import COMMAND_LINE
from server.receipt_key import receipt_key
from server.seal_records import SealRecord, seal_record, seal_records
from server.settings import Settings, host_and_port
from server.store import Store
from server.tables import Agent
from wire.clock import SystemClock, iso
from wire.errors import SettingsError


def run_server(data: Path, *, host: str | None, port: int | None, broker: str | None, **instead: object) -> None:
    """Serve until told to end."""
    from server.serving import run  # noqa: PLC0415 - the other commands need no web framework

    broker_host, broker_port = host_and_port(broker, "--broker") if broker is not None else (None, None)
    run(
        settings.load(data, http_host=host, http_port=port, broker_host=broker_host, broker_port=broker_port, **instead)
    )


def migrate_database(data: Path) -> None:
    """Make or migrate the database."""
    store = Store(settings.load(data).database)
    store.close()
    _line(f"{store.shown} has this release's tables; journal {store.journal}")


def register_agent(
    data: Path, agent_id: str, key: str, kid: str | None, *, deployment: str | None, as_json: bool
) -> None:
    """Add an agent, and say what its settings need."""
    loaded = settings.load(data, deployment=deployment)
    server_key = receipt_key(loaded).public
    with transaction(loaded) as session:
        now_ms = SystemClock().wall_ms()
        added = agents.add(session, agent_id, key, kid, deployment=loaded.deployment, now_ms=now_ms)
        audit.write(session, COMMAND_LINE, "agent.add", added.id, now_ms, kid=added.kid, key=added.public_key)
        told = agents.registration(added, loaded, server_key)
    lines = [
        f"agent {told.agent} is believed with key {told.kid}; its settings file needs:",
        f"deployment: {told.deployment}",
        f"server_key: {told.server_key}",
    ]
    show(msgspec.structs.asdict(told), lines, as_json=as_json)


def print_agents(data: Path, *, as_json: bool) -> None:
    """List agents."""
    with transaction(settings.load(data)) as session:
        rows = [_agent(agent) for agent in session.exec(select(Agent).order_by(col(Agent.id))).all()]
    names = ("agent", "kid", "added", "stored_up_to", "heard", "revoked")
    table: list[dict[str, object]] = [{name: name for name in names}]
    table += [{name: row[name] for name in names} for row in rows]
    lines = columns(table) if rows else ["no agent yet; add one with: coldseal server agents add --help"]
    show({"agents": rows}, lines, as_json=as_json)


def revoke(data: Path, agent_id: str, *, as_json: bool) -> None:
    """Revoke an agent."""
    with transaction(settings.load(data)) as session:
        now_ms = SystemClock().wall_ms()
        row = _agent(agents.revoke(session, agent_id, now_ms))
        audit.write(session, COMMAND_LINE, "agent.revoke", agent_id, now_ms)
    show(row, [f"agent {agent_id} is believed no longer, since {row['revoked']}"], as_json=as_json)


def register_seals(data: Path, file: Path, *, as_json: bool) -> None:
    """Add the seals of a file, or say everything that is wrong in it."""
    loaded = settings.load(data)
    try:
        placed = seal_file.parse(file)
        with transaction(loaded) as session:
            added = registry.add(session, placed)
            for one in added:
                audit.write(session, COMMAND_LINE, "seal.add", one.seal, SystemClock().wall_ms(), furnace=one.furnace)
    except seal_file.SealFileError as error:
        _complain([*error.lines, f"nothing was stored: {len(error.lines)} to correct"])
        raise typer.Exit(SettingsError.exit_code) from error
    _complain(f"note: {one.seal}: {note}" for one in added for note in one.notes)
    lines = [f"added {one.seal}: {one.enterprise}, {one.site}, {one.furnace}" for one in added]
    show({"added": [msgspec.structs.asdict(one) for one in added]}, lines, as_json=as_json)


def print_seals(data: Path, *, as_json: bool) -> None:
    """List seals."""
    with transaction(settings.load(data)) as session:
        records = seal_records(session)
    header = {"seal": "seal", "county": "county", "from": "from", "furnace": "furnace", "listed": "listed as"}
    rows = [header, *map(_seal, records)]
    lines = columns(rows) if records else ["no seal yet; add some with: coldseal seal add FILE"]
    show({"seals": [record.model_dump() for record in records]}, lines, as_json=as_json)


def print_seal(data: Path, seal_id: str, *, as_json: bool) -> None:
    """Show one seal."""
    with transaction(settings.load(data)) as session:
        record = seal_record(session, seal_id)
    if record is None:
        raise SettingsError(f"seal {seal_id!r}: no such seal; see: coldseal seal list")
    shown = record.model_dump()
    show(shown, _outline(shown), as_json=as_json)


@contextmanager
def transaction(loaded: Settings) -> Iterator[Session]:
    """One transaction on a database that is opened for it."""
    store = Store(loaded.database)
    try:
        with store.transaction() as session:
            yield session
    finally:
        store.close()


def _agent(agent: Agent) -> dict[str, object]:
    return {
        "agent": agent.id,
        "kid": agent.kid,
        "public_key": agent.public_key,
        "added": iso(agent.added_ms),
        "stored_up_to": agent.ack_seq,
        "heard": agent.heard_ms and iso(agent.heard_ms),
        "revoked": agent.revoked_ms and iso(agent.revoked_ms),
    }


def _seal(record: SealRecord) -> dict[str, str]:
    return {
        "seal": record.seal,
        "county": record.county_code,
        "from": record.start,
        "furnace": f"{record.enterprise} {record.furnace.name}",
        "listed": record.furnace.catalogue_item or "no item",
    }


def columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Rows as lines, two spaces between the columns."""
    texts = [["-" if cell is None else str(cell) for cell in row.values()] for row in rows]
    widths = [max(map(_cells, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(cell + " " * (width - _cells(cell)) for cell, width in zip(text, widths, strict=True)).rstrip()
        for text in texts
    ]


def _cells(text: str) -> int:
    """How wide a terminal draws a text: a Chinese character takes two cells."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _outline(group: Mapping[str, object], indent: str = "") -> list[str]:
    """Keys and values as indented lines; what is not there is left out."""
    lines = list[str]()
    for name, value in group.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", *_outline(value, f"{indent}  ")]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            for one in value:
                lines += [f"{indent}{name}:", *_outline(one, f"{indent}  ")]
        elif value not in (None, []):
            lines.append(f"{indent}{name}: {', '.join(value) if isinstance(value, list) else value}")
    return lines


def show(document: Mapping[str, object], lines: Iterable[str], *, as_json: bool) -> None:
    """Print one JSON object, or lines."""
    if as_json:
        _line(json.dumps(document, ensure_ascii=False))
    else:
        for line in lines:
            _line(line)


def _line(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
