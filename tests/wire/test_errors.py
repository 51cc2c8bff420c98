import inspect

import pytest

from wire import errors

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", CLASSES)
def test_each_error_is_in_the_tree(cls: type[Exception]) -> None:
    """The tree in the module's docstring shows each error, under its parent, and each says what it means."""
    lines = (errors.__doc__ or "").splitlines()
    (line,) = [line for line in lines if line.lstrip("├─└ ").split(" ")[0] == cls.__name__]
    parent = cls.__mro__[1]
    if parent is Exception:
        assert not line.startswith(("├", "└"))
    else:
        roots = [root.split(" ")[0] for root in lines[: lines.index(line)] if root and root[0] not in "├└"]
        assert roots[-1] == parent.__name__
    assert cls.__doc__


def test_the_tree_shows_no_other_errors() -> None:
    """No error stands in the tree that does not exist."""
    tree = [line.lstrip("├─└ ").split(" ")[0] for line in (errors.__doc__ or "").splitlines()[2:] if line]
    assert sorted(tree) == sorted(cls.__name__ for cls in CLASSES)


@pytest.mark.parametrize(
    ("cls", "code"), [(errors.ProgramError, 3), (errors.SettingsError, 2), (errors.SurroundingsError, 3)]
)
def test_exit_codes(cls: type[errors.ProgramError], code: int) -> None:
    """Wrong use ends with 2, the environment with 3."""
    assert cls.exit_code == code
