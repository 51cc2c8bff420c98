"""What waits for the server: rows until they are signed, envelopes until they are receipted. It survives kill -9.

Rows are committed before anything else is done with them. An envelope is built, signed and stored, the chain moved on and its rows removed
in one transaction: a number is never used twice and a signed envelope is never built again.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from edge_agent import losses
from edge_agent.errors import DataUnusable
from edge_agent.identity import Boot
from edge_agent.losses import DISK_FULL, OUTBOX_FULL, UNSENDABLE
from edge_agent.outbox_file import empty_wal, give_back, is_space_error, open_file, transaction
from edge_agent.reserve import RESERVE_BYTES, Reserve
from edge_agent.signer import Draft, Loss, Row
from wire.chain import Link
from wire.envelope import digest
from wire.errors import Malformed
from wire.fingerprint import Fingerprint, merged, moved

OUTBOX_FILE, RESERVE_FILE = "outbox.sqlite", "reserve"
METERS_PER_ENVELOPE = 4
"""A minute of four meters fills an envelope; a few rows of many meters would be mostly the names of their columns."""
ROWS_PER_ENVELOPE_MAX = 300
HELD_ROWS_MAX = 3_600
"""Rows kept in memory while the disk is full: an hour of one meter."""
AT_RISK_ROWS = 60
"""While the disk is full, the count of rows in memory is written down each time it grew by so many."""
DELETE_STEP = 64

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_row = msgspec.msgpack.Decoder(Row).decode
_boot = msgspec.msgpack.Decoder(Boot).decode
_loss = msgspec.msgpack.Decoder(list[Loss]).decode

Build = Callable[[Draft], bytes]


class Standing(msgspec.Struct, frozen=True):
    """What the outbox holds.

    Attributes:
        waiting: envelopes that no receipt covers.
        first_seq, last_seq: their numbers, or None.
        bytes: of all stored envelopes.
        oldest_ms: wall time at which the oldest of them was made, or None.
        pending_rows: rows on disk that are not in an envelope yet.
        held_rows: rows in memory because the disk is full.
        disk_full: whether the disk takes no rows.
        receipt_ack, receipt_ms: the newest receipt's number and the server's wall time, or None.
    """

    waiting: int
    first_seq: int | None
    last_seq: int | None
    bytes: int
    oldest_ms: int | None
    pending_rows: int
    held_rows: int
    disk_full: bool
    receipt_ack: int | None
    receipt_ms: int | None


class Outbox:
    """One agent's store. Every method runs in one thread at a time.

    Attributes:
        disk_full: rows are kept in memory because the disk takes none.
        last: the newest envelope's number and hash (0 and the genesis before the first).
    """

    def __init__(
        self,
        folder: Path,
        genesis: bytes,
        bytes_max: int,
        *,
        held_max: int = HELD_ROWS_MAX,
        reserve: int = RESERVE_BYTES,
    ) -> None:
        """Open the outbox of a folder.

        Raises:
            DataUnusable: the file is damaged, in use or not writable.
        """
        self.disk_full = False
        self._file = folder / OUTBOX_FILE
        self._reserve = Reserve(folder / RESERVE_FILE, reserve)
        self._db = open_file(self._file)
        self._bytes_max, self._held_max = bytes_max, held_max
        self._held: deque[tuple[str, str, bytes]] = deque()
        self._dropped = self._at_risk = 0
        self._boot: Boot
        self._run = ""
        self._delivering = False
        self._bytes = self._count("SELECT coalesce(sum(length(raw)), 0) FROM envelopes")
        sha = self._meta("sha")
        self.last = Link(self._int("seq"), sha if isinstance(sha, bytes) else genesis)

    def begin(self, boot: Boot) -> Boot:
        """Count this start; rows lost by the last run, if it was killed while the disk was full, become a loss.

        Raises:
            DataUnusable: the disk is full.
        """
        self._reserve.release()  # after a run that ended on a full disk, the start itself may need the space
        number = self._int("boots") + 1
        boot = msgspec.structs.replace(boot, number=number)
        try:
            with transaction(self._db):
                self._set("boots", number)
                losses.add(self._db, (None, None, self._int("at_risk"), DISK_FULL))
                self._set("at_risk", 0)
                self._db.execute("DELETE FROM boots WHERE id NOT IN (SELECT boot FROM pending)")
                self._db.execute("INSERT INTO boots VALUES (?, ?)", (boot.id, _encode(boot)))
        except sqlite3.OperationalError as error:
            raise DataUnusable(f"{self._file}: {error}; free at least 2 MB on its disk and start again") from error
        self.disk_full = not self._reserve.take()
        self._boot, self._run = boot, boot.id
        return boot

    def add(self, boot_id: str, rows: Sequence[Row]) -> None:
        """Keep the rows of one poll; on disk when it returns, unless the disk is full."""
        self._held.extend((boot_id, row.reading.meter, _encode(row)) for row in rows)
        if self.disk_full and not self._reserve.take():
            self._hold()
            return
        try:
            with transaction(self._db):
                self._db.executemany("INSERT INTO pending (boot, meter, row) VALUES (?, ?, ?)", self._held)
                if self.disk_full:
                    losses.add(self._db, (None, None, self._dropped, DISK_FULL))
                    self._set("at_risk", 0)
        except sqlite3.OperationalError as error:
            self._on_write_error(error)
            self._hold()
            return
        self._held.clear()
        self.disk_full, self._dropped, self._at_risk = False, 0, 0

    def seal(self, build: Build, now_ms: int, *, meters: Collection[str] | None = None, fin: bool = False) -> int:
        """Put pending rows into signed envelopes of METERS_PER_ENVELOPE meters, those of earlier runs first.

        Args:
            build: signs a draft; raises Malformed where it would be too long.
            now_ms: wall time.
            meters: whose rows; everything of earlier runs goes before them. None: every row.
            fin: mark the last one as the end of a clean stop, even when no rows wait.

        Returns:
            How many envelopes were made; 0 while the disk is full.
        """
        made = 0
        try:
            while not self.disk_full:
                rows = self._next_rows(meters)
                if not rows and not (fin and made == 0):
                    break
                left = self._make(rows, build, now_ms, fin=fin)
                made += 1
                if left == 0:
                    break
        except sqlite3.OperationalError as error:
            self._on_write_error(error)
        return made

    @property
    def loss_due(self) -> bool:
        """Whether a loss waits that can be told now."""
        return bool(losses.told(self._db, full_outbox=self._delivering))

    def peek(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next envelopes that no receipt covers, oldest first.

        Raises:
            DataUnusable: the disk gave back other bytes than were stored.
        """
        found = self._db.execute(
            "SELECT seq, raw, sha FROM envelopes WHERE seq > ? AND delivered = 0 ORDER BY seq LIMIT ?", (after, limit)
        ).fetchall()
        for seq, raw, sha in found:
            if digest(raw) != sha:
                raise DataUnusable(f"{self._file}: number {seq} was changed on the disk; replace the medium")
        return [(seq, raw) for seq, raw, _ in found]

    def sha_of(self, seq: int) -> bytes | None:
        """SHA-256 of a stored envelope, or None."""
        if seq == self.last.seq:
            return self.last.sha
        found = self._db.execute("SELECT sha FROM envelopes WHERE seq = ?", (seq,)).fetchone()
        return bytes(found[0]) if found else None

    def receipt(
        self, ack: int, have: Sequence[tuple[int, int]], miss: Sequence[tuple[int, int]], server_ms: int
    ) -> None:
        """Delete what the server has: everything up to `ack`. Numbers of `have` are kept but not sent, until missed."""
        self._delivering = True
        try:
            self._delete(ack)
            with transaction(self._db):
                self._db.executemany("UPDATE envelopes SET delivered = 1 WHERE seq BETWEEN ? AND ?", have)
                self._db.executemany("UPDATE envelopes SET delivered = 0 WHERE seq BETWEEN ? AND ?", miss)
                self._set("receipt_ack", ack)
                self._set("receipt_ms", server_ms)
            give_back(self._db, 64)
        except sqlite3.OperationalError as error:
            self._on_write_error(error)

    def standing(self) -> Standing:
        """What it holds now."""
        count, first, last, oldest = self._db.execute(
            "SELECT count(*), min(seq), max(seq), min(made_ms) FROM envelopes WHERE delivered = 0"
        ).fetchone()
        ack, at = self._meta("receipt_ack"), self._meta("receipt_ms")
        return Standing(
            waiting=count,
            first_seq=first,
            last_seq=last,
            bytes=self._bytes,
            oldest_ms=oldest,
            pending_rows=self._count("SELECT count(*) FROM pending"),
            held_rows=len(self._held),
            disk_full=self.disk_full,
            receipt_ack=ack if isinstance(ack, int) else None,
            receipt_ms=at if isinstance(at, int) else None,
        )

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def _next_rows(self, meters: Collection[str] | None) -> list[tuple[int, str, Row]]:
        """The oldest pending rows that may share an envelope: number, run, row."""
        first = self._db.execute("SELECT boot FROM pending ORDER BY n LIMIT 1").fetchone()
        if first is None:
            return []
        chosen = self._next_meters(first[0], meters if first[0] == self._run else None)
        found = self._db.execute(
            f"SELECT n, boot, row FROM pending WHERE boot = ? AND meter IN ({','.join('?' * len(chosen))}) "  # noqa: S608 - question marks
            "ORDER BY n LIMIT ?",
            (first[0], *chosen, ROWS_PER_ENVELOPE_MAX),
        )
        rows = [(n, boot, _row(row)) for n, boot, row in found]
        return rows[: _alike([(boot, row) for _, boot, row in rows])]

    def _next_meters(self, boot: str, meters: Collection[str] | None) -> list[str]:
        """Those whose rows wait longest."""
        waiting = self._db.execute("SELECT meter FROM pending WHERE boot = ? GROUP BY meter ORDER BY min(n)", (boot,))
        return [meter for (meter,) in waiting if meters is None or meter in meters][:METERS_PER_ENVELOPE]

    def _make(self, rows: Sequence[tuple[int, str, Row]], build: Build, now_ms: int, *, fin: bool) -> int:
        """Make one envelope of as many of the rows as fit; returns how many pending rows are left."""
        boot = self._boot_of(rows[0][1]) if rows else self._boot
        pending = self._count("SELECT count(*) FROM pending")
        while True:
            last = fin and len(rows) == pending
            draft = Draft(
                boot,
                self.last.seq + 1,
                self.last.sha,
                [r for _, _, r in rows],
                losses.told(self._db, full_outbox=self._delivering),
                last,
            )
            try:
                raw = build(draft)
            except Malformed:
                if not rows:
                    raise
                if len(rows) == 1:
                    self._give_up(rows[0])
                    return pending - 1
                rows = rows[: len(rows) // 2]
            else:
                self._store(draft, raw, [n for n, _, _ in rows], now_ms)
                return pending - len(rows)

    def _give_up(self, row: tuple[int, str, Row]) -> None:
        """Drop a row that no envelope can hold, and tell of it: it would stand before all others for ever."""
        number, _, kept = row
        log.error("%s: row %d of meter %s fits no envelope and is dropped", self._file, number, kept.reading.meter)
        with transaction(self._db):
            self._db.execute("DELETE FROM pending WHERE n = ?", (number,))
            losses.add(self._db, (None, None, 1, UNSENDABLE))

    def _store(self, draft: Draft, raw: bytes, numbers: Sequence[int], now_ms: int) -> None:
        sha = digest(raw)
        with transaction(self._db):
            losses.remove(self._db, list(draft.loss))
            self._db.execute(
                "INSERT INTO envelopes (seq, raw, sha, rows, made_ms, loss) VALUES (?, ?, ?, ?, ?, ?)",
                (draft.seq, raw, sha, len(numbers), now_ms, _encode(list(draft.loss))),
            )
            self._set("seq", draft.seq)
            self._set("sha", sha)
            self._db.executemany("DELETE FROM pending WHERE n = ?", [(n,) for n in numbers])
            freed = self._drop_oldest(self._bytes + len(raw) - self._bytes_max, draft.seq)
        self.last = Link(draft.seq, sha)
        self._bytes += len(raw) - freed
        self._delivering = self._delivering and freed == 0

    def _drop_oldest(self, excess: int, newest: int) -> int:
        """Drop envelopes, oldest first, until the excess is gone; what they told of losses is told again."""
        freed = 0
        while freed < excess:
            oldest = self._db.execute(
                "SELECT seq, length(raw), rows, loss, delivered FROM envelopes WHERE seq < ? ORDER BY seq LIMIT 1",
                (newest,),
            ).fetchone()
            if oldest is None:
                break
            seq, size, rows, loss, delivered = oldest
            self._db.execute("DELETE FROM envelopes WHERE seq = ?", (seq,))
            freed += size
            for entry in [] if delivered else [(seq, seq, rows, OUTBOX_FULL), *_loss(loss)]:
                losses.add(self._db, entry)
        return freed

    def _delete(self, ack: int) -> None:
        """Delete in small steps: each needs little space itself, and on a full disk gives back what it freed."""
        first = self._count("SELECT coalesce(min(seq), ? + 1) FROM envelopes", ack)
        for stop in range(first + DELETE_STEP - 1, ack + DELETE_STEP, DELETE_STEP):
            last = min(stop, ack)
            freed = self._count("SELECT coalesce(sum(length(raw)), 0) FROM envelopes WHERE seq <= ?", last)
            with transaction(self._db):
                self._db.execute("DELETE FROM envelopes WHERE seq <= ?", (last,))
            self._bytes -= freed
            if self.disk_full:
                give_back(self._db, 1)

    def _on_write_error(self, error: sqlite3.OperationalError) -> None:
        if not is_space_error(error):
            raise DataUnusable(f"{self._file}: {error}; check the disk, then start again") from error
        self.disk_full = True
        self._reserve.release()

    def _hold(self) -> None:
        """Keep rows in memory up to the bound, and write down now and then how many a kill would lose."""
        while len(self._held) > self._held_max:
            self._held.popleft()
            self._dropped += 1
        lost = self._dropped + len(self._held)
        if self._at_risk and lost - self._at_risk < AT_RISK_ROWS:
            return
        try:
            with transaction(self._db):
                self._set("at_risk", lost)
            empty_wal(self._db)
            self._at_risk = lost
        except sqlite3.OperationalError as error:
            self._on_write_error(error)

    def _boot_of(self, boot_id: str) -> Boot:
        return _boot(self._db.execute("SELECT boot FROM boots WHERE id = ?", (boot_id,)).fetchone()[0])

    def _count(self, statement: str, *values: int) -> int:
        return int(self._db.execute(statement, values).fetchone()[0])

    def _meta(self, key: str) -> object:
        found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def _int(self, key: str) -> int:
        value = self._meta(key)
        return value if isinstance(value, int) else 0

    def _set(self, key: str, value: int | bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _alike(rows: Sequence[tuple[str, Row]]) -> int:
    """How many of the first rows are of one run and of the same meters: an envelope has one fingerprint a meter."""
    known: dict[str, Fingerprint] = {}
    for count, (boot, row) in enumerate(rows):
        meter, told = row.reading.meter, row.reading.fingerprint
        before = known.get(meter)
        if boot != rows[0][0] or (before is not None and told is not None and before != told and moved(before, told)):
            return count
        if told is not None and before != told:
            known[meter] = told if before is None else merged(before, told)
    return len(rows)
