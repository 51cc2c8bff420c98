"""What the interface answers: seals, meters, agents, rejected messages, violations, health, the public list."""

from pathlib import Path
from typing import get_args

import pytest
from fastapi.openapi.models import OpenAPI

from server import life
from server.api.violations import State
from server.app import Server
from server.message import Message
from server.settings import Settings
from tests.server.api.conftest import AGENT, Site
from tests.server.ingest.plant import DEPLOYMENT, START_MS, SigningAgent, SteppedClock, reading
from tests.server.stores import settings_on
from wire.keys import PrivateKey

SEAL = "FZ-MH-2026-0043"
KEY = "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def melt(agent: SigningAgent) -> list[Message]:
    """A sealed minute, and then 20 seconds at 326 kW."""
    off = [reading(s, 0.0) for s in range(60)]
    on = [reading(60 + s, 326_000.0, energy_wh=500_000 + 90 * s) for s in range(20)]
    return [agent.envelope(off), agent.envelope(on)]


def error_of(answer: object) -> dict[str, str]:
    """The error of an answer, which has the one shape and nothing else."""
    assert isinstance(answer, dict)
    assert set(answer) == {"error"}
    error: dict[str, str] = answer["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "field"}
    return error


def test_seals(site: Site) -> None:
    """Every registered seal is listed with what it is now."""
    assert [row["id"] for row in site.rows("/seals")] == [SEAL, "FZ-MH-2026-0044"]
    assert {row["state_reason"] for row in site.rows("/seals")} == {"never_reported"}


def test_seals_come_in_pages(site: Site) -> None:
    """A page that is not the last says where the next one is."""
    first = site.client.get("/api/v1/seals", params={"limit": 1})
    last = site.client.get(first.links["next"]["url"])

    assert first.headers["link"] == f'</api/v1/seals?limit=1&cursor={SEAL}>; rel="next"'
    assert [row["id"] for row in [*first.json(), *last.json()]] == [SEAL, "FZ-MH-2026-0044"]
    assert "link" not in last.headers


def test_one_seal(site: Site) -> None:
    """A seal is shown as it stands and as it was registered."""
    seal = site.get(f"/seals/{SEAL}")

    assert isinstance(seal["registered"], dict)
    assert isinstance(seal["now"], dict)
    assert (seal["now"]["id"], seal["registered"]["seal"]) == (SEAL, SEAL)
    assert seal["registered"]["pledge"] == {
        "allowed_kw": 0.0, "signatory": "王某", "signed": "2026-02-28T00:00:00.000+08:00",
    }  # fmt: skip


def test_meters(site: Site) -> None:
    """Meters are listed by agent and name, and chosen by seal or agent."""
    assert [row["meter"] for row in site.rows("/meters")] == [f"{AGENT}/m1", f"{AGENT}/m2"]
    assert [row["meter"] for row in site.rows(f"/meters?seal={SEAL}")] == [f"{AGENT}/m1"]
    assert site.rows("/meters?agent=nobody") == []


def test_register_an_agent(site: Site) -> None:
    """The interface registers an agent and tells what its settings file needs; it is listed from then on."""
    answer = site.client.post("/api/v1/agents", json={"id": "fz-9", "key": KEY})

    assert answer.status_code == 201
    told = answer.json()
    assert (told["deployment"], told["server_key"]) == (DEPLOYMENT, str(site.server.receipt_key.public))
    assert told["agent"] == {
        "id": "fz-9", "kid": "fz-9#1", "public_key": KEY, "added": "2026-03-01T00:00:00.000+08:00",
        "revoked": None, "stored_up_to": 0, "heard": None, "last_row": None,
    }  # fmt: skip
    assert told["agent"] in site.rows("/agents")


def test_an_agent_registered_here_is_believed(site: Site) -> None:
    """An envelope of an agent that the interface registered is accepted, and its number shown."""
    agent = SigningAgent("fz-9")
    site.client.post("/api/v1/agents", json={"id": "fz-9", "key": str(agent.key.public)})
    site.take(agent.envelope([reading(0, 0.0)]))

    assert next(row for row in site.rows("/agents") if row["id"] == "fz-9")["stored_up_to"] == 1


def test_revoke_an_agent(site: Site) -> None:
    """A revoked agent stays listed, and its envelopes are rejected from then on."""
    answer = site.client.post(f"/api/v1/agents/{AGENT}/revoke")
    site.take(site.agent.envelope([reading(0, 0.0)]))

    assert answer.json()["revoked"] == "2026-03-01T00:00:00.000+08:00"
    assert site.get("/rejected")["rows"][0]["reason"] == "revoked_key"  # type: ignore[index]  # a document


@pytest.mark.parametrize(
    ("body", "status", "code", "field", "message"),
    [
        ({"id": "fz-9", "key": "x"}, 422, "wrong_input", "key", "key: public key: expected Ed25519 or ES256"),
        ({"id": "FZ", "key": KEY}, 422, "wrong_input", "id", "id: expected a-z, 0-9, '-'"),
        ({"id": "fz-9", "key": KEY, "kid": "fz-9"}, 422, "wrong_input", "kid", "kid: expected fz-9#1"),
        ({"id": AGENT, "key": KEY}, 409, "taken", "id", f"id: '{AGENT}' is registered with key"),
        ({"id": "fz-9"}, 422, "wrong_input", "key", "key: Field required"),
        ({"id": 9, "key": KEY}, 422, "wrong_input", "id", "id: Input should be a valid string, got 9"),
        ({"id": "fz-9", "key": KEY, "ack_seq": 7}, 422, "wrong_input", "ack_seq", "ack_seq: Extra inputs are not"),
        ([], 422, "wrong_input", "body", "body: "),
    ],
)
def test_wrong_registrations(site: Site, body: object, status: int, code: str, field: str, message: str) -> None:
    """Each wrong input is answered with its field, in the one shape, and changes nothing."""
    answer = site.client.post("/api/v1/agents", json=body)
    error = error_of(answer.json())

    assert (answer.status_code, error["code"], error["field"]) == (status, code, field)
    assert error["message"].startswith(message)
    assert len(site.rows("/agents")) == 1


def test_a_body_that_is_no_json(site: Site) -> None:
    """A broken body, or one of another type, has the same shape of answer."""
    broken = site.client.post("/api/v1/agents", content=b"{", headers={"Content-Type": "application/json"})
    form = site.client.post("/api/v1/agents", data={"id": "fz-9", "key": KEY})

    assert (broken.status_code, error_of(broken.json())["code"]) == (422, "wrong_input")
    assert (form.status_code, error_of(form.json())["code"]) == (422, "wrong_input")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/seals", 405, "wrong_method"),
        ("GET", "/api/v1/seals/none", 404, "not_found"),
        ("GET", "/api/v1/violations/none", 404, "not_found"),
        ("GET", "/api/v1/violations?state=new", 422, "wrong_input"),
        ("POST", "/api/v1/agents/none/revoke", 404, "not_found"),
        ("GET", "/api/v1/rejected?limit=0", 422, "wrong_input"),
        ("GET", "/api/v1/readings", 422, "wrong_input"),
        ("GET", "/api/v1/readings?meter=none/m1", 404, "not_found"),
        ("GET", f"/api/v1/readings?meter={AGENT}/m1&from=then", 422, "wrong_input"),
    ],
)
def test_one_shape_for_every_error(site: Site, method: str, path: str, status: int, code: str) -> None:
    """Whoever finds the error, the answer is {"error": {"code", "message", "field"?}}."""
    answer = site.client.request(method, path)

    assert (answer.status_code, error_of(answer.json())["code"]) == (status, code)


