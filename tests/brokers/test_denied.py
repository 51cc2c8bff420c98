"""Report m01 with the agent's courier: an access list that denies its topic, where the broker says so and where not."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.health import Fault
from tests.brokers.kinds import PASSWORD, SPOKEN, process
from tests.brokers.shipped import agent_settings
from tests.edge_agent.broker import until
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import boot, fill, opened
from tests.edge_agent.test_courier import QUICK, delivering
from wire.keys import PrivateKey

SCRIPT = (REPORTS / "m01-puback-without-right" / "events.txt").read_text(encoding="utf-8")
FIRST, LAST = (int(n) for n in re.findall(r"for seq (\d+)\.\.(\d+)", SCRIPT)[0])


@pytest.mark.parametrize("kind", [kind for kind in SPOKEN if kind[0] != "embedded"], ids="-".join)
async def test_a_topic_without_the_right(kind: tuple[str, str], tmp_path: Path) -> None:
    """Nothing leaves the outbox; MQTT 5 says why; in 3.1.1 NATS refuses the subscription, else the missing receipt tells."""
    broker = process(tmp_path / "broker", *kind)
    broker.start()
    (tmp_path / "broker.password").write_text(PASSWORD, encoding="utf-8")
    line = f"host: 127.0.0.1, port: {broker.port}, protocol: {kind[1]}, username: a2, password_file: broker.password"
    settings = agent_settings(tmp_path, f"{{{line}, reconnect_spread_s: 1}}", PrivateKey.generate())
    outbox = opened(tmp_path / "outbox", make=True)
    fill(outbox, outbox.begin(boot()).id, range(FIRST, LAST + 1))
    without_words = Fault.SUBSCRIBE_REFUSED if kind[0] == "nats" else Fault.NO_RECEIPT
    expected = Fault.PUBLISH_REFUSED if kind[1] == "5" else without_words
    with ThreadPoolExecutor(1) as executor:
        async with delivering(settings, outbox, executor, QUICK) as at_work:
            await until(lambda: expected in at_work.health.faults, expected)
            told, faults = at_work.health.faults[expected], set(at_work.health.faults)
            left = await at_work.left()
    outbox.close()
    broker.stop()

    assert len(left) == LAST - FIRST + 1 == 60
    assert "access list" in told
    assert (Fault.SUBSCRIBE_REFUSED in faults) == (broker.promises.refused_subscription_is_told == "yes")
