"""The demo's programs, and the story that they make."""

import sys
import time
from pathlib import Path
from typing import TextIO
from urllib.error import URLError

import msgspec

from coldseal import demo_sites
from coldseal.demo_seals import AGENTS, seals
from coldseal.demo_story import Story
from coldseal.embedded_broker import broker_command
from coldseal.local_plant import HOST, AgentPlan, LocalPlant, check_port, free_ports
from coldseal.processes import NotReadyError, ProcessGroup
from server.access import accounts, keys
from server.access.audit import COMMAND_LINE
from server.access.links import FIRST, Purpose
from server.access.rights import Right, Role
from server.settings import Settings
from server.store import Store
from wire.clock import Clock
from wire.errors import SurroundingsError

DEPLOYMENT = "demo.coldseal/1"
PAGE_PORT = 8080
BATCH_S, SILENT_AFTER_S = 5.0, 12.0
"""Batches of 5 s, so that silence shows within a visitor's patience; a real agent sends each minute."""

RESUMES_S, OPENS_S, CLOSES_S = 14.0, 26.0, 30.0
KILL_AGENT_3_S = 34.0
UNTIL_WAIT_S = 90.0
READY_S = 30.0
LOOK_S = 0.25


def run(
    folder: Path, clock: Clock, out: TextIO, *, port: int | None, headless: bool, end_at_violation: bool
) -> str | None:
    """Start everything and tell what happens.

    Returns:
        The first resumed_power as a JSON object, or None when it did not come within UNTIL_WAIT_S.

    Raises:
        SurroundingsError: a port is taken, or a program ended.
    """
    broker_port, free_page_port, port_1, port_3 = free_ports(4)
    page_port = port or (free_page_port if headless else PAGE_PORT)
    check_port(page_port, "--port")
    settings = Settings(
        data=folder,
        http_port=page_port,
        broker_port=broker_port,
        deployment=DEPLOYMENT,
        silent_after_s=SILENT_AFTER_S,
    )
    plant = LocalPlant(folder, settings, clock)
    plant.register(seals(clock.wall_ms()), _plans(folder, port_1, port_3))
    plan = demo_sites.Plan(port_1, port_3, RESUMES_S, OPENS_S, CLOSES_S)
    demo_sites.write(folder, plan)
    key, link = _way_in(settings, clock)
    story = Story(out, f"http://{HOST}:{page_port}", key, None if headless else link, clock)
    story.begin()
    with ProcessGroup(folder / "log") as programs:
        try:
            _start(programs, plant, settings)
            return _follow(programs, story, end_at_violation=end_at_violation)
        except NotReadyError as error:
            raise SurroundingsError(f"demo: {error}") from error


def _start(programs: ProcessGroup, plant: LocalPlant, settings: Settings) -> None:
    programs.start("broker", broker_command(settings.broker_port))
    programs.wait_ready("broker", "ready", READY_S)
    programs.start("server", _server_command(settings))
    programs.start("sites", [sys.executable, "-m", "coldseal.demo_sites", str(plant.folder)])
    programs.wait_ready("sites", "ready", READY_S)
    for name in AGENTS:
        programs.start(name, plant.agent_command([name]))
    programs.wait_ready("server", "ready", READY_S)
    for name in AGENTS:
        programs.wait_ready(name, "ready agent", READY_S)


def _follow(programs: ProcessGroup, story: Story, *, end_at_violation: bool) -> str | None:
    """Tell the story until Ctrl-C, or until the violation came."""
    began = time.monotonic()
    killed = False
    while not end_at_violation or time.monotonic() - began < UNTIL_WAIT_S:
        for exited in programs.check():
            raise SurroundingsError(f"demo: {exited}")
        try:
            story.look()
        except URLError as error:
            raise SurroundingsError(f"demo: the server does not answer: {error.reason}") from error
        if end_at_violation and story.resumed is not None:
            return msgspec.json.encode(story.resumed).decode()
        if not killed and time.monotonic() - began > KILL_AGENT_3_S:
            programs.kill(AGENTS[2])
            killed = True
        time.sleep(LOOK_S)
    return None


def _server_command(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "coldseal", "server", "run"),
        *("--data", str(settings.data)),
        *("--host", HOST, "--port", str(settings.http_port)),
        *("--broker", f"{settings.broker_host}:{settings.broker_port}"),
        *("--deployment", settings.deployment),
        *("--silent-after-s", str(settings.silent_after_s)),
    ]


def _plans(folder: Path, port_1: int, port_3: int) -> list[AgentPlan]:
    line = {"device": str(folder / demo_sites.LINE)}
    return [
        AgentPlan(AGENTS[0], [_tcp("eastron_sdm630", port_1, 10_500)], BATCH_S),
        AgentPlan(
            AGENTS[1],
            [
                {"id": "m1", "profile": "chint_dtsu666", "serial": line, "unit": 1, "wake_power_w": 12_000},
                {"id": "seal", "profile": "waveshare_di8", "serial": line, "unit": 2},
            ],
            BATCH_S,
        ),
        AgentPlan(AGENTS[2], [_tcp("acrel_adl400", port_3, 4_800)], BATCH_S),
    ]


def _tcp(profile: str, port: int, wake_w: float) -> dict[str, object]:
    return {"id": "m1", "profile": profile, "tcp": f"{HOST}:{port}", "unit": 1, "wake_power_w": wake_w}


def _way_in(settings: Settings, clock: Clock) -> tuple[str, str]:
    """A key for the demo's own look at the interface, and a link that signs a browser in once."""
    store, now_ms = Store(settings.database), clock.wall_ms()
    with store.transaction() as session:
        key = keys.add(session, COMMAND_LINE, name="demo-story", scopes=[Right.READ], now_ms=now_ms)
        account = accounts.add(
            session, COMMAND_LINE, name="demo", shown_as="演示", role=Role.ADMINISTRATOR, now_ms=now_ms
        )
        link = accounts.link(session, COMMAND_LINE, account, Purpose.SIGN_IN, now_ms)
    store.close()
    return key.secret, FIRST + link
