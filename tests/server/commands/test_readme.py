"""server/README.md says what the code does: settings, keys, columns, paths, and its example."""

import re
from pathlib import Path

import msgspec
from fastapi.openapi.utils import get_openapi

from server.app import API, Server
from server.seal_csv import COLUMNS
from server.seal_file import parse
from server.seal_schema import METER, SEAL, WINDOW, Group, Many
from server.settings import Settings, SettingsFile
from tests.server.ingest.plant import SteppedClock

README = (Path(__file__).parents[3] / "server" / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, its two lines of heading left out."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_settings() -> None:
    """Every key of server.yaml is in the table with its default, and no other."""
    documented = {row[0].strip("` "): row[1].strip("` ") for row in rows("Start")}
    defaults = msgspec.to_builtins(SettingsFile())

    assert documented == {key: "–" if value is None else str(value) for key, value in defaults.items()}


def test_keys_and_columns() -> None:
    """Every key of a seal file is in the table beside its column, and no other."""
    documented = {row[0].strip("` "): row[1].strip("` ") for row in rows("Seals")}
    expected = {".".join(map(str, path)): column for column, path in COLUMNS.items()}
    for listed, word, group in (("maintenance", "maintenance", WINDOW), ("meters", "meter", METER)):
        expected |= {f"{listed}[].{key}": f"{word}_1_{key}" for key in group.keys}

    assert documented == expected
    parts = {name for name, part in SEAL.keys.items() if isinstance(part, Group | Many)}
    assert parts == {"furnace", "pledge", "maintenance", "meters"}


def test_the_example_is_a_seal_file(tmp_path: Path) -> None:
    """What the page shows can be used as it stands."""
    file = tmp_path / "seals.yaml"
    seals = README.partition("\n## Seals\n")[2]
    file.write_text(seals.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")

    assert [one.entry.seal for one in parse(file)] == ["FZ-MH-2026-0043"]


def test_paths(tmp_path: Path) -> None:
    """Every path of the interface is in the table, and no other."""
    documented = set[str]()
    for row in rows("Interface"):
        documented |= {p.partition("?")[0] for p in re.findall(r"`(?:GET |POST )?([a-z][^`]*)`", row[0])}
    server = Server(Settings(data=tmp_path), SteppedClock(), with_broker=False)
    described = get_openapi(title="", version="", routes=server.app.routes)["paths"]
    server.stop()

    assert documented == {re.sub(r"\{(\w+?)(_id)?\}", _plainly, path.removeprefix(f"{API}/")) for path in described}


def _plainly(parameter: re.Match[str]) -> str:
    """A parameter as the page names it."""
    return "{id}" if parameter[1] == "violation" else f"{{{parameter[1]}}}"
