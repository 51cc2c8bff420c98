"""/api/v1/health and /api/v1/metrics: how the server is, to anyone; its numbers, to who may read them."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.app import Server
from server.disk import Disk
from server.settings import Settings
from server.troubles import Looked
from tests.server.api.conftest import Site, site
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import settings_on

__all__ = ["site"]


def test_without_a_broker(site: Site) -> None:
    """Anyone may ask how the server is; it says on which database it stands."""
    answer = site.anyone.get("/api/v1/health")

    assert answer.status_code == 200
    health = answer.json()
    store = site.server.store
    assert (health["status"], health["ingest"], health["notifier"], health["troubles"]) == ("ok", None, None, [])
    assert health["time"] == "2026-03-01T00:00:00.000+08:00"
    assert health["database"] == {
        "ok": True, "kind": store.kind, "version": store.version, "journal": store.journal,
    }  # fmt: skip
    assert health["database"]["kind"] in ("SQLite", "PostgreSQL")


def test_a_server_that_hears_nothing(tmp_path: Path) -> None:
    """A server whose broker is not there answers 503, with what is wrong."""
    server = Server(settings_on(Settings(data=tmp_path)), SteppedClock())  # built, not started: it hears nothing yet
    answer = TestClient(server.app).get("/api/v1/health")
    server.stop()

    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert answer.json()["ingest"] == {
        "broker_connected": False, "working": False, "last_message_age_s": None, "inbox": 0, "lag_s": 0.0, "accepted": 0,
        "duplicates": 0, "rejected": 0, "trouble": None,
    }  # fmt: skip
    assert answer.json()["notifier"] == {"working": False, "trouble": None}


def test_a_database_that_is_gone(site: Site) -> None:
    """A database that cannot be read is told, not hidden behind an error."""
    with site.server.store.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE agent RENAME TO elsewhere")
    answer = site.anyone.get("/api/v1/health")

    assert (answer.status_code, answer.json()["database"]["ok"]) == (503, False)


def test_metrics_need_their_right(site: Site) -> None:
    """A stranger is refused; who has the right gets Prometheus' text."""
    assert site.anyone.get("/api/v1/metrics").status_code == 401
    answer = site.client.get("/api/v1/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "\ncoldseal_agents 1.0\n" in answer.text
    assert "\ncoldseal_seals 2.0\n" in answer.text


@pytest.mark.parametrize("mended", [False, True])
def test_a_trouble_is_noted_for_staff(tmp_path: Path, mended: bool) -> None:
    """What the watch finds becomes an event for the messages, and stands in health as long as it lasts."""
    server = Server(settings_on(Settings(data=tmp_path)), SteppedClock())
    full, roomy = Disk(1, 100 * 2**30), Disk(60 * 2**30, 100 * 2**30)
    server.watch.judge(Looked(lag_s=0.0, trouble=None, broker_connected=True, disk=full))
    if mended:
        server.watch.judge(Looked(lag_s=0.0, trouble=None, broker_connected=True, disk=roomy))
    with server.store.transaction() as session:
        events = session.connection().exec_driver_sql("SELECT topic, kind FROM alert_event ORDER BY id").all()
    troubles = TestClient(server.app).get("/api/v1/health").json()["troubles"]
    server.stop()

    assert [tuple(event) for event in events] == [("disk", "trouble"), ("disk", "mended")][: 2 if mended else 1]
    assert troubles == ([] if mended else ["disk"])


def test_a_restart_in_the_middle_of_a_trouble(tmp_path: Path) -> None:
    """The next start knows what staff were told of: they hear that it is over, and of the next one too."""
    full, roomy = Disk(1, 100 * 2**30), Disk(60 * 2**30, 100 * 2**30)
    clock, settings = SteppedClock(), settings_on(Settings(data=tmp_path))
    server = Server(settings, clock)
    server.watch.judge(Looked(lag_s=0.0, trouble=None, broker_connected=True, disk=full))
    server.stop()
    server = Server(settings, clock)
    after_start = server.watch.present
    for room in (full, roomy, full):
        server.watch.judge(Looked(lag_s=0.0, trouble=None, broker_connected=True, disk=room))
    with server.store.transaction() as session:
        kinds = session.connection().exec_driver_sql("SELECT kind FROM alert_event ORDER BY id").scalars().all()
    server.stop()

    assert list(after_start) == ["disk"]
    assert list(kinds) == ["trouble", "mended", "trouble"]
