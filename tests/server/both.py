"""Runs every test that opens a database twice, on SQLite and on PostgreSQL; tests of pure functions run once.

Who opens one is found by reading: a test whose code, or whose fixtures' code, names `a_store` or one of its kind,
itself or through what it calls in tests/. Nobody has to mark anything.
"""

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

import pytest

from tests.server import stores

OPENERS: set[object] = {stores.a_store, stores.a_database, stores.settings_on, stores.written_on, stores.on_postgresql}
FIXTURE = "database_kind"
KINDS = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind on which `a_store` and its like give databases, while the test lasts."""
    kind: str = getattr(request, "param", KINDS[0])
    with stores.shelf(on_postgresql=kind == "postgresql"):
        yield kind


def run_on_both(metafunc: pytest.Metafunc) -> None:
    """Give a test its two kinds, if it opens a database."""
    fixtures = metafunc.definition._fixtureinfo.name2fixturedefs
    parts = [metafunc.function, *(one.func for name, found in fixtures.items() if name != FIXTURE for one in found)]
    if any(opens_a_database(part) for part in parts):
        metafunc.parametrize(FIXTURE, KINDS, indirect=True)


def opens_a_database(part: object) -> bool:
    """Whether a function or class of the tests leads to a database."""
    return _opens(part, set())


def _opens(part: object, seen: set[int]) -> bool:
    if id(part) in seen:
        return False
    seen.add(id(part))
    if isinstance(part, FunctionType) and part in OPENERS:
        return True
    if inspect.isclass(part):
        members = (one for base in part.__mro__ if _ours(base) for one in vars(base).values())
        return any(_opens(_bare(member), seen) for member in members)
    if not isinstance(part, FunctionType) or not _ours(part):
        return False
    return any(_opens(named, seen) for named in _named(part))


def _ours(part: FunctionType | type) -> bool:
    return part.__module__.startswith(("tests.", "test_", "conftest"))


def _bare(member: object) -> object:
    """The function in a property or a static method."""
    return getattr(member, "fget", None) or getattr(member, "__func__", None) or member


def _named(function: FunctionType) -> Iterator[object]:
    """What a function's names mean in its module, and in the modules that it names."""
    names = set(_names(function.__code__))
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from found
    for module in found:
        if isinstance(module, ModuleType):
            yield from (vars(module)[name] for name in names if name in vars(module))
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
