"""YAML as people write it by hand, without PyYAML's silence about a key that is given twice."""

from collections.abc import Hashable

import yaml


class _Loader(yaml.SafeLoader):
    """Builds plain values only, and refuses a second value for a key."""

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


def load(text: str) -> object:
    """The document in a YAML text.

    Raises:
        yaml.YAMLError: not YAML, more than one document, or a key given twice.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - _Loader is a SafeLoader
