"""Settings: what is accepted, and what each mistake is told."""

from pathlib import Path

import pytest

from edge_agent import config
from edge_agent.config import load, load_identity
from edge_agent.line import DialInLine, RtuTcpLine, SerialLine, TcpLine
from tests.edge_agent.conftest import Write
from wire.errors import ProgramError, SettingsError, SurroundingsError

MISTAKES = sorted((Path(__file__).parent / "configs").glob("*.yaml"))


def test_every_mistake_has_a_file() -> None:
    """The folder is found: a test without cases would prove nothing."""
    assert len(MISTAKES) >= 20


@pytest.mark.parametrize("file", MISTAKES, ids=lambda f: f.stem)
def test_mistake_names_file_key_and_remedy(file: Path) -> None:
    """Each mistake of the folder is refused with the line that its first comment expects, after the file's name."""
    expected = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expects: ")
    with pytest.raises(ProgramError, match=r"\.yaml: ") as caught:
        load(file)
    message = str(caught.value)
    assert expected in message
    assert message.startswith(str(file))
    assert "\n" not in message


def test_defaults(write: Write) -> None:
    """What is left out becomes the agent's id, the profile's line and sound waits."""
    settings = write(meters="[{id: seal, profile: waveshare_di8, serial: {device: /dev/ttyS9}}]")
    meter = settings.meters[0]
    assert meter.line == SerialLine("/dev/ttyS9", 9600, "N", 1)
    assert (meter.unit, meter.timeout_s, meter.wake_power_w) == (1, 0.4, 500.0)
    assert (settings.broker.username, settings.broker.password, settings.broker.keepalive_s) == ("a1", None, 20)
    assert settings.outbox_bytes_max == 200_000_000


@pytest.mark.parametrize(("more", "timeout_s"), [("", 0.5), (", timeout_s: 1.5", 1.5), (", timeout_s: 0.2", 0.2)])
def test_a_model_that_answers_slowly_is_waited_for(write: Write, more: str, timeout_s: float) -> None:
    """The profile's own wait counts where the settings say nothing."""
    (meter,) = write(meters=f"[{{id: m1, profile: abb_b23, tcp: 'gw:502'{more}}}]").meters
    assert meter.timeout_s == timeout_s


def test_units_of_one_endpoint_share_a_line(write: Write) -> None:
    """Two units behind one endpoint are one line; another port is another."""
    meters = ", ".join(
        f"{{id: m{n}, profile: eastron_sdm630, tcp: '{place}', unit: {unit}}}"
        for n, (place, unit) in enumerate([("gw:502", 1), ("gw:502", 2), ("gw:503", 1)])
    )
    lines = write(meters=f"[{meters}]").meters_by_line()
    assert {line: len(meters) for line, meters in lines.items()} == {TcpLine("gw", 502): 2, TcpLine("gw", 503): 1}


LINES = {
    "tcp: 'gw:502'": TcpLine("gw", 502),
    "tcp: '[fe80::1]:502'": TcpLine("fe80::1", 502),
    "rtu_tcp: '10.0.0.7:8899'": RtuTcpLine("10.0.0.7", 8899),
    "listen: '0.0.0.0:8899'": DialInLine("0.0.0.0", 8899),
    "listen: '10.8.0.1:8899', framing: tcp": DialInLine("10.8.0.1", 8899, is_rtu=False),
    "listen: '10.8.0.1:8899', register: 'DTU-1', heartbeat: 'hex:fe 01'": DialInLine(
        "10.8.0.1", 8899, register=b"DTU-1", heartbeat=b"\xfe\x01"
    ),
    "serial: {device: /dev/ttyS9, baud: 19200, parity: E, echo: true}": SerialLine(
        "/dev/ttyS9", 19200, "E", 1, echo=True
    ),
}


