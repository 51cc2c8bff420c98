"""YAML as people write it by hand, without PyYAML's silence about a key given twice or a number read as octal."""

import re
from collections.abc import Hashable

import yaml

PLAIN_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: the same values, ten times as fast (a register map takes 5 instead of 50 ms)."""


class _Strict(yaml.constructor.SafeConstructor):
    """Builds plain values only; refuses a second value for a key, and numbers that are not what they look like."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        """The mapping of a node."""
        seen: list[object] = []
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue  # "<<: *anchor": what it brings may be overridden
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice; keep one", key_node.start_mark
                )
            seen.append(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """An integer; 011 would be read as 9 and 1:30 as 90, so neither is taken (report g01)."""
        if re.match(r"[-+]?0[0-9_]", node.value) or ":" in node.value:
            raise yaml.constructor.ConstructorError(
                None, None, f"number {node.value}: expected 11 or 0x0b, without leading zero or ':'", node.start_mark
            )
        return int(super().construct_yaml_int(node))


_Strict.add_constructor("tag:yaml.org,2002:int", _Strict.construct_yaml_int)  # type: ignore[type-var] # part of a loader


class _Fast(_Strict, PLAIN_LOADER):  # type: ignore[valid-type,misc] # one of two classes with the same methods
    """What reads a right text."""


class _Telling(_Strict, yaml.SafeLoader):
    """What says best where a text is wrong."""


def load(text: str) -> object:
    """The document in a YAML text.

    Raises:
        yaml.YAMLError: not YAML, more than one document, or a key given twice.
    """
    try:
        return yaml.load(text, _Fast)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        return yaml.load(text, _Telling)  # noqa: S506 - a SafeLoader
