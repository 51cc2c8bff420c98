"""A pair of pseudo-terminals joined by a relay: a serial line of which each end opens a device of its own."""

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

_CHUNK_BYTES = 4096


class Line(NamedTuple):
    """The devices at the two ends of a line."""

    near: str
    far: str


@contextlib.asynccontextmanager
async def joined(link_near: Path | None = None, link_far: Path | None = None) -> AsyncIterator[Line]:
    """A line that carries bytes both ways while the context is open.

    Bytes that nobody takes are lost once the terminal's buffer is full, as on a wire.

    Args:
        link_near: a symbolic link to make for the near end, so that its name does not change.
        link_far: the same for the far end.
    """
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        near, near_device = _terminal(stack)
        far, far_device = _terminal(stack)
        for here, there in ((near, far), (far, near)):
            loop.add_reader(here, _relay(here, there))
            stack.callback(loop.remove_reader, here)
        for link, device in ((link_near, near_device), (link_far, far_device)):
            if link is not None:
                link.symlink_to(device)
                stack.callback(link.unlink)
        yield Line(near_device, far_device)


def _terminal(stack: contextlib.ExitStack) -> tuple[int, str]:
    """A raw terminal's controlling end and device; the device stays open here, so that a closing user is no hang-up."""
    controller, device = os.openpty()
    stack.callback(os.close, controller)
    stack.callback(os.close, device)
    tty.setraw(device)
    os.set_blocking(controller, False)
    return controller, os.ttyname(device)


def _relay(here: int, there: int) -> Callable[[], None]:
    def forward() -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(there, os.read(here, _CHUNK_BYTES))

    return forward
