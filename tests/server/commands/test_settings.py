"""The server's settings: defaults, the file, and the command line above it."""

from pathlib import Path

import pytest

from server import settings
from server.settings import Settings, host_and_port
from wire.errors import SettingsError, SurroundingsError


def written(folder: Path, text: str) -> Path:
    """A data folder with a server.yaml."""
    (folder / "server.yaml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file(tmp_path: Path) -> None:
    """A folder that does not even exist has every default, and nothing is made."""
    data = tmp_path / "new"

    assert settings.load(data) == Settings(data=data)
    assert not data.exists()
    assert settings.load(data).database == data / "coldseal.sqlite"


def test_defaults_stay_on_this_machine() -> None:
    """Nothing is served to, or fetched from, another machine unless told."""
    defaults = Settings(data=Path())

    assert (defaults.http_host, defaults.broker_host) == ("127.0.0.1", "127.0.0.1")


def test_the_command_line_comes_before_the_file(tmp_path: Path) -> None:
    """What the command line gives replaces the file's, key by key; what it leaves out does not."""
    data = written(tmp_path, "http_port: 9000\ndeployment: fuzhou/1\nsilent_after_s: 60\n")
    loaded = settings.load(data, http_port=0, deployment=None)

    assert (loaded.http_port, loaded.deployment, loaded.silent_after_s) == (0, "fuzhou/1", 60)


def test_files_are_found_from_the_data_folder(tmp_path: Path) -> None:
    """A relative file is looked for beside server.yaml, an absolute one where it says."""
    text = "broker_password_file: keys/broker\nbroker_ca: /etc/ca.pem\n"
    loaded = settings.load(written(tmp_path, text))

    assert (loaded.broker_password_file, loaded.broker_ca) == (str(tmp_path / "keys/broker"), "/etc/ca.pem")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port: 1", "server.yaml: line 1: Object contains unknown field `port`; correct this key"),
        ("data: /tmp", "server.yaml: line 1: Object contains unknown field `data`; correct this key"),
        ("http_port: '8080'", "server.yaml: line 1: http_port: Expected `int`, got `str`; correct this key"),
        ("http_port: 70000", "server.yaml: line 1: http_port: Expected `int` <= 65535; correct this key"),
        ("broker_port: 0", "server.yaml: line 1: broker_port: Expected `int` >= 1; correct this key"),
        ("deployment: ' '", "server.yaml: deployment: expected a name, got nothing; e.g. fuzhou.coldseal/2026"),
        ('deployment: "a\\nb"', "server.yaml: deployment: expected a name of one line, got 'a\\nb'"),
        ("http_host: ''", "server.yaml: http_host: expected an address, got nothing; e.g. 127.0.0.1"),
        ("silent_after_s: 0", "server.yaml: silent_after_s: expected 1 to 86400 s, got 0"),
        ("silent_after_s: .nan", "server.yaml: silent_after_s: expected 1 to 86400 s, got nan"),
        ("gap_wait_s: 3601", "server.yaml: gap_wait_s: expected 0.1 to 3600 s, got 3601"),
        ("broker_cert: c.pem", "server.yaml: broker_cert, broker_key: expected both or none, got one; add the other"),
        (
            "broker_cert: c.pem\nbroker_key: k.pem",
            "server.yaml: broker_ca: expected the broker's CA beside broker_cert, got nothing; add it",
        ),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    """A wrong key is told with the file, what was expected and what was got."""
    with pytest.raises(SettingsError, match=r"server\.yaml: ") as error:
        settings.load(written(tmp_path, text))

    assert str(error.value) == f"{tmp_path}/{message}"


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ({"http_port": -1}, r"command line: Expected `int` >= 0 - at `\$\.http_port`; see --help"),
        ({"silent_after_s": 0.5}, r"command line: silent_after_s: expected 1 to 86400 s, got 0\.5"),
        ({"deployment": ""}, "command line: deployment: expected a name, got nothing"),
    ],
)
def test_a_wrong_option(tmp_path: Path, instead: dict[str, object], message: str) -> None:
    """A wrong option is told as such, not as the file's."""
    with pytest.raises(SettingsError, match=message):
        settings.load(tmp_path, **instead)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A server.yaml that is a folder is the environment's fault."""
    (tmp_path / "server.yaml").mkdir()

    with pytest.raises(SurroundingsError, match=r"server\.yaml: cannot be read: .*Is a directory"):
        settings.load(tmp_path)


def test_host_and_port() -> None:
    """Names, addresses and bracketed IPv6 are taken apart."""
    assert host_and_port("broker.local:8883", "--broker") == ("broker.local", 8883)
    assert host_and_port("[::1]:1883", "--broker") == ("::1", 1883)


@pytest.mark.parametrize("text", ["", "1883", ":1883", "host:", "host:0", "host:65536", "host:x", "host:-1"])
def test_not_host_and_port(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(SettingsError, match=r"--broker: expected HOST:PORT, got .*; e\.g\. 127\.0\.0\.1:1883"):
        host_and_port(text, "--broker")
