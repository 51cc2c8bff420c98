"""In which line of a YAML text a key stands, so that a mistake can be found with an editor."""

import re
from collections.abc import Iterator

import yaml

from wire.strict_yaml import PLAIN_LOADER


def line_of(text: str, place: str) -> int | None:
    """The line of a key, counted from 1.

    Args:
        text: YAML that parses.
        place: as messages name it, e.g. `meters[1].serial.baud`; where it is missing, what should hold it.
    """
    node = yaml.compose(text, PLAIN_LOADER)
    line: int | None = None
    for part in re.findall(r"[^.\[\]]+", place):
        found = _child(node, part)
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, part: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Where a part of a place begins, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item
    return None


def scalars(text: str, key: str) -> Iterator[tuple[str, str]]:
    """Place and value, as it is written, of each plain value under a key of this name.

    Args:
        text: YAML that parses.
        key: the key, wherever it stands.
    """
    root = yaml.compose(text, PLAIN_LOADER)
    yield from _scalars(root, "", key)


def _scalars(node: yaml.Node | None, place: str, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            below = f"{place}.{name.value}".strip(".")
            if name.value == key and isinstance(value, yaml.ScalarNode) and not value.style:
                yield below, value.value
            yield from _scalars(value, below, key)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _scalars(item, f"{place}[{index}]", key)
