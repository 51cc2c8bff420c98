"""Report m05 played through a real Mosquitto, the server's real worker and its database."""

import random
import re
from pathlib import Path

from sqlmodel import col, select

from server.broker import Broker
from server.message import Message
from server.settings import Settings
from server.tables import CoverageSpan, Envelope, Rejected, Violation
from server.worker import Worker
from tests.edge_agent.broker import Mosquitto, wait_for
from tests.server.broker.test_broker import drained, publish
from tests.server.ingest.plant import DEPLOYMENT, Plant, SigningAgent, reading
from wire.clock import SystemClock

SCRIPT = (Path(__file__).parent / "reports/m05-redelivery-and-dup-flag/events.txt").read_text(encoding="utf-8")
MELTS_FROM = 900
WAIT_S = 120.0


def numbers() -> tuple[range, int, range]:
    """The script's own: queued while the server is offline, flagged as a duplicate, resent without order."""
    (first, last), (start, end) = re.findall(r"seq (\d+)\.\.(\d+)", SCRIPT)
    (flagged,) = re.findall(r"PUBACK of seq (\d+)", SCRIPT)
    return range(int(first), int(last) + 1), int(flagged), range(int(start), int(end) + 1)


def envelopes(agent: SigningAgent, last: int) -> dict[int, Message]:
    """One row an envelope, by number; the furnace resumes at MELTS_FROM."""
    return {
        seq: agent.envelope(
            [reading(seq, 326_000.0 if seq >= MELTS_FROM else 0.0, energy_wh=500_000.0 + 90 * max(0, seq - MELTS_FROM))]
        )
        for seq in range(1, last + 1)
    }


def seen(plant: Plant) -> list[object]:
    """What must not depend on how it came: numbers, verdicts, energy in the sentence, coverage."""
    with plant.store.transaction() as session:
        spans = session.exec(select(CoverageSpan).order_by(col(CoverageSpan.from_ms))).all()
        return [
            list(session.exec(select(Envelope.seq).order_by(col(Envelope.seq))).all()),
            [
                (v.id, v.code, v.first_ms, v.raised_ms, v.last_ms, v.reason_zh)
                for v in session.exec(select(Violation)).all()
            ],
            [(s.from_ms, s.to_ms, s.state, s.reason) for s in spans],
            [r.reason for r in session.exec(select(Rejected)).all()],
        ]


def test_redelivery_and_dup_flag(tmp_path: Path) -> None:
    """Each number is stored once; one that comes first with the dup flag counts; order and doubles change nothing."""
    queued, flagged, resent = numbers()
    agent = SigningAgent()
    sent = envelopes(agent, resent.stop - 1)
    calm, stormy = Plant(tmp_path / "calm", agent), Plant(tmp_path / "stormy", agent)
    calm.take(*sent.values())
    mosquitto = Mosquitto(tmp_path / "mosquitto", "max_queued_messages 5000\nmax_inflight_messages 0\n")
    mosquitto.start()
    settings = Settings(data=tmp_path / "stormy", broker_port=mosquitto.port, deployment=DEPLOYMENT)
    stormy.take(*(sent[seq] for seq in range(1, queued.start)))
    topic = sent[1].topic

    offline = Broker(settings, SystemClock())
    offline.start()
    offline.stop()
    publish(mosquitto.port, topic, [sent[seq].payload for seq in queued])
    worker = Worker(stormy.store, settings, stormy.server_key, SystemClock())
    worker.start()
    wait_for(lambda: worker.health()["accepted"] == len(queued), "the queue", WAIT_S)
    worker.stop()

    publish(mosquitto.port, topic, [sent[seq].payload for seq in queued])  # the broker's old file held them still
    publish(mosquitto.port, topic, [sent[flagged].payload])
    unlucky = Broker(settings, SystemClock())
    unlucky.start()
    assert len(drained(unlucky, len(queued) + 1)) == len(queued) + 1
    unlucky.stop()  # nothing acknowledged: all of it comes again, now with the dup flag

    again = Worker(stormy.store, settings, stormy.server_key, SystemClock())
    again.start()
    burst = [*resent, *random.Random(5).sample(resent, 200)]
    random.Random(75).shuffle(burst)
    publish(mosquitto.port, topic, [sent[seq].payload for seq in burst])
    wait_for(lambda: again.health()["accepted"] == len(resent) + 1, "everything", WAIT_S)
    wait_for(lambda: again.health()["duplicates"] == len(queued) + 200, "every double", WAIT_S)
    again.stop()
    mosquitto.stop()

    assert seen(stormy) == seen(calm)
