"""The command line: finds programs lazily, and turns every user's mistake into one line and an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from coldseal.cli import GROUPS, main


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "coldseal", *words], capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_group_has_help_with_exit_codes(group: str) -> None:
    """Each program's commands explain themselves."""
    done = run(group, "--help")

    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_usage_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    """The overview lists each command and the exit codes."""
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in GROUPS)
    assert "exit codes" in out


def test_no_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    """No words at all: the overview, exit code 2."""
    assert main([]) == 2
    assert "usage: coldseal COMMAND" in capsys.readouterr().out


def test_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is no command: what is expected, exit code 2."""
    assert main(["melt"]) == 2
    assert capsys.readouterr().err.startswith("coldseal: error: 'melt' is no command: expected one of demo, server")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version says which release runs."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("coldseal 0.")


MISTAKES = {
    "unknown profile": (["simulate", "meter", "--profile", "nope", "--tcp", "127.0.0.1:1"], 2, "profile 'nope'"),
    "agent settings missing": (["agent", "run", "nowhere.yaml"], 3, "nowhere.yaml: cannot be read"),
    "seal file missing": (["seal", "add", "nowhere.yaml"], 3, "nowhere.yaml"),
    "unknown option": (["demo", "--melt"], 2, "--melt"),
    "broker unreachable": (["server", "run", "--port", "0", "--broker", "127.0.0.1:1"], 3, "127.0.0.1:1"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_users_mistake_is_no_traceback(name: str, tmp_path: Path) -> None:
    """Each mistake names what is wrong and ends with its documented exit code."""
    words, code, fragment = MISTAKES[name]
    done = run(*words, cwd=tmp_path)

    assert done.returncode == code, done.stderr
    assert fragment in done.stderr
    assert "Traceback" not in done.stderr


def test_agent_does_not_load_what_it_must_not() -> None:
    """The agent's box has 64 MB: numpy, pydantic, SQLModel and rich stay out of `coldseal agent run`."""
    code = (
        "import sys\nfrom coldseal.cli import main\n"
        "code = main(['agent', 'run', 'nowhere.yaml'])\n"
        "heavy = {'numpy', 'pydantic', 'sqlmodel', 'rich', 'sqlalchemy', 'fastapi', 'nicegui'} & set(sys.modules)\n"
        "print(code, sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "3 []\n"