def test_a_wrong_method_is_told_the_right_ones(site: Site) -> None:
    """405 names the methods that the address takes."""
    assert site.client.put("/api/v1/agents").headers["allow"] == "GET, POST"
    assert site.client.delete(f"/api/v1/seals/{SEAL}").headers["allow"] == "GET"
    assert error_of(site.client.request("TRACE", "/api/v1/seals").json())["code"] == "wrong_method"


def test_our_own_mistake_has_the_shape_too(site: Site) -> None:
    """A crash of ours answers in the one shape and tells nothing of its inside."""
    with site.server.store.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE agent RENAME TO elsewhere")
    answer = site.client.get("/api/v1/agents")

    assert (answer.status_code, error_of(answer.json())["code"]) == (500, "our_mistake")
    assert "elsewhere" not in answer.text
    assert "agent" not in answer.text


def test_rejected_messages(site: Site) -> None:
    """What was not believed is listed with the reason, the newest first, page by page."""
    stranger = SigningAgent("stranger")
    site.take(stranger.envelope([reading(0, 0.0)]))
    site.take(Message("coldseal/v1/00/x/up", b"junk", START_MS), Message("elsewhere", b"junk", START_MS))

    first = site.get("/rejected", limit=2)
    assert isinstance(first["rows"], list)
    assert [(row["reason"], row["agent"], row["size_bytes"]) for row in first["rows"]] == [
        ("topic", None, 4), ("topic", None, 4),
    ]  # fmt: skip
    last = site.get("/rejected", limit=2, before=str(first["next"]))
    assert isinstance(last["rows"], list)
    assert [(row["reason"], row["agent"]) for row in last["rows"]] == [("unknown_key", "stranger")]
    assert last["rows"][0]["detail"] == "kid 'stranger#1' is not registered; add it if it is yours"
    assert last["next"] is None


