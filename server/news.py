"""Who changed what is shown tells it here, after the commit; who shows it listens."""

from collections.abc import Callable, Iterable

Listener = Callable[[frozenset[str]], None]


class News:
    """One bell for a server: rung by the worker and by people's own steps."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Be told which seals changed, on the thread that changed them; it must only take note."""
        self._listeners.append(listener)

    def tell(self, seals: Iterable[str]) -> None:
        """Something of these seals is committed."""
        changed = frozenset(seals)
        for listener in self._listeners if changed else ():
            listener(changed)
