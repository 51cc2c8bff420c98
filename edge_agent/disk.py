"""The thread that touches the disk, so that a slow medium never delays a poll. One serves any number of agents."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Disk:
    """Runs calls one after another in an executor of one thread."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result, or its exception."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))