def test_rejected_messages_are_chosen(site: Site) -> None:
    """One agent's, or those of one reason."""
    site.take(SigningAgent("stranger").envelope([]), Message("elsewhere", b"junk", START_MS))

    assert len(site.get("/rejected", agent="stranger")["rows"]) == 1  # type: ignore[arg-type]  # a document
    assert len(site.get("/rejected", reason="topic")["rows"]) == 1  # type: ignore[arg-type]  # a document
    assert site.get("/rejected", agent="stranger", reason="topic")["rows"] == []


def test_a_violation_from_melt_to_closed(site: Site) -> None:
    """A melt is found, shown with its numbers, acknowledged and closed; the token's name is the author."""
    site.take(*melt(site.agent))
    [row] = site.rows("/violations?state=open")
    assert (row["code"], row["seal_id"], row["severity"]) == ("resumed_power", SEAL, "red")

    seen = site.client.post(f"/api/v1/violations/{row['id']}/acknowledge", json={})
    shut = site.client.post(f"/api/v1/violations/{row['id']}/close", json={"reason": "现场核查，已断电"})
    detail = site.get(f"/violations/{row['id']}")

    assert (seen.json()["state"], shut.json()["state"], detail["state"]) == ("acknowledged", "closed", "closed")
    assert isinstance(detail["transitions"], list)
    assert [(step["author"], step["to_state"]) for step in detail["transitions"]] == [
        ("ColdSeal", "open"), ("duty", "acknowledged"), ("duty", "closed"),
    ]  # fmt: skip
    assert site.rows("/violations?state=open") == []


@pytest.mark.parametrize(
    ("step", "body", "status", "code"),
    [
        ("close", {}, 422, "wrong_input"),
        ("close", {"reason": ""}, 422, "wrong_input"),
        ("close", {"reason": "  "}, 422, "wrong_input"),
        ("close", {"reason": "x", "author": "boss"}, 422, "wrong_input"),
        ("close", {"reason": "x" * 501}, 422, "wrong_input"),
        ("acknowledge", {"reason": 1}, 422, "wrong_input"),
    ],
)
def test_steps_that_are_refused(site: Site, step: str, body: dict[str, object], status: int, code: str) -> None:
    """A step without a reason, or by a pretended author, changes nothing."""
    site.take(*melt(site.agent))
    [row] = site.rows("/violations")
    answer = site.client.post(f"/api/v1/violations/{row['id']}/{step}", json=body)

    assert (answer.status_code, error_of(answer.json())["code"]) == (status, code)
    assert [row["state"] for row in site.rows("/violations")] == ["open"]


