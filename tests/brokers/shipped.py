"""The shipped broker files, run as they stand: only places (folders, port, loopback) are put in."""

from pathlib import Path

from edge_agent.config import Settings, load
from server.settings import Settings as ServerSettings
from tests.brokers.kinds import NATS, Process, with_agents
from tests.edge_agent.broker import MOSQUITTO, free_port
from tests.edge_agent.certificates import Authority
from tests.edge_agent.store import DEPLOYMENT
from wire.keys import PrivateKey

FILES = Path(__file__).parents[2] / "firmware_configs" / "broker"
PROTOCOL = {"mosquitto": "5", "nats": "3.1.1"}


class Place:
    """A folder with authority, certificates and the shipped files of one broker.

    Attributes:
        broker: its process.
        authority: it signed the broker, `ingest` and the agents.
    """

    def __init__(self, folder: Path, name: str, agents: tuple[str, ...] = ("a1", "a2")) -> None:
        self.folder = folder
        folder.mkdir()
        self.authority = Authority(folder, "ca")
        for common_name in ("broker", "ingest", *agents):
            made = self.authority.issue(common_name)
            made.cert.rename(folder / f"{common_name}.pem")
        write = {"mosquitto": _mosquitto, "nats": _nats}[name]
        self.broker = Process(
            folder / "data", name, PROTOCOL[name], lambda data, port, _: write(folder, data, port, agents)
        )

    def server_settings(self, data: Path) -> ServerSettings:
        """The server's settings for this broker, over TLS."""
        return ServerSettings(
            data=data,
            broker_port=self.broker.port,
            broker_protocol=self.broker.protocol,  # type: ignore[arg-type]  # one of the two
            broker_ca=str(self.authority.file),
            broker_cert=str(self.folder / "ingest.pem"),
            broker_key=str(self.folder / "ingest.key"),
            deployment=DEPLOYMENT,
        )

    def tls(self, name: str = "a1", ca: str = "ca.pem") -> str:
        """An agent's `broker.tls` with a certificate of this folder."""
        return f"{{ca: {self.folder / ca}, cert: {self.folder / name}.pem, key: {self.folder / name}.key}}"

    def agent_settings(self, tls: str, server_key: PrivateKey, agent: str = "a1") -> Settings:
        """An agent's settings with this `broker.tls`."""
        line = f"{{host: 127.0.0.1, port: {self.broker.port}, protocol: '{self.broker.protocol}', "
        return agent_settings(self.folder, f"{line}reconnect_spread_s: 1, tls: {tls}}}", server_key, agent)


def agent_settings(folder: Path, broker: str, server_key: PrivateKey, agent: str = "a1") -> Settings:
    """An agent's settings file with this `broker`, loaded."""
    file = folder / f"{agent}.yaml"
    file.write_text(
        f'agent: {agent}\ndeployment: {DEPLOYMENT}\ndata: {agent}-data\nserver_key: "{server_key.public}"\n'
        f"meters: [{{id: m1, profile: eastron_sdm630, tcp: '127.0.0.1:1'}}]\nbroker: {broker}\n",
        encoding="utf-8",
    )
    return load(file)


def _mosquitto(folder: Path, data: Path, port: int, _agents: tuple[str, ...]) -> list[str]:
    text = (FILES / "mosquitto.conf").read_text(encoding="utf-8")
    text = _put(text, "/etc/mosquitto/coldseal/", f"{folder}/")
    text = _put(text, "/var/lib/mosquitto/", f"{data}/")
    text = _put(text, "\nlistener 8883\n", f"\nlistener {port} 127.0.0.1\n")
    (folder / "acl").write_bytes((FILES / "acl").read_bytes())
    config = folder / "mosquitto.conf"
    config.write_text(
        f"user root\n{text}", encoding="utf-8"
    )  # started by root it would change to a user without rights here
    return [MOSQUITTO, "-c", str(config)]


def _nats(folder: Path, data: Path, port: int, agents: tuple[str, ...]) -> list[str]:
    text = (FILES / "nats.conf").read_text(encoding="utf-8")
    text = _put(text, "/etc/nats/coldseal/", f"{folder}/")
    text = _put(text, "/var/lib/nats", f"{data}/store")
    text = _put(text, "0.0.0.0:8883", f"127.0.0.1:{port}")
    text = _put(text, "127.0.0.1:4222", f"127.0.0.1:{free_port()}")
    users = (FILES / "nats_users.conf").read_text(encoding="utf-8")
    (folder / "nats_users.conf").write_text(with_agents(users, *agents), encoding="utf-8")
    config = folder / "nats.conf"
    config.write_text(text, encoding="utf-8")
    return [NATS, "-c", str(config)]


def _put(text: str, shipped: str, here: str) -> str:
    assert shipped in text, f"the file no longer says {shipped!r}"
    return text.replace(shipped, here)
