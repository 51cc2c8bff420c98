"""What a mistake of ours keeps from being told: set aside by itself, so that the rest goes on, and tried again.

Nothing is written down of it: its events stay undecided in the database, and come again also after a restart.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from sqlalchemy.exc import DBAPIError

from server.notify.sender import pause_ms

log = logging.getLogger("coldseal.server.notify")

NAMED_MAX = 10
"""Events that the health page names; the rest is counted."""


class Kept(msgspec.Struct, frozen=True):
    """One story that is set aside, for one channel or for all.

    Attributes:
        event_ids: which events it is about.
        mistake: of which kind.
        failures: how often in a row.
        until_ms: when it is tried again.
    """

    event_ids: frozenset[int]
    mistake: str
    failures: int
    until_ms: int


class Aside:
    """All that is set aside, by what it is about and the channel; no channel's name: for all of them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}

    def holds(self, key: str, channel: str, now_ms: int) -> bool:
        """Whether a story is not to be touched yet."""
        kept = self._kept.get((key, channel))
        return kept is not None and now_ms < kept.until_ms

    @contextmanager
    def minding(self, about: Mapping[str, Collection[int]], channel: str, now_ms: int) -> Iterator[None]:
        """Set aside the stories with which what is done in here makes a mistake.

        Args:
            about: the events of each.
            channel: for which; empty: for all.
            now_ms: server time.

        Raises:
            DBAPIError: the database's trouble is no single story's.
        """
        try:
            yield
        except DBAPIError:
            raise
        except Exception as error:  # one story must not keep the others from being told
            for key, event_ids in about.items():
                kept = self._put(key, channel, event_ids, error, now_ms)
                log.exception(
                    "alerts: a mistake of ours with events %s of %s for %s; kept and tried again in %d s",
                    ", ".join(map(str, sorted(event_ids))),
                    key,
                    channel or "every channel",
                    (kept.until_ms - now_ms) // 1000,
                )

    def _put(self, key: str, channel: str, event_ids: Collection[int], error: Exception, now_ms: int) -> Kept:
        before = self._kept.get((key, channel))
        failures = 1 if before is None else before.failures + 1
        kept = Kept(frozenset(event_ids), type(error).__name__, failures, now_ms + pause_ms(failures))
        self._kept[key, channel] = kept
        return kept

    def forgive(self, now_ms: int) -> None:
        """A turn is done: what was due in it and is not set aside anew was told."""
        self._kept = {place: kept for place, kept in self._kept.items() if now_ms < kept.until_ms}

    @property
    def events(self) -> int:
        """How many events wait here."""
        return len({number for kept in self._kept.values() for number in kept.event_ids})

    @property
    def trouble(self) -> str | None:
        """What is wrong, and what to do; None where nothing is set aside."""
        kept = list(self._kept.values())
        numbers = sorted({number for one in kept for number in one.event_ids})
        if not numbers:
            return None
        named = ", ".join(map(str, numbers[:NAMED_MAX])) + (" …" if len(numbers) > NAMED_MAX else "")
        kinds = ", ".join(sorted({one.mistake for one in kept}))
        return f"a mistake of ours ({kinds}) keeps events from being told: {named} ({len(numbers)} in all); see the log"
