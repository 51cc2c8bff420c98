"""The server's end of MQTT on real brokers: Mosquitto and the embedded one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from coldseal.embedded_broker import broker_command
from coldseal.processes import ProcessGroup
from server.broker import Arrived, Broker
from server.news import News
from server.settings import Settings
from server.worker import Worker
from tests.edge_agent.broker import Mosquitto, free_port, wait_for
from tests.server.ingest.plant import DEPLOYMENT, Plant, reading
from tests.server.stores import a_store
from wire import topics
from wire.clock import SystemClock
from wire.errors import SurroundingsError

READY_S = 20.0


@pytest.fixture(params=["mosquitto", "embedded"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """A broker's port; each test of the contract runs on both."""
    if request.param == "mosquitto":
        mosquitto = Mosquitto(tmp_path / "mosquitto")
        mosquitto.start()
        yield mosquitto.port
        mosquitto.stop()
        return
    embedded = free_port()
    with ProcessGroup(tmp_path / "log") as programs:
        programs.start("broker", broker_command(embedded))
        programs.wait_ready("broker", "ready", READY_S)
        yield embedded


def settings_for(tmp_path: Path, port: int, **more: str) -> Settings:
    """The server's settings for a broker on this machine."""
    return Settings(data=tmp_path, broker_port=port, deployment=DEPLOYMENT, **more)  # type: ignore[arg-type]  # texts only


def publish(port: int, topic: str, payloads: list[bytes]) -> None:
    """As an agent does: QoS 1, each taken by the broker when this returns."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="a1", protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=1).wait_for_publish(READY_S)
    client.disconnect()
    client.loop_stop()


def drained(broker: Broker, count: int) -> list[Arrived]:
    """The next messages, waited for within a generous bound."""
    arrived: list[Arrived] = []
    for _ in range(100):
        arrived += broker.take(100, 0.2)
        if len(arrived) >= count:
            break
    return arrived


def test_what_came_while_the_server_was_away_is_taken_in_order(tmp_path: Path, port: int) -> None:
    """The session outlives the server: messages queue at the broker and arrive in order after its return."""
    settings, clock = settings_for(tmp_path, port), SystemClock()
    first = Broker(settings, clock)
    first.start()
    first.stop()
    topic = topics.build("a1", topics.Channel.UP)
    publish(port, topic, [str(i).encode() for i in range(50)])

    second = Broker(settings, clock)
    second.start()
    arrived = drained(second, 50)
    second.acknowledge(arrived)
    second.stop()

    assert [one.message.payload for one in arrived] == [str(i).encode() for i in range(50)]


def test_what_was_not_acknowledged_comes_again(tmp_path: Path, port: int) -> None:
    """A server that dies between arrival and commit gets the same messages once more."""
    settings, clock = settings_for(tmp_path, port), SystemClock()
    first = Broker(settings, clock)
    first.start()
    publish(port, topics.build("a1", topics.Channel.UP), [b"x", b"y"])
    seen = drained(first, 2)
    first.acknowledge(seen[:1])
    first.stop()

    second = Broker(settings, clock)
    second.start()
    again = drained(second, 1)
    second.acknowledge(again)
    second.stop()

    assert [one.message.payload for one in seen] == [b"x", b"y"]
    assert b"y" in [one.message.payload for one in again]


def test_worker_commits_then_receipts(tmp_path: Path, port: int) -> None:
    """An envelope through a real broker is stored, judged and receipted on the agent's own topic."""
    plant = Plant(tmp_path / "plant")
    heard: list[bytes] = []
    agent = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="a1", protocol=mqtt.MQTTv5)
    agent.on_message = lambda _client, _data, message: heard.append(bytes(message.payload))
    agent.connect("127.0.0.1", port)
    agent.subscribe(topics.build("a1", topics.Channel.DOWN), qos=1)
    agent.loop_start()
    news = News()
    worker = Worker(plant.store, settings_for(tmp_path / "plant", port), plant.server_key, SystemClock(), news)
    changed: list[frozenset[str]] = []
    news.listen(changed.append)
    worker.start()

    message = plant.agent.envelope([reading(s, 326_000.0) for s in range(5)])
    agent.publish(message.topic, message.payload, qos=1)
    agent.publish(topics.build("a1", topics.Channel.STATUS), b'{"state":"online"}', qos=1, retain=True)
    wait_for(lambda: heard and changed, "receipt and notice")
    wait_for(lambda: worker.health()["accepted"] == 1, "count")
    worker.stop()
    agent.disconnect()
    agent.loop_stop()

    assert b'"ack":1' in heard[0]
    assert worker.crash is None


