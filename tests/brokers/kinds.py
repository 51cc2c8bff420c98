"""The three brokers as processes on loopback, and what each promises. No TLS here; the shipped files are run elsewhere."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import msgspec

from coldseal.embedded_broker import broker_command
from tests.edge_agent.broker import MOSQUITTO, BrokerProcess, free_port

NATS = str(Path(sysconfig.get_path("scripts")) / "nats-server")
PASSWORD = "pw"  # the brokers' users here; the embedded one asks nobody
ACK_WAIT_S = 0.5
NAMES = ("a1", "a2", "ingest")


class Promises(msgspec.Struct, frozen=True):
    """One column of the table in docs/brokers.md, word for word."""

    mqtt_versions: str
    session_outlives_client: str
    session_outlives_broker: str
    order_of_one_agent: str
    unacknowledged_comes_again: str
    retained_status: str
    last_will: str
    takeover_ends_the_older: str
    takeover_is_told: str
    access_list_by_topic: str
    refused_publish_is_told: str
    refused_subscription_is_told: str


PROMISES = {
    "embedded": Promises(
        mqtt_versions="5 or 3.1.1, one a process",
        session_outlives_client="yes",
        session_outlives_broker="no",
        order_of_one_agent="yes",
        unacknowledged_comes_again="after a reconnect",
        retained_status="yes",
        last_will="yes",
        takeover_ends_the_older="yes",
        takeover_is_told="no",
        access_list_by_topic="no",
        refused_publish_is_told="nothing is refused",
        refused_subscription_is_told="nothing is refused",
    ),
    "mosquitto": Promises(
        mqtt_versions="5 and 3.1.1",
        session_outlives_client="yes",
        session_outlives_broker="yes",
        order_of_one_agent="yes",
        unacknowledged_comes_again="after a reconnect",
        retained_status="yes",
        last_will="yes",
        takeover_ends_the_older="yes",
        takeover_is_told="no",
        access_list_by_topic="yes",
        refused_publish_is_told="in MQTT 5",
        refused_subscription_is_told="no",
    ),
    "nats": Promises(
        mqtt_versions="3.1.1",
        session_outlives_client="yes",
        session_outlives_broker="yes",
        order_of_one_agent="yes",
        unacknowledged_comes_again="after ack_wait",
        retained_status="yes",
        last_will="yes",
        takeover_ends_the_older="yes",
        takeover_is_told="no",
        access_list_by_topic="yes",
        refused_publish_is_told="no",
        refused_subscription_is_told="yes",
    ),
}
SPOKEN = (("embedded", "5"), ("embedded", "3.1.1"), ("mosquitto", "5"), ("mosquitto", "3.1.1"), ("nats", "3.1.1"))


class Process(BrokerProcess):
    """A broker's process of one kind.

    Attributes:
        name, protocol: which broker this is, and the version of MQTT that the test speaks with it.
    """

    def __init__(self, folder: Path, name: str, protocol: str, command: Callable[[Path, int, str], list[str]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.protocol = name, protocol
        port = free_port()
        super().__init__(command(folder, port, protocol), port, folder / "log")

    @property
    def promises(self) -> Promises:
        """What this broker promises."""
        return PROMISES[self.name]


def process(folder: Path, name: str, protocol: str) -> Process:
    """A broker of a kind, with an access list where it has one."""
    return Process(folder, name, protocol, {"embedded": _embedded, "mosquitto": _mosquitto, "nats": _nats}[name])


def _embedded(_folder: Path, port: int, protocol: str) -> list[str]:
    assert sys.executable
    return broker_command(port, protocol)


def _mosquitto(folder: Path, port: int, _protocol: str) -> list[str]:
    acl = Path(__file__).parents[2] / "firmware_configs" / "broker" / "acl"
    passwords = folder / "passwords"
    passwords.touch()
    for name in NAMES:
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, PASSWORD], check=True)
    config = folder / "mosquitto.conf"
    config.write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nacl_file {acl}\n"
        f"persistence true\npersistence_location {folder}/\n",
        encoding="utf-8",
    )
    return [MOSQUITTO, "-c", str(config)]


def _nats(folder: Path, port: int, _protocol: str) -> list[str]:
    users = (Path(__file__).parents[2] / "firmware_configs" / "broker" / "nats_users.conf").read_text(encoding="utf-8")
    config = folder / "nats.conf"
    config.write_text(
        f'server_name: one\nlisten: "127.0.0.1:{free_port()}"\njetstream {{ store_dir: "{folder}/store" }}\n'
        f'mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "{ACK_WAIT_S:g}s", max_ack_pending: 2000 }}\n'
        f"{with_passwords(users)}",
        encoding="utf-8",
    )
    return [NATS, "-c", str(config)]


def with_agents(users: str, *agents: str) -> str:
    """The shipped list of users with these agents: the shipped agent's entry, once for each."""
    head, _, rest = users.partition("    # One agent.\n")
    entry, _, tail = rest.partition("  ]\n")
    return head + "".join(entry.replace("fz-mh-0043", agent) for agent in agents) + "  ]\n" + tail


def with_passwords(users: str) -> str:
    """The shipped list with two agents, whose names come from a password instead of a certificate."""
    text = with_agents(users, "a1", "a2")
    for name in NAMES:
        text = text.replace(f'user: "CN={name}"', f'user: "{name}"\n      password: "{PASSWORD}"')
    return text
