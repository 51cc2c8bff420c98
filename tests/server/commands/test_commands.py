"""`coldseal server …` and `coldseal seal …` as a person or a script runs them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unicodedata import east_asian_width

import pytest

from coldseal.cli import main
from tests.server.stores import a_database, written_on
from wire.keys import PrivateKey

FILES = Path(__file__).parents[1] / "registry"
TWO_SEALS = FILES / "good" / "two_seals.csv"
KEY = "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


class Terminal:
    """Runs commands on one data folder.

    Attributes:
        out, err: what the last command printed.
    """

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._data, self._capsys = data, capsys
        self.out = self.err = ""

    def run(self, *words: str | Path) -> int:
        """The exit code of a command."""
        code = main([*map(str, words), "--data", str(self._data)])
        self.out, self.err = self._capsys.readouterr()
        return code

    def document(self, *words: str | Path) -> dict[str, object]:
        """What a command prints with --json."""
        assert self.run(*words, "--json") == 0, self.err
        document: dict[str, object] = json.loads(self.out)
        return document


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on a data folder that does not exist yet."""
    return Terminal(written_on(tmp_path / "data"), capsys)


def test_agents_add_prints_what_the_agent_needs(terminal: Terminal) -> None:
    """The lines can be copied into the agent's settings; the key is the one that signs receipts."""
    assert terminal.run("server", "agents", "add", "fz-1", "--key", KEY, "--deployment", "fuzhou/1") == 0
    told, deployment, server_key = terminal.out.splitlines()

    assert told == "agent fz-1 is believed with key fz-1#1; its settings file needs:"
    assert deployment == "deployment: fuzhou/1"
    assert server_key.startswith("server_key: Ed25519:")


def test_agents_add_twice(terminal: Terminal) -> None:
    """The same registration again prints the same, so that a script may run twice."""
    words = ("server", "agents", "add", "fz-1", "--key", KEY)
    first = terminal.document(*words)

    assert terminal.document(*words) == first
    assert set(first) == {"agent", "kid", "public_key", "deployment", "server_key"}


def test_agents_add_another_key(terminal: Terminal) -> None:
    """A taken name is wrong use, in one line."""
    terminal.run("server", "agents", "add", "fz-1", "--key", KEY)
    other = str(PrivateKey.generate().public)

    assert terminal.run("server", "agents", "add", "fz-1", "--key", other) == 2
    assert terminal.err == f"coldseal: error: id: 'fz-1' is registered with key {KEY} as fz-1#1\n"


def test_agents_list_and_revoke(terminal: Terminal) -> None:
    """A revoked agent stays on the list with the time of its revocation."""
    terminal.run("server", "agents", "list")
    assert terminal.out == "no agent yet; add one with: coldseal server agents add --help\n"
    terminal.run("server", "agents", "add", "fz-1", "--key", KEY)
    terminal.run("server", "agents", "list")
    header, row = terminal.out.splitlines()
    assert header.split() == ["agent", "kid", "added", "stored_up_to", "heard", "revoked"]
    assert (row.split()[:2], row.split()[3:]) == (["fz-1", "fz-1#1"], ["0", "-", "-"])

    revoked = terminal.document("server", "agents", "revoke", "fz-1")["revoked"]
    listed = terminal.document("server", "agents", "list")["agents"]
    assert isinstance(listed, list)
    assert [one["revoked"] for one in listed] == [revoked]
    assert terminal.run("server", "agents", "revoke", "fz-9") == 2
    assert "id: 'fz-9' is not registered" in terminal.err


def test_seal_add_list_show(terminal: Terminal) -> None:
    """A spreadsheet of two seals is added, listed and shown; notes go to standard error."""
    assert terminal.run("seal", "add", TWO_SEALS) == 0
    assert terminal.out.splitlines() == [
        "added FZ-MH-2026-0043: 示例铸造一厂, 一号车间, 1 号炉",
        "added FZ-MH-2026-0044: 示例铸造一厂, 一号车间, 2 号炉",
    ]
    assert "note: FZ-MH-2026-0043: agent 'fz-mh-0043' is not registered yet" in terminal.err

    assert terminal.run("seal", "list") == 0
    assert [line.split()[0] for line in terminal.out.splitlines()] == ["seal", "FZ-MH-2026-0043", "FZ-MH-2026-0044"]
    assert terminal.run("seal", "show", "FZ-MH-2026-0044") == 0
    for line in (
        "county_code: 350121",
        "  catalogue_item: 无磁轭（≥0.25 吨）铝壳中频感应电炉",
        "paper_seals: 榕-001, 榕-002",
    ):
        assert line in terminal.out.splitlines()


def test_columns_stand_below_each_other(terminal: Terminal, tmp_path: Path) -> None:
    """A Chinese character is two cells wide in a terminal, and the columns take that into account."""
    text = (FILES / "good" / "two_seals.yaml").read_text(encoding="utf-8")
    file = tmp_path / "seals.yaml"
    file.write_text(text.replace("2 号炉", "No. 2"), encoding="utf-8")
    terminal.run("seal", "add", file)
    terminal.run("seal", "list")
    cells = [sum(2 if east_asian_width(c) in "WF" else 1 for c in line) for line in terminal.out.splitlines()]

    assert terminal.out.count("无磁轭（≥0.25 吨）铝壳中频感应电炉") == 2
    assert cells[1] == cells[2]


