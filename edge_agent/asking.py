"""What one meter is asked in one poll: the fast requests, now and then the others, a refused one less and less often."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence

import msgspec

from edge_agent.plan import Block, Plan, Turn, split
from wire.reading import Reason, Unreadable

SLOW_PERIOD_MS = 60_000
"""How often a slow request is asked."""
IDENTITY_PERIOD_MS = 300_000
"""How often a meter is asked who it is while it answers; it is asked at once after it was away."""
REFUSED_FIRST_MS, REFUSED_MAX_MS = 10_000, 3_600_000
"""A register that the meter refuses is asked again after the first, then each time after twice as long."""
SILENT_MAX = 3
SILENT_FIRST_MS, SILENT_MAX_MS = 2_000, 60_000
"""The same for a request that had no good answer so often in a row, while the meter answered another one.

A fast request waits longer than SILENT_FIRST_MS only where another fast one was answered, and not for a PASSING reason.
"""
STARTING_MS = 10_000
"""A meter that refused everything down to single registers perhaps only starts up: so long it is asked whole requests."""
FORGET_MS = 60_000
"""A meter that was away for so long may be another one: what the last one refused is asked again."""

REFUSALS = (Reason.ILLEGAL_ADDRESS, Reason.ILLEGAL_VALUE)
"""What a meter says to a request that holds a register it does not have."""
PASSING = (
    Reason.DEVICE_FAILURE,
    Reason.ACKNOWLEDGE,
    Reason.BUSY,
    Reason.NEGATIVE_ACKNOWLEDGE,
    Reason.MEMORY_PARITY,
)
"""What a meter says at once while something else keeps it: it costs the line little to ask again."""


class Request(msgspec.Struct):
    """One request, when it may be asked next, and what stands in place of an answer that it has not."""

    block: Block
    turn: Turn
    due_ms: int = 0
    missing: Unreadable | None = None
    silent: int = 0


class Asking:
    """The requests of one meter.

    Attributes:
        fast: the requests that stand for each poll, asked or remembered.
        is_identity: the poll in hand asks the meter who it is.
    """

    def __init__(self, plan: Plan, spread: float = 0.0) -> None:
        """All of them due.

        Args:
            plan: the profile's.
            spread: 0 to 1, the meter's place among its bus-mates, so that not all are asked who they are in one round.
        """
        self.fast: tuple[Block, ...] = ()
        self.is_identity = False
        self._plan = plan
        self._spread_ms = round(spread * IDENTITY_PERIOD_MS)
        self._refusals: Counter[Block] = Counter()
        self._away_ms: int | None = None
        self._whole_until_ms = 0
        self._begin()

    def due(self, now_ms: int, *, everything: bool = False, slow: bool = True) -> list[Block]:
        """The requests of this poll: fast ones, and identity when it is due, else one slow one.

        Args:
            now_ms: monotonic time.
            everything: all of them, whether due or not.
            slow: there is time for a slow one.
        """
        self.is_identity = everything or self._identity_due_ms <= now_ms
        if everything:
            return [r.block for r in self._requests]
        due = [r for r in self._requests if r.due_ms <= now_ms]
        if not any(r.turn is Turn.FAST for r in due):
            due += self._soonest_fast()
        asked = [r for r in due if r.turn is Turn.FAST or (self.is_identity and r.turn is Turn.IDENTITY)]
        if slow and not any(r.turn is Turn.IDENTITY for r in asked):
            asked += self._together(sorted((r for r in due if r.turn is Turn.SLOW), key=lambda r: r.due_ms))
        # Nothing is asked behind a request without an answer: what had none last time comes last.
        return [r.block for r in sorted(asked, key=lambda r: r.silent)]

    def ask_identity(self, due_ms: int) -> None:
        """Let the first poll from then on ask who it is."""
        self._identity_due_ms = due_ms

    def remembered(self, asked: Sequence[Block]) -> dict[tuple[int, int], int | Unreadable]:
        """What stands for the fast requests that are not asked in this poll because they were refused."""
        return {
            word: r.missing
            for r in self._requests
            if r.missing is not None and r.turn is Turn.FAST and r.block not in asked
            for word in r.block.words
        }

    def heard(self, answers: Mapping[Block, int | Unreadable], now_ms: int) -> None:
        """Learn from a poll in which the meter answered at all.

        Args:
            answers: each request's first word, or why there is none.
            now_ms: monotonic time.
        """
        if self._away_ms is not None and now_ms - self._away_ms >= FORGET_MS:
            self._begin()
        self._away_ms = None
        if self.is_identity:
            self._identity_due_ms = min([now_ms + IDENTITY_PERIOD_MS - self._spread_ms, *self._postponed(answers)])
            self._spread_ms = 0
        is_read = self._is_read(answers)
        for request in [r for r in self._requests if r.block in answers]:
            head = answers[request.block]
            if isinstance(head, int):
                self._answered(request, now_ms)
            elif head.reason in REFUSALS:
                self._refused(request, head, now_ms)
            else:
                self._unanswered(request, head, now_ms, is_read=is_read)
        if all(r.missing is not None and r.missing.reason in REFUSALS for r in self._requests if r.turn is Turn.FAST):
            self._begin()
            self._whole_until_ms = now_ms + STARTING_MS

    def away(self, now_ms: int) -> None:
        """Learn that the meter did not answer: when it does, it is asked first who it is."""
        self._away_ms = now_ms if self._away_ms is None else self._away_ms
        self._identity_due_ms = 0

    def _begin(self) -> None:
        turns = ((self._plan.fast, Turn.FAST), (self._plan.identity, Turn.IDENTITY), (self._plan.slow, Turn.SLOW))
        self._requests = [Request(block, turn) for blocks, turn in turns for block in blocks]
        self._identity_due_ms = 0
        self._note_fast()

    def _note_fast(self) -> None:
        self.fast = tuple(r.block for r in self._requests if r.turn is Turn.FAST)

    def _soonest_fast(self) -> list[Request]:
        """What a poll asks when each fast request waits: a meter that is asked nothing would count as absent."""
        fast = [
            r for r in self._requests if r.turn is Turn.FAST and (r.missing is None or r.missing.reason not in REFUSALS)
        ]
        return sorted(fast, key=lambda r: r.due_ms)[:1]

    def _postponed(self, asked: Container[Block]) -> list[int]:
        """When the requests for who it is are due that had to wait in this poll, other than those the meter lacks."""
        own = [r for r in self._requests if r.turn is Turn.IDENTITY and r.block not in asked]
        return [r.due_ms for r in own if r.missing is not None and r.missing.reason not in REFUSALS]

    def _is_read(self, answers: Mapping[Block, int | Unreadable]) -> bool:
        """Whether a fast request was answered, so that one without an answer is a matter of this request."""
        heads = [answers[r.block] for r in self._requests if r.turn is Turn.FAST and r.block in answers]
        return not heads or any(isinstance(head, int) for head in heads)

    def _together(self, slow: Sequence[Request]) -> list[Request]:
        """The first slow request, with those that read other parts of its quantities."""
        chosen = list(slow[:1])
        for needs in self._plan.together if chosen else ():
            if any(r.block.holds(span.first) for r in chosen for span in needs):
                chosen += [r for r in slow if r not in chosen and any(r.block.holds(span.first) for span in needs)]
        return chosen

    def _answered(self, request: Request, now_ms: int) -> None:
        request.silent = 0
        if request.missing is not None and request.missing.reason in REFUSALS:
            self._begin()  # what was refused is there: the meter is not as it was
            return
        request.missing = None
        request.due_ms = now_ms + SLOW_PERIOD_MS if request.turn is Turn.SLOW else 0

    def _refused(self, request: Request, head: Unreadable, now_ms: int) -> None:
        if request not in self._requests or now_ms < self._whole_until_ms:
            return
        halves = split(request.block, self._plan)
        if halves is None:
            request.missing = head
            request.due_ms = now_ms + min(REFUSED_FIRST_MS << self._refusals[request.block], REFUSED_MAX_MS)
            self._refusals[request.block] = min(self._refusals[request.block] + 1, 10)
            return
        at = self._requests.index(request)
        self._requests[at : at + 1] = [Request(half, request.turn) for half in halves]
        self._note_fast()
        if request.turn is Turn.IDENTITY:
            self._identity_due_ms = 0

    def _unanswered(self, request: Request, head: Unreadable, now_ms: int, *, is_read: bool) -> None:
        request.silent += 1
        is_passing, is_slow = head.reason in PASSING, request.turn is Turn.SLOW
        if (request.turn is Turn.FAST and is_passing) or not (is_read or is_slow):
            request.silent = min(request.silent, SILENT_MAX)  # it waits the shortest time only
        late = request.silent - SILENT_MAX
        if late >= 0:
            request.missing = head
            request.due_ms = now_ms + min(SILENT_FIRST_MS << min(late, 10), SILENT_MAX_MS)
        if is_passing and not (is_read or is_slow):
            request.due_ms = now_ms  # the whole meter is kept from answering: it is read in the poll in which it can
        if request.turn is Turn.IDENTITY:
            self._identity_due_ms = 0 if late < 0 else min(self._identity_due_ms, request.due_ms)
