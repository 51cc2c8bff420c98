"""A monitoring office for tests of the messages: sealed furnaces in some counties, findings, channels, and telephones."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlmodel import col, select

from server import notify, violations
from server.detect.finding import Code, Finding
from server.notify.channels import AlertsFile, Channel
from server.notify.log import Told, rows
from server.notify.notifier import Notifier
from server.notify.sender import Answer, Outgoing, Sender
from server.notify.tables import AlertEvent, AlertLog, AlertMessage
from server.sentences import Subject
from server.settings import Settings
from server.store import WAIT_FOR_LOCK_S
from server.tables import Enterprise, Furnace, Pledge, Seal, Site, Violation
from server.violations import Change
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import a_store

MINHOU, CHANGLE = "350121", "350112"
UNITS = {
    Code.RESUMED_POWER: ("W", 326_000.0),
    Code.ENERGISED: ("V", 231.0),
    Code.ENERGY_IN_GAP: ("Wh", 84_000.0),
    Code.SEAL_OPENED: ("", 4.0),
    Code.SILENT: ("s", 185.0),
}


class Phone:
    """A receiver through the real interface: takes messages, or not.

    Attributes:
        refuses: why nobody answers; None while somebody does.
        poison: the one message that it refuses.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.refuses: str | None = None
        self.poison: str | None = None
        self.got: list[Outgoing] = []
        self.tried: list[str] = []

    @property
    def shown(self) -> str:
        """Its name."""
        return f"phone {self.name}"

    def send(self, message: Outgoing) -> Answer:
        """Take it, or say why not."""
        self.tried.append(message.id)
        if self.refuses is not None:
            return Answer(delivered=False, reason=self.refuses, reached=False)
        if message.id == self.poison:
            return Answer(delivered=False, reason="HTTP 400")
        self.got.append(message)
        return Answer(delivered=True, reason="taken")

    @property
    def titles(self) -> list[str]:
        """What the screen showed."""
        return [message.title for message in self.got]