def test_seal_json(terminal: Terminal) -> None:
    """With --json standard output is one object, and it alone."""
    added = terminal.document("seal", "add", TWO_SEALS)["added"]
    listed = terminal.document("seal", "list")["seals"]
    shown = terminal.document("seal", "show", "FZ-MH-2026-0043")

    assert isinstance(added, list)
    assert isinstance(listed, list)
    assert [one["seal"] for one in added] == [one["seal"] for one in listed]
    assert listed[0] == shown


def test_seal_add_with_mistakes(terminal: Terminal) -> None:
    """Every mistake is a line of its own on standard error, and nothing is stored."""
    file = FILES / "bad" / "many_mistakes_at_once.yaml"

    assert terminal.run("seal", "add", file) == 2
    expected = file.with_name(f"{file.name}.expected").read_text(encoding="utf-8").splitlines()
    assert terminal.err.splitlines() == [
        *(f"{file.parent}/{line}" for line in expected), "nothing was stored: 3 to correct",
    ]  # fmt: skip
    assert terminal.out == ""
    assert terminal.document("seal", "list") == {"seals": []}


def test_seal_add_again(terminal: Terminal) -> None:
    """Seals that are registered already are named with row and column."""
    terminal.run("seal", "add", TWO_SEALS)

    assert terminal.run("seal", "add", TWO_SEALS) == 2
    assert terminal.err.splitlines()[:-1] == [
        f"{TWO_SEALS}: row {row}, seal: 'FZ-MH-2026-004{row + 1}' is registered already; "
        f"expected a new number, see: coldseal seal show FZ-MH-2026-004{row + 1}"
        for row in (2, 3)
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("seal", "add", "nowhere.csv"), 3, "nowhere.csv: cannot be read: No such file or directory"),
        (("seal", "show", "none"), 2, "seal 'none': no such seal; see: coldseal seal list"),
        (("server", "agents", "add", "FZ", "--key", KEY), 2, "id: expected a-z, 0-9, '-'"),
        (("server", "agents", "add", "fz", "--key", "x"), 2, "key: public key: expected Ed25519 or ES256"),
        (("server", "run", "--broker", "x"), 2, "--broker: expected HOST:PORT, got 'x'; e.g. 127.0.0.1:1883"),
        (("server", "run", "--port", "65536"), 2, "command line: Expected `int` <= 65535"),
        (("server", "run", "--silent-after-s", "0"), 2, "command line: silent_after_s: expected 1 to 86400 s, got 0"),
        (
            ("server", "run", "--host", "203.0.113.7", "--port", "0"),
            3,
            "http 203.0.113.7:0 (--host, --port): cannot be",
        ),
    ],
)
def test_what_goes_wrong(terminal: Terminal, words: Sequence[str], code: int, message: str) -> None:
    """Each mistake ends with its exit code and one line that says what to do; no traceback."""
    assert terminal.run(*words) == code
    assert terminal.err.startswith(f"coldseal: error: {message}")
    assert terminal.err.count("\n") == 1


def test_a_data_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database that cannot be opened is the environment's fault."""
    (tmp_path / "data").touch()

    assert main(["seal", "list", "--data", str(tmp_path / "data")]) == 3
    assert "coldseal.sqlite: cannot be used as the database" in capsys.readouterr().err


def test_migrate(terminal: Terminal, tmp_path: Path) -> None:
    """The database is made, or found as it should be."""
    assert terminal.run("server", "migrate") == 0
    assert terminal.run("server", "migrate") == 0
    assert terminal.out.startswith(f"{a_database(tmp_path / 'data')} has this release's tables; journal ")


def test_sign_in_prints_a_link(terminal: Terminal, tmp_path: Path) -> None:
    """The link has the server's address and a new secret each time."""
    written_on(tmp_path / "data", "http_port: 9001\n")
    links = {str(terminal.document("server", "sign-in")["link"]) for _ in range(2)}

    assert len(links) == 2
    assert all(link.startswith("http://127.0.0.1:9001/first/") for link in links)


@pytest.mark.parametrize(
    "words",
    [
        "server run", "server migrate", "server sign-in", "server agents add", "server agents list",
        "server agents revoke", "seal add", "seal list", "seal show",
    ],
)  # fmt: skip
def test_help(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help has an example and says what each exit code means."""
    assert main([*words.split(), "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())

    assert f"Example: coldseal {words}" in said
    assert "Exit codes: 0 " in said


def test_help_loads_nothing_heavy() -> None:
    """--help answers without web framework, database layer or numbers."""
    code = (
        "import sys; from coldseal.cli import main; main(['server', 'run', '--help']); "
        "heavy = {'fastapi', 'sqlmodel', 'numpy', 'nicegui', 'uvicorn', 'paho'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
