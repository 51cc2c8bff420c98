"""Looks at an agent from outside: what its outbox holds, and whether lines, meters and broker answer."""

import asyncio
from collections.abc import Callable

import msgspec

from edge_agent import health, identity
from edge_agent.agent import check_devices
from edge_agent.config import Meter, Settings
from edge_agent.errors import CheckFailed, DataUnusable
from edge_agent.line import DialInLine
from edge_agent.line_file import open_to_anyone, unsteady_name
from edge_agent.link_faults import another_agents_certificate, explain
from edge_agent.meter_poll import MeterPoll
from edge_agent.modbus import LineReader
from edge_agent.outbox import OUTBOX_FILE, Outbox
from edge_agent.uplink import Event, Lost, Refused, Unreachable, Uplink, Will
from wire import topics
from wire.clock import SystemClock, iso
from wire.quantities import shown
from wire.reading import Reading, State, Unreadable
from wire.topics import Channel

BROKER_WAIT_S = 10.0
DIAL_IN_WAIT_S = 60.0
"""A DTU whose connection was refused dials again within half a minute."""


def outbox(settings: Settings) -> dict[str, object]:
    """What waits, from the outbox itself or, while an agent has it, from that agent's health file.

    Raises:
        SurroundingsError: there is no outbox yet, or it is damaged.
    """
    if not (settings.data / OUTBOX_FILE).exists():
        raise DataUnusable(
            f"{settings.data}: no outbox yet; start the agent once, or correct `data` in {settings.file}"
        )
    told = health.read(settings.data)
    try:
        opened = Outbox(settings.data, b"", settings.outbox_bytes_max)
    except DataUnusable:
        if "outbox" not in told:
            raise
        return {"agent": settings.agent, "running": True, "outbox": told["outbox"], "health": told}
    try:
        standing = msgspec.to_builtins(opened.standing())
    finally:
        opened.close()
    return {"agent": settings.agent, "running": False, "outbox": standing, "health": told}


def outbox_text(document: dict[str, object]) -> str:
    """The same for people."""
    standing = document["outbox"]
    told = document["health"]
    if not isinstance(standing, dict) or not isinstance(told, dict):
        raise TypeError("expected the document that outbox() made")
    oldest, receipt = standing["oldest_ms"], standing["receipt_ms"]
    size = f"{standing['bytes']} bytes, oldest {iso(oldest) if oldest else 'none'}"
    lines = [
        f"agent {document['agent']}: {'running' if document['running'] else 'not running'}",
        f"waiting: {standing['waiting']} envelopes, numbers {standing['first_seq']} to {standing['last_seq']}, {size}",
        f"rows not yet in an envelope: {standing['pending_rows']} on disk, {standing['held_rows']} in memory",
        f"last receipt: number {standing['receipt_ack']} at {iso(receipt)}" if receipt else "last receipt: none",
    ]
    faults = told.get("faults") or []
    lines += [f"fault: {fault['message']}" for fault in faults] or ["faults: none"]
    return "\n".join(lines)


async def check(settings: Settings, say: Callable[[str], None]) -> None:
    """Open every line, poll every meter once, connect to the broker.

    Args:
        settings: the agent's.
        say: takes a line for each thing that is right.

    Raises:
        SurroundingsError: the first thing that is not.
    """
    check_devices(settings)
    identity.load_or_make_key(settings.data)
    Outbox(settings.data, b"", settings.outbox_bytes_max).close()
    say(f"data: {settings.data}: key and outbox are usable")
    for line, meters in settings.meters_by_line().items():
        reader = LineReader(line)
        for advice in filter(None, (unsteady_name(line), open_to_anyone(line))):
            say(f"warning: {advice}")
        try:
            if isinstance(line, DialInLine):
                say(f"{line}: waiting up to {DIAL_IN_WAIT_S:g} s for a DTU to dial in")
                await reader.arrived(DIAL_IN_WAIT_S)
            for meter in meters:
                say(_told(meter, await MeterPoll(meter).read(reader, SystemClock(), everything=True), reader))
        finally:
            reader.close()
    await _check_broker(settings)
    say(f"broker: {settings.broker.host}:{settings.broker.port}: takes user {settings.broker.username!r}")


def _told(meter: Meter, reading: Reading, reader: LineReader) -> str:
    where = f"meter {meter.id}: {meter.line} unit {meter.unit}"
    if reading.state is not State.OK:
        advice = {
            State.DISCONNECTED: "cannot be connected; check cable, address and that no other program holds it",
            State.TIMEOUT: "does not answer; check unit, speed, parity and the wires A and B",
            State.FAILED: f"answers with errors ({reader.last_wrong or 'exceptions'}); is it a "
            f"{meter.loaded.profile.name}?",
        }[reading.state]
        raise CheckFailed(f"{where}: {advice}")
    values = [
        f"  {q.value} = {v.reason.value if isinstance(v, Unreadable) else shown(q, v)}"
        for q, v in reading.values.items()
    ]
    return "\n".join([f"{where}: answers", *values])


async def _check_broker(settings: Settings) -> None:
    """Connect under the agent's own name, as the access list wants it; the agent itself is not running (its outbox)."""
    if reason := another_agents_certificate(settings):
        raise CheckFailed(reason)
    status = topics.build(settings.agent, Channel.STATUS)
    link = Uplink(settings.agent, settings.broker, Will(status, b""), SystemClock())
    link.start()
    try:
        event = await _first_answer(link)
    finally:
        await link.stop()
    if isinstance(event, Refused | Unreachable | Lost):
        raise CheckFailed(explain(event, settings, SystemClock().wall_ms())[1])


async def _first_answer(link: Uplink) -> Event:
    try:
        async with asyncio.timeout(BROKER_WAIT_S):
            return await link.events.get()
    except TimeoutError:
        return Unreachable()
