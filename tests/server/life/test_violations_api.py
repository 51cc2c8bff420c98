"""Steps over HTTP: which browser may do what, what each answer says, and whom the news reaches."""

from collections.abc import Iterator
from http import HTTPStatus
from itertools import product
from pathlib import Path

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from server.access.rights import RIGHTS, Right, Role
from server.access.tables import AuditEntry
from server.life import NEEDS, STATES
from tests.server.ingest.plant import SEAL
from tests.server.life.office import API, Office
from tests.server.life.town import COUNTY, NOW_MS

BODIES = {
    "acknowledge": {"reason": ""}, "dispatch": {"to": "chen"}, "confirm": {"reason": "属实"}, "dismiss": {"reason": "误报"},
    "close": {"reason": "已处理"}, "comment": {"text": "在看"},
}  # fmt: skip
LEADS = {
    "acknowledge": "acknowledged", "dispatch": "dispatched", "confirm": "confirmed", "dismiss": "dismissed",
    "close": "closed", "comment": "open",
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An open violation, and nobody signed in yet."""
    made = Office(tmp_path)
    yield made
    made.server.stop()


def error_of(client: TestClient, path: str, body: object) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal."""
    answer = client.post(path, json=body)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("field")


def test_every_step_by_every_role(office: Office) -> None:
    """A viewer's cookie moves nothing, an inspector's decides nothing; who may is the author, and pages are told."""
    browsers = {role: office.browser(role) for role in Role}
    for number, (name, role) in enumerate(product(BODIES, Role)):
        case = office.another(number)
        answer = browsers[role].post(f"{API}/violations/{case.id}/{name}", json=BODIES[name])
        became = office.stored(case.id).state
        if NEEDS[name] in RIGHTS[role]:
            assert answer.status_code == HTTPStatus.OK, answer.text
            assert (answer.json()["state"], became) == (LEADS[name], LEADS[name])
            assert answer.json()["transitions"][-1]["author"] == role.value
            ((seal, states),) = office.rung
            assert (seal, states.count(LEADS[name]) > 0) == (SEAL, True), "told once, after the commit"
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (HTTPStatus.FORBIDDEN, "forbidden")
            assert (became, office.rung) == ("open", [])
        office.rung.clear()


def test_nobody_and_other_counties(office: Office) -> None:
    """Without a session nothing is said; another county's violation is not there, in lists and by its id."""
    stranger, neighbour = office.stranger(), office.browser(Role.MONITOR, "350181")
    for name, body in BODIES.items():
        assert error_of(stranger, f"{office.path}/{name}", body)[:2] == (401, "not_signed_in")
        assert error_of(neighbour, f"{office.path}/{name}", body)[:2] == (404, "not_found")
    assert neighbour.get(office.path).status_code == HTTPStatus.NOT_FOUND
    assert neighbour.get(f"{API}/violations").json() == []
    local = office.browser(Role.MONITOR, COUNTY)
    assert [row["id"] for row in local.get(f"{API}/violations").json()] == [office.violation_id]
    assert (office.stored().state, office.rung) == ("open", [])


WRONG_BODIES: list[tuple[str, dict[str, object], tuple[int, str, str]]] = [
    ("close", {}, (422, "wrong_input", "reason")),
    ("close", {"reason": ""}, (422, "wrong_input", "reason")),
    ("confirm", {"reason": "  "}, (422, "wrong_input", "reason")),
    ("dismiss", {"reason": "x", "author": "boss"}, (422, "wrong_input", "author")),
    ("close", {"reason": "x" * 501}, (422, "wrong_input", "reason")),
    ("acknowledge", {"reason": 1}, (422, "wrong_input", "reason")),
    ("acknowledge", {"reason": "\x07"}, (422, "wrong_input", "reason")),
    ("comment", {"text": ""}, (422, "wrong_input", "text")),
    ("comment", {"reason": "x"}, (422, "wrong_input", "text")),
    ("dispatch", {"to": "nobody"}, (422, "wrong_input", "to")),
    ("dispatch", {}, (422, "wrong_input", "to")),
]


def test_wrong_bodies(office: Office) -> None:
    """Each wrong input is answered with its field, and changes nothing."""
    admin = office.browser(Role.ADMINISTRATOR)
    for name, body, refusal in WRONG_BODIES:
        assert error_of(admin, f"{office.path}/{name}", body) == refusal
    assert (office.stored().state, office.rung) == ("open", [])


def test_the_second_is_told_who_was_first(office: Office) -> None:
    """Of two who acknowledge, the second learns who did and when; a step that leads nowhere changes nothing."""
    office.browser(Role.MONITOR).post(f"{office.path}/acknowledge", json={})
    late = office.browser(Role.INSPECTOR).post(f"{office.path}/acknowledge", json={})

    assert (late.status_code, late.json()["error"]["code"]) == (HTTPStatus.CONFLICT, "wrong_state")
    assert late.json()["error"]["message"] == (
        f"violation {office.violation_id}: expected state open, got acknowledged "
        "since 2026-03-01T01:00:00.000+08:00 by monitor"
    )
    assert len(office.rung) == 1


def test_a_program_is_an_author_too(office: Office) -> None:
    """A key with the scope acknowledges under its own name, and does nothing else."""
    robot = office.program(Right.ACKNOWLEDGE)
    answer = robot.post(f"{office.path}/acknowledge", json={"reason": "工单 17"})

    assert answer.json()["last_step"]["author"] == "robot"
    assert error_of(robot, f"{office.path}/close", {"reason": "x"})[:2] == (403, "forbidden")
    assert robot.get(office.path).status_code == HTTPStatus.FORBIDDEN
    with office.server.store.transaction() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "violation.acknowledge")).one()
    assert (entry.actor, entry.actor_kind, entry.address) == ("robot", "key", "testclient")


