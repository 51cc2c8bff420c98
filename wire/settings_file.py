"""Settings that people write by hand: YAML, read strictly, with errors that name the file and the key."""

import re
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from wire import strict_yaml, yaml_lines
from wire.errors import SettingsError, SurroundingsError

T = TypeVar("T")


def read(path: Path, into: type[T]) -> T:
    """The settings in a YAML file.

    Args:
        path: the file.
        into: a msgspec Struct that forbids unknown fields.

    Raises:
        SurroundingsError: the file cannot be read.
        SettingsError: not YAML, or a key that is unknown, missing or of the wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SurroundingsError(f"{path}: cannot be read: {error}; check the path and its rights") from error
    try:
        written = strict_yaml.load(text)
        return msgspec.convert({} if written is None else written, into)  # an empty file says nothing
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {_told(text, str(error))}; correct this key") from error


def _told(text: str, message: str) -> str:
    """The line and the place first in msgspec's "… - at `$.meters[0].baud`"."""
    what, separator, at = message.rpartition(" - at `$")
    place = at.strip("`.") if separator else ""
    unknown = re.search(r"unknown field `(.+)`", message)
    line = yaml_lines.line_of(text, f"{place}.{unknown[1]}" if unknown else place)
    where = f"{place or 'top level'}: {what}" if separator else message
    return where if line is None else f"line {line}: {where}"