@pytest.mark.parametrize("written", LINES)
def test_every_kind_of_line(written: str, write: Write) -> None:
    """Modbus TCP, RTU over TCP, a DTU that dials in, and a serial port are each said by their own keys."""
    assert write(meters=f"[{{id: m1, profile: eastron_sdm630, {written}}}]").meters[0].line == LINES[written]


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    """Report g01: a file with several mistakes names each of them, with file, line and key, before anything is polled."""
    file = tmp_path / "a1.yaml"
    file.write_text(
        "agent: A1\ndeployment: x\ndata: d\nbroker: {host: h}\nserver_key: k\npoll_period_s: 0\nmeters:\n"
        "  - {id: m1, profile: eastron_sdm630, tcp: 'h:0502'}\n  - {id: m1, profile: eastron_sdm630, tcp: 'h:502'}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError, match=r"^.*a1\.yaml: line 1: agent") as caught:
        load(file)
    assert [line.partition(": expected")[0] for line in str(caught.value).splitlines()] == [
        f"{file}: line 1: agent",
        f"{file}: line 6: poll_period_s",
        f"{file}: line 8: meters[0].tcp",
        f"{file}: line 9: meters[1].id: 'm1' is given twice; name each meter once",
    ]


def test_two_meters_that_cannot_both_be_meant(write: Write) -> None:
    """Two meters of one unit on one line: the second would be silent or answer for the first."""
    meters = "[{id: m1, profile: eastron_sdm630, tcp: 'h:502'}, {id: m2, profile: eastron_sdm630, tcp: 'h:502'}]"
    with pytest.raises(SettingsError, match=r"meters\[1\]\.unit: 1 on h:502 is already meter 'm1'"):
        write(meters=meters)


@pytest.mark.parametrize(("framing", "unit", "heartbeat"), [("rtu", 200, "hex:c801"), ("tcp", 7, "hex:0001")])
def test_a_heartbeat_that_could_begin_a_reply(framing: str, unit: int, heartbeat: str, write: Write) -> None:
    """A heartbeat that begins with a configured unit, or with 0 in Modbus TCP, is refused with its key."""
    keys = f"unit: {unit}, listen: '10.8.0.1:8899', register: D, framing: {framing}, heartbeat: '{heartbeat}'"
    with pytest.raises(SettingsError, match=r"meters\[0\]\.heartbeat: begins with byte (200|0), as .*choose another"):
        write(meters=f"[{{id: m1, profile: eastron_sdm630, {keys}}}]")


@pytest.mark.parametrize(("written", "read"), [("5", "5"), ("'5'", "5"), ("3.1.1", "3.1.1"), ("'3.1.1'", "3.1.1")])
def test_protocol_with_and_without_quotation_marks(written: str, read: str, write: Write) -> None:
    """The version of MQTT is the same text however YAML reads it."""
    assert write(broker=f"{{host: h, protocol: {written}}}").broker.protocol == read


def test_password_is_read_from_its_file(write: Write, tmp_path: Path) -> None:
    """The password comes from a file beside the settings, without its line end."""
    (tmp_path / "pw.txt").write_text("s3cret\n", encoding="utf-8")
    settings = write(broker="{host: h, password_file: pw.txt}")
    assert settings.broker.password == "s3cret"


def test_missing_password_file(write: Write) -> None:
    """A password file that is not there names its key."""
    with pytest.raises(SurroundingsError, match=r"broker\.password_file: nowhere\.txt cannot be read"):
        write(broker="{host: h, password_file: nowhere.txt}")


def test_missing_certificate(write: Write) -> None:
    """A certificate that is not there names its key."""
    with pytest.raises(SurroundingsError, match=r"broker\.tls\.ca: .*ca\.pem is no file"):
        write(broker="{host: h, tls: {ca: ca.pem}}")


def test_a_profile_beside_the_settings(write: Write, tmp_path: Path) -> None:
    """A profile's path is relative to the settings; one that lists nothing is refused."""
    (tmp_path / "mine.yaml").write_text(
        "name: my_meter\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters: []\n", encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"meters\[0\]\.profile: mine\.yaml lists no registers"):
        write(meters="[{id: m1, profile: mine.yaml, tcp: 'h:502'}]")


def test_contradicting_profile_is_named(write: Write, tmp_path: Path) -> None:
    """An overlapping register is refused with the meter's key, the profile's file and the register."""
    register = "{quantity: %s, function: 4, address: %d, type: f32, source: s}"
    text = ", ".join((register % ("voltage_l1_v", 0), register % ("voltage_l2_v", 1)))
    (tmp_path / "mine.yaml").write_text(
        f"name: my_meter\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters: [{text}]\n", encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"meters\[0\]\.profile: .*mine\.yaml: .*registers\[1\].*overlaps"):
        write(meters="[{id: m1, profile: mine.yaml, tcp: 'h:502'}]")


def test_the_readme_shows_settings_that_load(tmp_path: Path) -> None:
    """The example in the agent's README is accepted as it stands."""
    readme = Path(config.__file__).with_name("README.md").read_text(encoding="utf-8")
    example = readme.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "pw.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "a1.yaml").write_text(example, encoding="utf-8")
    assert [meter.id for meter in load(tmp_path / "a1.yaml").meters] == ["m1", "seal"]


def test_the_key_needs_no_server_yet(tmp_path: Path) -> None:
    """`agent key` comes before the server's answer: id and folder alone are enough for it."""
    file = tmp_path / "a1.yaml"
    file.write_text("agent: a1\ndata: a1-data\nmeters: []\n", encoding="utf-8")

    assert load_identity(file) == ("a1", tmp_path / "a1-data")
    file.write_text("agent: A 1\ndata: x\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="agent: expected a-z, 0-9"):
        load_identity(file)