def more(office: Office, count: int) -> list[str]:
    """More violations, in every state; the ids of all, the newest first."""
    made = [office.another(number, STATES[number % len(STATES)]) for number in range(count)]
    return [v.id for v in sorted([*made, office.stored()], key=lambda v: (v.detected_ms, v.id), reverse=True)]


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages(office: Office, limit: int) -> None:
    """Following rel=next shows every violation once, the newest first, whatever changes meanwhile; the last has none."""
    viewer, ids = office.browser(Role.VIEWER), more(office, 13)
    seen, address = list[str](), f"{API}/violations?limit={limit}"
    while address:
        answer = viewer.get(address)
        page = [row["id"] for row in answer.json()]
        assert 1 <= len(page) <= limit
        seen += page
        office.browser(Role.MONITOR, name=f"m{len(seen)}").post(
            f"{API}/violations/{page[0]}/close", json={"reason": "x"}
        )
        address = answer.links["next"]["url"] if "next" in answer.links else ""
        assert address.startswith("/api/v1/violations?limit=") or not address
    assert seen == ids
    assert "link" not in viewer.get(f"{API}/violations?limit=14").headers
    assert "link" not in viewer.get(f"{API}/violations").headers


def test_chosen(office: Office) -> None:
    """By state, by seal, by whom it was sent to, by whether it waits; a page's link keeps what was asked."""
    admin = office.browser(Role.ADMINISTRATOR)
    more(office, 12)

    def ids(query: str) -> list[str]:
        return [row["id"] for row in admin.get(f"{API}/violations?{query}").json()]

    assert {state: len(ids(f"state={state}")) for state in STATES} == {state: 2 + (state == "open") for state in STATES}
    assert len(ids(f"seal={SEAL}")) == 13
    assert ids("seal=FZ-NONE") == []
    admin.post(f"{office.path}/dispatch", json=BODIES["dispatch"])
    assert ids("assignee=chen") == ids("unseen=false") == [office.violation_id]
    link = admin.get(f"{API}/violations?state=open&limit=1").links["next"]["url"]
    assert link.startswith("/api/v1/violations?state=open&limit=1&cursor=")


WRONG_QUESTIONS = [
    ("cursor=x", "cursor"), ("cursor=1.", "cursor"), ("cursor=-1.V", "cursor"),
    ("cursor=99999999999999999.V", "cursor"), ("limit=0", "limit"), ("limit=1001", "limit"), ("state=new", "state"),
    ("unseen=perhaps", "unseen"),
]  # fmt: skip


