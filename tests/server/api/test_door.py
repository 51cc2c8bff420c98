"""The door's forms as a browser sends them: what opens, what is said, what stays typed, what is used up."""

import pytest
from starlette.testclient import TestClient

from server.access import accounts, links, passwords
from server.access.audit import COMMAND_LINE
from server.access.links import FIRST, Purpose
from server.access.sessions import IDLE_MS
from tests.server.access.people import PASSWORD
from tests.server.api.conftest import Site

OTHER = "another good phrase"


@pytest.fixture(scope="module")
def hashed() -> str:
    """The password's hash, made once."""
    return passwords.hashed(PASSWORD)


@pytest.fixture
def door(site: Site, hashed: str) -> Site:
    """Everybody has chosen a password."""
    with site.server.store.transaction() as session:
        for account in accounts.everyone(session):
            accounts.set_password(session, account, hashed)
    return site


def link(site: Site, name: str, purpose: Purpose) -> str:
    """A link's path."""
    with site.server.store.transaction() as session:
        return FIRST + links.issue(session, purpose, accounts.named(session, name).id, site.clock.now_ms)


def me(client: TestClient) -> str | None:
    """Who is signed in."""
    answer = client.get("/api/v1/me")
    name: str | None = answer.json()["name"] if answer.status_code == 200 else None
    return name


def test_in_and_out(door: Site) -> None:
    """A right password sets a cookie that no script reads; signing out ends the session at the server too."""
    client = door.client_with({})
    answer = client.post("/sign-in?lang=en", data={"name": "chen", "password": PASSWORD, "next": "/en/seals/X?y=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/seals/X?y=1")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("coldseal=", "httponly", "samesite=strict", "path=/", "max-age=43200"):
        assert part in cookie
    secret = client.cookies["coldseal"]
    assert me(client) == "chen"
    left = client.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in?lang=zh&here=1")
    assert "coldseal" not in client.cookies
    again = door.client_with({})
    again.cookies.set("coldseal", secret)
    assert me(again) is None


def test_a_wrong_password_keeps_the_name(door: Site) -> None:
    """What is wrong is said as an alert, the name stays, the password never does, and the way on is not lost."""
    form = {"name": 'chen"><b>', "password": "hunter2-hunter2", "next": "/seals/X"}
    answer = door.anyone.post("/sign-in", data=form)

    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "没有登录：用户名或密码不对，或账户已停用" in answer.text
    assert "chen&#34;&gt;&lt;b&gt;" in answer.text
    assert "hunter2" not in answer.text
    assert 'name="next" value="/seals/X"' in answer.text


def test_ten_wrong_passwords(door: Site) -> None:
    """From the fifth on the page says how long to wait, in both languages, and so does the header."""
    client = door.client_with({})
    statuses = [client.post("/sign-in", data={"name": "chen", "password": "wrong"}).status_code for _ in range(10)]
    assert statuses == [401] * 4 + [429] * 6
    answer = client.post("/sign-in?lang=en", data={"name": "chen", "password": PASSWORD})
    assert "Wait 30 s, then try again" in answer.text
    assert answer.headers["retry-after"] == "30"
    for minutes in range(1, 6):
        door.clock.now_ms += 15 * 60_000
        answer = client.post("/sign-in", data={"name": "chen", "password": "wrong"})
        assert answer.status_code == 429, minutes
    assert "请等 15 分钟再试" in answer.text


@pytest.mark.parametrize(
    "following", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/a\nb", "x", ""]
)
def test_the_way_on_stays_here(door: Site, following: str) -> None:
    """Whoever wrote the link cannot lead a person to another site after the sign-in."""
    answer = door.anyone.post("/sign-in", data={"name": "chen", "password": PASSWORD, "next": following})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_looking_at_a_link_uses_nothing_up(site: Site) -> None:
    """A chat program that fetches the link before the person does changes nothing; sending its form works once."""
    path = link(site, "chen", Purpose.SIGN_IN)
    for method in ("GET", "HEAD", "GET"):
        looked = site.anyone.request(method, path)
        assert looked.status_code in (200, 404)
        assert "set-cookie" not in looked.headers
    client = site.client_with({})
    assert "以 Chen 登录" in client.get(path).text
    assert client.post(path).headers["location"] == "/"
    assert me(client) == "chen"
    second = site.anyone.post(path)
    assert second.status_code == 410
    assert "这个一次性链接已用过、已到期或不完整" in second.text
    assert site.anyone.get(path + "x").status_code == 410


def test_choosing_a_password_by_link(site: Site) -> None:
    """What is wrong is told by its rule and the link stays; what is right signs in with the new password in force."""
    path = link(site, "chen", Purpose.PASSWORD)
    client = site.client_with({})
    for password, again, said in (
        ("short", "short", "至少 12 个字符"),
        ("chen-chen-chen", "chen-chen-chen", "几乎就是用户名"),
        ("password1234", "password1234", "最常见、最先被试"),
        (OTHER, OTHER + "x", "两遍密码不一样"),
    ):
        answer = client.post(path, data={"password": password, "again": again})
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True)
        assert said in answer.text
        assert password not in answer.text
    assert client.post(path, data={"password": OTHER, "again": OTHER}).status_code == 303
    assert me(client) == "chen"
    assert site.anyone.post("/sign-in", data={"name": "chen", "password": OTHER}).status_code == 303


