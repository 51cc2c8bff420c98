"""From stored envelopes to minutes (table meter_day), a bounded slice at a time, and back for long curves.

Envelopes are taken in the order in which they were stored (Envelope.id), whatever their agents, numbers and times, and
RolledUp says how far they are in: a restart goes on there, and a late envelope is one more. Merging is the same
in any order and when repeated (server.minutes), so nothing can be counted twice. What is not in yet is decoded from
its envelopes when a curve is drawn: minutes make a curve quick, they never change it. The format of a block is in
server.minutes; both tables can be emptied and are then computed again.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from sqlmodel import Session, col, select

from server import meter_rows, minutes
from server.detect.facts import Floats, Times
from server.meter_rows import Polls
from server.minutes import DAY_MINUTES, DAY_MS, MINUTE_MS, PLANES, Minutes
from server.tables import Envelope, MeterDay, RolledUp
from wire.quantities import Quantity
from wire.reading import Reason

log = logging.getLogger("coldseal.server.rollup")

DAYS_MAX = 64
"""An envelope whose rows lie in more days is in no minutes: a clock that wanders so far means none of them."""

_ONE = 1
"""The only row of RolledUp."""

_Days = dict[tuple[str, Quantity, int], Floats]


def roll(session: Session, most_envelopes: int) -> int:
    """Put envelopes that wait into minutes.

    Args:
        session: the transaction.
        most_envelopes: so many at most.

    Returns:
        How many were put in; 0 when none waits.
    """
    rolled = session.get(RolledUp, _ONE) or RolledUp(id=_ONE, envelope_id=0)
    found = session.exec(
        select(Envelope.id, Envelope.agent_id, Envelope.seq, Envelope.raw)
        .where(col(Envelope.id) > rolled.envelope_id)
        .order_by(col(Envelope.id))
        .limit(most_envelopes)
    ).all()
    if not found:
        return 0
    by_agent: dict[str, _Days] = defaultdict(dict)
    for _, agent_id, seq, raw in found:
        _add(by_agent[agent_id], agent_id, seq, raw)
    for agent_id, days in by_agent.items():
        _keep(session, agent_id, days)
    rolled.envelope_id = found[-1][0] or 0
    session.add(rolled)
    return len(found)


def read(
    session: Session,
    agent_id: str,
    wanted: Mapping[str, Sequence[Quantity]],
    from_ms: int,
    to_ms: int,
    most_envelopes: int,
) -> "Stored":
    """What is stored of an agent's meters between two times; decoding it needs no transaction.

    Args:
        session: the transaction.
        agent_id: the agent.
        wanted: quantities by the meter's name.
        from_ms: start of the time.
        to_ms: its end.
        most_envelopes: of those that are in no block no more than one beyond this are read.
    """
    rolled = session.get(RolledUp, _ONE)
    upto = 0 if rolled is None else rolled.envelope_id
    blocks = session.exec(
        select(MeterDay.meter, MeterDay.quantity, MeterDay.day_ms, MeterDay.block)
        .where(MeterDay.agent_id == agent_id, col(MeterDay.meter).in_(list(wanted)))
        .where(col(MeterDay.quantity).in_({q.value for of in wanted.values() for q in of}))
        .where(col(MeterDay.day_ms) > from_ms - DAY_MS, col(MeterDay.day_ms) < to_ms)
    ).all()
    tail = session.exec(
        select(Envelope.raw)
        .where(Envelope.agent_id == agent_id, col(Envelope.id) > upto)
        .where(col(Envelope.first_ms) < to_ms, col(Envelope.last_ms) >= from_ms)
        .order_by(col(Envelope.seq))
        .limit(most_envelopes + 1)
    ).all()
    return Stored({(meter, Quantity(quantity), day): block for meter, quantity, day, block in blocks}, tail)


class Stored(msgspec.Struct, frozen=True):
    """Blocks by meter, quantity and day, and the envelopes that are in no block yet."""

    blocks: dict[tuple[str, Quantity, int], bytes]
    tail: Sequence[bytes]

    def minutes(self, meter: str, quantity: Quantity, from_ms: int, to_ms: int) -> Minutes:
        """The whole minutes that touch a time, stored ones and the tail's together."""
        first, last = from_ms // MINUTE_MS, -(-to_ms // MINUTE_MS)
        count = max(1, last - first)
        planes = minutes.empty(quantity, count)
        for (of, what, day_ms), block in self.blocks.items():
            if (of, what) == (meter, quantity):
                _lay(planes, minutes.unpack(block, quantity), day_ms // MINUTE_MS - first)
        if self.tail:
            polls = meter_rows.joined(_told(raw, meter, quantity) for raw in self.tail)
            planes = minutes.merge(planes, minutes.of_polls(polls, quantity, first * MINUTE_MS, count), quantity)
        return Minutes(quantity, first * MINUTE_MS, planes)


def _lay(planes: Floats, day: Floats, at: int) -> None:
    """Put a day's planes where they belong, as far as they are asked for."""
    first, last = max(at, 0), min(at + DAY_MINUTES, planes.shape[1])
    if first < last:
        planes[:, first:last] = day[:, first - at : last - at]


def _add(days: _Days, agent_id: str, seq: int, raw: bytes) -> None:
    """The minutes of one envelope, merged into those of its days."""
    for meter in {block.id for block in meter_rows.batch(raw).mtr}:
        for quantity in PLANES:
            polls = _told(raw, meter, quantity)
            if polls is None:
                continue
            starts = _day_starts(polls)
            if len(starts) > DAYS_MAX:
                log.warning("agent %s, envelope %d: its rows lie in %d days; in no minutes", agent_id, seq, len(starts))
                return
            for day_ms in starts:
                planes = minutes.of_polls(polls, quantity, day_ms, DAY_MINUTES)
                known = days.get((meter, quantity, day_ms))
                days[meter, quantity, day_ms] = planes if known is None else minutes.merge(known, planes, quantity)


def _keep(session: Session, agent_id: str, days: _Days) -> None:
    """Merge into what is stored."""
    wanted = defaultdict(set)
    for meter, _, day_ms in days:
        wanted[meter].add(day_ms)
    stored = {
        (row.meter, row.quantity, row.day_ms): row
        for meter, starts in wanted.items()
        for row in session.exec(
            select(MeterDay).where(
                MeterDay.agent_id == agent_id, MeterDay.meter == meter, col(MeterDay.day_ms).in_(starts)
            )
        )
    }
    for (meter, quantity, day_ms), planes in days.items():
        row = stored.get((meter, quantity.value, day_ms))
        if row is None:
            session.add(
                MeterDay(
                    agent_id=agent_id, meter=meter, quantity=quantity.value, day_ms=day_ms, block=minutes.pack(planes)
                )
            )  # fmt: skip
        else:
            row.block = minutes.pack(minutes.merge(minutes.unpack(row.block, quantity), planes, quantity))


def _told(raw: bytes, meter: str, quantity: Quantity) -> Polls | None:
    """A quantity in an envelope, where there is a value of it, or of power the reason why there is none."""
    polls = meter_rows.decoded(raw, meter, quantity)
    if polls is None:
        return None
    asked = quantity is Quantity.ACTIVE_POWER_W and bool(np.any(polls.reasons != Reason.NOT_ASKED.value))
    return polls if asked or meter_rows.told(polls) else None


def _day_starts(polls: Polls) -> list[int]:
    starts: Times = np.unique(minutes.day_starts_ms(polls.t_ms))
    return [int(start) for start in starts]
