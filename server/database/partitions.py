"""Envelopes by month, on PostgreSQL: a partition for each month in Beijing time, made before its first envelope comes.

What arrives in a month that has none (the server's clock was far off) goes to the default partition and stays there:
every query finds it, it is only not with its neighbours.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection
from sqlmodel import Session

from wire.clock import BEIJING

AHEAD_MONTHS = 2
"""So many months after the present one have their partition: a server that is down over New Year finds its own."""


class Partitions:
    """Keeps the coming months ready; cheap to ask at every tick, since it remembers the month that it has seen to.

    Args:
        transaction: the store's.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        self._transaction = transaction
        self._done: int | None = None

    def keep(self, now_ms: int) -> None:
        """Make what is missing of this month's partition and the next ones'; on SQLite there is nothing to make.

        Args:
            now_ms: server time.

        Raises:
            StoreUnavailable: the database takes no transaction now; the next call tries again.
        """
        month = _month(now_ms)
        if month == self._done:
            return
        with self._transaction() as session:
            connection = session.connection()
            if connection.dialect.name == "postgresql":
                make(connection, now_ms, AHEAD_MONTHS)
        self._done = month


def make(connection: Connection, from_ms: int, more: int = 0) -> None:
    """Make the partition of a month and of so many after it, where they are missing and the default one is free of them.

    Args:
        connection: a transaction on PostgreSQL.
        from_ms: any time in the first month.
        more: how many months after it.
    """
    for month in range(_month(from_ms), _month(from_ms) + more + 1):
        begin, end = _begin_ms(month), _begin_ms(month + 1)
        name = f"envelope_{month // 12:04d}_{month % 12 + 1:02d}"
        there = connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar() is not None
        if there or _rest(connection, begin, end):
            continue
        connection.exec_driver_sql(
            f"CREATE TABLE {name} PARTITION OF envelope FOR VALUES FROM ({begin:d}) TO ({end:d})"
        )


def make_all(connection: Connection, first_ms: int, last_ms: int) -> None:
    """Make the partitions of a time: rows that are there before partitions are."""
    make(connection, first_ms, _month(last_ms) - _month(first_ms))


def _rest(connection: Connection, begin_ms: int, end_ms: int) -> bool:
    """Whether the default partition holds envelopes of a month: PostgreSQL then refuses to make that month's."""
    rest = "SELECT EXISTS (SELECT FROM envelope_rest WHERE received_ms >= %s AND received_ms < %s)"
    return bool(connection.exec_driver_sql(rest, (begin_ms, end_ms)).scalar())


def _month(at_ms: int) -> int:
    """Months since the year 0, in Beijing."""
    at = datetime.fromtimestamp(at_ms / 1000, BEIJING)
    return at.year * 12 + at.month - 1


def _begin_ms(month: int) -> int:
    return round(datetime(month // 12, month % 12 + 1, 1, tzinfo=BEIJING).timestamp() * 1000)
