"""Readings by the interface: every accepted row once, null with its reason, page by page."""

import pytest

from tests.server.api.conftest import AGENT, Site
from tests.server.ingest.plant import reading

METER = f"{AGENT}/m1"


def rows_of(page: dict[str, object]) -> list[dict[str, object]]:
    """The rows of a page."""
    rows = page["rows"]
    assert isinstance(rows, list)
    return rows


def pages(site: Site, **params: str | int) -> list[list[dict[str, object]]]:
    """Every page, following `next`."""
    found, cursor = list[list[dict[str, object]]](), "0:0"
    while True:
        page = site.get("/readings", meter=METER, cursor=cursor, **params)
        found.append(rows_of(page))
        if page["next"] is None:
            return found
        cursor = str(page["next"])


def test_a_row(site: Site) -> None:
    """A row carries time, envelope, state and primary values under their public names."""
    site.take(site.agent.envelope([reading(0.25, 326_000.0)]))

    assert site.get("/readings", meter=METER) == {
        "meter": METER,
        "rows": [
            {
                "time": "2026-03-01T00:00:00.250+08:00", "envelope": 1, "state": "G", "unreadable": {},
                "values": {
                    "voltage_l1_v": 230.0, "voltage_l2_v": 230.0, "voltage_l3_v": 230.0, "active_power_w": 326_000.0,
                    "frequency_hz": 50.0, "import_energy_wh": 500_000.0,
                },
            },
        ],
        "next": None,
    }  # fmt: skip


def test_what_was_not_read_is_null_with_its_reason(site: Site) -> None:
    """A timeout is null and says so; only what the meter said is 0."""
    site.take(site.agent.envelope([reading(0, 0.0), reading(1, None)]))
    said, missing = rows_of(site.get("/readings", meter=METER))

    assert (said["values"]["active_power_w"], said["unreadable"]) == (0.0, {})  # type: ignore[index]  # a document
    assert missing["state"] == "T"
    assert set(missing["values"].values()) == {None}  # type: ignore[attr-defined]  # a document
    assert missing["unreadable"]["active_power_w"] == "timeout"  # type: ignore[index]  # a document
    assert set(missing["values"]) == set(missing["unreadable"])  # type: ignore[call-overload]  # a document


@pytest.mark.parametrize("limit", [1, 7, 60, 61, 500])
def test_pages_hold_every_row_once(site: Site, limit: int) -> None:
    """Whatever the size of a page, following `next` gives each row once, in the order taken."""
    for minute in range(3):
        rows = [reading(60 * minute + s, float(s)) for s in range(60)]
        site.take(site.agent.envelope(rows))
    got = pages(site, limit=limit)

    assert all(len(page) == limit for page in got[:-1])
    times = [row["time"] for page in got for row in page]
    assert len(times) == len(set(times)) == 180
    assert times == sorted(map(str, times))


def test_other_meters_rows_are_left_out(site: Site) -> None:
    """An agent's meters share envelopes; each is asked for by its name."""
    mixed = [r for s in range(5) for r in (reading(s, 1.0), reading(s, 2.0, meter="m2"))]
    site.take(site.agent.envelope(mixed))
    m2 = rows_of(site.get("/readings", meter=f"{AGENT}/m2", limit=2))

    assert [row["values"]["active_power_w"] for row in m2] == [2.0, 2.0]  # type: ignore[index]  # a document
    assert len(rows_of(site.get("/readings", meter=METER))) == 5


def test_a_span_of_time(site: Site) -> None:
    """`from` is included, `to` is not; times are Beijing's unless they say otherwise."""
    for minute in range(3):
        site.take(site.agent.envelope([reading(60 * minute + s, 0.0) for s in range(60)]))
    params: dict[str, str | int] = {"from": "2026-03-01T00:00:30", "to": "2026-02-28T16:02:10Z", "limit": 9}
    times = [row["time"] for page in pages(site, **params) for row in page]

    assert (len(times), times[0], times[-1]) == (
        100, "2026-03-01T00:00:30.000+08:00", "2026-03-01T00:02:09.000+08:00",
    )  # fmt: skip


def test_many_envelopes_without_a_row_in_time(site: Site) -> None:
    """A page reads a bounded number of envelopes; a page without rows still leads on."""
    for second in range(0, 420, 2):
        site.take(site.agent.envelope([reading(second, 0.0, meter="m2")]))
    site.take(site.agent.envelope([reading(420, 7.0)]))
    got = pages(site)

    assert [len(page) for page in got] == [0, 1]


def test_rejected_envelopes_have_no_readings(site: Site) -> None:
    """Only what was believed is shown."""
    first = site.agent.envelope([reading(0, 0.0)])
    site.take(first.__class__(first.topic, first.payload.replace(b'"agt"', b'"agT"'), first.received_ms))

    assert rows_of(site.get("/readings", meter=METER)) == []


@pytest.mark.parametrize("cursor", ["", "1", "1:", ":1", "-1:0", "a:b", "1:99999", "12345678901234567:0"])
def test_a_cursor_that_no_page_gave(site: Site, cursor: str) -> None:
    """A made-up cursor is wrong input, never a crash."""
    answer = site.client.get("/api/v1/readings", params={"meter": METER, "cursor": cursor})

    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "cursor")
