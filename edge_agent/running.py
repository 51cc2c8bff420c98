"""Agents as a process: signals, the event loop, one disk thread for all."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_agent.agent import Agent
from edge_agent.config import Settings, load
from edge_agent.errors import SettingsMistake
from wire.clock import SystemClock
from wire.errors import ProgramError

FEW_METERS = 64
"""Up to so many, asyncio's own loop serves: uvloop takes 3 MB, and a quarter less of the processor with a thousand."""


def run(files: Sequence[Path]) -> None:
    """Run agents until SIGTERM or SIGINT.

    Raises:
        ProgramError: the settings are wrong, or a device, folder or outbox cannot be used.
    """
    every = [load(file) for file in files]
    _check_apart(every)
    failure: ProgramError | None = None
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="disk") as executor:
            _loop(sum(len(settings.meters) for settings in every))(_run(every, executor))
    except* ProgramError as group:
        failure = _first(group)
    if failure is not None:
        raise failure


def _loop(meters: int) -> Callable[[Coroutine[None, None, None]], None]:
    if meters <= FEW_METERS:
        return asyncio.run
    import uvloop  # noqa: PLC0415 - only this case needs it

    return uvloop.run


def _check_apart(every: Sequence[Settings]) -> None:
    for index, settings in enumerate(every):
        for other in every[:index]:
            if settings.agent == other.agent or settings.data.resolve() == other.data.resolve():
                raise SettingsMistake(
                    f"{settings.file}: agent and data: expected others than in {other.file}; "
                    "give each agent its own id and folder"
                )


async def _run(every: Sequence[Settings], executor: ThreadPoolExecutor) -> None:
    agents = [Agent(settings, SystemClock(), executor) for settings in every]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, agents)
    async with asyncio.TaskGroup() as group:
        for settings, agent in zip(every, agents, strict=True):
            running = group.create_task(agent.run())
            group.create_task(_announce(settings.agent, agent, running))


async def _announce(name: str, agent: Agent, running: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(agent.ready.wait())
    await asyncio.wait((ready, running), return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        sys.stderr.write(f"ready agent {name}\n")
        sys.stderr.flush()
    ready.cancel()


def _stop(agents: Sequence[Agent]) -> None:
    for agent in agents:
        agent.stop()


def _first(group: BaseExceptionGroup[ProgramError]) -> ProgramError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, ProgramError):
        raise TypeError(f"expected a ProgramError in the group, got {error!r}")
    return error
