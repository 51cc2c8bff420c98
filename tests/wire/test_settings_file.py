import re
from pathlib import Path

import msgspec
import pytest

from wire.errors import SettingsError, SurroundingsError
from wire.settings_file import read


class _Meter(msgspec.Struct, forbid_unknown_fields=True):
    unit: int


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    meters: list[_Meter] = []


def _file(folder: Path, text: str) -> Path:
    path = folder / "agent.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_are_read(tmp_path: Path) -> None:
    """YAML becomes the struct, defaults filled in, Chinese text kept."""
    assert read(_file(tmp_path, "name: 一号炉\n"), _Settings) == _Settings("一号炉", [])
    assert read(_file(tmp_path, "name: a\nmeters: [{unit: 3}]\n"), _Settings) == _Settings("a", [_Meter(3)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nport: 1\n", "line 2: Object contains unknown field `port`; correct this key"),
        ("{}", "Object missing required field `name`; correct this key"),
        ("", "Object missing required field `name`; correct this key"),
        ("- a\n", "Expected `object`, got `array`; correct this key"),
        ("name: a\nmeters: [{unit: x}]\n", "line 2: meters[0].unit: Expected `int`, got `str`; correct this key"),
        (
            "name: a\nmeters: [{unit: 1}, {}]\n",
            "line 2: meters[1]: Object missing required field `unit`; correct this key",
        ),
        ("name: [", "not YAML: while parsing"),
        ("name: a\nname: b\n", "not YAML: key 'name' is given twice; keep one"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    """Wrong settings end with code 2, the file, the key and what was expected."""
    path = _file(tmp_path, text)
    with pytest.raises(SettingsError, match=re.escape(f"{path}: {words}")) as caught:
        read(path, _Settings)
    assert caught.value.exit_code == 2


def test_a_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere ends with code 3 and what to check."""
    with pytest.raises(
        SurroundingsError, match=r"none\.yaml: cannot be read: .*; check the path and its rights"
    ) as caught:
        read(tmp_path / "none.yaml", _Settings)
    assert caught.value.exit_code == 3


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """A file in GBK is refused, not read as something else."""
    path = tmp_path / "agent.yaml"
    path.write_bytes("name: 一号炉".encode("gbk"))
    with pytest.raises(SurroundingsError, match=r"agent\.yaml: cannot be read: 'utf-8' codec"):
        read(path, _Settings)
