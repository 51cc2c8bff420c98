"""`coldseal profiles list` and `check`, and the page that is made from the maps."""

import json
from pathlib import Path

import pytest

from coldseal.cli import main
from edge_agent.profile_table import markdown
from wire import profile_files

METERS = Path(profile_files.__file__).parents[1] / "firmware_configs" / "meters"
BAD = """name: mine
vendor: V
model: M
kind: electricity_meter
registers:
  - {quantity: active_power_w, function: 3, address: 0, type: s32}
  - {quantity: voltage_l1_v, function: 3, address: 40003, type: u16, source: m}
  - {quantity: current_l1_a, function: 7, address: 9, type: u16, source: m}
"""


def test_list_tells_every_map(capsys: pytest.CaptureFixture[str]) -> None:
    """The object has each shipped profile with the public keys, and a card that answers."""
    assert main(["profiles", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["profiles"]
    assert [one["name"] for one in told] == list(profile_files.names())
    for one in told:
        assert one.keys() >= {"vendor", "model", "kind", "frequency_resolution_hz", "quality", "unverified"}
        assert one["quality"]["golden"] == "done"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("chint_dtsu666", "yes, 0.01 Hz"), ("carlo_gavazzi_em340", "no, 0.1 Hz"), ("waveshare_di8", "no frequency")],
)
def test_list_for_people(capsys: pytest.CaptureFixture[str], name: str, expected: str) -> None:
    """A line each says whether the frequency serves the grid check."""
    assert main(["profiles", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(name))
    assert expected in line


def test_check_tells_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three mistakes are told at once, each with its line, and the answer is no."""
    file = tmp_path / "mine.yaml"
    file.write_text(BAD, encoding="utf-8")
    assert main(["profiles", "check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == ["line 7", "line 6", "line 8"]
    assert lines[-1].endswith("3 mistakes; correct and check again")
    assert main(["profiles", "check", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], len(told["complaints"])) == (False, 3)


def test_check_shows_the_card_and_what_is_unverified(capsys: pytest.CaptureFixture[str]) -> None:
    """A good map is shown with what nobody has confirmed, and why a topic is open."""
    assert main(["profiles", "check", str(METERS / "BLUEPRINT.yaml")]) == 0
    shown = capsys.readouterr().out
    assert "unverified: change_count" in shown
    assert "todo: no such device was at hand" in shown
    assert main(["profiles", "check", "acrel_adl400", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert "active_power_w" in told["profile"]["unverified"]


def test_check_of_a_map_without_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A map of one's own needs no card; that it has none is told, with where to copy one."""
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nvendor: V\nmodel: M\nkind: water_meter\nregisters: []\n", encoding="utf-8")
    assert main(["profiles", "check", str(file)]) == 0
    assert "no card; copy it from" in capsys.readouterr().out


def test_check_of_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A path that leads nowhere is the environment's fault; an unknown name gets the names that exist."""
    assert main(["profiles", "check", "nowhere.yaml"]) == 3
    assert "nowhere.yaml: there is no such file" in capsys.readouterr().err
    assert main(["profiles", "check", "sdm630"]) == 1
    assert "eastron_sdm630" in capsys.readouterr().out


def test_the_page_is_made_from_the_maps() -> None:
    """docs/profiles.md holds the table as `python -m edge_agent.profile_table` prints it."""
    page = (METERS.parents[1] / "docs" / "profiles.md").read_text(encoding="utf-8")
    _, _, table = page.partition("<!-- made by: python -m edge_agent.profile_table -->\n")
    assert table.strip().splitlines() == list(markdown())
