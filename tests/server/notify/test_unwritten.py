"""A database that takes no writes right after a delivery: nobody hears twice."""

import threading
from pathlib import Path

from server.notify.channels import AlertsFile, Channel
from server.notify.sender import Answer, Outgoing, Sender
from server.store import Store
from tests.server.notify.office import Office, Phone
from tests.server.stores import a_store


class Holder:
    """Another process that holds the database, from when it is told to until it is told to let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread: threading.Thread | None = None
        self._held, self._over = threading.Event(), threading.Event()

    def hold(self) -> None:
        """Begin; the database is held when this returns."""
        self._held, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._held.wait()

    def let_go(self) -> None:
        """End."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._store.transaction() as session:
            session.connection()
            self._held.set()
            self._over.wait()


class Jamming(Phone):
    """A telephone that takes a message in the moment in which another process takes the database."""

    def __init__(self, name: str, holder: Holder) -> None:
        super().__init__(name)
        self._holder = holder

    def send(self, message: Outgoing) -> Answer:
        """Take it, as the database goes."""
        answer = super().send(message)
        self._holder.hold()
        return answer


class Jammed:
    """An office whose duty telephone jams the database with each message."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder, [{"name": "duty"}], make=self._make, wait_s=0.1, settle_s=0)
        self.holder = Holder(a_store(folder))
        self.phone = Jamming("duty", self.holder)
        self.office.notifier = self.office.new_notifier()

    def turn(self) -> None:
        """One turn; whatever holds the database then lets go."""
        self.office.clock.now_ms += 1_000
        self.office.notifier.step(self.office.clock.now_ms)
        self.holder.let_go()

    def _make(self, channel: Channel, _alerts: AlertsFile) -> Sender:
        return getattr(self, "phone", Phone(channel.name))


def test_what_was_delivered_and_not_written_down_is_not_sent_again(tmp_path: Path) -> None:
    """The record is written first when the database is back; a second message goes out after that, each once."""
    jammed = Jammed(tmp_path)
    jammed.office.found(0)
    jammed.turn()
    assert [one.delivery for one in jammed.office.log()] == ["waiting"]
    jammed.office.found(1)
    for _ in range(10):
        jammed.turn()

    assert len(jammed.phone.got) == len({message.id for message in jammed.phone.got}) == 2
    assert [(one.delivery, one.attempts) for one in jammed.office.log()] == [("delivered", 1)] * 2
    jammed.office.check_complete()


def test_nothing_goes_out_while_what_was_sent_is_not_written_down(tmp_path: Path) -> None:
    """Two are due, the first one's record cannot be written: the second waits for it."""
    jammed = Jammed(tmp_path)
    jammed.office.found(0)
    jammed.office.found(1)
    jammed.turn()

    assert len(jammed.phone.got) == 1


def test_a_stop_writes_down_what_it_can(tmp_path: Path) -> None:
    """Delivered, not recorded, and the server is stopped when the database is back: the next start sends nothing."""
    jammed = Jammed(tmp_path)
    jammed.office.found(0)
    jammed.turn()
    jammed.office.notifier.stop()
    jammed.office.restart()
    jammed.turn()

    assert len(jammed.phone.got) == 1
    assert [one.delivery for one in jammed.office.log()] == ["delivered"]
