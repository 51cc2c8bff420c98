"""Strangers' tools on our wire: an envelope taken off the broker by mosquitto_sub is verified by joserfc alone."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from coldseal.local_plant import HOST, AgentPlan, LocalPlant, free_ports
from coldseal.processes import ProcessGroup
from server.settings import Settings
from tests.edge_agent.broker import Mosquitto
from tests.faults.plant import AGENT, seal
from wire.clock import SystemClock

READY_S = 60.0
TRACE = "t_s,active_power_w,voltage_l1_v,voltage_l2_v,voltage_l3_v,frequency_hz\n0,1234.5,230.25,231,229.5,50.01\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto of the test's own."""
    mosquitto = Mosquitto(tmp_path / "mosquitto")
    mosquitto.start()
    yield mosquitto
    mosquitto.stop()


def test_an_envelope_off_the_broker_is_verified_by_another_library(tmp_path: Path, broker: Mosquitto) -> None:
    """What a simulated SDM630 shows comes off Mosquitto as a detached JWS that joserfc verifies without our code."""
    (port,) = free_ports(1)
    trace = tmp_path / "trace.csv"
    trace.write_text(TRACE, encoding="utf-8")
    settings = Settings(data=tmp_path / "plant", broker_port=broker.port, deployment="independent.coldseal/1")
    plant = LocalPlant(tmp_path / "plant", settings, SystemClock())
    meter = {"id": "m1", "profile": "eastron_sdm630", "tcp": f"{HOST}:{port}"}
    plant.register([seal()], [AgentPlan(AGENT, [meter], 2.0)])
    simulate = ["simulate", "meter", "--profile", "eastron_sdm630", "--trace", str(trace), "--tcp", f"{HOST}:{port}"]
    listen = ["mosquitto_sub", "-p", str(broker.port), "-t", "coldseal/v1/+/+/up", "-C", "2", "-W", "60"]
    with ProcessGroup(tmp_path / "log") as programs, subprocess.Popen(listen, stdout=subprocess.PIPE) as listener:
        programs.start("meter", [sys.executable, "-m", "coldseal", *simulate])
        programs.wait_ready("meter", "ready", READY_S)
        programs.start(AGENT, plant.agent_command([AGENT]))
        heard, _ = listener.communicate(timeout=READY_S)
    key = subprocess.run(
        [sys.executable, "-m", "coldseal", "agent", "key", str(plant.settings_of(AGENT)), "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    raw = heard.splitlines()[1]

    body, signature = raw[len(b'{"p":') :].rsplit(b',"jws":"', 1)
    header, _, mac = signature.removesuffix(b'"}').partition(b"..")
    compact = b".".join([header, base64.urlsafe_b64encode(body).rstrip(b"="), mac]).decode()
    x = json.loads(key.stdout)["public_key"].removeprefix("Ed25519:")
    public = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
    verified = jws.deserialize_compact(compact, public, algorithms=["Ed25519"])

    assert verified.headers() == {"alg": "Ed25519", "kid": f"{AGENT}#1", "typ": "coldseal-batch+json"}
    columns = {name: (power, cells) for name, power, cells in json.loads(verified.payload)["mtr"][0]["cols"]}
    assert columns["active_power_w"] == (-1, 12345)
