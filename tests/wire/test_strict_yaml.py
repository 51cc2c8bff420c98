import re

import pytest
import yaml

from wire import strict_yaml


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("", None),
        ("a: 0\nb: -12\nc: 0x0012\nd: 1_000", {"a": 0, "b": -12, "c": 18, "d": 1000}),
        ("a: 1\nb: [x, 2]", {"a": 1, "b": ["x", 2]}),
        ("base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}", {"base": {"x": 1, "y": 2}, "own": {"x": 1, "y": 3}}),
        ("- {a: 1}\n- {a: 2}", [{"a": 1}, {"a": 2}]),
    ],
)
def test_plain_documents(text: str, document: object) -> None:
    """What PyYAML reads safely is read, merged mappings included."""
    assert strict_yaml.load(text) == document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "key 'a' is given twice; keep one"),
        ("deep:\n  - {b: 1, b: 1}", "key 'b' is given twice; keep one"),
        ("unit: 011", "number 011: expected 11 or 0x0b, without leading zero or ':'"),
        ("address: 12:30", "number 12:30: expected 11 or 0x0b, without leading zero or ':'"),
        ("{1: x, 1: y}", "key 1 is given twice; keep one"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("{[1]: x}", "found unhashable key"),
    ],
)
def test_refused_documents(text: str, words: str) -> None:
    """A second value for a key, a program in a tag and a second document are refused."""
    with pytest.raises(yaml.YAMLError, match=re.escape(words)):
        strict_yaml.load(text)
