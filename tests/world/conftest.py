"""Every test here that opens a database runs on SQLite and on PostgreSQL."""

import pytest

from tests.server.both import database_kind, run_on_both

__all__ = ["database_kind", "pytest_generate_tests"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """See tests/server/both.py."""
    run_on_both(metafunc)