def test_unreachable_broker_is_one_line(tmp_path: Path) -> None:
    """No broker at all: the message names the settings and what to do."""
    broker = Broker(settings_for(tmp_path, free_port()), SystemClock())

    with pytest.raises(
        SurroundingsError, match=r"broker 127\.0\.0\.1:\d+ \(broker_host, broker_port\): cannot be reached"
    ):
        broker.start()


def test_wrong_password_is_one_line(tmp_path: Path) -> None:
    """A broker that refuses the user: the message names both settings."""
    (tmp_path / "wrong.txt").write_text("wrong\n")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "ingest", "right"], check=True)
    mosquitto = Mosquitto(tmp_path / "mosquitto", f"password_file {passwords}\n", anonymous=False)
    mosquitto.start()
    settings = settings_for(tmp_path, mosquitto.port, broker_password_file=str(tmp_path / "wrong.txt"))
    try:
        with pytest.raises(SurroundingsError, match=r"refuses user 'ingest'.*broker_password_file"):
            Broker(settings, SystemClock()).start()
    finally:
        mosquitto.stop()


def test_missing_password_file_is_one_line(tmp_path: Path) -> None:
    """A password file that is not there is told before any connection."""
    settings = settings_for(tmp_path, 1883, broker_password_file=str(tmp_path / "none.txt"))

    with pytest.raises(SurroundingsError, match=r"broker_password_file .*none\.txt: cannot be read: No such file"):
        Broker(settings, SystemClock())


def test_server_run_ends_with_exit_code_3(tmp_path: Path) -> None:
    """`coldseal server run` without a broker: one line, exit code 3, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "coldseal", "server", "run", "--data", str(tmp_path), "--port", "0",
         "--broker", f"127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locked_database_is_waited_for(tmp_path: Path, port: int) -> None:
    """Another process that holds the database stops nothing for good: unacknowledged messages come again and are stored."""
    plant = Plant(tmp_path / "plant")
    plant.store.close()
    impatient = a_store(tmp_path / "plant", wait_s=0.3)
    worker = Worker(impatient, settings_for(tmp_path / "plant", port), plant.server_key, SystemClock())
    worker.start()
    with a_store(tmp_path / "plant").transaction() as other:
        other.connection()  # it begins with the first question
        message = plant.agent.envelope([reading(0, 0.0)])
        publish(port, message.topic, [message.payload])
        wait_for(lambda: worker.health()["trouble"] == "database", "trouble told in a word, without an address")
    wait_for(lambda: worker.health()["accepted"] == 1 and not worker.health()["trouble"], "the message, once more")
    told = worker.health()
    worker.stop()

    assert (told["trouble"], worker.crash) == (None, None)


def test_the_high_water_mark_stays_at_the_broker(tmp_path: Path, port: int) -> None:
    """An agent that starts later finds what the server holds: the newest receipt, retained."""
    plant = Plant(tmp_path / "plant")
    worker = Worker(plant.store, settings_for(tmp_path / "plant", port), plant.server_key, SystemClock())
    worker.start()
    messages = [plant.agent.envelope([reading(s, 0.0)]) for s in range(3)]
    publish(port, messages[0].topic, [message.payload for message in messages])
    wait_for(lambda: worker.health()["accepted"] == 3, "the messages")
    worker.stop()
    found: list[bytes] = []
    later = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="later", protocol=mqtt.MQTTv5)
    later.on_message = lambda _client, _data, message: found.append(bytes(message.payload))
    later.connect("127.0.0.1", port)
    later.subscribe(topics.build("a1", topics.Channel.HIGH_WATER_MARK), qos=1)
    later.loop_start()
    wait_for(lambda: found, "the retained mark")
    later.disconnect()
    later.loop_stop()

    assert b'"ack":3' in found[0]


def test_reopening_without_a_broker_is_no_crash(tmp_path: Path) -> None:
    """Database and broker may fail together: reopening goes on trying, and the session is there when the broker is."""
    mosquitto = Mosquitto(tmp_path / "mosquitto")
    mosquitto.start()
    broker = Broker(settings_for(tmp_path, mosquitto.port), SystemClock())
    broker.start()
    mosquitto.stop()
    broker.reopen()
    mosquitto.start()
    wait_for(lambda: broker.connected_since_ms is not None, "the connection")
    publish(mosquitto.port, topics.build("a1", topics.Channel.UP), [b"x"])
    arrived = drained(broker, 1)
    broker.stop()
    mosquitto.stop()

    assert [one.message.payload for one in arrived] == [b"x"]