def test_changing_the_password_on_the_page(door: Site) -> None:
    """The old one is needed; afterwards this browser goes on with a new session, and the others are out."""
    client, phone = door.browser("chen"), door.browser("chen")
    before = client.cookies["coldseal"]
    assert "现在的密码" in client.get("/password").text
    wrong = client.post("/password", data={"old": "wrong", "password": OTHER, "again": OTHER})
    assert (wrong.status_code, "现在的密码不对" in wrong.text) == (401, True)
    weak = client.post("/password?lang=en", data={"old": PASSWORD, "password": "short", "again": "short"})
    assert (weak.status_code, "expected at least 12 characters" in weak.text) == (422, True)
    changed = client.post("/password", data={"old": PASSWORD, "password": OTHER, "again": OTHER})
    client.cookies.clear()
    client.cookies.set("coldseal", changed.cookies["coldseal"])

    assert (changed.status_code, changed.cookies["coldseal"] != before) == (303, True)
    assert (me(client), me(phone)) == ("chen", None)


def test_a_message_leads_to_its_page_without_signing_in_again(site: Site) -> None:
    """A visit that begins in a message carries no strict cookie: the door asks once more from here, where it is sent."""
    first = site.anyone.get("/sign-in?next=/seals/X")
    assert (first.status_code, 'content="0; url=?next=%2Fseals%2FX&amp;here=1"' in first.text) == (200, True)
    assert "<form" not in first.text
    signed_in = site.browser("chen").get("/sign-in?next=/seals/X&here=1")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/seals/X")
    stranger = site.anyone.get("/sign-in?next=/seals/X&here=1")
    assert (stranger.status_code, "<form" in stranger.text) == (200, True)


def test_where_one_was_after_the_session_is_over(door: Site) -> None:
    """The door says that the session is over, and the sign-in leads back to the very address."""
    client = door.browser("chen")
    door.clock.now_ms += IDLE_MS
    led = client.get("/seals/FZ-MH-2026-0043?day=3")
    page = client.get(led.headers["location"])
    assert "登录已过期或被结束" in page.text
    assert 'value="/seals/FZ-MH-2026-0043?day=3"' in page.text


def test_a_disabled_account_is_out_at_once(door: Site) -> None:
    """Its open browser gets 401 with the next question, and its links open nothing."""
    client, path = door.browser("chen"), link(door, "chen", Purpose.SIGN_IN)
    with door.server.store.transaction() as session:
        accounts.change(session, COMMAND_LINE, "chen", now_ms=door.clock.now_ms, disabled=True)

    assert me(client) is None
    assert door.anyone.post(path).status_code == 410
    assert door.anyone.post("/sign-in", data={"name": "chen", "password": PASSWORD}).status_code == 401
