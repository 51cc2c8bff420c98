import ast
import inspect
import itertools

import pytest

from wire import limits

NAMES = [name for name in dir(limits) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_each_limit_is_positive_and_explained(name: str) -> None:
    """Each bound is above 0 and followed by a sentence that says of what."""
    value = getattr(limits, name)
    assert min(value if isinstance(value, tuple) else (value,)) > 0
    body = ast.parse(inspect.getsource(limits)).body
    after = [b for a, b in itertools.pairwise(body) if isinstance(a, ast.Assign) and ast.unparse(a.targets[0]) == name]
    assert len(after) == 1
    assert isinstance(after[0], ast.Expr)
    assert isinstance(after[0].value, ast.Constant)


def test_limits_agree() -> None:
    """A normal batch fits into what a reader accepts, and an integer into a float."""
    assert limits.BATCH_ROWS <= limits.ROWS_MAX <= limits.CELLS_MAX
    assert limits.WALL_MS_MAX < limits.INTEGER_MAX == int(float(limits.INTEGER_MAX))
    assert limits.ENVELOPE_BYTES_MAX < 65_535