def test_wrong_questions(office: Office) -> None:
    """What cannot be meant is answered with its field."""
    viewer = office.browser(Role.VIEWER)
    for query, field in WRONG_QUESTIONS:
        answer = viewer.get(f"{API}/violations?{query}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, field)


UNTIL = "2026-03-01T03:00:00+08:00"


def test_mutes(office: Office) -> None:
    """A monitor mutes a seal, everybody sees it, pages are told, and it ends by hand or by itself."""
    monitor, viewer = office.browser(Role.MONITOR), office.browser(Role.VIEWER)
    made = monitor.post(f"{API}/mutes", json={"seal": SEAL, "until": UNTIL, "reason": "检修"})
    assert made.status_code == HTTPStatus.CREATED, made.text
    assert (made.json()["from_ms"], made.json()["until_ms"], made.json()["author"]) == (
        NOW_MS, NOW_MS + 7_200_000, "monitor",
    )  # fmt: skip
    assert viewer.get(f"{API}/mutes").json() == [made.json()]
    assert viewer.get(office.path).json()["shelved"] == made.json()
    ended = monitor.post(f"{API}/mutes/{made.json()['id']}/end")
    assert (ended.json()["ended_ms"], viewer.get(f"{API}/mutes").json()) == (NOW_MS, [])
    monitor.post(f"{API}/mutes", json={"county_code": COUNTY, "until": UNTIL, "reason": "全县停电"})
    assert [seal for seal, _ in office.rung] == [SEAL] * 3
    assert error_of(monitor, f"{API}/mutes/{made.json()['id']}/end", {})[:2] == (409, "wrong_state")


WRONG_MUTES: list[tuple[dict[str, object], tuple[int, str, str | None]]] = [
    ({"seal": SEAL, "until": UNTIL, "reason": " "}, (422, "wrong_input", "reason")),
    ({"seal": SEAL, "until": UNTIL}, (422, "wrong_input", "reason")),
    ({"seal": SEAL, "reason": "x"}, (422, "wrong_input", "until")),
    ({"seal": SEAL, "until": 1, "reason": "x"}, (422, "wrong_input", "until")),
    ({"seal": SEAL, "until": None, "reason": "x"}, (422, "wrong_input", "until")),
    ({"seal": SEAL, "until": "2026-02-28", "reason": "x"}, (422, "wrong_input", "until")),
    ({"seal": SEAL, "until": "2026-03-08T01:00:01", "reason": "x"}, (422, "wrong_input", "until")),
    ({"until": UNTIL, "reason": "x"}, (422, "wrong_input", "seal")),
    ({"seal": SEAL, "county_code": COUNTY, "until": UNTIL, "reason": "x"}, (422, "wrong_input", "seal")),
    ({"county_code": "fz", "until": UNTIL, "reason": "x"}, (422, "wrong_input", "county_code")),
    ({"county_code": "350181", "until": UNTIL, "reason": "x"}, (404, "not_found", None)),
    ({"seal": "FZ-NONE", "until": UNTIL, "reason": "x"}, (404, "not_found", None)),
]


def test_wrong_mutes(office: Office) -> None:
    """Each wrong input is answered with its field, and mutes nothing."""
    browser = office.browser(Role.MONITOR)
    for body, refusal in WRONG_MUTES:
        assert error_of(browser, f"{API}/mutes", body) == refusal
    assert browser.get(f"{API}/mutes").json() == []


def test_mutes_by_role_and_county(office: Office) -> None:
    """Inspector and viewer mute nothing; a county's monitor neither mutes, sees nor ends another county's."""
    body = {"seal": SEAL, "until": UNTIL, "reason": "x"}
    made = office.browser(Role.ADMINISTRATOR).post(f"{API}/mutes", json=body).json()
    for role in (Role.INSPECTOR, Role.VIEWER):
        browser = office.browser(role)
        assert error_of(browser, f"{API}/mutes", body)[:2] == (403, "forbidden")
        assert error_of(browser, f"{API}/mutes/{made['id']}/end", {})[:2] == (403, "forbidden")
    neighbour = office.browser(Role.MONITOR, "350181")
    assert error_of(neighbour, f"{API}/mutes", body)[:2] == (404, "not_found")
    assert error_of(neighbour, f"{API}/mutes/{made['id']}/end", {})[:2] == (404, "not_found")
    assert neighbour.get(f"{API}/mutes").json() == []
    assert office.browser(Role.VIEWER, COUNTY).get(f"{API}/mutes").json() == [made]