def test_a_step_out_of_order(site: Site) -> None:
    """What is closed cannot be acknowledged, and what is not there cannot be closed."""
    site.take(*melt(site.agent))
    [row] = site.rows("/violations")
    path = f"/api/v1/violations/{row['id']}"
    site.client.post(f"{path}/close", json={"reason": "x"})
    again = site.client.post(f"{path}/acknowledge", json={})
    none = site.client.post("/api/v1/violations/none/close", json={"reason": "x"})

    assert (again.status_code, error_of(again.json())["code"]) == (409, "wrong_state")
    assert (none.status_code, error_of(none.json())["code"]) == (404, "not_found")


def test_states_are_the_violations_own() -> None:
    """The states that may be asked for are those that there are."""
    assert get_args(State) == life.STATES


def test_the_public_list(site: Site) -> None:
    """Anyone sees the published seal, word for word as listed, and not the one that no office has published."""
    answer = site.anyone.get("/api/v1/public/seals")

    assert answer.status_code == 200
    assert answer.json() == [
        {
            "seal": SEAL, "enterprise": "示例铸造一厂", "county_code": "350121", "furnace": "1 号炉",
            "kind": "mf_coreless", "tonnes": 0.5, "catalogue_edition": "产业结构调整指导目录（2019年本）",
            "catalogue_item": "无磁轭（≥0.25 吨）铝壳中频感应电炉", "sealed_from": "2026-03-01T00:00:00.000+08:00",
            "dismantle_by": "2026-12-31T00:00:00.000+08:00", "pledge_signed": "2026-02-28T00:00:00.000+08:00",
            "published_url": "https://www.example.gov.cn/2026/43",
        },
    ]  # fmt: skip


def test_openapi(site: Site) -> None:
    """The description is valid OpenAPI, names every noun, both ways to sign in, each right, and the one shape of errors."""
    document = site.get("/openapi.json")
    OpenAPI.model_validate(document)
    paths = document["paths"]
    assert isinstance(paths, dict)

    assert {path.removeprefix("/api/v1/").partition("/")[0] for path in paths} == {
        *("seals", "meters", "agents", "rejected", "readings", "violations", "mutes", "counties", "health", "public"),
        *("me", "people", "accounts", "sessions", "keys", "audit", "alerts", "metrics"),
    }
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for path, described in paths.items():
        for operation in described.values():
            free = path in ("/api/v1/health", "/api/v1/public/seals")
            schemes = [name for one in operation.get("security", []) for name in one]
            assert schemes == ([] if free else ["HTTPBearer", "APIKeyCookie"]), path
            assert (operation["x-coldseal-right"] == "anyone") is free, path
            shapes = [answer for status, answer in operation["responses"].items() if status.startswith("4")]
            for shape in shapes:
                assert shape["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}


def test_two_servers_in_one_process(tmp_path: Path) -> None:
    """Nothing is shared between servers: each answers from its own database."""
    one, two = Site(tmp_path / "one"), Site(tmp_path / "two")
    one.client.post("/api/v1/agents", json={"id": "fz-9", "key": str(PrivateKey.generate().public)})

    assert (len(one.rows("/agents")), len(two.rows("/agents"))) == (2, 1)
    assert one.anyone.get("/api/v1/agents", headers={"Authorization": f"Bearer {two.secret}"}).status_code == 401
    one.server.stop()
    two.server.stop()


def test_the_lifespan_starts_and_stops(tmp_path: Path) -> None:
    """An application that is started and ended by its web server leaves a database that opens again."""
    site = Site(tmp_path)
    with site.anyone:
        assert site.anyone.get("/api/v1/health").status_code == 200
    again = Server(settings_on(Settings(data=tmp_path, deployment=DEPLOYMENT)), SteppedClock(), with_broker=False)

    assert again.receipt_key.public == site.server.receipt_key.public
    again.stop()
