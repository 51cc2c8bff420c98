"""The house's rules as tests: who may import what, what is banned and what to use instead, how long things may get."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ("wire", "edge_agent", "server", "simulators", "coldseal")
SOURCES = sorted(p for room in PROGRAMS for p in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    """A file as messages name it."""
    return path.relative_to(ROOT).as_posix()


ONE_IMPORTER = {
    "pymodbus": {"edge_agent/link.py", "simulators/modbus_server.py", "coldseal/bare_pymodbus.py"},
    "paho": {"edge_agent/uplink.py", "server/broker.py"},
    "iotcore": {"coldseal/embedded_broker.py"},
    "serial": {"edge_agent/link.py"},
    "alembic": {
        "server/migrations/__init__.py",
        "server/migrations/env.py",
        *(name_of(migration) for migration in (ROOT / "server" / "migrations" / "versions").glob("*.py")),
    },
    "argon2": {"server/access/passwords.py"},
    "apprise": {"server/notify/apprise_sender.py"},
    "requests": {"server/notify/apprise_sender.py"},
    "prometheus_client": {"server/metrics.py"},
    "structlog": {"server/logs.py"},
    "playwright": {"coldseal/console_bench.py"},
}

BANNED = {
    r"\bdatetime\.now\(|\btime\.time\(|\btime\.time_ns\(": (
        "a clock that is passed in (wire.clock)",
        {"wire/clock.py"},
    ),
    r"\brandom\.(random|randint|choice)\(": ("a generator with a seed that is passed in", set()),
    r"shell=True": ("a list of arguments", set()),
    r"\bexcept:\s": ("the exception that the world raises", set()),
    r"(?<![.\w])(eval|exec)\(": ("data", set()),
}

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
GRAB_BAGS = {"utils", "util", "common", "helpers", "helper", "types", "misc"}


def imports_of(path: Path) -> set[str]:
    """Top-level names that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_one_file_of_a_program_knows_a_library(library: str) -> None:
    """A foreign library stops at one file of each program, so that it can be replaced there."""
    importers = {name_of(p) for p in SOURCES if library in imports_of(p)}

    assert importers <= ONE_IMPORTER[library], f"{library}: only {ONE_IMPORTER[library]} may import it"


@pytest.mark.parametrize("pattern", BANNED)
def test_banned_words(pattern: str) -> None:
    """What the house bans has a replacement, and one place at most where it is meant."""
    instead, allowed = BANNED[pattern]
    found = [
        name_of(p) for p in SOURCES if re.search(pattern, p.read_text(encoding="utf-8")) and name_of(p) not in allowed
    ]

    assert not found, f"{found}: use {instead}"


def test_no_grab_bags() -> None:
    """A room is named for what is in it."""
    assert not [name_of(p) for p in SOURCES if p.stem in GRAB_BAGS]


def test_firmware_configs_is_data_only() -> None:
    """Register maps and settings are data: no Python hides among them."""
    assert not list((ROOT / "firmware_configs").rglob("*.py"))


def test_module_ratchet() -> None:
    """A module that passes the ratchet is to be split, not excused."""
    lengths = {name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}

    assert not {name: n for name, n in lengths.items() if n > MODULE_LINES_MAX}


def test_function_ratchet() -> None:
    """A function that passes the ratchet is to be split, not excused."""
    long = [
        f"{name_of(p)}:{f.lineno} {f.name}"
        for p in SOURCES
        if "migrations/versions" not in name_of(p)
        for f in functions_of(p)
        if (f.end_lineno or f.lineno) - f.lineno > FUNCTION_LINES_MAX
    ]

    assert not long


def test_every_test_says_what_it_proves() -> None:
    """Each test opens with one sentence."""
    silent = [
        f"{name_of(p)}:{f.lineno} {f.name}"
        for p in TESTS
        for f in functions_of(p)
        if f.name.startswith("test_") and not ast.get_docstring(f)
    ]

    assert not silent


def test_no_test_is_skipped_or_excused() -> None:
    """A test that cannot run is a failure, never a silent skip."""
    excuses = re.compile(r"pytest\.(skip|xfail|importorskip)\(|mark\.(skip|skipif|xfail)\b")
    found = [name_of(p) for p in TESTS if p != Path(__file__) and excuses.search(p.read_text(encoding="utf-8"))]

    assert not found


def test_no_mocks_of_our_own() -> None:
    """Tests use fakes through the real interface; nothing of ours is patched."""
    mocks = re.compile(r"unittest\.mock|MagicMock|monkeypatch\.setattr")
    found = [name_of(p) for p in TESTS if p != Path(__file__) and mocks.search(p.read_text(encoding="utf-8"))]

    assert not found


def test_every_test_is_run() -> None:
    """Each folder with tests is in the list that says in which order they run."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "testpaths"
    ]
    folders = {f"tests/{p.relative_to(ROOT / 'tests').parts[0]}" for p in TESTS if p.name.startswith("test_")}

    assert sorted(listed) == sorted(folders)


def test_raises_names_its_message() -> None:
    """pytest.raises without match would pass for the wrong reason."""
    loose = [
        f"{name_of(p)}:{call.lineno}"
        for p in TESTS
        for call in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.raises"
        if not any(keyword.arg == "match" for keyword in call.keywords)
    ]

    assert not loose


def test_nothing_speaks_of_one_machine() -> None:
    """No path or package host of one machine is in the project."""
    words = re.compile("/" + "work/|/" + "root/|" + "pypi" + r"\.org|deb\." + "debian")
    names = [p for p in ROOT.rglob("*") if p.suffix in {".py", ".md", ".sh", ".toml", ".yaml", ".yml"}]
    ours = [p for p in names if not {".venv", ".git", "node_modules"} & set(p.relative_to(ROOT).parts)]

    assert not [name_of(p) for p in ours if words.search(p.read_text(encoding="utf-8"))]