class Office:
    """Database, clock, notifier; `seals` furnaces, the first half of them in Minhou, the rest in Changle.

    Args:
        channels: as server.yaml has them, without address where a telephone will do.
        make: ways out; telephones otherwise.
        wait_s: how long a transaction waits for another process.
    """

    def __init__(
        self,
        folder: Path,
        channels: Sequence[dict[str, object]],
        *,
        seals: int = 2,
        make: Callable[[Channel, AlertsFile], Sender] | None = None,
        wait_s: float = WAIT_FOR_LOCK_S,
        **alerts: object,
    ) -> None:
        self.folder, self.clock = folder, SteppedClock()
        self._wait_s = wait_s
        self.store = a_store(folder, wait_s=wait_s)
        self.phones: dict[str, Phone] = {}
        self._make = make or self._phone
        self.settings = Settings(data=folder, alerts=alerts_of(channels, **alerts))
        self.seals = [f"FZ-{n:04}" for n in range(seals)]
        self._register()
        self.notifier = self.new_notifier()

    def new_notifier(self) -> Notifier:
        """Another one on the same database, as after a restart."""
        return Notifier(self.store, self.settings, self.clock, self._make)

    def restart(self) -> None:
        """The server is killed and started again."""
        self.store.close()
        self.store = a_store(self.folder, wait_s=self._wait_s)
        self.notifier = self.new_notifier()

    def found(
        self, seal: int, code: Code = Code.RESUMED_POWER, *, ended: bool = False, at: int | None = None
    ) -> Change:
        """A finding of the rules, with the event that it makes; `at` names the one that goes on."""
        first_ms = START_MS if at is None else at
        last_ms = max(first_ms + 1_000, self.clock.now_ms)
        unit, peak = UNITS[code]
        finding = Finding(
            code=code, meter="m1", first_ms=first_ms, raised_ms=first_ms + 1_000, last_ms=last_ms,
            ended_ms=last_ms if ended else None, statistic=peak, threshold=180.0 if code is Code.SILENT else 10_500.0,
            unit=unit, peak=peak, energy_wh=None, false_alarms_per_year=0.01 if code is Code.RESUMED_POWER else 0.0,
            first_seq=1, last_seq=2, note="voltage" if code is Code.ENERGISED else "",
        )  # fmt: skip
        subject = Subject(self.seals[seal], f"示例铸造{seal}厂有限公司 1 号炉", 0.0, "a1")
        with self.store.transaction() as session:
            violation, change = violations.apply(session, subject, "a1", finding, self.clock.now_ms)
            notify.note(session, violation, change, self.clock.now_ms)
        return change

    def own(self, topic: str, kind: notify.OwnKind) -> bool:
        """A trouble of the server's own."""
        with self.store.transaction() as session:
            return notify.note_own(
                session, topic, kind, "磁盘将满：还剩 1 GiB。", "disk nearly full: 1 GiB.", self.clock.now_ms
            )

    def pass_s(self, seconds: float, *, turn_s: float = 1.0) -> None:
        """Let time pass, a turn at a time."""
        until_ms = self.clock.now_ms + round(seconds * 1000)
        while self.clock.now_ms < until_ms:
            self.clock.now_ms = min(until_ms, self.clock.now_ms + round(turn_s * 1000))
            self.notifier.step(self.clock.now_ms)

    def log(self) -> list[Told]:
        """The whole log, oldest first."""
        with self.store.transaction() as session:
            return rows(session, newest_first=False)

    def outcomes(self) -> Counter[tuple[str, str, str]]:
        """How often a kind became what for which channel."""
        return Counter((one.channel, one.kind, one.outcome.value) for one in self.log())

    def violation(self, seal: int = 0) -> Violation:
        """The violation of a seal."""
        with self.store.transaction() as session:
            return session.exec(
                select(Violation).where(Violation.seal_id == self.seals[seal]).order_by(col(Violation.detected_ms))
            ).all()[-1]

    def messages(self) -> list[AlertMessage]:
        """The post, oldest first."""
        with self.store.transaction() as session:
            return list(session.exec(select(AlertMessage).order_by(col(AlertMessage.created_ms))).all())

    def check_complete(self) -> None:
        """Every event is decided, and every channel has exactly one outcome of it, with its reason."""
        with self.store.transaction() as session:
            events = session.exec(select(AlertEvent)).all()
            logged = Counter(session.exec(select(AlertLog.event_id, AlertLog.channel)).all())
        assert all(event.decided_ms is not None for event in events)
        expected = {(event.id, channel.name): 1 for event in events for channel in self.notifier.channels}
        assert dict(logged) == expected
        assert all(one.why for one in self.log())

    def _phone(self, channel: Channel, _alerts: AlertsFile) -> Sender:
        return self.phones.setdefault(channel.name, Phone(channel.name))

    def _register(self) -> None:
        with self.store.transaction() as session:
            for n, seal_id in enumerate(self.seals):
                county = MINHOU if 2 * n < len(self.seals) else CHANGLE
                enterprise = Enterprise(name=f"示例铸造{n}厂有限公司")
                session.add(enterprise)
                session.flush()
                site = Site(enterprise_id=enterprise.id or 0, name="一号车间", county_code=county)
                session.add(site)
                session.flush()
                furnace = Furnace(site_id=site.id or 0, name="1 号炉", kind="mf_coreless", tonnes=0.5, rated_kw=350.0,
                                  melts_scrap=True)  # fmt: skip
                session.add(furnace)
                session.flush()
                session.add(Seal(id=seal_id, furnace_id=furnace.id or 0, break_position="downstream", from_ms=START_MS))
                session.flush()
                session.add(Pledge(seal_id=seal_id, allowed_kw=0.0, signatory="张三", signed_ms=START_MS))


def alerts_of(channels: Sequence[dict[str, object]], **alerts: object) -> AlertsFile:
    """The `alerts` key of server.yaml, read as it reads it."""
    named = [{"url": f"https://{one['name']}.example.org/secret-token"} | one for one in channels]
    return msgspec.convert({"page_url": "https://coldseal.example.org", "channels": named, **alerts}, AlertsFile)
